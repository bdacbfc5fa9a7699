"""What would happen to a client, and which line says so: the front door's own admission, asked step by step, with
counters that only look. Takes no connection, changes nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.app.door.greylisting import Greylister
from gateway.app.door.ports import door_ports
from gateway.app.installation import Folders
from gateway.app.policies import LivePolicy
from gateway.app.senses import open_resolver
from gateway.checks.dns.answering import Answering
from gateway.clock import Clock
from gateway.counters.looking import OnlyLooking
from gateway.facts.connection import ClientFact, DnsblFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.inbound.admission import senders
from gateway.inbound.admission.addressees import Admitted
from gateway.inbound.admission.admission import Admission, Allowance
from gateway.inbound.admission.counting import Counting, own_networks
from gateway.inbound.ports import ClientInquiry, Door, Judged
from gateway.inbound.refused import Refused
from gateway.mail.address import Address, ReversePath, path_text
from gateway.policy.policy import Policy
from gateway.queue.custody import Custody
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Situation:
    """Who connects, and what it says. None: it gets no further."""

    ip: str
    helo: str | None = None
    mail_from: ReversePath = None
    says_mail: bool = False
    recipient: Address | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at, and what was found. `reply` is not empty where the client is refused; `place` is
    the line of the policy that says so."""

    stage: str
    says: str
    reply: str = ""
    rule: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All steps, up to the first refusal."""

    situation: Situation
    steps: tuple[Step, ...]

    @property
    def refusal(self) -> Step | None:
        """The step that ended it, or None: the client would be let in."""
        return next((step for step in self.steps if step.reply), None)


async def explain_connection(
    situation: Situation, *, settings: Settings, folders: Folders, clock: Clock, zone: Answering | None = None
) -> Explanation:
    """Walk the client through the door. `zone` answers DNS questions instead of the network. Raises `PolicyError`."""
    policy = LivePolicy(settings, folders)
    async with _house(folders, clock) as (custody, counters), open_resolver(settings, clock, zone=zone) as resolver:
        own = own_networks(settings.own_networks)
        counting = Counting(counters, own=own)
        ports = door_ports(
            settings,
            policy,
            custody=custody,
            counters=counters,
            resolver=resolver,
            judge=_nobody,
            greylist=Greylister(counters, resolver, own=own),
            clock=clock,
        )
        walk = _Walk(situation, Admission(ports, settings.limits, counting), counting, ports.inquiry, policy())
        return Explanation(situation, tuple([step async for step in walk.steps()]))


async def _nobody(*_: object, **__: object) -> Judged:
    raise AssertionError("no message ever comes through a door that is only explained")


@asynccontextmanager
async def _house(folders: Folders, clock: Clock) -> AsyncIterator[tuple[Custody, OnlyLooking]]:
    """The ledger and the counters of the data folder; empty ones where nothing has run yet."""
    with tempfile.TemporaryDirectory(prefix="postern-") as empty:
        nothing = Folders(Path(empty))
        custody = Custody.open((folders if folders.queue.is_dir() else nothing).queue, clock=clock)
        counters = OnlyLooking.open((folders if folders.counters.is_dir() else nothing).counters, clock=clock)
        try:
            yield custody, counters
        finally:
            await counters.close()
            await custody.close()


class _Walk:
    """One client on its way through the door."""

    def __init__(
        self,
        situation: Situation,
        admission: Admission,
        counting: Counting,
        inquiry: ClientInquiry,
        policy: Policy,
    ) -> None:
        self._situation = situation
        self._inquiry = inquiry
        self._admission = admission
        self._counting = counting
        self._policy = policy

    async def steps(self) -> AsyncIterator[Step]:
        """Step by step, up to the first refusal."""
        client = ClientFact(self._situation.ip, helo=self._situation.helo or "")
        refused = await self._admission.has_room(client, connections=1, everybodys=1)
        yield Step("network", self._whose(client.ip))
        if refused:
            yield _refusal("connect", refused)
            return
        client = await self._admission.acquaint(client, Door.MX)
        past = await self._counting.past(client.ip)
        for step in self._acquaintance(replace(client, past=Known(past))):
            yield step
        allowance = self._admission.allowance(client)
        yield Step("group", _group(allowance), place=allowance.group.place)
        async for step in self._rates(allowance):
            yield step
        if refused := await self._admission.may_enter(client):
            yield _refusal("connect", refused)
            return
        async for step in self._said(client):
            yield step
            if step.reply:
                return

    def _whose(self, ip: str) -> str:
        if self._counting.is_never_shut_out(ip, self._policy):
            return "one of our own, or named in the policy: never shut out"
        return "not one of our own"

    def _acquaintance(self, client: ClientFact) -> Iterator[Step]:
        yield Step("name", _told(client.reverse_name, "resolves back to the address", "no name that resolves back"))
        yield Step("lists", _lists(client.dnsbl))
        if isinstance(client.past, Known):
            past = client.past.value
            yield Step(
                "last hour",
                f"{past.connections} connections, {past.messages} messages, {past.errors} errors, "
                f"{past.unknown_recipients} unknown recipients",
            )

    async def _rates(self, allowance: Allowance) -> AsyncIterator[Step]:
        for limit, level in await self._counting.levels(self._situation.ip, allowance.group.limits.rates):
            yield Step("rate", f"{limit}, now {level:.0f}", place=limit.place)
        for limit, level in await self._counting.levels(self._situation.ip, self._policy.bans.rates):
            yield Step("ban", f"shut out above {limit}, now {level:.0f}", place=limit.place)

    async def _said(self, client: ClientFact) -> AsyncIterator[Step]:
        said = self._situation
        if said.helo is not None:
            refused = self._admission.may_say_hello(said.helo)
            yield _refusal("helo", refused) if refused else Step("helo", f"{said.helo} is a name")
        if not said.says_mail and said.recipient is None:
            return
        allowance = self._admission.allowance(client, mail_from=path_text(said.mail_from))
        refused = await self._admission.may_send(
            said.mail_from, size=None, allowance=allowance, client=client, principal=None
        )
        if refused is None:
            domain = await senders.ask(self._inquiry, said.mail_from)
            refused = senders.refusal(domain)
            yield Step("sender", _told(domain, "", "nobody is asked about its domain"))
        words = f"<{path_text(said.mail_from)}> may send; {_group(allowance)}"
        yield _refusal("mail", refused) if refused else Step("mail", words, place=allowance.group.place)
        if said.recipient is not None:
            yield await self._received(said.recipient, allowance, client)

    async def _received(self, recipient: Address, allowance: Allowance, client: ClientFact) -> Step:
        answer = await self._admission.may_receive(
            recipient, allowance=allowance, client=client, reverse_path=self._situation.mail_from, principal=None
        )
        entry = self._policy.recipient_entry(str(recipient))
        place = entry.place if entry else ""
        if isinstance(answer, Admitted):
            told = f"validate: {entry.validate}" if entry else "not ours"
            return Step("rcpt", f"{answer.address} is taken and goes to {answer.destination} ({told})", place=place)
        return _refusal("rcpt", answer)


def _refusal(stage: str, refused: Refused) -> Step:
    return Step(stage, refused.reason, str(refused.reply), refused.rule, refused.place)


def _group(allowance: Allowance) -> str:
    return (
        f"group {allowance.group.id}: messages of {allowance.size} octets, {allowance.recipients} recipients, "
        f"{allowance.connections} connections"
    )


def _lists(outcome: Outcome[DnsblFact]) -> str:
    if not isinstance(outcome, Known):
        return _told(outcome, "", "none is asked")
    fact = outcome.value
    named = ", ".join(f"{zone} ({answer})" for zone, answer in fact.listings) or "not listed"
    unusable = "".join(f"; {zone} {why}" for zone, why in fact.unusable)
    return f"{named}; score {fact.score:g}{unusable}"


def _told(outcome: Outcome[object], good: str, nothing: str) -> str:
    match outcome:
        case Known(value) if value:
            return f"{value} {good}".strip()
        case Unknown(why):
            return f"could not be told: {why}"
    return nothing
