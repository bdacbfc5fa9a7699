"""Turning what strangers wrote, and numbers, into what a page may show. Pure: text in, text or runs of text out.

Invisible and direction-changing characters become visible marks; links are defanged; everything is bounded. Escaping
is not done here: that is the template engine's, always on.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

MAX_LINE: Final = 300
MAX_TEXT: Final = 256 * 1024
MAX_COMBINING: Final = 4
"""Combining marks in a row that are still shown: a name in any script needs fewer."""

_SHOWN_CONTROLS: Final = frozenset("\n\t")
_CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a stranger's text. `mark` names an invisible character that stands here ("U+202E"), else empty."""

    text: str
    mark: str = ""


def runs(text: str, limit: int = MAX_LINE) -> list[Run]:
    """The text cut into runs, with every character that does not show, or changes how others show, named instead."""
    found: list[Run] = []
    plain: list[str] = []
    combining = 0
    for char in text[:limit].replace("\r\n", "\n"):
        category = unicodedata.category(char)
        combining = combining + 1 if category in ("Mn", "Me") else 0
        if combining > MAX_COMBINING:
            continue
        if char not in _SHOWN_CONTROLS and category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            if plain:
                found.append(Run("".join(plain)))
                plain = []
            found.append(Run(f"[U+{ord(char):04X}]", f"U+{ord(char):04X} {unicodedata.name(char, 'control')}".strip()))
        else:
            plain.append(char)
    if len(text) > limit:
        plain.append(_CUT)
    if plain:
        found.append(Run("".join(plain)))
    return found


def visible(text: str, limit: int = MAX_LINE) -> str:
    """The same on one line, as plain text."""
    return "".join(run.text for run in runs(" ".join(text.split()), limit))


def defang(url: str, limit: int = 500) -> str:
    """A link nobody can click or paste by accident: hxxps://evil[.]example/p."""
    scheme, separator, rest = url.partition("://")
    if separator:
        host, slash, path = rest.partition("/")
        return visible(f"{scheme.replace('t', 'x').replace('T', 'X')}://{host.replace('.', '[.]')}{slash}{path}", limit)
    scheme, colon, rest = url.partition(":")
    return visible(f"{scheme}[:]{rest}" if colon else url, limit)


def domain_of(address: str) -> str:
    """What follows the last @, in lower case."""
    return address.rpartition("@")[2].lower()


def size(octets: int) -> str:
    """Octets as people say them: 812 B, 47 kB, 3.2 MB."""
    if octets < 1000:
        return f"{octets} B"
    if octets < 1_000_000:
        return f"{octets / 1000:.0f} kB"
    return f"{octets / 1_000_000:.1f} MB"


def count(number: int) -> str:
    """With a thin space between thousands."""
    return f"{number:,}".replace(",", "\u202f")


def span(seconds: float) -> str:
    """A length of time in its largest unit: 29 d, 6 h, 14 min, 40 s."""
    seconds = abs(seconds)
    for unit, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {word}"
    return f"{int(seconds)} s"


def machine_time(at: float) -> str:
    """For `<time datetime>` and JSON: RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock_time(at: float, zone: tzinfo) -> str:
    """Hours and minutes where the reader is."""
    return datetime.fromtimestamp(at, zone).strftime("%H:%M")


def full_time(at: float, zone: tzinfo) -> str:
    """Day and time to the second where the reader is, with the zone's name."""
    moment = datetime.fromtimestamp(at, zone)
    return f"{moment.day} {moment:%B %Y, %H:%M:%S %Z}"


def day(at: float, now: float, zone: tzinfo) -> str:
    """The day as a heading: "Today, 21 November", "Yesterday, ...", "Thursday, 19 November"; the year if another."""
    moment, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    dated = f"{moment.day} {moment:%B}" + ("" if moment.year == today.year else f" {moment.year}")
    days = (today.date() - moment.date()).days
    name = {0: "Today", 1: "Yesterday"}.get(days, f"{moment:%A}")
    return f"{name}, {dated}"


def short_day(at: float, zone: tzinfo) -> str:
    """The day on an axis: "Thu 19"."""
    moment = datetime.fromtimestamp(at, zone)
    return f"{moment:%a} {moment.day}"


def moment(at: float, now: float, zone: tzinfo) -> str:
    """A time in a sentence: "at 12:04 today", "on 20 December, 12:04"."""
    then, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    if then.date() == today.date():
        return f"at {then:%H:%M} today"
    year = "" if then.year == today.year else f" {then.year}"
    return f"on {then.day} {then:%B}{year}, {then:%H:%M}"
