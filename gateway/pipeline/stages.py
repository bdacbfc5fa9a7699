"""The order of the scan as data: which checks look at a message, what each one waits for, and how long it may take.

A stage never decides anything. Its answer is an Outcome, and its place in the tuple is the only place where order is
written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.checks.authentication.arc import check_arc
from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.authentication.dmarc import check_dmarc, organisational_domain
from gateway.checks.authentication.public_suffixes import PublicSuffixes
from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.domains import host_domain
from gateway.checks.redirects.shorteners import Shorteners, as_links
from gateway.checks.reputation.dnsbl import Notice
from gateway.checks.reputation.feeds import Feeds
from gateway.checks.reputation.link_lists import check_links
from gateway.facts.acquaintance import AcquaintanceFact
from gateway.facts.connection import ClientFact
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Skipped, Unknown
from gateway.facts.reported import ReportedFact
from gateway.mail.address import path_text
from gateway.mail.envelope import Direction, Envelope
from gateway.mail.headers import Author
from gateway.mail.message import Message
from gateway.pipeline.examining import Losses, examine
from gateway.pipeline.looking import Anatomist, MalwareEngine, look, wanted_for
from gateway.policy.policy import Scanning


class Acquaintances(Protocol):
    """Remembers from whom mail came before."""

    async def look_up(
        self, domains: tuple[str, ...], *, author: str, recipients: tuple[str, ...]
    ) -> Outcome[AcquaintanceFact]:
        """What is remembered of these organisational domains, and of an author and those written to."""


class Reports(Protocol):
    """Remembers what people called mail."""

    async def about(
        self, fingerprint: Sequence[int], *, author: str, recipients: Sequence[str], now: float
    ) -> Outcome[ReportedFact]:
        """What they called mail with nearly the text that has this fingerprint, and which of these recipients want
        that author's mail."""


@dataclass(frozen=True, slots=True)
class Senses:
    """What the stages ask: the resolver of this one message, the anatomist, the malware engine if there is one, what
    the policy says about asking, who asks shorteners, who remembers earlier mail and what people said of it if anybody
    does, and the public suffix list where one takes the place of the tree walk."""

    resolver: Answering
    anatomist: Anatomist
    malware: MalwareEngine | None
    scanning: Scanning
    losses: Losses
    feeds: Feeds
    notice: Notice
    shorteners: Shorteners
    acquaintances: Acquaintances | None = None
    suffixes: PublicSuffixes | None = None
    reports: Reports | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: the message, how it came, and its authors as the From field names them."""

    message: Message
    envelope: Envelope
    client: ClientFact
    authors: tuple[Author, ...]
    received_at: float


Answers = Mapping[str, Any]
"""The outcomes of the stages that a stage waited for, by name."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One check. `deadline` is in seconds; `outcomes` are the names under which its answers stand in the evidence."""

    name: str
    run: Callable[[Senses, Subject, Answers], Awaitable[Any]]
    deadline: float
    needs: tuple[str, ...] = ()


async def _spf(senses: Senses, subject: Subject, _: Answers) -> Any:
    if subject.envelope.direction is Direction.OUTBOUND:
        return Skipped("outgoing mail")
    return await check_spf(
        senses.resolver,
        ip=subject.client.ip,
        helo=subject.client.helo,
        reverse_path=path_text(subject.envelope.reverse_path),
    )


async def _dkim(senses: Senses, subject: Subject, _: Answers) -> Any:
    return await check_dkim(senses.resolver, subject.message, now=subject.received_at)


async def _arc(senses: Senses, subject: Subject, _: Answers) -> Any:
    return await check_arc(senses.resolver, subject.message, now=subject.received_at)


async def _dmarc(senses: Senses, subject: Subject, answers: Answers) -> Any:
    if subject.envelope.direction is Direction.OUTBOUND:
        return Skipped("outgoing mail")
    return await check_dmarc(
        senses.resolver,
        author_domains=[author.domain for author in subject.authors],
        spf=answers["spf"],
        dkim=answers["dkim"],
        suffixes=senses.suffixes,
    )


