"""From the ledger of lessons to what is compared with mail: fingerprints of texts, and whose mail each person wants.
Made again when the ledger has changed. Only messages that are new are taken apart, in a jailed worker, for they are
hostile octets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.app.installation import Folders
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.facts.outcome import Known
from gateway.settings import Settings
from gateway.spam.artefact import ModelError
from gateway.spam.site import preferences
from gateway.spam.site.reported import NOBODY, Reported, ReportedError, heard, read, write
from gateway.spam.site.teaching import Ledger, Taught
from gateway.spam.site.versions import Versions
from gateway.telemetry import log

AT_A_TIME: Final = 32
"""Messages that wait for the worker together."""


async def take_fingerprints(settings: Settings, folders: Folders, *, now: float) -> int:
    """Bring the fingerprints up to what the ledger says now, or said when what is held was learnt; of how many lessons
    they are. Raises OSError."""
    ledger, until = Ledger(folders.lessons), _until(folders)
    lessons = [each for each in ledger.lessons()[0] if until is None or each.at <= until]
    preferences.write(folders.lessons, preferences.preferences_of(lessons, now=now))
    words = heard(lessons, now=now)
    former = _former(folders)
    if former.words == tuple(words):
        return len(words)
    known = dict(former.fingerprints())
    missing = {each.digest for each in words} - known.keys()
    if missing:
        known |= await _taken(settings, ledger, [each for each in lessons if each.digest in missing])
    words = [each for each in words if each.digest in known]
    write(folders.fingerprints, Reported.of(words, [known[each.digest] for each in words]))
    return len(words)


def _until(folders: Folders) -> float | None:
    """When the newest lesson was taught that counts; None where all do."""
    try:
        return Versions(folders.layer).held_since
    except ModelError as error:
        log().error("reported_held_back", problem=str(error))
        return 0.0


def _former(folders: Folders) -> Reported:
    try:
        return read(folders.fingerprints)
    except ReportedError as error:
        log().error("reported_refused", problem=str(error))
        return NOBODY


async def _taken(settings: Settings, ledger: Ledger, lessons: Sequence[Taught]) -> dict[str, tuple[int, ...]]:
    """By the hash of the message. What is gone has an empty one; what could not be taken apart now is left out, and
    tried again when something is taught."""
    found: dict[str, tuple[int, ...]] = {}

    async def one(lesson: Taught) -> None:
        octets = ledger.octets(lesson)
        if octets is None:
            found[lesson.digest] = ()
            return
        outcome = await pool.study(octets)
        if isinstance(outcome, Known):
            found[lesson.digest] = outcome.value.fingerprint

    pool = await AnatomistPool.start(
        workers=1,
        timeout=settings.anatomist.timeout,
        memory=settings.anatomist.memory,
        model=settings.model,
    )
    async with pool:
        every = list({each.digest: each for each in lessons}.values())
        for begin in range(0, len(every), AT_A_TIME):
            async with asyncio.TaskGroup() as group:
                for each in every[begin : begin + AT_A_TIME]:
                    group.create_task(one(each))
    return found
