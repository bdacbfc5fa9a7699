"""Under which reverse-path a copy leaves us: what we forward for strangers under one of ours (SRS), what our own people
send under one with a tag (BATV), and all that stays within the house as it is. Looks up nothing; the ledger keeps
the path that the message came with, and our own bounces go there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.mail.address import Address, ReversePath
from gateway.mail.batv import Batv
from gateway.mail.srs import Srs


def unchanged(path: ReversePath, _recipient: Address) -> ReversePath:
    """The reverse-path as it is."""
    return path


@dataclass(frozen=True, slots=True)
class Tagging:
    """Whose mail gets a tag: that of `domains`. `exempt` are addresses of ours that get none, `untagged_to` addresses
    and domains to which mail goes without one. All in lower case."""

    batv: Batv
    domains: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()
    untagged_to: frozenset[str] = frozenset()

    def concerns(self, address: Address) -> bool:
        """Whether mail of that address leaves with a tag, so that a bounce for it without one is nothing of ours."""
        return address.domain in self.domains and address.key not in self.exempt

    def leaves_alone(self, recipient: Address) -> bool:
        """Whether mail to that recipient goes without."""
        return not self.untagged_to.isdisjoint((recipient.key, recipient.domain))


@dataclass(frozen=True, slots=True)
class Departure:
    """Call it with a reverse-path and a recipient. `srs` and `tagging` give what is in force."""

    is_ours: Callable[[Address], bool]
    now: Callable[[], float] = field(repr=False)
    srs: Callable[[], Srs | None] = lambda: None
    tagging: Callable[[], Tagging | None] = lambda: None

    def __call__(self, path: ReversePath, recipient: Address) -> ReversePath:
        """The path with which a copy of mail from `path` goes to `recipient`."""
        if path is None or self.is_ours(recipient):
            return path
        if not self.is_ours(path):
            return self._forwarded(path)
        tagging = self.tagging()
        if tagging is None or not tagging.concerns(path) or tagging.leaves_alone(recipient):
            return path
        return tagging.batv.tagged(path, now=self.now()) or path

    def _forwarded(self, path: Address) -> Address:
        """A domain that is none of ours any more would never see the bounces."""
        srs = self.srs()
        if srs is None or not self.is_ours(Address("postmaster", srs.domain)):
            return path
        return srs.forwarded(path, now=self.now()) or path
