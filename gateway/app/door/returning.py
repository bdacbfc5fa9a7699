"""What the front door asks about addresses that we ourselves wrote into reverse-paths (SRS, BATV): to whom mail for
them goes, and which bounces are none of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.delivery.departure import Tagging
from gateway.facts.connection import ClientFact
from gateway.inbound.ports import Meant
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.mail.address import Address, ReversePath
from gateway.mail.batv import is_prvs
from gateway.mail.srs import Srs, is_srs
from gateway.mail.tags import Flaw
from gateway.policy.lists import EntryList


@dataclass(frozen=True, slots=True)
class Returning:
    """The `Returns` that the front door is given. `srs` and `tagging` give what is in force. `own` are networks whose
    bounces are always taken; `refuse_at` says when those are refused that are none of ours."""

    srs: Callable[[], Srs | None]
    tagging: Callable[[], Tagging | None]
    own: EntryList
    now: Callable[[], float]
    refuse_at: Literal["rcpt", "data"] = "data"

    def whom(self, address: Address, *, client: ClientFact, reverse_path: ReversePath) -> Meant | Refused:
        """Whom mail for an address of ours is for: the address itself, but for one that we made."""
        srs, tagging = self.srs(), self.tagging()
        if srs is not None and is_srs(address):
            sender = srs.returned(address, now=self.now())
            if isinstance(sender, Flaw):
                return Refused(replies.NO_SUCH_RETURN, f"the address (SRS) {sender.value}")
            return Meant(sender)
        bare = _bare(address)
        if tagging is None or not tagging.concerns(bare):
            return Meant(address)
        flaw = "a bounce for an address that sends with a tag, without one"
        if is_prvs(address):
            sender = tagging.batv.untagged(address, now=self.now())
            if isinstance(sender, Address):
                return Meant(sender)
            flaw = f"a bounce for an address whose tag (BATV) {sender.value}"
        if reverse_path is not None or self.own.holds(client.ip, at=0.0):
            return Meant(bare)  # an answer to us is no bounce: whoever writes it has taken the address from old mail
        refused = Refused(replies.NOT_OUR_BOUNCE, flaw)
        return refused if self.refuse_at == "rcpt" else Meant(bare, later=refused)


def _bare(address: Address) -> Address:
    """The address without its tag, whatever the tag is worth."""
    return Address(address.local.split("=", 2)[-1], address.domain) if is_prvs(address) else address
