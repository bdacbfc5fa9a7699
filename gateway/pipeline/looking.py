"""What of a message the malware engine is asked about, and the one fact that its answers make together.

The policy says what is sent. Where the anatomist could not tell, or could not see all, the whole message goes too: what
is not understood here may be understood there. Never calls anything clean that was not said to be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from gateway.checks.anatomist.wire import Examination
from gateway.checks.leaves import Wanted
from gateway.facts.content import ContentFact, EngineFact, MalwareFact, MalwareResult
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.message import Message, Octets
from gateway.policy.policy import Scanning, Sending

AMBIGUOUS: Final = "mime.ambiguous"
"""The defect by which anatomy says that a message can be read in several ways."""


class Anatomist(Protocol):
    """Takes a message apart in a process that can be lost."""

    async def examine(self, message: Message, wanted: Wanted = Wanted.NONE) -> Examination: ...


class MalwareEngine(Protocol):
    """Looks for malware in octets, and says how it is itself."""

    async def scan(self, octets: Octets) -> Outcome[MalwareFact]: ...

    def standing(self) -> Outcome[EngineFact]: ...


WANTED: Final = {Sending.MESSAGE: Wanted.NONE, Sending.LEAVES: Wanted.ALL, Sending.RISKY: Wanted.RISKY}
"""The leaves that each word of the policy asks the anatomist for."""


def wanted_for(engine: MalwareEngine | None, scanning: Scanning) -> Wanted:
    """The leaves that the anatomist hands on: none where nobody looks at them."""
    return Wanted.NONE if engine is None else WANTED[scanning.send]


async def look(engine: MalwareEngine, octets: Octets, examination: Examination) -> Outcome[MalwareFact]:
    """Ask about every leaf that was handed on, and about the whole message where that is called for."""
    asked: list[tuple[str, Octets]] = [(leaf.path, leaf.octets) for leaf in examination.leaves]
    if not asked or _needs_whole(examination):
        asked.append(("", octets))
    async with asyncio.TaskGroup() as group:
        asking = [(path, group.create_task(engine.scan(each))) for path, each in asked]
    return together([_placed(task.result(), path) for path, task in asking])


def together(outcomes: Sequence[Outcome[MalwareFact]]) -> Outcome[MalwareFact]:
    """The worst that was said. Malware is malware whatever else is not known; doubt comes before all but that."""
    return max(outcomes, key=_badness)


def _needs_whole(examination: Examination) -> bool:
    content = examination.content
    return not isinstance(content, Known) or examination.left_out or _is_puzzling(content.value)


def _is_puzzling(content: ContentFact) -> bool:
    return bool(content.unscannable) or any(each.startswith(AMBIGUOUS) for each in content.defects)


def _placed(outcome: Outcome[MalwareFact], path: str) -> Outcome[MalwareFact]:
    return Known(replace(outcome.value, part=path)) if isinstance(outcome, Known) else outcome


def _badness(outcome: Outcome[MalwareFact]) -> int:
    if isinstance(outcome, Unknown):
        return 2
    result = outcome.value.result if isinstance(outcome, Known) else MalwareResult.CLEAN
    return {MalwareResult.CLEAN: 0, MalwareResult.UNSCANNABLE: 1, MalwareResult.FOUND: 3}[result]
