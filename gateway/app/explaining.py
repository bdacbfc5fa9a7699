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
from gateway.app.door.returning import Returning
from gateway.app.installation import Folders
from gateway.app.keys.return_keys import LiveReturnKeys
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
from gateway.inbound.admission.counting import (
    Counting,
    Names,
    name_of_recipient,
    names_of_client,
    names_of_sender,
    own_networks,
)
from gateway.inbound.ports import ClientInquiry, Door, Judged
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.mail.address import Address, ReversePath, path_text
from gateway.policy.conditions.cel import Answer
from gateway.policy.lists import EntryList
from gateway.policy.policy import Policy, RecipientEntry, Whose
from gateway.queue.custody import Custody
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Situation:
    """Who connects to which door, and what it says. None: it gets no further; for `size`, that it declares none. `tls`
    is the version of TLS, or empty."""

    ip: str
    helo: str | None = None
    mail_from: ReversePath = None
    says_mail: bool = False
    recipient: Address | None = None
    size: int | None = None
    tls: str = ""
    door: Door = Door.MX


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
        with door_ports(
            settings,
            policy,
            custody=custody,
            counters=counters,
            resolver=resolver,
            judge=_nobody,
            greylist=Greylister(counters, resolver, own=own),
            clock=clock,
            returns=_returning(settings, folders, own, clock),
        ) as ports:
            admission = Admission(ports, settings.limits, counting)
            walk = _Walk(situation, admission, counting, ports.inquiry, policy(), hostname=settings.hostname)
            return Explanation(situation, tuple([step async for step in walk.steps()]))


