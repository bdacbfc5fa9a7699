"""What people taught about texts, as one process has it in force: read again when it changes, kept when the new one is
bad."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from gateway.facts.outcome import Known, Outcome
from gateway.facts.reported import ReportedFact
from gateway.spam.site.reported import INDEX, NOBODY, Reported, ReportedError, read
from gateway.telemetry import log


class Hearing:
    """The `Reports` that the scanner is given; one for each process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[int, int] | None = None
        self._reported: Reported = NOBODY

    async def about(self, fingerprint: Sequence[int], *, now: float) -> Outcome[ReportedFact]:
        """What people called mail with nearly this text."""
        seen = self._standing()
        if seen != self._seen:
            self._seen = seen
            await asyncio.to_thread(self._read)
        return Known(self._reported.about(fingerprint, now=now))

    def _standing(self) -> tuple[int, int] | None:
        try:
            found = (self._folder / INDEX).stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _read(self) -> None:
        try:
            self._reported = read(self._folder)
        except ReportedError as error:
            log().error("reported_refused", problem=str(error))
