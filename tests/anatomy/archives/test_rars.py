"""RAR: names of all members, stored ones whole, locked ones named; both versions of the format."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy.archives.rars import members
from gateway.anatomy.findings import Findings
from tests.anatomy.making.rars import block_5, file_4, file_5, rar_4, rar_5, vint

SECRET = b"what has to be found " * 3


def read(octets):
    findings = Findings()
    return [(each.name, each.content, each.note) for each in members(octets, findings)], list(findings.unscannable)


def test_stored_members_are_read_whole():
    assert read(rar_5(file_5(b"a.exe", SECRET), file_5(b"b.txt", b"x"))) == (
        [("a.exe", SECRET, ""), ("b.txt", b"x", "")],
        [],
    )
    assert read(rar_4(file_4(b"a.exe", SECRET), file_4(b"b.txt", b"x"))) == (
        [("a.exe", SECRET, ""), ("b.txt", b"x", "")],
        [],
    )


@pytest.mark.parametrize(
    "octets", [rar_5(file_5(b"a.exe", SECRET, method=3)), rar_4(file_4(b"a.exe", SECRET, method=0x33))]
)
def test_packed_members_that_nobody_can_open_are_named(octets):
    listed, closed = read(octets)
    assert listed == [("a.exe", b"", "archive.unsupported")]
    assert "archive.unsupported" in closed


@pytest.mark.parametrize(
    ("name", "sums"), [("packed5", {"test.bin": 0x7CCA70CD}), ("packed4", {"testdir/test.txt": 0xBEC8A242})]
)
def test_packed_members_are_unpacked_by_the_second_reader(name, sums):
    listed, closed = read((Path(__file__).parents[1] / "samples" / f"{name}.rar").read_bytes())
    found = {each: zlib.crc32(content) for each, content, _ in listed}
    assert sums.items() <= found.items()
    assert not closed


def test_locked_members_are_named():
    expected = ([("a.exe", b"", "encrypted")], ["archive.encrypted"])
    record = vint(3) + vint(1) + b"\0\0"
    assert read(rar_5(file_5(b"a.exe", SECRET, extra=record))) == expected
    assert read(rar_4(file_4(b"a.exe", SECRET, flags=4))) == expected


def test_locked_headers_are_named():
    assert read(rar_5(block_5(4, 0, vint(0)), file_5(b"a", b"x"))) == ([], ["archive.encrypted"])
    assert read(rar_4(main_flags=0x80)) == ([], ["archive.encrypted"])


def test_nonsense_is_damaged():
    for mark in (b"Rar!\x1a\x07\x01\x00", b"Rar!\x1a\x07\x00"):
        assert read(mark + b"\xff" * 200)[1] == ["archive.damaged"]


@given(
    st.sampled_from([rar_5(file_5(b"a.exe", SECRET)), rar_4(file_4(b"a.exe", SECRET))]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_any_damage_ends_without_an_exception(seed, changes):
    octets = bytearray(seed)
    for at, value in changes:
        octets[at % len(octets)] = value
    read(bytes(octets))
