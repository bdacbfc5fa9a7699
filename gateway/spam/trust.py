"""What outside knowledge says of who a message claims to be from: whether a well-known sender signed it, whether a
well-known author's links lead to him, whether links lead to well-known places alone, whether an author is called as the
signed domain is or borrows a well-known name.

Relations only: between author, signatures and lists; no header field counts by being there. A signature is a claim
until somebody has verified it, so what it brings stands apart (`SpamFact.credit`) and is taken back when authentication
finds that it is not true. The weights are set by hand, rounded, and added to what was learnt; nothing here is learnt,
for the mail of training holds too few shops, and a fit trades what it learns about these for what it knows of words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Final

from gateway.facts.auth import Auth, DkimFact
from gateway.facts.content import Anatomy, AuthorFact, SpamFact
from gateway.facts.evidence import DnsRecorded
from gateway.facts.outcome import Known, Outcome
from gateway.spam.identity import LINKS_OWN, MAX_LINKS, NAME_AGREES, identity_of
from gateway.spam.knowledge import COMMON_NAME_WORDS, PUBLIC_MAIL
from gateway.spam.known_senders import NAMES, OPEN, PLACES, is_known
from gateway.spam.shifting import shifted
from gateway.spam.sites import LEAST_LETTERS, bare, is_named, owner_of, site_of

KNOWN_SIGNED: Final = "a well-known sender claims to have signed it"
OWN_SIGNED: Final = "author's domain claims to have signed it, and is called as the author"
KNOWN_LINKED: Final = "author's domain is a well-known sender's, and nearly all links go there"
KNOWN_LINKS: Final = "links go to sites of well-known senders alone"
BORROWED: Final = "author goes by the name of a well-known sender"
WEIGHTS: Final = {KNOWN_SIGNED: -2.0, OWN_SIGNED: -1.0, KNOWN_LINKED: -1.0, KNOWN_LINKS: -0.5, BORROWED: 1.0}
"""Log-odds, for and against."""
CLAIMED: Final = frozenset({KNOWN_SIGNED, OWN_SIGNED})
"""What rests on a signature."""
LEAST_LINKS: Final = 2
"""Links that HTML must have to be built as those build it who send to many."""

_NO_SUCH_NAME: Final = "nxdomain"
_WORD: Final = re.compile(r"[^\W_]+")
_FILLING_WORDS: Final = """
    alert and app bonus com department dept desk de eu from gift giveaway gmbh help inc info llc ltd no noreply prize
    program programme reply survey the uk us via winner www
"""
_FILLING: Final = COMMON_NAME_WORDS | frozenset(_FILLING_WORDS.split())
"""Words that stand beside a name without being one."""


def trust_of(anatomy: Anatomy) -> Iterator[str]:
    """The facts, each at most once; each has its weight in `WEIGHTS`."""
    sites = {site_of(link.host) for link in anatomy.content.links[:MAX_LINKS] if link.host} - PLACES
    if sites and all(map(is_known, sites)):
        yield KNOWN_LINKS
    author = anatomy.authors[0] if anatomy.authors else None
    if author is not None and author.domain:
        yield from _of_author(author, anatomy)


def _of_author(author: AuthorFact, anatomy: Anatomy) -> Iterator[str]:
    site = site_of(author.domain)
    known, signed = is_known(site), site in map(site_of, anatomy.signers)
    if not known and _borrows(author):
        yield BORROWED
    if site in OPEN or owner_of(site) in PUBLIC_MAIL or not (known or signed):
        return
    agreeing = set(identity_of(anatomy))
    built = anatomy.html is not None and len(anatomy.content.links) >= LEAST_LINKS
    if known and signed:
        yield KNOWN_SIGNED
    if built and signed and NAME_AGREES in agreeing:
        yield OWN_SIGNED
    if known and LINKS_OWN in agreeing:
        yield KNOWN_LINKED


def weight_of(facts: Collection[str]) -> float:
    """What the facts add to a score."""
    return sum(WEIGHTS[fact] for fact in facts)


def credit_of(facts: Collection[str]) -> float:
    """The part of it that rests on signatures."""
    return sum(WEIGHTS[fact] for fact in facts if fact in CLAIMED)


def settled(
    spam: SpamFact, dkim: Outcome[DkimFact], author_domain: str, *, dns: Iterable[DnsRecorded] = ()
) -> SpamFact:
    """The fact once authentication has spoken: a signature of the author's site that passed makes its credit good; one
    that nobody could look at leaves it as it is; else it is taken back.

    Nobody could look where no key could be fetched, or where the DNS answers (`dns`) that the author's domain does not
    exist: so answers a machine without a network of its own, as for `postern scan`. A forger gains the credit by a
    domain that nobody has, and as much by one that he buys.
    """
    if not spam.credit or not isinstance(dkim, Known):
        return spam
    results = {each.result for each in dkim.value.signatures if site_of(each.domain) == site_of(author_domain)}
    if Auth.PASS in results:
        return replace(spam, credit=0.0)
    named = author_domain.lower().rstrip(".")
    absent = any(each.status == _NO_SUCH_NAME and each.name == named for each in dns)
    return spam if results and (absent or Auth.TEMPERROR in results) else _without_credit(spam)


def _without_credit(spam: SpamFact) -> SpamFact:
    signals = tuple(signal for signal in spam.signals if signal.evidence not in CLAIMED)
    return replace(shifted(spam, -spam.credit), signals=signals, credit=0.0)


def _borrows(author: AuthorFact) -> bool:
    """Whether the display name, but for words that stand beside any, is a well-known sender's and not the domain's."""
    words = [bare(word) for word in _WORD.findall(author.name[:200].lower())]
    owner = owner_of(author.domain)
    for said in ("".join(words), "".join(word for word in words if word not in _FILLING)):
        if said in NAMES:
            return not (said in owner or is_named(owner, said) or _begins_alike(owner, said))
    return False


def _begins_alike(one: str, other: str) -> bool:
    """Whether an owner writes itself short or long: "britishairways" and "british-airways-mail"."""
    return min(len(one), len(other)) >= LEAST_LETTERS and (one.startswith(other) or other.startswith(one))
