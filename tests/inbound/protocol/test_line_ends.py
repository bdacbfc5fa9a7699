"""Where lines end, seen by whole arrays, is what a look at each octet says; normalised octets are lines."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.protocol.line_ends import Normaliser, fault_of, survey
from gateway.mail.message import Fault, Message

OCTETS = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"\0", b"a", b"\x85"]), max_size=30).map(b"".join)
CUTS = st.lists(st.integers(0, 60), max_size=8)


@given(OCTETS)
def test_clean_is_what_has_no_fault(octets: bytes) -> None:
    is_clean = not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", octets)
    assert survey(octets).is_clean == is_clean
    assert (fault_of(octets) is None) == is_clean


@given(OCTETS)
def test_the_dots_are_those_after_a_pair(octets: bytes) -> None:
    assert survey(octets).dots == [found.end() - 1 for found in re.finditer(rb"\r\n\.", octets)]


@pytest.mark.parametrize(
    ("octets", "fault"),
    [(b"a\rb\nc", Fault.BARE_CR), (b"a\nb\0", Fault.BARE_LF), (b"\0", Fault.NUL), (b"\r\n", None), (b"\x85", None)],
)
def test_the_fault_is_the_worst(octets: bytes, fault: str | None) -> None:
    assert fault_of(octets) == fault


def normalised(octets: bytes, at: list[int]) -> bytes:
    edges = [0, *sorted(min(each, len(octets)) for each in at), len(octets)]
    normaliser = Normaliser()
    pieces = [normaliser.feed(octets[start:end]) for start, end in itertools.pairwise(edges)]
    return b"".join([*pieces, normaliser.end()])


@given(OCTETS, CUTS)
def test_normalised_octets_are_lines_wherever_they_were_cut(octets: bytes, at: list[int]) -> None:
    found = normalised(octets, at)
    assert found == normalised(octets, [])
    assert fault_of(found) in (None, Fault.NUL)
    if b"\0" not in found:
        assert Message.from_wire(found) == Message.from_reader(found)
    assert re.sub(rb"[\r\n]+", b"", found) == re.sub(rb"[\r\n]+", b"", octets)


@given(OCTETS.filter(lambda octets: survey(octets).is_clean), CUTS)
def test_lines_stay_as_they_are(octets: bytes, at: list[int]) -> None:
    assert normalised(octets, at) == octets


def test_a_run_of_returns_is_one_line_end() -> None:
    assert normalised(b"a\r\r\r\nb\rc\n\nd\r", [2, 3]) == b"a\r\nb\r\nc\r\n\r\nd\r\n"