async def _acquaintance(senses: Senses, subject: Subject, _: Answers) -> Any:
    if subject.envelope.direction is Direction.OUTBOUND:
        return Skipped("outgoing mail")
    if senses.acquaintances is None:
        return NOT_ASKED
    path = subject.envelope.reverse_path
    named = [author.domain for author in subject.authors[:1]] + ([path.domain] if path else [])
    domains = [domain for domain in dict.fromkeys(map(host_domain, named)) if domain is not None]
    asked = (organisational_domain(senses.resolver, domain, senses.suffixes) for domain in domains)
    organisations = await asyncio.gather(*asked)
    if not organisations:
        return Skipped("the message names no domain that it is from")
    doubt = next((each for each in organisations if isinstance(each, Unknown)), None)
    if doubt is not None:
        return doubt
    return await senses.acquaintances.look_up(
        tuple(dict.fromkeys(each.value for each in organisations if isinstance(each, Known))),
        author=subject.authors[0].address if subject.authors else path_text(path),
        recipients=tuple(str(each.address) for each in subject.envelope.recipients),
    )


async def _examination(senses: Senses, subject: Subject, _: Answers) -> Any:
    wanted = wanted_for(senses.malware, senses.scanning)
    return await examine(senses.anatomist, senses.losses, subject.message, wanted)


async def _malware(senses: Senses, subject: Subject, answers: Answers) -> Any:
    if senses.malware is None:
        return Skipped("no malware engine is configured")
    return await look(senses.malware, subject.message.octets, answers["examination"])


async def _shorteners(senses: Senses, _: Subject, answers: Answers) -> Any:
    bounds, content = senses.scanning.shorteners, answers["examination"].content
    if bounds is None:
        return Skipped("the policy has no shortened links followed")
    if not isinstance(content, Known):
        return content
    return await senses.shorteners.follow(senses.resolver, content.value.links, bounds)


async def _link_lists(senses: Senses, subject: Subject, answers: Answers) -> Any:
    lists, content = senses.scanning.link_lists, answers["examination"].content
    if not lists:
        return Skipped("the policy names no block list of links")
    if not isinstance(content, Known):
        return content
    shortened = answers["shorteners"]
    led_to = as_links(shortened.value) if isinstance(shortened, Known) else []
    # What a shortener hides comes first: hosts are bounded, and nobody should crowd it out.
    links = (*led_to, *content.value.links)
    return await check_links(senses.resolver, senses.feeds, links, lists, now=subject.received_at, notice=senses.notice)


async def _reported(senses: Senses, subject: Subject, answers: Answers) -> Any:
    if subject.envelope.direction is Direction.OUTBOUND:
        return Skipped("outgoing mail")
    if senses.reports is None:
        return NOT_ASKED
    examination = answers["examination"]
    if not isinstance(examination.content, Known):
        return examination.content
    return await senses.reports.about(
        examination.fingerprint,
        author=subject.authors[0].address if subject.authors else "",
        recipients=[str(each.address) for each in subject.envelope.recipients],
        now=subject.received_at,
    )


async def _engine(senses: Senses, _: Subject, __: Answers) -> Any:
    return Skipped("no malware engine is configured") if senses.malware is None else senses.malware.standing()


STAGES: Final[tuple[Stage, ...]] = (
    Stage("spf", _spf, deadline=5.0),
    Stage("dkim", _dkim, deadline=5.0),
    Stage("arc", _arc, deadline=5.0),
    Stage("dmarc", _dmarc, deadline=5.0, needs=("spf", "dkim")),
    Stage("acquaintance", _acquaintance, deadline=5.0),
    Stage("examination", _examination, deadline=30.0),
    Stage("malware", _malware, deadline=60.0, needs=("examination",)),
    Stage("shorteners", _shorteners, deadline=11.0, needs=("examination",)),
    Stage("link_lists", _link_lists, deadline=5.0, needs=("examination", "shorteners")),
    Stage("reported", _reported, deadline=5.0, needs=("examination",)),
    Stage("engine", _engine, deadline=1.0, needs=("malware",)),
)
"""All of it stays far below the ten minutes that a client waits for the reply to DATA (RFC 5321 section 4.5.3.2.6)."""
