"""Outside knowledge: each fact where it holds and nowhere else, what it adds, and that a false signature loses it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact
from gateway.facts.content import Anatomy, ContentFact, HtmlFact, MailClass, SpamFact
from gateway.facts.evidence import DnsRecorded
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Unknown
from gateway.spam.features import SIZE
from gateway.spam.model import Model
from gateway.spam.trust import (
    BORROWED,
    CLAIMED,
    KNOWN_LINKED,
    KNOWN_LINKS,
    KNOWN_SIGNED,
    OWN_SIGNED,
    WEIGHTS,
    credit_of,
    settled,
    trust_of,
    weight_of,
)
from tests.spam.makings import anatomy_of, author, link, manifest
from tests.spam.test_features import anatomies

MODEL = Model(manifest(), np.random.default_rng(1).normal(0, 3, (SIZE, 2)).astype(np.float16))
DEFAULT = Model.load(Path(__file__).resolve().parents[2] / "models" / "default")


def mail(name: str, address: str, *signers: str, site: str = "a.example") -> Anatomy:
    """Mail built as shops build it: HTML and links."""
    content = ContentFact(links=(link(f"https://{site}/1"), link(f"https://go.{site}/2")))
    return anatomy_of("Offers", content=content, html=HtmlFact(), authors=(author(name, address),), signers=signers)


KNOWN_SHOP = mail("Somebody", "news@e.ikea.com", "s1.mailer.example", "e.ikea.com")
OWN_SHOP = mail("Bluebird Shoes", "news@mail.bluebird.example", "bluebird.example")
BORROWER = mail("IKEA Rewards Support", "win@bluebird.example")
LENDER = mail("Netflix Billing", "win@bluebird.example")


@pytest.mark.parametrize(
    ("anatomy", "facts"),
    [
        (KNOWN_SHOP, {KNOWN_SIGNED}),
        (mail("Somebody", "news@ikea.com", "ikea.com"), {KNOWN_SIGNED}),
        (mail("Netflix", "info@mailer.netflix.com", "netflix.com"), {KNOWN_SIGNED, OWN_SIGNED}),
        (replace(KNOWN_SHOP, signers=()), set()),
        (replace(KNOWN_SHOP, signers=("mailer.example",)), set()),
        (replace(KNOWN_SHOP, signers=("ikea.com.evil.example", "ikea.co")), set()),
        (mail("Somebody", "news@ikea.com", site="ikea.com"), {KNOWN_LINKED, KNOWN_LINKS}),
        (mail("Somebody", "news@ikea.com", "ikea.com", site="ikea.com"), {KNOWN_SIGNED, KNOWN_LINKED, KNOWN_LINKS}),
        (mail("Somebody", "news@ikea.com", site="ikea.com.example"), set()),
        (mail("Somebody", "a@gmail.com", site="gmail.com"), set()),
        (mail("Somebody", "ann@bluebird.example", site="ikea.com"), {KNOWN_LINKS}),
        (mail("Somebody", "ann@bluebird.example", site="facebook.com"), set()),
        (mail("Somebody", "ann@bluebird.example", site="google.co.uk"), set()),
        (OWN_SHOP, {OWN_SIGNED}),
        (replace(OWN_SHOP, signers=()), set()),
        (replace(OWN_SHOP, html=None), set()),
        (replace(OWN_SHOP, authors=(author("Harbour Tools", "news@bluebird.example"),)), set()),
        (mail("Zendesk", "support@shop.zendesk.com", "zendesk.com"), set()),
        (mail("Gmail", "ann@gmail.com", "gmail.com"), set()),
        (LENDER, {BORROWED}),
        (mail("netflix.com", "win@bluebird.example", "bluebird.example"), {BORROWED}),
        (mail("Netflix", "win@bluebird.example", "netflix.com"), {BORROWED}),
        (mail("Netflix", "win@netflix-mail.example"), set()),
        (mail("Ann Netflix", "ann@bluebird.example"), set()),
        (mail("Marcus", "marcus@bluebird.example"), set()),
        (mail("", "ann@bluebird.example", "bluebird.example"), set()),
        (anatomy_of("text"), set()),
    ],
)
def test_what_is_known_of_who_it_claims_to_be_from(anatomy: Anatomy, facts: set[str]) -> None:
    assert set(trust_of(anatomy)) == facts


def test_a_name_of_few_letters_is_anybodys() -> None:
    assert not set(trust_of(BORROWER)), "four letters stand for too much"


@given(anatomies, st.lists(st.text(max_size=30), max_size=5).map(tuple))
def test_any_anatomy_has_each_fact_at_most_once_and_no_header_name_counts(
    anatomy: Anatomy, names: tuple[str, ...]
) -> None:
    facts = list(trust_of(anatomy))
    assert len(facts) == len(set(facts))
    assert set(facts) <= WEIGHTS.keys()
    assert list(trust_of(replace(anatomy, header_names=names))) == facts


@given(anatomies, st.lists(st.text(max_size=30), max_size=5).map(tuple))
def test_signatures_that_agree_with_nothing_move_no_score(anatomy: Anatomy, signers: tuple[str, ...]) -> None:
    signed = replace(anatomy, signers=tuple(f"{each}.nobody.invalid" for each in signers))
    assert MODEL.judge(signed) == MODEL.judge(replace(anatomy, signers=()))


@pytest.mark.parametrize("anatomy", [KNOWN_SHOP, OWN_SHOP, LENDER])
def test_the_weight_is_added_told_and_can_be_taken_back(anatomy: Anatomy) -> None:
    facts = tuple(trust_of(anatomy))
    for model in (MODEL, DEFAULT):
        fact = model.judge(anatomy)
        told = {signal.evidence: signal.weight for signal in fact.signals}
        assert {each: told[each] for each in facts} == {each: WEIGHTS[each] for each in facts}
        assert sum(signal.weight for signal in fact.signals) == pytest.approx(fact.score, abs=1e-3)
        assert model.explain(anatomy).score == pytest.approx(fact.score, abs=1e-3)
        assert model.study(anatomy)[1] == pytest.approx(fact.score, abs=1e-3)
        assert fact.credit == credit_of(facts)
        plain = model.judge(replace(anatomy, signers=(), authors=anatomy.authors))
        if set(facts) <= CLAIMED:
            assert fact.score - plain.score == pytest.approx(weight_of(facts), abs=1e-3)


def checked(result: Auth, domain: str = "bluebird.example") -> Outcome[DkimFact]:
    return Known(DkimFact((DkimSignatureFact(result, domain, "s", "rsa-sha256"),)))


JUDGED = MODEL.judge(OWN_SHOP)
UNSIGNED = MODEL.judge(replace(OWN_SHOP, signers=()))
AUTHOR = "mail.bluebird.example"
ABSENT = (DnsRecorded("mail.bluebird.example", "TXT", "nxdomain"),)


def test_a_signature_that_holds_makes_its_credit_good() -> None:
    assert settled(JUDGED, checked(Auth.PASS), AUTHOR) == replace(JUDGED, credit=0.0)


@pytest.mark.parametrize(
    "dkim",
    [
        *(checked(result) for result in (Auth.FAIL, Auth.PERMERROR, Auth.POLICY, Auth.NONE)),
        checked(Auth.PASS, "other.example"),
        checked(Auth.TEMPERROR, "other.example"),
        Known(DkimFact()),
    ],
)
def test_a_signature_that_does_not_hold_loses_it(dkim: Outcome[DkimFact]) -> None:
    fact = settled(JUDGED, dkim, AUTHOR)
    assert fact.score == pytest.approx(UNSIGNED.score, abs=1e-3)
    assert fact.mail_class is UNSIGNED.mail_class
    for name, share in fact.probability.items():
        assert share == pytest.approx(UNSIGNED.probability[name], abs=1e-3)
    assert sum(signal.weight for signal in fact.signals) == pytest.approx(fact.score, abs=1e-3)
    assert not CLAIMED & {signal.evidence for signal in fact.signals}
    assert fact.credit == 0.0


@pytest.mark.parametrize("dkim", [checked(Auth.TEMPERROR), Unknown("late"), NOT_ASKED])
def test_one_that_nobody_could_look_at_keeps_it_for_now(dkim: Outcome[DkimFact]) -> None:
    assert settled(JUDGED, dkim, AUTHOR) == JUDGED


def test_where_the_dns_does_not_know_the_domain_at_all_nobody_could_look() -> None:
    assert settled(JUDGED, checked(Auth.PERMERROR), AUTHOR, dns=ABSENT) == JUDGED
    for other in (replace(ABSENT[0], name="bluebird.example"), replace(ABSENT[0], status="nodata")):
        assert settled(JUDGED, checked(Auth.PERMERROR), AUTHOR, dns=(other,)).credit == 0.0
    assert settled(JUDGED, Known(DkimFact()), AUTHOR, dns=ABSENT).credit == 0.0


def test_without_credit_nothing_is_settled() -> None:
    fact = SpamFact(MailClass.HAM, {"ham": 1.0}, -4.0)
    assert settled(fact, checked(Auth.FAIL), AUTHOR) is fact
