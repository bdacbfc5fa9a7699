from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.facts.connection import ClientFact, DnsblFact
from gateway.facts.evidence import to_plain
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.queue.ledger.rows import (
    MAX_TEXT,
    compact,
    expand,
    message_row,
    path_row,
    recipient_row,
    squeeze,
    storable,
)
from tests.queue.samples import NOW, acceptance, recipient

ANY = st.text(alphabet=st.characters(exclude_categories=()))
CLIENTS = st.builds(
    ClientFact,
    ip=ANY,
    port=st.integers(),
    helo=ANY,
    reverse_name=st.one_of(st.builds(Known, ANY), st.builds(Unknown, ANY), st.just(Skipped())),
    dnsbl=st.one_of(st.builds(Known, st.builds(DnsblFact, st.floats(allow_nan=False))), st.just(Skipped())),
)


@given(ANY)
def test_any_text_becomes_storable_and_stays_so(text: str) -> None:
    once = storable(text)
    assert once.encode("utf-8").decode("utf-8") == once
    assert "\0" not in once
    assert len(once) <= MAX_TEXT
    assert storable(once) == once


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=MAX_TEXT))
def test_good_text_is_not_changed(text: str) -> None:
    assert storable(text) == text


@given(st.binary())
def test_evidence_comes_back(octets: bytes) -> None:
    assert expand(squeeze(octets)) == octets


@given(CLIENTS)
def test_a_client_is_written_as_every_fact_is(client: ClientFact) -> None:
    told = acceptance()
    row = message_row(
        1, type(told)(**{name: getattr(told, name) for name in told.__slots__} | {"client": client}), size=0
    )
    assert row["client"] == compact(to_plain(client))


@given(st.lists(st.tuples(ANY, ANY), max_size=3), ANY)
def test_a_judgement_is_written_as_every_fact_is(reasons: list[tuple[str, str]], rule: str) -> None:
    given = recipient(rule=rule, reasons=tuple(reasons))
    row = recipient_row(1, 2, given, at=NOW)
    assert json.loads(row["judgement"]) == json.loads(compact(to_plain(given.judgement)))


def test_the_null_reverse_path_is_empty() -> None:
    assert set(path_row(None).values()) == {""}
