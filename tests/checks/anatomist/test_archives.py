"""What the readers of archives and documents need is loaded before the jail closes: inside, they read the same."""

from __future__ import annotations

import gzip
import os
import resource
import sys
from pathlib import Path

import pytest

from gateway.anatomy.examine import examine
from gateway.checks.anatomist.jail import Bounds, confine
from tests.anatomy.making.letters import attachment, multipart
from tests.checks.anatomist.conftest import MEMORY, in_a_child

SAMPLES = Path(__file__).parents[2] / "anatomy" / "samples"
NAMES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix != ".md")
WORDS = b"Content-Type: text/plain\r\n\r\npassword: x, or is it Secret-42?"


def letter(name):
    octets = (SAMPLES / name).read_bytes()
    octets = gzip.decompress(octets) if name.endswith(".gz") else octets
    return multipart(WORDS, attachment(octets, name.removesuffix(".gz")))


@pytest.mark.skipif(sys.platform != "linux", reason="the jail is one of Linux")
@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_read_in_the_jail_as_outside_of_it(name):
    message = letter(name)
    outside = examine(message)
    parent = os.getpid()

    def inside():
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        report = confine(Bounds(held + MEMORY, 20), parent=parent)  # a process of tests holds more than a worker
        assert not report.missing
        assert examine(message) == outside

    assert in_a_child(inside) == 0
