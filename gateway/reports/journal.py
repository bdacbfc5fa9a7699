"""Which reports were sent for which day: one small file for each day, a line for each policy domain, so that a restart
neither forgets a report nor sends it again.

A crash between sending and writing sends one report twice, with the same identifier, which its reader knows it by.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.reports.aggregate import Period

_END: Final = "."
"""The line that says that the day is done; no domain is called so."""

KEPT: Final = 30
"""Days whose files are kept."""


class Journal:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_done(self, period: Period) -> bool:
        """Whether nothing is left to be sent for the day."""
        return _END in self._lines(period)

    def sent(self, period: Period) -> frozenset[str]:
        """The domains whose report is on its way."""
        return frozenset(self._lines(period)) - {_END}

    def note_sent(self, period: Period, domain: str) -> None:
        """The report for this domain is in custody."""
        self._append(period, domain)

    def note_done(self, period: Period) -> None:
        """All reports of the day are; old days are forgotten."""
        self._append(period, _END)
        for old in sorted(self._folder.glob("????-??-??"))[:-KEPT]:
            old.unlink(missing_ok=True)

    def _lines(self, period: Period) -> list[str]:
        try:
            return self._file(period).read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []

    def _append(self, period: Period, line: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file(period).open("a", encoding="ascii") as out:
            out.write(line + "\n")
            out.flush()
            os.fsync(out.fileno())

    def _file(self, period: Period) -> Path:
        return self._folder / f"{datetime.fromtimestamp(period.begin, UTC):%Y-%m-%d}"
