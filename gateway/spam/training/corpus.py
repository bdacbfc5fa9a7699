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
from typing import Any, Final

from gateway.facts.content import MailClass

MAX_MESSAGE: Final = 2 * 1024 * 1024
_MADE_UP: Final = ("template", "synthetic", "ai")
_LINE_END: Final = re.compile(rb"\r?\n")


class CorpusError(ValueError):
    """The folder holds no labelled mail. The text says what was expected."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One message and what people say it is.

    `source` groups messages that must not stand on both sides of a measurement; `date` is ISO or empty; `language` is
    a guess or empty; `invented_header` tells that only its text is real; `made_up` that nobody wrote even that to
    anybody: a template, or by a machine.
    """

    file: Path
    label: MailClass
    source: str
    kind: str = ""
    date: str = ""
    language: str = ""
    made_up: bool = False
    invented_header: bool = False

    def octets(self) -> bytes:
        """The message with CRLF line ends, as it would come over the wire."""
        return _LINE_END.sub(b"\r\n", self.file.read_bytes()[:MAX_MESSAGE])


def read_corpora(folders: list[Path]) -> list[Labelled]:
    """All labelled messages of the folders, none twice, in an order that only their octets decide. Raises
    `CorpusError`."""
    found: list[Labelled] = []
    for folder in folders:
        indexes = sorted(folder.rglob("index.jsonl"))
        here = [each for index in indexes for each in _from_index(index)] if indexes else list(_from_folders(folder))
        if not here:
            raise CorpusError(
                f"{folder}: expected folders ham, spam and phishing with one message a file, or index.jsonl"
            )
        found += here
    unique = {hashlib.sha256(each.file.read_bytes()).hexdigest(): each for each in found}
    return [unique[key] for key in sorted(unique)]


def _from_index(index: Path) -> Iterator[Labelled]:
    with index.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                found = _from_row(json.loads(line), index.parent)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise CorpusError(f"{index}:{number}: not a row about a message: {error}") from None
            if found.file.is_file():
                yield found


def _from_row(row: dict[str, Any], folder: Path) -> Labelled:
    label = MailClass(row["label"])
    path = Path(row["path"])
    file = folder / path if (folder / path).is_file() else folder / label.value / path.name
    return Labelled(
        file=file,
        label=label,
        source=str(row.get("source") or folder.name),
        kind=str(row.get("kind") or ""),
        date=str(row.get("date") or ""),
        language=_language(str(row.get("lang") or "")),
        made_up=row.get("generated") in _MADE_UP or row.get("kind") == "template",
        invented_header=bool(row.get("synthetic_headers")),
    )


def _language(guess: str) -> str:
    return "" if guess == "?" else guess


def _from_folders(folder: Path) -> Iterator[Labelled]:
    for label in MailClass:
        for file in sorted((folder / label.value).glob("*")):
            if file.is_file():
                yield Labelled(file=file, label=label, source=folder.name)
