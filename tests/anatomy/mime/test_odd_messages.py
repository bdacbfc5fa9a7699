"""107 odd messages and the parts that another parser, tested on them for years, finds: each of them is among ours.

Ours may be more, for we read what is ambiguous in several ways. Where we differ, the reason stands here by name.
"""

from __future__ import annotations

import hashlib
import json
from enum import Enum
from pathlib import Path

import pytest

from gateway.anatomy.findings import Findings
from gateway.anatomy.mime.parts import Shape, walk
from gateway.anatomy.sight.text import text_of

SUITE = Path(__file__).parents[2] / "suites" / "odd-messages"
CASES = json.loads((SUITE / "cases.json").read_text())


class Difference(Enum):
    """Why we do not read one part as the suite does."""

    UNDECLARED_CHARSET = "octets that no charset explains are guessed at; the suite shows replacement characters"
    UUENCODE = "x-uuencode is undone; the suite hands out the encoded lines"
    OUTER_DELIMITER = "a delimiter of the outer multipart ends an open inner one (RFC 2046 section 5.1.2)"
    NO_PARTS = "a multipart without a part has none; the suite makes empty texts of what is missing"
    TWO_TYPES = "a text under two types is given with the type that makes it a text, not with that of a multipart"
    BROKEN_QUANTUM = (
        "what broken base64 ends with is read in four ways, none of which stops in the middle of a character"
    )
    NO_LINE = "a delimiter begins a line (RFC 2046 section 5.1.1); the suite takes one that stands in a line"


DIFFERENT: dict[tuple[str, int], Difference] = {
    ("legacy-016", 2): Difference.UNDECLARED_CHARSET,
    ("legacy-017", 1): Difference.UUENCODE,
    ("legacy-017", 2): Difference.UUENCODE,
    ("legacy-023", 3): Difference.UNDECLARED_CHARSET,
    ("legacy-026", 1): Difference.UUENCODE,
    ("legacy-033", 0): Difference.UNDECLARED_CHARSET,
    ("legacy-048", 1): Difference.UUENCODE,
    ("legacy-048", 2): Difference.UUENCODE,
    ("legacy-048", 3): Difference.UUENCODE,
    ("legacy-052", 0): Difference.UNDECLARED_CHARSET,
    ("malformed-007", 0): Difference.NO_PARTS,
    ("malformed-007", 1): Difference.NO_PARTS,
    ("malformed-009", 1): Difference.OUTER_DELIMITER,
    ("malformed-011", 1): Difference.OUTER_DELIMITER,
    ("malformed-012", 3): Difference.OUTER_DELIMITER,
    ("malformed-020", 0): Difference.TWO_TYPES,
    ("malformed-021", 0): Difference.TWO_TYPES,
    ("thirdparty-002", 1): Difference.BROKEN_QUANTUM,
    ("thirdparty-005", 4): Difference.NO_LINE,
    ("thirdparty-015", 2): Difference.OUTER_DELIMITER,
}
"""By message, and the number of the part in it."""


def plain(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def digest(octets):
    return hashlib.sha256(octets.strip().replace(b"\r\n", b"\n")).hexdigest()


def is_found(wanted, parts):
    """Whether one of our parts is the wanted one: its type, its name if it has one, and what stands in it."""
    for part in parts:
        if wanted.get("type", part.media_type.declared) != part.media_type.declared:
            continue
        if "name" in wanted and wanted["name"] not in part.names:
            continue
        if "text" in wanted:
            text = text_of(part.content, part.media_type.parameters.get("charset", ""), Findings())
            if plain(text) == wanted["text"]:
                return True
        elif "sha256" in wanted:
            if digest(part.content) == wanted["sha256"]:
                return True
        elif part.shape is Shape.MESSAGE:
            return True
    return False


def as_published(octets):
    return octets


def as_sent(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("written", [as_published, as_sent])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_part_is_found_or_differs_for_a_reason(case, written):
    parts = list(walk(written((SUITE / "messages" / f"{case['id']}.eml").read_bytes()), Findings()))
    missing = {(case["id"], number) for number, wanted in enumerate(case["parts"]) if not is_found(wanted, parts)}
    assert missing == {place for place in DIFFERENT if place[0] == case["id"]}  # a needless exception is an error too
