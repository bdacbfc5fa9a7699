"""The search language of lists: bare words, and key:value where the key is one of a closed list. Pure.

    class:spam,phishing from:*@shop.example rcpt:bob@example.org rule:spam-hold score:>8 after:now-7d invoice

A key or value that cannot be understood is named, with the nearest right one, and never silently dropped.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from gateway.console.telling.words import visible
from gateway.queue.records import HeldQuery

MAX_LENGTH: Final = 500
MAX_TERMS: Final = 12

_TOKEN = re.compile(r'(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S+))')
_SCORE = re.compile(r"([<>]?)(-?\d{1,4}(?:\.\d{1,4})?)\Z")
_AGO = re.compile(r"now-(\d{1,5})([mhdw])\Z")
_UNITS: Final = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SYNONYMS: Final = {"to": "rcpt", "for": "rcpt", "in": "class", "since": "after", "until": "before"}


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked for. `hints` say what was not understood, in words for the person who typed it."""

    text: str
    query: HeldQuery
    hints: tuple[str, ...] = ()


class _NotUnderstood(ValueError):
    """The value does not fit its key; the text says what would."""


def read(text: str, *, now: float) -> Search:
    """Read a search. Any text gives a query; what it could not use is in `hints`."""
    query = HeldQuery()
    hints: list[str] = []
    tokens = list(_TOKEN.finditer(text[:MAX_LENGTH]))
    if len(text) > MAX_LENGTH or len(tokens) > MAX_TERMS:
        hints.append(f"Only the first {MAX_TERMS} terms and {MAX_LENGTH} characters are read.")
    for token in tokens[:MAX_TERMS]:
        key = (token[1] or "").lower()
        value = token[3] if token[2] is None else token[2]
        key = _SYNONYMS.get(key, key)
        try:
            if not key:
                query = _with_word(query, value)
            elif key not in _KEYS:
                raise _NotUnderstood(_nearest(key))
            else:
                query = _KEYS[key](query, value, now)
        except _NotUnderstood as error:
            hints.append(str(error))
    return Search(text[:MAX_LENGTH], query, tuple(hints))


def _nearest(key: str) -> str:
    close = difflib.get_close_matches(key, [*_KEYS, *_SYNONYMS], n=1)
    wanted = f"Did you mean {close[0]}:?" if close else f"There are {', '.join(each + ':' for each in _KEYS)}"
    return f"There is no key {visible(key, 40)}:. {wanted}"


def _with_word(query: HeldQuery, value: str) -> HeldQuery:
    return replace(query, terms=(*query.terms, value)) if value else query


def _with_class(query: HeldQuery, value: str, now: float) -> HeldQuery:
    return replace(query, quarantines=frozenset(each for each in value.lower().split(",") if each))


def _with_score(query: HeldQuery, value: str, now: float) -> HeldQuery:
    match = _SCORE.match(value)
    if match is None:
        raise _NotUnderstood(f"score:{visible(value, 40)} is no bound: write score:>8 or score:<3.")
    bound = float(match[2])
    return replace(query, score_to=bound) if match[1] == "<" else replace(query, score_from=bound)


def _time(key: str, value: str, now: float) -> float:
    ago = _AGO.match(value.lower())
    if ago is not None:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _NotUnderstood(
            f"{key}:{visible(value, 40)} is no time: write {key}:2026-11-20, {key}:2026-11-20T14:00 or {key}:now-7d."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_KEYS: Final[dict[str, Callable[[HeldQuery, str, float], HeldQuery]]] = {
    "from": lambda query, value, now: replace(query, sender=value),
    "rcpt": lambda query, value, now: replace(query, recipient=value),
    "class": _with_class,
    "rule": lambda query, value, now: replace(query, rule=value),
    "reason": lambda query, value, now: replace(query, reason=value.upper()),
    "score": _with_score,
    "after": lambda query, value, now: replace(query, since=_time("after", value, now)),
    "before": lambda query, value, now: replace(query, until=_time("before", value, now)),
}
