"""What custody is told of a message that it takes in two forms: as it came, and as it goes on to some recipients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.queue.records import Acceptance


@dataclass(frozen=True, slots=True)
class Changed:
    """A message that goes on to some recipients in place of one that is held for them as it came. `octets` are the
    changed ones; `told` stands in both stories, with the reference of the other: small and serialisable."""

    message_id: int
    acceptance: Acceptance
    octets: bytes = field(repr=False)
    told: Mapping[str, object] = field(default_factory=dict)
