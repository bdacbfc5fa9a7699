from __future__ import annotations

import pytest

from gateway.checks.authentication.dmarc import check_dmarc
from gateway.checks.authentication.dmarc_record import Request
from gateway.checks.dns.answering import Recorder
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth, DkimFact, SpfFact, SpfIdentity
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.reports import tally as tallying
from gateway.reports.tally import Row, SignatureResult, Tally
from tests.reports.judged import evidence, signature


def rows(*judged: tuple[Evidence, tuple[str, ...]]) -> list[tuple[Row, int]]:
    tally = Tally()
    for each, dispositions in judged:
        tally.add(each, dispositions)
    assert set(tally.domains) <= {"example.com"}
    return [pair for domain in tally.domains.values() for pair in domain.rows.items()]


def only(found: Evidence, *dispositions: str) -> Row:
    ((row, count),) = rows((found, dispositions))
    assert count == 1
    return row


def test_alike_messages_are_one_row() -> None:
    alike = (evidence(), ("deliver",))
    other = (evidence(ip="192.0.2.2"), ("deliver",))
    assert sorted(count for _, count in rows(alike, other, alike, alike)) == [1, 3]


def test_a_row_says_what_was_found() -> None:
    row = only(evidence(), "deliver")
    assert row == Row(
        source_ip="192.0.2.1",
        disposition="pass",
        aligned_dkim=True,
        aligned_spf=False,
        reasons=(),
        header_from="example.com",
        envelope_from="example.com",
        signatures=(SignatureResult("example.com", "s1", "pass"),),
        spf=("example.com", "softfail"),
    )


@pytest.mark.parametrize(
    ("passed", "policy", "dispositions", "disposition", "reasons"),
    [
        (True, "reject", ("deliver",), "pass", []),
        (True, "none", ("deliver",), "none", []),
        (True, "reject", ("reject",), "pass", []),  # refused as spam, which is not the owner's affair
        (False, "reject", ("reject",), "reject", []),
        (False, "reject", ("quarantine",), "quarantine", ["local_policy"]),
        (False, "reject", ("deliver",), "none", ["local_policy"]),
        (False, "reject", ("quarantine", "deliver"), "none", ["local_policy"]),
        (False, "quarantine", ("quarantine",), "quarantine", []),
        (False, "quarantine", ("reject",), "quarantine", []),
        (False, "none", ("reject",), "none", []),
        (False, "none", ("deliver",), "none", []),
    ],
)
def test_what_dmarc_led_to(
    passed: bool, policy: str, dispositions: tuple[str, ...], disposition: str, reasons: list[str]
) -> None:
    row = only(evidence(passed=passed, policy=policy), *dispositions)
    assert row.disposition == disposition
    assert [kind for kind, _ in row.reasons] == reasons


def test_a_chain_that_held_is_named_with_the_override() -> None:
    row = only(evidence(passed=False, arc=Auth.PASS), "deliver")
    assert row.reasons == (("local_policy", "arc=pass"),)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("DMARC_LOCAL_POLICY", "local_policy"),
        ("DMARC_MAILING_LIST", "mailing_list"),
        ("DMARC_TRUSTED_FORWARDER", "trusted_forwarder"),
    ],
)
def test_an_override_is_called_what_the_verdict_called_it(code: str, kind: str) -> None:
    tally = Tally()
    tally.add(evidence(passed=False), ("deliver",), codes=frozenset({code, "SPAM_SIGNAL"}))
    (row,) = tally.domains["example.com"].rows
    assert row.reasons == ((kind, ""),)


def test_a_testing_owner_is_told_that_this_is_why() -> None:
    record = "v=DMARC1; p=quarantine; t=y; rua=mailto:reports@example.com"
    row = only(evidence(passed=False, policy="none", record=record), "deliver")
    assert (row.disposition, row.reasons) == ("none", (("policy_test_mode", ""),))


@pytest.mark.parametrize(
    "found",
    [
        evidence(dmarc=Unknown("DNS failed")),
        evidence(dmarc=Skipped("outgoing mail")),
        evidence(record="v=DMARC1; p=reject"),
        evidence(record="v=spf1 -all"),
        evidence(dns=()),
    ],
    ids=["unknown", "skipped", "no rua", "no record", "not recorded"],
)
def test_who_asks_for_nothing_gets_nothing(found: Evidence) -> None:
    assert rows((found, ("deliver",))) == []


def test_signatures_that_pass_and_are_aligned_come_first_and_hostile_ones_not_at_all() -> None:
    found = evidence(
        signatures=(
            signature("fail.example", Auth.FAIL),
            signature("list.example"),
            signature("bad\x00name.example"),
            signature("a<b>.example"),
            signature("", Auth.PERMERROR),
            signature("example.com", selector="a b"),
            signature("example.com"),
        )
    )
    named = [(each.domain, each.result) for each in only(found, "deliver").signatures]
    assert named == [("example.com", "pass"), ("list.example", "pass"), ("fail.example", "fail")]


def test_domains_below_stand_in_the_report_of_the_policy_domain() -> None:
    pairs = rows((evidence(author="news.example.com"), ("deliver",)), (evidence(), ("deliver",)))
    assert {row.header_from for row, _ in pairs} == {"example.com", "news.example.com"}


def test_the_policy_seen_last_is_published() -> None:
    tally = Tally()
    for request in ("none", "quarantine"):
        tally.add(evidence(record=f"v=DMARC1; p={request}; rua=mailto:r@example.com"), ("deliver",))
    assert tally.domains["example.com"].record.request is Request.QUARANTINE


def test_a_null_reverse_path_is_an_empty_one() -> None:
    row = only(evidence(reverse_path=""), "deliver")
    assert (row.envelope_from, row.spf) == ("", ("helo.example", "softfail"))


def test_senders_cannot_make_endless_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallying, "MAX_ROWS_OF_DOMAIN", 5)
    tally = Tally()
    for number in range(20):
        tally.add(evidence(reverse_path=f"x@n{number % 10}.example.com"), ("deliver",))
    assert sum(tally.domains["example.com"].rows.values()) == 10
    assert tally.domains["example.com"].left_out == 10


async def test_what_the_checks_record_is_what_is_counted() -> None:
    """The record and the alignment come out of real evaluations, tree walk included."""
    zone = {
        "_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject; sp=quarantine; adkim=s; rua=mailto:r@example.com"}],
    }
    recorder = Recorder(ZoneResolver(zone))
    dkim = Known(DkimFact((signature("example.com"),)))
    spf = Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "mail.example.com"))
    dmarc = await check_dmarc(recorder, author_domains=["a.b.example.com"], spf=spf, dkim=dkim)
    found = evidence(dmarc=dmarc, spf=spf, dkim=dkim, dns=recorder.recorded)
    ((row, _),) = rows((Evidence.from_json(found.to_json()), ("deliver",)))
    assert (row.header_from, row.disposition) == ("a.b.example.com", "pass")
    assert (row.aligned_spf, row.aligned_dkim) == (True, False)
