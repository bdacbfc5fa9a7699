"""Cabinets: stored and MSZIP folders give the octets, other methods are named."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy import limits
from gateway.anatomy.archives.cabs import members
from gateway.anatomy.findings import Findings
from tests.anatomy.making.cabinets import cabinet

SECRET = b"what has to be found " * 3


def read(octets):
    findings = Findings()
    return [(each.name, each.content, each.note) for each in members(octets, findings)], list(findings.unscannable)


def test_files_are_found_in_both_methods():
    files = [(b"a.txt", SECRET), (b"sub\\b.exe", b"MZ" + bytes(range(256)) * 400)]
    expected = [(name.decode(), content, "") for name, content in files]
    assert read(cabinet(files)) == (expected, [])
    small = [(b"a.txt", SECRET), (b"b.exe", b"MZ")]
    assert read(cabinet(small, method=0)) == ([("a.txt", SECRET, ""), ("b.exe", b"MZ", "")], [])


def test_lzx_is_unpacked_by_the_second_reader():
    octets = (Path(__file__).parents[1] / "samples" / "lzx.cab").read_bytes()
    (found,), closed = read(octets)
    assert (found[0], len(found[1]), closed) == ("e8.bin", 30, [])


def test_other_methods_are_named():
    octets = cabinet([(b"a.exe", SECRET)], method=2)
    listed, closed = read(octets)
    assert listed == [("a.exe", b"", "archive.unsupported")]
    assert "archive.unsupported" in closed


def test_a_bomb_is_out_of_bounds():
    octets = cabinet([(b"a", bytes(9 * 1024 * 1024))])
    assert read(octets)[1] == ["archive.ratio"]


def test_a_name_that_leaves_the_folder_is_noticed():
    findings = Findings()
    list(members(cabinet([(b"..\\..\\evil.dll", b"x")]), findings))
    assert list(findings.defects) == ["archive.traversal"]


def test_too_many_files_are_named():
    octets = cabinet([(b"%d" % number, b"x") for number in range(limits.MAX_PARTS + 1)])
    assert "archive.parts" in read(octets)[1]


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 100))
@settings(max_examples=300, deadline=None)
def test_any_damage_ends_without_an_exception(changes, cut):
    octets = bytearray(cabinet([(b"a.txt", SECRET), (b"b", b"y" * 99)]))
    for at, value in changes:
        octets[at % len(octets)] = value
    read(bytes(octets[: len(octets) - cut]))
