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
    """Yes: to whom the mail goes, which is somebody else for an alias, and the destination under which it is queued.
    `size` is how many octets it may have; None: as many as the client may send. `later` is a refusal that waits for the
    end of the data."""

    address: Address
    destination: str
    size: int | None = None
    later: Refused | None = None


class Addressees:
    """Finds out, with the house's recipient validation."""

    def __init__(self, validation: RecipientValidation) -> None:
        self._validation = validation

    async def find(self, address: Address, policy: PolicyInForce, *, size: int | None = None) -> Admitted | Refused:
        """Follow an alias or, for an address that does not exist, the catch-all: one step, so that there is no loop.
        An address that is not ours goes to its exchangers. `size` is what MAIL declared (RFC 1870)."""
        entry = policy.recipient_entry(str(address))
        target = None if entry is None else _address_of(entry.aliases.get(address.key, ""))
        if target is not None:
            return await self._admit(target, policy, size)
        admitted = await self._admit(address, policy, size)
        caught = None if entry is None else _address_of(entry.catch_all)
        if isinstance(admitted, Refused) and admitted.reply is replies.NO_SUCH_USER and caught is not None:
            return await self._admit(caught, policy, size)
        return admitted

    async def _admit(self, address: Address, policy: PolicyInForce, size: int | None) -> Admitted | Refused:
        entry = policy.recipient_entry(str(address))
        if entry is None:
            return Admitted(address, f"mx:{address.domain}")
        validity = await self._validity(address, entry, size)
        if validity is Validity.UNKNOWN:
            return Refused(replies.NO_SUCH_USER, "no such recipient", place=entry.place)
        if validity is Validity.CANNOT_TELL and entry.on_unknown != "accept":
            return Refused(replies.CANNOT_VERIFY, "the recipient could not be checked", place=entry.place)
        if size is not None and entry.size is not None and size > entry.size:
            said = f"declared {size} octets, the recipient's limit is {entry.size}"
            return Refused(replies.TOO_LARGE, said, place=entry.place)
        if validity is Validity.FULL:
            full = replies.MAILBOX_FULL_FOR_GOOD if entry.on_full == "reject" else replies.MAILBOX_FULL
            return Refused(full, "mailbox full", place=entry.place)
        return Admitted(address, f"mx:{address.domain}" if entry.route == "mx" else entry.route, entry.size)

    async def _validity(self, address: Address, entry: RecipientEntry, size: int | None) -> Validity:
        try:
            async with asyncio.timeout(VALIDATION_PATIENCE):
                return await self._validation.validate(address, entry, size=size)
        except Exception:  # noqa: BLE001 - whatever is wrong with a directory, the sender is asked to come again
            log().exception("recipient validation failed", domain=address.domain)
            return Validity.CANNOT_TELL


def _address_of(text: str) -> Address | None:
    try:
        return Address.parse(text) if text else None
    except BadAddress:
        return None  # the schema lets none through
