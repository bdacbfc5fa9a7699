"""Landlock alone, with no rule: files are refused; and what is asked of each version of the interface."""

from __future__ import annotations

import errno
import os

import pytest

from gateway.checks.anatomist import landlock

from .conftest import in_a_child, without_new_privileges


def landlock_here() -> bool:
    try:
        return landlock.version() >= 1
    except OSError:
        return False


@pytest.mark.skipif(not landlock_here(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("path", ["/etc/passwd", "/", "/tmp"])
def test_landlock_alone_refuses_files(path: str) -> None:
    def act() -> None:
        without_new_privileges()
        landlock.restrict()
        os.open(path, os.O_RDONLY)

    assert in_a_child(act) == errno.EACCES


def test_landlock_handles_all_that_a_version_knows_and_nothing_newer() -> None:
    assert landlock.ruleset(1) == (0x1FFF).to_bytes(8, "little")
    assert landlock.ruleset(3) == (0x7FFF).to_bytes(8, "little")
    assert landlock.ruleset(4) == (0x7FFF).to_bytes(8, "little") + (3).to_bytes(8, "little")
    assert landlock.ruleset(7) == b"".join(each.to_bytes(8, "little") for each in (0xFFFF, 3, 3))
