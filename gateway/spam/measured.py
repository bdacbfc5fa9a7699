"""How good the artefact was on mail that it had not seen: the first table of the `MEASUREMENTS.md` that training wrote
beside it, for people. Total: what is not as training writes it is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = "MEASUREMENTS.md"
MAX_FILE: Final = 256 * 1024
MAX_ROWS: Final = 20
MAX_CELL: Final = 60
MAX_LEAD: Final = 600


@dataclass(frozen=True, slots=True)
class Measured:
    """One table: what it is about, a sentence or two before it, the names of its columns, and its rows."""

    title: str
    lead: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read(folder: Path) -> Measured | None:
    """The artefact's; None where there is none."""
    try:
        with (folder / FILE).open("rb") as stream:
            return first_table(stream.read(MAX_FILE).decode("utf-8", "replace"))
    except OSError:
        return None


def first_table(text: str) -> Measured | None:
    """The first table below a heading of the second rank."""
    title, lead, lines = "", "", text.splitlines()
    for place, line in enumerate(lines):
        if line.startswith("## "):
            title, lead = line[3:].strip(), ""
        elif title and line.startswith("|"):
            head, rows = _cells(line), _rows(lines[place + 2 :])
            return Measured(title, lead[:MAX_LEAD], head, tuple(row for row in rows if len(row) == len(head)))
        elif title and line.strip() and not lead:
            lead = line.strip()
    return None


def _rows(lines: Sequence[str]) -> list[tuple[str, ...]]:
    found = []
    for line in lines[:MAX_ROWS]:
        if not line.startswith("|"):
            break
        found.append(_cells(line))
    return found


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip()[:MAX_CELL] for cell in line.strip().strip("|").split("|"))
