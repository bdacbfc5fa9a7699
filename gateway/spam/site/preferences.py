"""Whose mail each person wants, and whose not: what one who taught about the same sender again and again has said of it
last. For that person alone, so it needs no second voice, and harms nobody else.

On disk: one file of JSON beside the ledger, put in place whole.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.facts.content import MailClass
from gateway.spam.site.teaching import Taught

FILE: Final = "preferences.json"
ALIKE: Final = 3
"""Messages of one sender of which a person must have said the same last, before it is a preference."""
OLD: Final = 365 * 86400.0
"""Seconds after which a lesson says nothing about what somebody wants today."""
MOST: Final = 20_000
"""Preferences that are kept; the newest count."""
MAX_FILE: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Preferences:
    """By sender, as the ledger names senders: each person, in lower case, and whether that mail is wanted."""

    by_sender: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)

    def of(self, people: Iterable[str], sender: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Who of these wants mail of that sender, and who does not."""
        said = self.by_sender.get(sender, {})
        known = [(each.lower(), said.get(each.lower())) for each in people]
        return tuple(each for each, wants in known if wants), tuple(each for each, wants in known if wants is False)


def preferences_of(lessons: Iterable[Taught], *, now: float) -> Preferences:
    """From lessons, oldest first."""
    last: dict[tuple[str, str], dict[str, Taught]] = defaultdict(dict)
    for each in lessons:
        if each.sender and now - each.at < OLD:
            of_both = last[each.sender, each.by.lower()]
            of_both.pop(each.digest, None)
            of_both[each.digest] = each
    found: list[tuple[float, str, str, bool]] = []
    for (sender, person), said in last.items():
        newest = list(said.values())[-ALIKE:]
        wants = {each.label is MailClass.HAM for each in newest}
        if len(newest) == ALIKE and len(wants) == 1:
            found.append((newest[-1].at, sender, person, wants.pop()))
    by_sender: dict[str, dict[str, bool]] = defaultdict(dict)
    for _, sender, person, wanted in sorted(found)[-MOST:]:
        by_sender[sender][person] = wanted
    return Preferences({sender: dict(people) for sender, people in by_sender.items()})


def write(folder: Path, found: Preferences) -> None:
    """Put it in place of what was there. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = folder / f".{FILE}.{os.getpid()}"
    aside.write_text(json.dumps(found.by_sender), encoding="ascii")
    aside.replace(folder / FILE)


def read(folder: Path) -> Preferences:
    """What was written last; none where nothing was. Raises ValueError for what cannot be read."""
    try:
        with (folder / FILE).open("rb") as stream:
            plain = json.loads(stream.read(MAX_FILE))
        return Preferences(
            {
                str(sender): {str(person): bool(wanted) for person, wanted in people.items()}
                for sender, people in plain.items()
            }
        )
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{folder / FILE}: cannot be read: {error}") from None
