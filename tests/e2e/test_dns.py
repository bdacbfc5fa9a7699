"""The nameserver is silent, lies, is absent, and comes back: mail flows within the deadlines, and the record says what
could not be told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import dns.rcode
import pytest

from tests.dns_server import Behaviour
from tests.e2e.gateway import Gateway, eventually, running
from tests.e2e.letters import arrives, deliver, fields, letter
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def gateway(around: Surroundings) -> Iterator[Gateway]:
    """One of our own, with the shipped time-outs: an edge leaves a nameserver alone for a while that was dead."""
    extra = {"POSTERN_NAMESERVERS": around.nameserver, "POSTERN_CLAMD": "off", "POSTERN_EDGES": "1"}
    with passable_folder() as folder, running(folder / "data", settings={}, **extra) as it:
        yield it
        assert it.stop() == 0


def delivered_statement(gateway: Gateway) -> tuple[str, list[str]]:
    """What our Authentication-Results says of a letter from a domain that nobody has asked about before, and what the
    message was checked without."""
    domain = f"fresh-{next(_numbers)}.example"
    subject, octets = letter(author=f"Ann <ann@{domain}>")
    answer = deliver(gateway, octets, sender=f"ann@{domain}")
    assert answer.code == 250, answer
    stored = arrives(gateway, subject)
    return fields(stored, "Authentication-Results")[0], fields(stored, "X-Postern-Checked-Without")


def names(stated: list[str]) -> set[str]:
    return {name for line in stated for name in line.split(", ")}


def test_a_nameserver_that_never_answers(gateway: Gateway, around: Surroundings) -> None:
    with around.misbehaving(Behaviour(silent=True)):
        statement, without = delivered_statement(gateway)
    assert "spf=temperror" in statement
    assert "dmarc=temperror" in statement
    assert "dmarc" in names(without)


def test_nobody_is_there_and_then_somebody_is(gateway: Gateway, around: Surroundings) -> None:
    with around.without_dns():
        statement, without = delivered_statement(gateway)
    assert "spf=temperror" in statement
    assert "dmarc" in names(without)

    def somebody_answers() -> bool:
        statement, without = delivered_statement(gateway)
        return "spf=none" in statement and without == []

    eventually(somebody_answers)  # a nameserver that was dead is left alone for a moment


@pytest.mark.parametrize(
    "behaviour",
    [Behaviour(garbage=True), Behaviour(wrong_id=True), Behaviour(wrong_name=True), Behaviour(truncate=True)],
    ids=["garbage", "an answer to another question", "another name", "cut short"],
)
def test_what_is_no_answer_is_not_believed(gateway: Gateway, around: Surroundings, behaviour: Behaviour) -> None:
    with around.misbehaving(behaviour):
        statement, _ = delivered_statement(gateway)
    assert any(said in statement for said in ("spf=none", "spf=temperror"))
    assert "203.0.113.66" not in statement


def test_servfail_is_doubt(gateway: Gateway, around: Surroundings) -> None:
    with around.misbehaving(Behaviour(rcode=dns.rcode.SERVFAIL)):
        statement, without = delivered_statement(gateway)
    assert "spf=temperror" in statement
    assert "dmarc" in names(without)


def test_the_record_tells_what_was_unknown_and_why(gateway: Gateway, around: Surroundings) -> None:
    domain = f"fresh-{next(_numbers)}.example"
    subject, octets = letter(author=f"Ann <ann@{domain}>")
    with around.misbehaving(Behaviour(silent=True)):
        answer = deliver(gateway, octets, sender=f"ann@{domain}")
    arrives(gateway, subject)
    shown: dict[str, Any] = gateway.json("queue", "show", answer.id)
    assert [each["state"] for each in shown["recipients"]] == ["delivered"]
