from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.facts.auth import ArcFact, DkimFact, DmarcFact, SpfFact
from gateway.facts.connection import ClientFact
from gateway.facts.content import ContentFact, MalwareFact, SpamFact
from gateway.facts.evidence import DnsRecorded, Evidence, MessageFact, Timing, from_plain, to_plain
from gateway.facts.outcome import Known, Skipped, Unknown

# Any text, but no half of a surrogate pair, and no number that JSON has no word for.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
for kind, strategy in ((str, text), (float, st.floats(allow_nan=False, allow_infinity=False)), (int, st.integers())):
    st.register_type_strategy(kind, strategy)


def outcomes(fact: type) -> st.SearchStrategy[Any]:
    return st.one_of(st.from_type(fact).map(Known), text.map(Unknown), text.map(Skipped))


evidences = st.builds(
    Evidence,
    client=st.builds(ClientFact, reverse_name=outcomes(str), dnsbl=st.just(Skipped("not asked"))),
    message=st.from_type(MessageFact),
    spf=outcomes(SpfFact),
    dkim=outcomes(DkimFact),
    arc=outcomes(ArcFact),
    dmarc=outcomes(DmarcFact),
    content=outcomes(ContentFact),
    spam=outcomes(SpamFact),
    malware=outcomes(MalwareFact),
    timings=st.lists(st.from_type(Timing), max_size=2).map(tuple),
    dns=st.lists(st.from_type(DnsRecorded), max_size=2).map(tuple),
)


@given(evidences)
def test_evidence_is_the_same_after_a_trip_through_json(evidence: Evidence) -> None:
    assert Evidence.from_json(evidence.to_json()) == evidence


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | text, lambda inner: st.lists(inner) | st.dictionaries(text, inner)
    )
)
def test_any_json_is_evidence_or_a_value_error(plain: Any) -> None:
    try:
        Evidence.from_json(json.dumps(plain).encode())
    except ValueError:
        pass


def plain_evidence() -> dict[str, Any]:
    evidence = Evidence(
        received_at=1.0, direction="inbound", client=ClientFact(ip="192.0.2.1"), reverse_path="a@b.example",
        recipients=("c@d.example",), message=MessageFact(size=3), spf=Unknown("DNS timed out"),
    )  # fmt: skip
    plain: dict[str, Any] = json.loads(evidence.to_json())
    return plain


@given(st.data())
def test_what_is_damaged_is_evidence_or_a_value_error(data: st.DataObject) -> None:
    plain = plain_evidence()
    name = data.draw(st.sampled_from(sorted(plain)))
    plain[name] = data.draw(st.none() | st.integers() | text | st.lists(text) | st.dictionaries(text, text))
    try:
        from_plain(Evidence, plain)
    except ValueError:
        pass


def test_not_json_at_all() -> None:
    for octets in (b"\xff{", b"", b"[1]", b"{}"):
        with pytest.raises(ValueError, match=r"\w"):
            Evidence.from_json(octets)


def test_an_older_record_lacks_what_was_added_since() -> None:
    plain = plain_evidence()
    for name in ("timings", "dns", "malware"):
        del plain[name]
    assert from_plain(Evidence, plain).malware == Skipped("not asked")


def test_every_check_that_could_not_tell_is_named() -> None:
    evidence = from_plain(Evidence, plain_evidence())
    assert evidence.unknown() == {"spf": "DNS timed out"}
    both = dataclasses.replace(evidence, malware=Unknown("clamd unreachable"))
    assert both.unknown() == {"spf": "DNS timed out", "malware": "clamd unreachable"}


def test_whole_numbers_become_floats_where_floats_are_meant() -> None:
    assert math.isclose(from_plain(Timing, {"check": "spf", "milliseconds": 3}).milliseconds, 3.0)
    with pytest.raises(ValueError, match="expected str"):
        from_plain(Timing, {"check": 3, "milliseconds": 3})
    assert to_plain(Timing("spf", 3.0)) == {"check": "spf", "milliseconds": 3.0}
