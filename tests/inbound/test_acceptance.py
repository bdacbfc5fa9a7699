from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.facts.connection import ClientFact
from gateway.facts.content import AuthorFact, ContentFact, MailClass, PartFact, SpamFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Unknown
from gateway.inbound.acceptance import DEFAULT_RETENTION, acceptance_of, changed_of, listing_of
from gateway.inbound.ports import InItsPlace, Judged
from gateway.mail.address import Address
from gateway.mail.envelope import Envelope, Recipient
from gateway.policy.verdict import Disposition, Keeping, RuleRef, Settlement, Stripping, Verdict, VerdictClass
from gateway.queue.records import Acceptance, Judgement
from gateway.queue.states import State
from tests.inbound.house import DEFER, DELIVER, HOLD, REJECT

BOB, EVE = Address("Bob", "example.net"), Address("e v e", "example.net")
CLIENT = ClientFact("192.0.2.1")
EVIDENCE = Evidence(5.0, "inbound", CLIENT, "a@sender.example", (str(BOB), str(EVE)), MessageFact(10))


def accept(bob: Verdict, eve: Verdict, *, sender: Address | None = BOB, **changes: object) -> Acceptance:
    settlement = Settlement(Disposition.DELIVER, "", ((str(BOB), bob), (str(EVE), eve)))
    judged = Judged(EVIDENCE, settlement, b"X: 1\r\n", ((3, 7),), "v7", {"spam": 10.0})
    return acceptance_of(
        replace(judged, **changes),
        envelope=Envelope(sender, (Recipient(BOB), Recipient(EVE))),
        client=CLIENT,
        received_at=100.0,
        destinations={BOB.key: "mailbox", EVE.key: "lmtp://127.0.0.1:24"},
    )


def test_everything_is_passed_on() -> None:
    found = accept(DELIVER, HOLD)
    assert (found.prefix, found.cuts, found.policy_version) == (b"X: 1\r\n", ((3, 7),), "v7")
    assert Evidence.from_json(found.evidence) == EVIDENCE
    bob, eve = found.recipients
    assert (bob.destination, eve.destination) == ("mailbox", "lmtp://127.0.0.1:24")
    assert eve.judgement == Judgement("quarantine", "spam", "spam-hold", "default.yaml", 9)
    assert eve.expires_at == 110.0


def test_a_class_whose_retention_nobody_set() -> None:
    held = Verdict(Disposition.QUARANTINE, VerdictClass.POLICY, RuleRef("r", "f", 1))
    eve = accept(DELIVER, held).recipients[1]
    assert (eve.quarantine, eve.expires_at) == ("policy", 100.0 + DEFAULT_RETENTION)


@pytest.mark.parametrize(
    ("keeping", "state", "due", "ends"),
    [
        (Keeping.REVIEW, State.HELD, None, 100.0 + DEFAULT_RETENTION),
        (Keeping.RESCAN, State.UNSCANNED, 1900.0, None),
        (Keeping.PARKED, State.CORRUPT, None, None),
    ],
)
def test_what_is_not_delivered_is_kept_as_the_verdict_says(
    keeping: Keeping, state: State, due: float | None, ends: float | None
) -> None:
    kept = Verdict(
        Disposition.QUARANTINE, VerdictClass.POLICY, RuleRef("r", "f", 1), keeping=keeping, rescan_after=1800.0
    )
    eve = accept(DELIVER, kept).recipients[1]
    assert (eve.state, eve.due, eve.expires_at) == (state, due, ends)


def test_a_rule_may_send_it_elsewhere() -> None:
    assert (
        accept(DELIVER, HOLD, routes={str(BOB): "smtp://192.0.2.9:25"}).recipients[0].destination
        == "smtp://192.0.2.9:25"
    )


@pytest.mark.parametrize(
    ("verdict", "sender", "may"),
    [(DELIVER, BOB, True), (DELIVER, None, False), (HOLD, BOB, False), (REJECT, BOB, False)],
)
def test_who_may_get_a_bounce(verdict: Verdict, sender: Address | None, may: bool) -> None:
    assert accept(DELIVER, verdict, sender=sender).may_bounce is may


def test_a_recipient_without_a_verdict_is_no_delivery() -> None:
    with pytest.raises(KeyError):
        accept(DELIVER, DELIVER, settlement=Settlement(Disposition.DELIVER, "", ((str(BOB), DELIVER),)))


def test_a_deferred_recipient_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="defer"):
        accept(DELIVER, DEFER)


def test_the_words_of_the_listing() -> None:
    parts = (
        PartFact("1", "", "text/plain", "text/plain", 1, ""),
        PartFact("2", "a.zip", "application/zip", "application/zip", 1, ""),
        PartFact("2/0", "inner.exe", "", "", 1, ""),
    )
    evidence = replace(
        EVIDENCE,
        message=MessageFact(1, "<id@x>", "Hello", (AuthorFact("Al", "al@x.example", "x.example"),)),
        content=Known(ContentFact(parts, excerpt="Dear")),
        spam=Known(SpamFact(MailClass.HAM, {}, -3.5)),
    )
    found = listing_of(evidence)
    assert (found.author_name, found.author_address, found.subject) == ("Al", "al@x.example", "Hello")
    assert (found.excerpt, found.message_id, found.attachments, found.score) == ("Dear", "<id@x>", 1, -3.5)


def test_a_listing_of_what_could_not_be_looked_into() -> None:
    found = listing_of(replace(EVIDENCE, content=Unknown("killed"), spam=Unknown("killed")))
    assert (found.excerpt, found.attachments, found.score, found.author_address) == ("", 0, None, "")


STRIPPED_OF = Verdict(
    Disposition.DELIVER, VerdictClass.POLICY, RuleRef("programs", "f", 1), stripping=Stripping(("2",), "policy")
)
IN_ITS_PLACE = InItsPlace(
    9,
    (str(EVE),),
    b"changed",
    b"Y: 1\r\n",
    (),
    replace(EVIDENCE, message=MessageFact(7, subject="less")),
    {"rule": "p"},
)


def test_who_gets_a_changed_form_has_the_original_held() -> None:
    judged = Judged(
        EVIDENCE,
        Settlement(Disposition.DELIVER, "", ((str(BOB), DELIVER), (str(EVE), STRIPPED_OF))),
        b"X: 1\r\n",
        (),
        "v7",
        {"stripped": 10.0},
        in_its_place=(IN_ITS_PLACE,),
    )
    whole = accept(DELIVER, STRIPPED_OF, retention={"stripped": 10.0})
    bob, eve = whole.recipients
    assert (bob.state, eve.state) == (State.QUEUED, State.HELD)
    assert (eve.quarantine, eve.expires_at, eve.judgement.rule) == ("stripped", 110.0, "programs")
    (changed,) = changed_of(judged, whole)
    (only,) = changed.acceptance.recipients
    assert (only.recipient, only.state, only.quarantine, only.expires_at) == (eve.recipient, State.QUEUED, "", None)
    assert changed.acceptance.envelope.recipients == (eve.recipient,)
    assert (changed.message_id, changed.octets, changed.told) == (9, b"changed", {"rule": "p"})
    assert (changed.acceptance.prefix, changed.acceptance.listing.subject) == (b"Y: 1\r\n", "less")
    with pytest.raises(LookupError):
        changed_of(replace(judged, in_its_place=()), whole)
