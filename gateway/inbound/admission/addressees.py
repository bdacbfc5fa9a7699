"""Whom a recipient's address stands for: aliases, the catch-all, and whether there is such a recipient at all (RFC 5321
section 3.3 and 3.9). Counts nothing, and relays for nobody: who may use it is `admission`'s word.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from gateway.inbound.ports import PolicyInForce, RecipientEntry, RecipientValidation, Validity
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.mail.address import Address, BadAddress
from gateway.telemetry import log

VALIDATION_PATIENCE: Final = 20.0
"""Seconds that one recipient may take; clients wait five minutes (RFC 5321 section 4.5.3.2.3)."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Yes: to whom the mail goes, which is somebody else for an alias, and the destination under which it is queued."""

    address: Address
    destination: str


class Addressees:
    """Finds out, with the house's recipient validation."""

    def __init__(self, validation: RecipientValidation) -> None:
        self._validation = validation

    async def find(self, address: Address, policy: PolicyInForce) -> Admitted | Refused:
        """Follow an alias or, for an address that does not exist, the catch-all: one step, so that there is no loop.
        An address that is not ours goes to its exchangers."""
        entry = policy.recipient_entry(str(address))
        target = None if entry is None else _address_of(entry.aliases.get(address.key, ""))
        if target is not None:
            return await self._admit(target, policy)
        admitted = await self._admit(address, policy)
        caught = None if entry is None else _address_of(entry.catch_all)
        if isinstance(admitted, Refused) and admitted.reply is replies.NO_SUCH_USER and caught is not None:
            return await self._admit(caught, policy)
        return admitted

    async def _admit(self, address: Address, policy: PolicyInForce) -> Admitted | Refused:
        entry = policy.recipient_entry(str(address))
        if entry is None:
            return Admitted(address, f"mx:{address.domain}")
        match await self._validity(address, entry):
            case Validity.UNKNOWN:
                return Refused(replies.NO_SUCH_USER, "no such recipient", place=entry.place)
            case Validity.FULL:
                return Refused(replies.MAILBOX_FULL, "mailbox full", place=entry.place)
            case Validity.CANNOT_TELL if entry.on_unknown != "accept":
                return Refused(replies.CANNOT_VERIFY, "the recipient could not be checked", place=entry.place)
        return Admitted(address, f"mx:{address.domain}" if entry.route == "mx" else entry.route)

    async def _validity(self, address: Address, entry: RecipientEntry) -> Validity:
        try:
            async with asyncio.timeout(VALIDATION_PATIENCE):
                return await self._validation.validate(address, entry)
        except Exception:  # noqa: BLE001 - whatever is wrong with a directory, the sender is asked to come again
            log().exception("recipient validation failed", domain=address.domain)
            return Validity.CANNOT_TELL


def _address_of(text: str) -> Address | None:
    try:
        return Address.parse(text) if text else None
    except BadAddress:
        return None  # the schema lets none through
