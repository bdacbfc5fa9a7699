"""7z: every usual method gives the octets, what is locked is listed, and hostile headers end soon."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy.archives.sevenzip import members
from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Findings
from tests.anatomy.making.letters import attachment, multipart

ARCHIVES = Path(__file__).parents[1] / "samples"
SECRET = b"what has to be found " * 3


@pytest.mark.parametrize("method", ["lzma1", "lzma2", "bcj1", "deflate", "bzip2", "copy", "delta", "ppmd", "bcj2"])
def test_every_usual_method_is_unpacked(method):
    content = examine(multipart(attachment((ARCHIVES / f"{method}.7z").read_bytes(), "a.7z"))).content
    found = {part.name: part.sha256 for part in content.parts}
    assert found["a.txt"] == hashlib.sha256(SECRET).hexdigest()
    assert not content.unscannable


def test_a_filter_for_machine_code_is_undone_to_the_last_octet():
    found = {each.name: each.content for each in members((ARCHIVES / "bcj1.7z").read_bytes(), Findings())}
    calls = found["a.exe"]
    assert len(calls) == 4_500
    assert {calls[at] for at in range(0, len(calls), 5)} == {0xE8}
    assert {calls[at + 4] for at in range(0, len(calls), 5)} == {0}  # the filter had made absolute addresses of them


def test_locked_members_are_listed_by_name():
    findings = Findings()
    found = list(members((ARCHIVES / "aes.7z").read_bytes(), findings))
    assert [(each.name, each.size, each.note) for each in found] == [
        ("a.txt", 63, "encrypted"),
        ("dir/b.exe", 72, "encrypted"),
    ]
    assert all(each.lock is not None for each in found)


def test_a_locked_header_is_a_locked_archive():
    (found,) = members((ARCHIVES / "aeshead.7z").read_bytes(), Findings())
    assert (found.name, found.note) == ("", "encrypted")
    assert found.lock.content(b"wrong", Findings()) is None
    opened = found.lock.content(b"x", Findings())
    assert [each.name for each in members(opened, Findings())] == ["a.txt", "dir/b.exe"]


def test_a_header_out_of_order_is_damaged():
    # Substreams are announced before there are any folders that they could be in.
    header = bytes([0x01, 0x04, 0x08, 0x0A, 0x00, 0x00, 0x00])
    start = b"7z\xbc\xaf\x27\x1c\0\4" + bytes(12) + len(header).to_bytes(8, "little") + bytes(4)
    findings = Findings()
    assert list(members(start + header, findings)) == []
    assert list(findings.unscannable) == ["archive.damaged"]


@given(
    st.sampled_from(["lzma2", "bcj1", "copy", "aes"]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 200),
)
@settings(max_examples=300, deadline=None)
def test_any_damage_ends_without_an_exception(name, changes, cut):
    octets = bytearray((ARCHIVES / f"{name}.7z").read_bytes())
    for at, value in changes:
        octets[-1 - at % len(octets)] = value
    for _ in members(bytes(octets[: len(octets) - cut % len(octets)]), Findings()):
        pass
