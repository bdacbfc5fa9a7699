"""What the front door asks about addresses that we ourselves wrote into reverse-paths (SRS, BATV): to whom mail for
them goes, and which bounces are none of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.delivery.departure import Tagging
from gateway.facts.connection import ClientFact
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.mail.address import Address, ReversePath
from gateway.mail.batv import is_prvs
from gateway.mail.srs import Srs, is_srs
from gateway.mail.tags import Flaw
from gateway.policy.lists import EntryList


@dataclass(frozen=True, slots=True)
class Returning:
    """The `Returns` that the front door is given. `own` are networks whose bounces are always taken."""

    srs: Srs | None
    tagging: Tagging | None
    own: EntryList
    now: Callable[[], float]

    def whom(self, address: Address, *, client: ClientFact, reverse_path: ReversePath) -> Address | Refused:
        """Whom mail for an address of ours is for: the address itself, but for one that we made."""
        if self.srs is not None and is_srs(address):
            meant = self.srs.returned(address, now=self.now())
            return meant if isinstance(meant, Address) else _refused(replies.NO_SUCH_RETURN, "SRS", meant)
        if self.tagging is None or not self.tagging.concerns(_bare(address)):
            return address
        is_bounce = reverse_path is None and not self.own.holds(client.ip, at=0.0)
        if is_prvs(address):
            meant = self.tagging.batv.untagged(address, now=self.now())
            if isinstance(meant, Address):
                return meant
            # An answer to us is no bounce: whoever writes it has taken the address from old mail.
            return _refused(replies.NOT_OUR_BOUNCE, "BATV", meant) if is_bounce else _bare(address)
        if is_bounce:
            return Refused(replies.NOT_OUR_BOUNCE, "a bounce for an address that sends with a tag, without one")
        return address


def _bare(address: Address) -> Address:
    """The address without its tag, whatever the tag is worth."""
    if not is_prvs(address):
        return address
    return Address(address.local.split("=", 2)[-1], address.domain)


def _refused(reply: replies.Reply, scheme: str, flaw: Flaw) -> Refused:
    return Refused(reply, f"the address ({scheme}) {flaw.value}")
