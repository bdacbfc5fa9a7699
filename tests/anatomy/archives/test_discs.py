"""Images of discs: files are found in every kind of tree, under the name that a person would see."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy import types
from gateway.anatomy.archives.discs import members
from gateway.anatomy.findings import Findings

ARCHIVES = Path(__file__).parents[1] / "samples"
SECRET = b"what has to be found " * 3
DISCS = {name: gzip.decompress((ARCHIVES / f"{name}.iso.gz").read_bytes()) for name in ("iso", "joliet", "udf")}
UDF_ALONE = DISCS["udf"].replace(b"CD001", b"XXXXX")


def read(octets):
    findings = Findings()
    return {each.name: each.content for each in members(octets, findings)}, list(findings.unscannable)


@pytest.mark.parametrize(
    ("octets", "names"),
    [
        (DISCS["iso"], ["RECH.LNK", "B.EXE"]),
        (DISCS["joliet"], ["Rechnung 2026.lnk", "b.exe"]),
        (DISCS["udf"], ["Rechnung 2026.lnk", "b.exe"]),
        (UDF_ALONE, ["Rechnung 2026.lnk", "b.exe"]),
    ],
    ids=["iso", "joliet", "udf", "udf-alone"],
)
def test_files_of_every_tree_are_found_once(octets, names):
    found, unscannable = read(octets)
    assert list(found) == names
    assert found[names[0]] == SECRET
    assert found[names[1]][:2] == b"MZ"
    assert not unscannable
    assert types.true_type(octets) == types.DISC or octets is UDF_ALONE


def test_a_disc_without_a_tree_is_named():
    assert read(bytes(40_000)) == ({}, ["archive.unsupported"])


def test_a_file_that_reaches_beyond_the_end_is_damaged():
    octets = DISCS["iso"]
    assert read(octets[: len(octets) - 2_040])[1] == ["archive.damaged"]


@given(
    st.sampled_from(["joliet", "udf"]),
    st.lists(st.tuples(st.integers(0, 500_000), st.integers(0, 255)), min_size=1, max_size=40),
    st.integers(0, 20_000),
)
@settings(max_examples=60, deadline=None)
def test_any_damage_ends_without_an_exception(name, changes, cut):
    octets = bytearray(DISCS[name])
    for at, value in changes:
        octets[32_768 + at % (len(octets) - 32_768)] = value
    read(bytes(octets[: len(octets) - cut]))
