"""What the supervisor runs: a command, the sockets it inherits, and how one knows that it is ready."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Phase(Enum):
    """When a program is stopped while draining: doors first, then those who carry, then what they stand on."""

    DOORS = 0
    CARRIERS = 1
    GROUND = 2


@dataclass(frozen=True, slots=True)
class Program:
    """One process of ours or of somebody else's.

    With `lifeline`, it is a role of ours: it gets a socket whose number stands in POSTERN_LIFELINE, says "ready", then
    something every two seconds on it, and drains when the other end closes. Without it, `probe` tells whether it is
    ready. `listeners` are kept open by the supervisor, so that a restart loses no connection that waits in one of them.
    `changed` is asked every few seconds, and before a reload: when it says so, what the program read at its start has
    changed, and it is told to read it again (SIGHUP).
    `output` is the file that takes what a foreign program prints; None: it prints where we do.
    """

    name: str
    argv: tuple[str, ...]
    phase: Phase
    listeners: dict[str, socket.socket] = field(default_factory=dict)
    output: Path | None = None
    lifeline: bool = True
    probe: Callable[[], Awaitable[bool]] | None = None
    reloads: bool = False
    changed: Callable[[], bool] | None = None
    required: bool = True