def _returning(settings: Settings, folders: Folders, own: EntryList, clock: Clock) -> Returning | None:
    """None where nothing has run yet: no address is one that we made."""
    if not folders.srs_keys.exists() or not folders.batv_keys.exists():
        return None
    keys = LiveReturnKeys(settings, folders)
    return Returning(
        keys.srs,
        keys.tagging,
        own,
        clock.now,
        refuse_at=settings.bounces.refuse_at,
    )


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
        *,
        hostname: str,
    ) -> None:
        self._situation = situation
        self._inquiry = inquiry
        self._admission = admission
        self._counting = counting
        self._policy = policy
        self._hostname = hostname

    async def steps(self) -> AsyncIterator[Step]:
        """Step by step, up to the first refusal."""
        said = self._situation
        client = ClientFact(said.ip, helo=said.helo or "", tls=said.tls, door=said.door.value)
        refused = await self._admission.has_room(client, connections=1, neighbours=1, everybodys=1)
        yield Step("network", self._whose(client.ip))
        if refused:
            yield _refusal("connect", refused)
            return
        client = await self._admission.acquaint(client, said.door)
        past = await self._counting.past(client.ip)
        for step in self._acquaintance(replace(client, past=Known(past))):
            yield step
        for step in self._groups(client, None):
            yield step
        allowance = self._admission.allowance(client)
        async for step in self._rates(names_of_client(client.ip), allowance):
            yield step
        for limit, level in await self._counting.levels(names_of_client(client.ip), self._policy.bans.rates):
            yield Step("ban", f"shut out above {limit}, now {level:.0f}", place=limit.place)
        if refused := await self._admission.may_enter(client):
            yield _refusal("connect", refused)
            return
        words = str(replies.greeting(self._hostname, allowance.group.banner))
        yield Step("greeting", words, place=allowance.group.place if allowance.group.banner else "")
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
        yield Step("map", _map(client))
        yield from self._lists(client.dnsbl)
        if isinstance(client.past, Known):
            past = client.past.value
            yield Step(
                "last hour",
                f"{past.connections} connections, {past.messages} messages, {past.errors} errors, "
                f"{past.unknown_recipients} unknown recipients",
            )

    def _lists(self, outcome: Outcome[DnsblFact]) -> Iterator[Step]:
        """What each list says, with the line that names it and its weight."""
        if not isinstance(outcome, Known):
            yield Step("lists", _told(outcome, "", "none is asked"))
            return
        fact, zones = outcome.value, {each.zone: each for each in self._policy.dnsbl}
        for zone, answer in fact.listings:
            yield Step("list", f"{zone} ({answer}), weight {zones[zone].weight:g}", place=zones[zone].place)
        for zone, why in fact.unusable:
            yield Step("list", f"{zone} {why}: not counted", place=zones[zone].place)
        yield Step("lists", f"{'' if fact.listings else 'not listed; '}score {fact.score:g}, of good {fact.good:g}")

    def _groups(self, client: ClientFact, mail_from: str | None) -> Iterator[Step]:
        """Each group that was looked at, and the one that is the client's."""
        now = self._admission.now()
        for group, truth in self._policy.groups_looked_at(client, now, mail_from=mail_from):
            if truth.answer is Answer.TRUE:
                break
            doubt = f" ({', '.join(truth.missing) or truth.why})" if truth.answer is Answer.UNKNOWN else ""
            yield Step("group", f"{group.id}: {truth.answer.value}{doubt}", place=group.place)
        allowance = self._admission.allowance(client, mail_from=mail_from)
        yield Step("group", _group(allowance), place=allowance.group.place)

    async def _rates(self, names: Names, allowance: Allowance) -> AsyncIterator[Step]:
        for limit, level in await self._counting.levels(names, allowance.group.limits.rates):
            yield Step("rate", f"{limit}, now {level:.0f}", place=limit.place)

    async def _said(self, client: ClientFact) -> AsyncIterator[Step]:
        said = self._situation
        if said.helo is not None:
            refused = self._admission.may_say_hello(said.helo)
            yield _refusal("helo", refused) if refused else Step("helo", f"{said.helo} is a name")
        if not said.says_mail and said.recipient is None:
            return
        domain = await senders.ask(self._inquiry, said.mail_from)
        yield Step("sender", _told(domain, "", "nobody is asked about its domain"))
        for step in self._groups(replace(client, sender_domain=domain), path_text(said.mail_from)):
            yield step
        allowance = await self._admission.allowance_at_mail(client, said.mail_from, principal=None)
        names = names_of_sender(client.ip, said.mail_from).items()
        sender: Names = {whose: name for whose, name in names if whose is Whose.SENDER_DOMAIN}
        async for step in self._rates(sender, allowance):
            yield step
        refused = await self._admission.may_send(
            said.mail_from, size=said.size, allowance=allowance, client=client, principal=None
        ) or senders.refusal(domain)
        secured = f" over {said.tls}" if said.tls else ""
        words = f"<{path_text(said.mail_from)}> may send{secured}"
        yield _refusal("mail", refused) if refused else Step("mail", words, place=allowance.group.place)
        if said.recipient is not None and refused is None:
            async for step in self._rates(name_of_recipient(said.recipient), allowance):
                yield step
            yield await self._received(said.recipient, allowance, client)

    async def _received(self, recipient: Address, allowance: Allowance, client: ClientFact) -> Step:
        answer = await self._admission.may_receive(
            recipient, allowance=allowance, client=client, reverse_path=self._situation.mail_from, principal=None,
            size=self._situation.size,
        )  # fmt: skip
        entry = self._policy.recipient_entry(str(recipient))
        place = entry.place if entry else ""
        if isinstance(answer, Admitted):
            told = _entry(entry) if entry else "not ours"
            if answer.later is not None:
                return _refusal("data", answer.later)
            return Step("rcpt", f"{answer.address} is taken and goes to {answer.destination} ({told})", place=place)
        return _refusal("rcpt", answer)


def _refusal(stage: str, refused: Refused) -> Step:
    return Step(stage, refused.reason, str(refused.reply), refused.rule, refused.place)


def _group(allowance: Allowance) -> str:
    return (
        f"group {allowance.group.id}: messages of {allowance.size} octets, {allowance.recipients} recipients, "
        f"{allowance.connections} connections{', TLS required' if allowance.group.requires_tls else ''}"
        f"{', client certificate required' if allowance.group.certificate else ''}"
    )


def _entry(entry: RecipientEntry) -> str:
    """What is said about a recipient that was taken."""
    source = f" {entry.source or entry.ldap or ''}".rstrip()
    size = "" if entry.size is None else f", messages of {entry.size} octets"
    return f"validate: {entry.validate}{source}, on_unknown: {entry.on_unknown}, on_full: {entry.on_full}{size}"


def _map(client: ClientFact) -> str:
    """Where the client is, as far as there are maps."""
    network = client.network
    if isinstance(network, Known):
        asn = network.value.asn
        told = f"AS{asn} {network.value.organisation}".strip() if asn else "in no autonomous system"
    else:
        told = _told(network, "", "no map of networks")
    return f"{told}; {_told(client.country, '', 'no country')}"


def _told(outcome: Outcome[object], good: str, nothing: str) -> str:
    match outcome:
        case Known(value) if value:
            return f"{value} {good}".strip()
        case Unknown(why):
            return f"could not be told: {why}"
    return nothing
