"""DMARC by From fields as forgers write them: octets and DNS answers in, result and questions out."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.checks.authentication.dmarc import check_dmarc
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.outcome import Known
from gateway.mail import headers

ZONE = {
    "_dmarc.victim.example": [{"TXT": "v=DMARC1; p=reject"}],
    "_dmarc.forger.example": [{"TXT": "v=DMARC1; p=none"}],
    "_dmarc.xn--bcher-kva.example": [{"TXT": "v=DMARC1; p=quarantine"}],
}
FORGER = Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "forger.example"))


async def dmarc(*fields: bytes, zone: dict[str, Any] | None = None) -> DmarcFact:
    """For a message that the forger sends from his own domain, which SPF proves."""
    domains = [author.domain for field in fields for author in headers.authors(field)]
    resolver = ZoneResolver(ZONE if zone is None else zone)
    outcome = await check_dmarc(resolver, author_domains=domains, spf=FORGER, dkim=Known(DkimFact()))
    assert isinstance(outcome, Known)
    return outcome.value


FAILS = [
    (b"a@victim.example",),
    (b"a@VICTIM.example.",),
    (b"a @ victim . example",),
    (b"a@victim.example (forger.example)",),
    (b"a(@forger.example)@victim.example",),
    (b'"a@forger.example"@victim.example',),
    (b'"x <y@forger.example>" <a@victim.example>',),
    (b"=?utf-8?q?y=40forger.example?= <a@victim.example>",),
    (b"<@forger.example:a@victim.example>",),
    (b"a%forger.example@victim.example",),
    (b"a@victim.example,",),
    (b"a@victim.example, y@forger.example",),
    (b"y@forger.example, a@victim.example",),
    (b"G: a@victim.example, y@forger.example;",),
    (b"y@forger.example; a@victim.example",),
    (b"A <a@victim.example> Y <y@forger.example>",),
    (b"Y <y@forger.example> A <a@victim.example>",),
    (b"a@victim.example", b"y@forger.example"),
    (b"y@forger.example", b"a@victim.example"),
    (b"y@forger.example", b"a@victim.example", b""),
    (b"a@victim.example, x@[192.0.2.1]",),
    (b"a@victim.example rubbish, y@forger.example",),
    (b"y@forger.example, a@victim.example \xff",),
    (b", ".join(b"a@n%d.example" % n for n in range(3)) + b", a@victim.example",),
]


@pytest.mark.parametrize("fields", FAILS)
async def test_the_victim_is_not_hidden(fields: tuple[bytes, ...]) -> None:
    fact = await dmarc(*fields)
    assert (fact.result, fact.domain, fact.policy) == (Auth.FAIL, "victim.example", "reject")


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (b"",),
        (b"undisclosed-recipients:;",),
        (b"nobody",),
        (b"a@",),
        (b"a@victim..example",),
        (b"a@victim",),
        (b"a@[192.0.2.1]",),
        (b"=?utf-8?b?YUB2aWN0aW0uZXhhbXBsZQ==?=",),
        (b"a@victim.example\x01.forger.example",),
        (b", ".join(b"a@n%d.example" % n for n in range(5000)),),
    ],
)
async def test_what_names_no_author_never_passes(fields: tuple[bytes, ...]) -> None:
    assert (await dmarc(*fields)).result is Auth.PERMERROR


async def test_an_international_domain_is_looked_up_in_a_labels() -> None:
    for field in ("a@bücher.example", "a@BÜCHER.example", "a@xn--bcher-kva.example"):
        fact = await dmarc(field.encode())
        assert (fact.domain, fact.policy) == ("xn--bcher-kva.example", "quarantine")


@pytest.mark.parametrize(
    ("record", "author", "policy"),
    [
        ("v=DMARC1; p=reject; t=y", "victim.example", "quarantine"),
        ("v=DMARC1; p=quarantine; t=y", "victim.example", "none"),
        ("v=DMARC1; p=reject; t=n; pct=0; rf=afrf; ri=1", "victim.example", "reject"),
        ("v=DMARC1; p=reject; sp=none; t=y", "is.victim.example", "none"),
        ("v=DMARC1; p=none; sp=reject", "is.victim.example", "reject"),
        ("v=DMARC1; p=none; sp=none; np=reject", "isnot.victim.example", "reject"),
        ("v=DMARC1; p=none; sp=none; np=reject; t=y", "isnot.victim.example", "quarantine"),
        ("v=DMARC1; p=reject; np=none", "is.victim.example", "reject"),
        ("v=DMARC1;p=REJECT", "victim.example", "reject"),
        ("V=DMARC1 ; P = reject ;;", "victim.example", "reject"),
    ],
)
async def test_what_the_owner_asks_for(record: str, author: str, policy: str) -> None:
    zone = {"_dmarc.victim.example": [{"TXT": record}], "is.victim.example": [{"A": "192.0.2.1"}]}
    fact = await dmarc(b"a@" + author.encode(), zone=zone)
    assert (fact.result, fact.policy) == (Auth.FAIL, policy)


@pytest.mark.parametrize(
    "texts",
    [
        ["v=DMARC1"],
        ["v=DMARC2; p=reject"],
        ["v=dmarc1; p=reject"],
        ["p=reject; v=DMARC1"],
        ["v=DMARC1 p=reject"],
        ["v=DMARC1; p=reject; p=none"],
        ["v=DMARC1; p=reject", "v=DMARC1; p=none"],
        [""],
        ["\x00"],
        ["v=DMARC1; p=" + "x" * 70_000],
    ],
)
async def test_a_record_that_is_none_or_says_two_things_asks_for_nothing(texts: list[str]) -> None:
    zone = {"_dmarc.victim.example": [{"TXT": text} for text in texts]}
    assert (await dmarc(b"a@victim.example", zone=zone)).result is Auth.NONE


LEVELS = {
    "_dmarc.example": [{"TXT": "v=DMARC1; p=none; np=reject; psd=y"}],
    "_dmarc.corp.example": [{"TXT": "v=DMARC1; p=quarantine; sp=reject"}],
    "_dmarc.own.corp.example": [{"TXT": "v=DMARC1; p=reject; sp=none; psd=n"}],
    "_dmarc.mail.own.corp.example": [{"TXT": "v=DMARC1; p=quarantine; sp=reject; psd=u"}],
    **{f"{name}.example": [{"A": "192.0.2.1"}] for name in ("corp", "new", "own.corp", "x.own.corp", "x.corp")},
}


@pytest.mark.parametrize(
    ("author", "signer", "result", "policy"),
    [
        ("corp.example", "corp.example", "pass", "quarantine"),
        ("corp.example", "deep.down.corp.example", "pass", "quarantine"),
        ("corp.example", "own.corp.example", "fail", "quarantine"),
        ("corp.example", "example", "fail", "quarantine"),
        ("corp.example", "new.example", "fail", "quarantine"),
        ("x.corp.example", "corp.example", "pass", "reject"),
        ("x.corp.example", "y.corp.example", "pass", "reject"),
        ("x.own.corp.example", "corp.example", "fail", "none"),
        ("x.own.corp.example", "own.corp.example", "pass", "none"),
        ("mail.own.corp.example", "x.own.corp.example", "pass", "quarantine"),
        ("mail.own.corp.example", "x.corp.example", "fail", "quarantine"),
        ("new.example", "new.example", "pass", "none"),
        ("new.example", "a.new.example", "pass", "none"),
        ("new.example", "corp.example", "fail", "none"),
        ("ghost.example", "new.example", "fail", "reject"),
        ("ghost.corp.example", "new.example", "fail", "reject"),
    ],
)
async def test_suffixes_organisations_and_divisions_at_every_level(
    author: str, signer: str, result: str, policy: str
) -> None:
    """RFC 9989 sections 4.10.1 and 4.10.2, by DKIM and by SPF, which are walked from separately."""
    signed = DkimFact((DkimSignatureFact(Auth.PASS, signer, "s", "rsa-sha256"),))
    sent = SpfFact(Auth.PASS, SpfIdentity.MAILFROM, signer)
    for spf, dkim in ((FORGER, Known(signed)), (Known(sent), Known(DkimFact()))):
        outcome = await check_dmarc(ZoneResolver(LEVELS), author_domains=[author], spf=spf, dkim=dkim)
        assert isinstance(outcome, Known)
        assert (outcome.value.result.value, outcome.value.policy) == (result, policy)


async def test_the_thirteen_labels_of_the_feature_cost_eight_questions() -> None:
    resolver = ZoneResolver({})
    author = "a.b.c.d.e.f.g.h.i.j.mail.example.com"
    await check_dmarc(resolver, author_domains=[author], spf=FORGER, dkim=Known(DkimFact()))
    assert [each.name for each in dict.fromkeys(resolver.asked)] == [
        f"_dmarc.{author}",
        "_dmarc.g.h.i.j.mail.example.com",
        "_dmarc.h.i.j.mail.example.com",
        "_dmarc.i.j.mail.example.com",
        "_dmarc.j.mail.example.com",
        "_dmarc.mail.example.com",
        "_dmarc.example.com",
        "_dmarc.com",
    ]
