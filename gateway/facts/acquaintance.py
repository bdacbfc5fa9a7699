"""Since when this installation knows those whom a message is from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SPAN: Final = 30.0
"""Days for which a domain counts as new, and for which we must have kept notes before we say so of any."""


@dataclass(frozen=True, slots=True)
class AcquaintanceFact:
    """`domains` are the organisational domains of the first author and of the reverse-path, each with the days since
    mail from it was first delivered here; 0.0 for one of which none ever was. `strangers` are the recipients (in lower
    case) to whom the author never wrote, and who never wrote to the author. `remembered` are the days for which such
    notes have been kept: what is older nobody knows.
    """

    domains: tuple[tuple[str, float], ...] = ()
    strangers: tuple[str, ...] = ()
    remembered: float = 0.0

    @property
    def can_tell(self) -> bool:
        """Whether our notes go back far enough to call anybody new."""
        return self.remembered >= SPAN

    @property
    def days(self) -> float:
        """How long we know the younger of the domains."""
        return min((days for _, days in self.domains), default=0.0)

    @property
    def new_domains(self) -> tuple[str, ...]:
        """Those that were first seen less than `SPAN` ago."""
        return tuple(domain for domain, days in self.domains if days < SPAN)
