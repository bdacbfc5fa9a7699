"""What the supervisor runs: a command, the descriptors it inherits, and how one knows that it is ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum


class Phase(Enum):
    """When a program is stopped while draining: doors first, then those who carry, then what they stand on."""

    DOORS = 0
    CARRIERS = 1
    GROUND = 2


@dataclass(frozen=True, slots=True)
class Program:
    """One process of ours or of somebody else's.

    With `lifeline`, it is a role of ours: it gets a socket whose number stands in POSTERN_LIFELINE, says "ready" and
    then
    something every two seconds on it, and drains when the other end closes. Without it, `probe` tells whether it is
    ready.
    `descriptors` are kept open by the supervisor, so that a restart loses no connection that waits in a listening
    socket.
    """

    name: str
    argv: tuple[str, ...]
    phase: Phase
    descriptors: tuple[int, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    lifeline: bool = True
    probe: Callable[[], Awaitable[bool]] | None = None
    reloads: bool = False
    required: bool = True
