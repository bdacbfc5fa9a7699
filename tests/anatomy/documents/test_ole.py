"""Compound files: every stream under its path, and an end to whatever hostile tables say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy.documents.ole import streams
from gateway.anatomy.findings import Findings
from tests.anatomy.making.papers import compound

TREE = compound({"a": b"A" * 5_000, "inside": {"b": b"B", "deeper": {"c": b"C" * 9_000}}})


def read(octets):
    findings = Findings()
    return {each.path: each.content for each in streams(octets, findings)}, findings


def test_every_stream_stands_under_its_path():
    found, findings = read(TREE)
    assert set(found) == {("a",), ("inside", "b"), ("inside", "deeper", "c")}
    assert found[("a",)] == b"A" * 5_000
    assert found[("inside", "deeper", "c")] == b"C" * 9_000
    assert not findings.defects


def test_a_stream_that_no_storage_lists_is_read_all_the_same():
    name = "inside".encode("utf-16-le")
    at = TREE.index(name)
    orphaned = TREE[: at + 76] + b"\xff\xff\xff\xff" + TREE[at + 80 :]
    assert set(read(orphaned)[0]) == {("a",), ("b",), ("deeper", "c")} | set()


@pytest.mark.parametrize("octets", [b"", TREE[:70], TREE[:512], b"\xd0\xcf\x11\xe0" + b"\xff" * 600])
def test_what_makes_no_sense_is_damaged(octets):
    assert list(read(octets)[1].unscannable) == ["archive.damaged"]


@given(st.lists(st.tuples(st.integers(0, len(TREE) - 1), st.integers(0, 255)), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_damage_ends_within_twice_the_size(changes):
    octets = bytearray(TREE)
    for at, value in changes:
        octets[at] = value
    total = sum(len(each.content) for each in streams(bytes(octets), Findings()))
    assert total <= 2 * len(octets)
