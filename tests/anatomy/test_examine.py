"""`examine` as a whole: total, bounded, and right about what a message contains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy.examine import examine
from gateway.facts.content import Anatomy

SUITE = Path(__file__).parent.parent / "suites" / "mime"
TRUTH = json.loads((SUITE / "truth.json").read_text())

# Formats that anatomy names instead of opening: the reason stands in `unscannable`.
CLOSED = {
    "partial-1of2": "mime.partial",
    "partial-2of2": "mime.partial",
    "smime-encrypted": "mime.encrypted",
}


@pytest.mark.parametrize("case", [case for case in TRUTH if case["contains"] == "yes"], ids=lambda case: case["id"])
def test_payload_is_found_or_named_unscannable(case):
    content = examine((SUITE / case["file"]).read_bytes()).content
    found = case["payload_sha256"] in {part.sha256 for part in content.parts}
    if case["id"] in CLOSED:
        assert CLOSED[case["id"]] in content.unscannable
    else:
        assert found or (case["certainty"] == "likely" and content.unscannable)


@given(st.binary(max_size=3_000))
@settings(max_examples=200, deadline=None)
def test_any_octets_give_an_anatomy(octets):
    assert isinstance(examine(octets), Anatomy)
