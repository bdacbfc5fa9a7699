"""What people taught about texts and senders, as one process has it in force: read again when it changes, kept when the
new one is bad."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gateway.app.installation import Folders
from gateway.facts.outcome import Known, Outcome
from gateway.facts.reported import ReportedFact
from gateway.spam.site import preferences, reported
from gateway.spam.site.preferences import Preferences
from gateway.spam.site.reported import NOBODY, Reported
from gateway.spam.site.teaching import sender_of
from gateway.telemetry import log


class Hearing:
    """The `Reports` that the scanner is given; one for each process."""

    def __init__(self, folders: Folders) -> None:
        self._texts = folders.fingerprints
        self._senders = folders.lessons
        self._seen: tuple[object, ...] = (None, None)
        self._reported: Reported = NOBODY
        self._preferences = Preferences()

    async def about(
        self, fingerprint: Sequence[int], *, author: str, recipients: Sequence[str], now: float
    ) -> Outcome[ReportedFact]:
        """What people called mail with nearly this text, and which recipients want this author's mail."""
        seen = (_standing(self._texts / reported.INDEX), _standing(self._senders / preferences.FILE))
        if seen != self._seen:
            self._seen = seen
            await asyncio.to_thread(self._read)
        wanting, refusing = self._preferences.of(recipients, sender_of(author)) if author else ((), ())
        said = self._reported.about(fingerprint, now=now)
        return Known(replace(said, sender_wanted_by=wanting, sender_unwanted_by=refusing))

    def _read(self) -> None:
        try:
            self._reported = reported.read(self._texts)
            self._preferences = preferences.read(self._senders)
        except ValueError as error:
            log().error("reported_refused", problem=str(error))


def _standing(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
