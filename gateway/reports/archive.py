"""The reports that others sent about our domains, kept as files of JSON, one for each. A report that comes again takes
the place of the first one: its reporter and identifier tell.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from gateway.facts.evidence import from_plain, to_plain
from gateway.reports.received import ReceivedReport
from gateway.telemetry import log

MAX_REPORTS: Final = 20_000
"""Reports that are kept; the ones that came first go first."""

MAX_LATEST: Final = 1000
"""Reports that are looked at together."""


class Archive:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, report: ReceivedReport) -> str:
        """Store it durably; answers the name under which `find` has it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(json.dumps([report.organization, report.identifier]).encode()).hexdigest()[:12]
        descriptor, new = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            json.dump(to_plain(report), out)
            out.flush()
            os.fsync(out.fileno())
        Path(new).replace(self._file(name))
        for old in sorted(self._folder.glob("*.json"), key=_came_at)[:-MAX_REPORTS]:
            old.unlink(missing_ok=True)
        return name

    def find(self, name: str) -> ReceivedReport | None:
        """The report of that name."""
        return dict(self.all()).get(name)

    def all(self) -> list[tuple[str, ReceivedReport]]:
        """All reports with their names, the newest period first."""
        found = self._read(self._folder.glob("*.json"))
        return sorted(found, key=lambda pair: (-pair[1].begin, pair[1].domain, pair[1].organization))

    def latest(self, *, number: int = MAX_LATEST) -> list[ReceivedReport]:
        """The reports that came last, the newest first."""
        files = sorted(self._folder.glob("*.json"), key=_came_at, reverse=True)[:number]
        return [report for _, report in self._read(files)]

    def _read(self, files: Iterable[Path]) -> Iterator[tuple[str, ReceivedReport]]:
        for file in files:
            try:
                yield file.stem, from_plain(ReceivedReport, json.loads(file.read_text(encoding="ascii")))
            except FileNotFoundError:
                continue  # another process removed an old one
            except ValueError as error:
                log().warning("report_unreadable", file=str(file), error=str(error))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _came_at(file: Path) -> float:
    """When it was kept; another process may have removed it since."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
