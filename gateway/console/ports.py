"""Everything the office needs from other rooms, in one frozen record that the composition root fills.

The console opens no spool, no ledger and no socket of its own: what it can do is what stands here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from gateway.clock import Clock
from gateway.counters.counters import Counters
from gateway.facts.outcome import Outcome
from gateway.facts.preview import Preview
from gateway.mail.message import Octets
from gateway.quarantine.feedback import Feedback
from gateway.quarantine.release import Rescan
from gateway.queue.custody import Custody
from gateway.reports.received import ReceivedReport
from gateway.settings import Settings
from gateway.spam.site.standing import Standing


class Mood(StrEnum):
    """How a component of the house is doing."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Component:
    """One thing the house depends on. `words` says what is wrong, fit for "Running without: ..."; `mend` is the one
    line that mends it; `since` is seconds since the epoch, or None where nobody saw it begin."""

    name: str
    mood: Mood
    words: str = ""
    mend: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox whose owner has just signed in: its own address, and all addresses that end up in it."""

    address: str
    addresses: frozenset[str]


class AuthenticateMailbox(Protocol):
    """Ask the mail store whether the password is right. None: it is not, or there is no such mailbox.

    Raises `StoreUnavailable` when the store cannot be asked.
    """

    def __call__(self, address: str, password: str) -> Awaitable[Mailbox | None]: ...


class StoreUnavailable(Exception):
    """The mail store could not be asked; the text says why, for the log."""


class Lessons(Protocol):
    """What the staff may do to all that people taught here. Both raise OSError."""

    async def go_back(self) -> str | None:
        """Let the version before serve again, and hold it; its name, or None where there was none to leave."""

    async def go_on(self) -> None:
        """Learn again, soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficePorts:
    """What `create_app` is given.

    `folder` is the console's own (DATA/console, mode 0700): accounts and sessions live there. `status` lists all
    components, also the healthy ones, and is cheap. `metrics` is Prometheus text. `policy_version` is the version that
    judges now. `received_reports` are the DMARC reports about our domains that came last; it reads files.
    `feedback` takes what people say of held mail to the classifier's lessons; `classifier` tells how it stands, and
    reads files; `lessons` goes back to what it was before. `never_shut_out` says of an address whether a ban of it
    would have no effect.
    """

    custody: Custody
    counters: Counters
    never_shut_out: Callable[[str], bool]
    rescan: Rescan
    preview: Callable[[Octets], Awaitable[Outcome[Preview]]]
    authenticate_mailbox: AuthenticateMailbox
    status: Callable[[], tuple[Component, ...]]
    metrics: Callable[[], bytes]
    received_reports: Callable[[], Sequence[ReceivedReport]] = tuple
    feedback: Feedback | None = None
    classifier: Callable[[], Standing] = Standing
    lessons: Lessons | None = None
    policy_version: Callable[[], str]
    clock: Clock
    settings: Settings
    folder: Path
