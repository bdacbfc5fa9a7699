"""The reports that others sent about our domains, kept as files of JSON, one for each. A report that comes again takes
the place of the first one: its reporter and identifier tell.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Final

from gateway.facts.evidence import from_plain, to_plain
from gateway.reports.received import ReceivedReport
from gateway.telemetry import log

MAX_REPORTS: Final = 20_000
"""Reports that are kept; the ones that came first go first."""


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
        for old in sorted(self._folder.glob("*.json"), key=lambda each: each.stat().st_mtime)[:-MAX_REPORTS]:
            old.unlink(missing_ok=True)
        return name

    def find(self, name: str) -> ReceivedReport | None:
        """The report of that name."""
        return dict(self.all()).get(name)

    def all(self) -> list[tuple[str, ReceivedReport]]:
        """All reports with their names, the newest period first."""
        found = []
        for file in self._folder.glob("*.json"):
            try:
                found.append((file.stem, from_plain(ReceivedReport, json.loads(file.read_text(encoding="ascii")))))
            except ValueError as error:
                log().warning("report_unreadable", file=str(file), error=str(error))
        return sorted(found, key=lambda pair: (-pair[1].begin, pair[1].domain, pair[1].organization))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"
