"""Labelled mail on disk, for training and measuring: folders named ham, spam and phishing, or an index.jsonl beside
them.

Reads files only; the messages stay where they are and never enter the project.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.facts.content import MailClass

MAX_MESSAGE: Final = 2 * 1024 * 1024
_LINE_END: Final = re.compile(rb"\r?\n")


class CorpusError(ValueError):
    """The folder holds no labelled mail. The text says what was expected."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One message and what people say it is. `source` groups messages that must not stand on both sides of a
    measurement;
    `invented_header` tells that only its text is real; `date` is ISO or empty."""

    file: Path
    label: MailClass
    source: str
    kind: str = ""
    date: str = ""
    invented_header: bool = False

    def octets(self) -> bytes:
        """The message with CRLF line ends, as it would come over the wire."""
        return _LINE_END.sub(b"\r\n", self.file.read_bytes()[:MAX_MESSAGE])


def read_corpora(folders: list[Path]) -> list[Labelled]:
    """All labelled messages of the folders, without repeated files, in a stable order. Raises `CorpusError`."""
    found: list[Labelled] = []
    for folder in folders:
        indexes = sorted(folder.rglob("index.jsonl"))
        here = [each for index in indexes for each in _from_index(index)] if indexes else list(_from_folders(folder))
        if not here:
            raise CorpusError(
                f"{folder}: expected folders ham, spam and phishing with one message a file, or index.jsonl"
            )
        found += here
    unique = {hashlib.sha256(str(each.file).encode()).hexdigest(): each for each in found}
    return [unique[key] for key in sorted(unique)]


def _from_index(index: Path) -> Iterator[Labelled]:
    with index.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            file = index.parent / row["path"]
            if not file.exists():
                file = index.parent / row["label"] / Path(row["path"]).name
            if file.exists():
                yield Labelled(
                    file=file,
                    label=MailClass(row["label"]),
                    source=str(row.get("source", index.parent.name)),
                    kind=str(row.get("kind", "")),
                    date=str(row.get("date", "")),
                    invented_header=bool(row.get("synthetic_headers")),
                )


def _from_folders(folder: Path) -> Iterator[Labelled]:
    for label in MailClass:
        for file in sorted((folder / label.value).glob("*")):
            if file.is_file():
                yield Labelled(file=file, label=label, source=folder.name)
