from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.facts.auth import Auth
from gateway.facts.evidence import Evidence
from gateway.policy.reasons import OVERRIDES
from gateway.reports.aggregate import NAMESPACE, Period, Report, Reporter, render
from gateway.reports.tally import Tally
from tests.reports.judged import evidence, signature

SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[1] / "suites/dmarc-reports/dmarc-2.0.xsd")
REPORTER = Reporter("mx.example.org", "Example <Org> & Söhne", "dmarc@example.org", "Postern 0.1.0")
DAY = Period.of(1_700_000_000.0)


def report(*judged: Evidence) -> Report:
    tally = Tally()
    for each in judged:
        tally.add(each, ("deliver",))
    return Report(REPORTER, "example.com", DAY, tally.domains["example.com"])


def valid(octets: bytes) -> Any:
    """What the schema reads out of it; raises if it is not valid."""
    document = octets.decode("utf-8")
    SCHEMA.validate(document)
    return SCHEMA.to_dict(document)


MANY = (
    evidence(),
    evidence(),
    evidence(passed=False, reverse_path="", arc=Auth.PASS, signatures=()),
    evidence(author="news.example.com", ip="2001:db8::1", policy="quarantine"),
    evidence(signatures=tuple(signature("example.com", each) for each in Auth if each is not Auth.SOFTFAIL)),
    evidence(record="v=DMARC1; p=none; t=y; np=reject; aspf=s; rua=mailto:r@example.com"),
)


def test_it_is_valid_by_the_schema() -> None:
    found = valid(render(report(*MANY)))
    assert found["version"] == 1
    metadata = found["report_metadata"]
    assert (metadata["org_name"], metadata["email"]) == ("Example <Org> & Söhne", "dmarc@example.org")
    assert metadata["report_id"] == "1699920000-example.com@mx.example.org"
    assert metadata["date_range"] == {"begin": 1699920000, "end": 1700006399}
    assert found["policy_published"] == {
        "domain": "example.com", "discovery_method": "treewalk", "p": "none", "sp": "none", "np": "reject",
        "adkim": "r", "aspf": "s", "testing": "y",
    }  # fmt: skip
    assert sum(each["row"]["count"] for each in found["record"]) == len(MANY)


def test_a_row_of_it() -> None:
    (record,) = valid(render(report(evidence(), evidence())))["record"]
    assert record["row"] == {
        "source_ip": "192.0.2.1",
        "count": 2,
        "policy_evaluated": {"disposition": "pass", "dkim": "pass", "spf": "fail"},
    }
    assert record["identifiers"] == {"header_from": "example.com", "envelope_from": "example.com"}
    assert record["auth_results"] == {
        "dkim": [{"domain": "example.com", "selector": "s1", "result": "pass"}],
        "spf": {"domain": "example.com", "scope": "mfrom", "result": "softfail"},
    }


def test_elements_stand_in_the_order_of_the_tables() -> None:
    root = fromstring(render(report(*MANY)))

    def names(path: str) -> list[str]:
        element = root if path == "." else root.find(path, {"": NAMESPACE})
        assert element is not None
        return list(dict.fromkeys(each.tag.removeprefix(f"{{{NAMESPACE}}}") for each in element))

    assert names(".") == ["version", "report_metadata", "policy_published", "record"]
    assert names("report_metadata") == ["org_name", "email", "report_id", "date_range", "generator"]
    assert names("record") == ["row", "identifiers", "auth_results"]
    assert names("record/row") == ["source_ip", "count", "policy_evaluated"]
    assert names("record/row/policy_evaluated")[:3] == ["disposition", "dkim", "spf"]


def test_written_again_it_is_the_same() -> None:
    assert render(report(*MANY)) == render(report(*reversed(MANY[:5]), MANY[5]))


def test_an_override_is_in_it() -> None:
    (record,) = valid(render(report(evidence(passed=False, arc=Auth.PASS))))["record"]
    (reason,) = record["row"]["policy_evaluated"]["reason"]
    assert reason["type"] == "local_policy"
    assert "arc=pass" in str(reason["comment"])


@pytest.mark.parametrize("kind", ["local_policy", "mailing_list", "trusted_forwarder"])
def test_every_kind_of_override_is_known_to_the_schema(kind: str) -> None:
    tally = Tally()
    tally.add(evidence(passed=False), ("deliver",), codes=frozenset({OVERRIDES[kind]}))
    (record,) = valid(render(Report(REPORTER, "example.com", DAY, tally.domains["example.com"])))["record"]
    assert record["row"]["policy_evaluated"]["reason"][0]["type"] == kind


def test_what_was_left_out_is_said() -> None:
    made = report(evidence())
    made.tally.left_out = 7
    assert "7 messages" in str(valid(render(made))["report_metadata"]["error"])


def test_names_of_the_report() -> None:
    assert report(evidence()).file_name == "mx.example.org!example.com!1699920000!1700006399.xml.gz"
    assert Period.of(DAY.begin) == Period.of(DAY.end) == DAY
    assert DAY.before.end + 1 == DAY.begin


@settings(max_examples=60)
@given(
    path=st.text(max_size=30),
    domain=st.text(max_size=30),
    selector=st.text(max_size=20),
    organization=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_hostile_text_leaves_it_valid(path: str, domain: str, selector: str, organization: str) -> None:
    found = evidence(reverse_path=path, signatures=(signature(domain, selector=selector),))
    made = report(found)
    reporter = Reporter("mx.example.org", organization, "dmarc@example.org", "Postern")
    valid(render(Report(reporter, made.domain, made.period, made.tally)))


@pytest.mark.parametrize("result", [each for each in Auth if each is not Auth.SOFTFAIL])
def test_every_word_for_a_signature_is_known_to_the_schema(result: Auth) -> None:
    valid(render(report(evidence(signatures=(signature("example.com", result),)))))
