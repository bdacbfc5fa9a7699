from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.authentication.dmarc_record import Record, Request, Suffix, choose, parse

CASES = json.loads((Path(__file__).parents[2] / "suites" / "dmarc" / "parse.json").read_text())

# Where RFC 9989 differs from the parsers that the cases come from: section 4.8 wants errors in other tags than v, p, sp
# and np ignored, and section 4.10.1 wants a record with a report address but without a valid policy taken as p=none.
USEFUL_BY_RFC_9989 = {
    "v=DMARC1; p=none; adkim=bob;",
    "v=DMARC1; p=none; aspf=bob;",
    "v=DMARC1; p=none; rf=bob;",
    "v=DMARC1; p=none; ri=bob;",
    "v=DMARC1; p=none; pct=500;",
    "v=DMARC1; p=none; rf=000000000000000000000000000000000",
    "v=DMARC1; rua=mailto:dmarc-feedback@example.com!" + "9" * 47,  # sizes are obsolete and ignored
    "v=DMARC1; sp=reject; p=reject",  # the order of tags after v is free
}
USELESS_BY_RFC_9989 = {"v=DMARC1; p=n;"}


@pytest.mark.parametrize("case", CASES, ids=[f"{case['source']}-{n}" for n, case in enumerate(CASES)])
def test_suite(case: dict[str, str]) -> None:
    text = case["record"].replace("\\t", "\t")
    record = parse(text)
    useful = record is not None and record.request is not None
    if case["original"] in ("OKAY", "ok"):
        assert useful == (text not in USELESS_BY_RFC_9989)
    else:
        assert useful == (text in USEFUL_BY_RFC_9989)


def test_reads_every_tag() -> None:
    text = "v=DMARC1; p=reject; sp=quarantine; np=none; psd=n; t=y; adkim=s; aspf=s; rua=mailto:a@b.example"
    assert parse(text) == Record(
        Request.REJECT, Request.QUARANTINE, Request.NONE, Suffix.NO, True, True, True, ("mailto:a@b.example",)
    )


@pytest.mark.parametrize("text", ["p=reject; v=DMARC1", "v=DMARC2; p=none", "v=dmarc1; p=none", "", "v=DMARC1p=none"])
def test_what_does_not_begin_with_the_version_is_no_record(text: str) -> None:
    assert parse(text) is None


def test_a_repeated_tag_spoils_the_record() -> None:
    assert parse("v=DMARC1; p=none; p=reject") is None


def test_without_a_policy_a_report_address_decides() -> None:
    for tags in ("", "p=x; ", "p=reject; sp=x; ", "p=reject; np=x; "):
        without = parse(f"v=DMARC1; {tags}adkim=s")
        assert without is not None
        assert without.request is None
        with_address = parse(f"v=DMARC1; {tags}rua=nonsense,mailto:a@b.example!10m")
        assert with_address is not None
        assert with_address.request is Request.NONE


def test_the_policy_of_a_subdomain() -> None:
    record = parse("v=DMARC1; p=reject; sp=quarantine; np=none")
    assert record is not None
    assert record.for_subdomain(exists=True) is Request.QUARANTINE
    assert record.for_subdomain(exists=False) is Request.NONE
    plain = parse("v=DMARC1; p=reject; sp=quarantine")
    assert plain is not None
    assert plain.for_subdomain(exists=False) is Request.QUARANTINE


def test_testing_steps_down() -> None:
    assert [each.one_below for each in (Request.REJECT, Request.QUARANTINE, Request.NONE)] == [
        Request.QUARANTINE,
        Request.NONE,
        Request.NONE,
    ]


def test_other_text_records_are_passed_over() -> None:
    assert choose(["google-site-verification=x", "v=DMARC1; p=none"]) == [Record(Request.NONE)]


@given(st.text(max_size=200))
def test_any_text_is_a_record_or_none(text: str) -> None:
    """Any text is a record or None, and only what begins with the version is a record."""
    assert parse(text) is None or text.strip(" \t")[:1] in ("v", "V")
    assert isinstance(parse("v=DMARC1;" + text), Record | None)
