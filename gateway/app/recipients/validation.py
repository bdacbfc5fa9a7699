"""Recipient validation at RCPT: asks the source that the policy names for a domain, remembers what those answer that
take time, and does what the policy says when a source cannot tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.app.recipients.directories import AddressFiles, WebDirectory, spellings
from gateway.app.recipients.ldap import LdapDirectory
from gateway.counters.counters import Counters
from gateway.counters.records import Note
from gateway.delivery.callahead import CallAhead, Presence
from gateway.delivery.routes import BadRoute, parse_route
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.inbound.ports import RecipientEntry as EntryAtTheDoor
from gateway.inbound.ports import Validity
from gateway.mail.address import Address
from gateway.mailbox.quota import Quota
from gateway.mailbox.users import UserBase
from gateway.policy.policy import Policy, RecipientEntry
from gateway.telemetry import log

TOPIC: Final = "recipient"

FRESH: Final = {Presence.EXISTS: 3600.0, Presence.ABSENT: 900.0}
"""Seconds for which an answer holds before the source is asked again. A new mailbox should not have to wait for long,
and mail to one that has gone would be bounced."""

KEPT: Final = {Presence.EXISTS: 31 * 86400.0, Presence.ABSENT: 3 * 86400.0}
"""Seconds for which it is the last that is known."""

_VALIDITY: Final = {
    Presence.EXISTS: Validity.KNOWN,
    Presence.ABSENT: Validity.UNKNOWN,
    Presence.FULL: Validity.FULL,
}


class Recipients:
    """The `RecipientValidation` that the front door is given."""

    def __init__(
        self,
        current_policy: Callable[[], Policy],
        *,
        users: UserBase,
        quota: Quota,
        files: AddressFiles,
        web: WebDirectory,
        ldap: LdapDirectory,
        call_ahead: CallAhead,
        counters: Counters,
        now: Callable[[], float],
    ) -> None:
        self._current_policy = current_policy
        self._users = users
        self._quota = quota
        self._files = files
        self._web = web
        self._ldap = ldap
        self._call_ahead = call_ahead
        self._counters = counters
        self._now = now
        self._asking: dict[str, asyncio.Future[Outcome[Presence]]] = {}

    async def validate(self, address: Address, entry: EntryAtTheDoor, *, size: int | None = None) -> Validity:
        """Whether the recipient exists, as far as its domain's entry lets us know, and has room for so many octets."""
        said = self._current_policy().recipient_entry(str(address))
        if said is None:
            return Validity.UNKNOWN
        outcome = await self._ask(address, said, size)
        if isinstance(outcome, Known):
            return _VALIDITY[outcome.value]
        if said.on_unknown == "accept":
            return Validity.KNOWN
        log().warning("recipient_not_verified", domain=address.domain, why=getattr(outcome, "why", ""))
        return Validity.CANNOT_TELL

    async def _ask(self, address: Address, entry: RecipientEntry, size: int | None) -> Outcome[Presence]:
        match entry.validate:
            case "none":
                return Known(Presence.EXISTS)
            case "static":
                return _present(any(each in entry.addresses for each in spellings(address)))
            case "mailbox":
                return await self._ask_store(address, size)
            case "file":
                return self._ask_file(address, entry)
        return await self._ask_far(address, entry)

    async def _ask_store(self, address: Address, size: int | None) -> Outcome[Presence]:
        """While the store cannot say how full a mailbox is, its mail is taken: it waits with us for the store."""
        try:
            mailbox = self._users.mailbox_of(address)
        except OSError as error:
            return Unknown(f"the list of mailboxes cannot be read: {error}")
        if mailbox is None:
            return Known(Presence.ABSENT)
        room = await self._quota.has_room(mailbox, size or 0)
        return Known(Presence.FULL if room == Known(False) else Presence.EXISTS)

    def _ask_file(self, address: Address, entry: RecipientEntry) -> Outcome[Presence]:
        outcome = self._files.ask(address, entry.source)
        if isinstance(outcome, Known) or entry.on_unknown != "last_known":
            return outcome
        return self._files.last_known(address, entry.source)

    async def _ask_far(self, address: Address, entry: RecipientEntry) -> Outcome[Presence]:
        """A source that takes time: asked once for all who want to know, and not again while its answer is fresh."""
        source = entry.route if entry.validate == "callahead" else entry.source or str(entry.ldap)
        key = f"{entry.name} {source} {address.key}"
        note = (await self._counters.recall(TOPIC, [key])).get(key)
        if note is not None and self._now() - note.at < FRESH[Presence(note.value)]:
            return Known(Presence(note.value))
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.ensure_future(self._ask_source(key, address, entry))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        outcome = await asyncio.shield(asking)
        return (
            _last_known(note) if isinstance(outcome, Unknown) and note and entry.on_unknown == "last_known" else outcome
        )

    async def _ask_source(self, key: str, address: Address, entry: RecipientEntry) -> Outcome[Presence]:
        if entry.ldap is not None:
            outcome = await self._ldap.ask(address, entry.ldap)
        elif entry.validate == "http":
            outcome = await self._web.ask(address, entry.source)
        else:
            try:
                route = parse_route(entry.route, domain=address.domain)
            except BadRoute as error:
                return Unknown(str(error))
            outcome = await self._call_ahead.ask(address, route)
        if isinstance(outcome, Known) and outcome.value in KEPT:
            await self._counters.remember(TOPIC, {key: outcome.value.value}, seconds=KEPT[outcome.value])
        return outcome


def _present(found: bool) -> Outcome[Presence]:
    return Known(Presence.EXISTS if found else Presence.ABSENT)


def _last_known(note: Note) -> Outcome[Presence]:
    return Known(Presence(note.value))
