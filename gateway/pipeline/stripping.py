"""Taking parts out of a message (RFC 2046): in the place of each stands a notice, and every other octet stays what it
was.

Pure. The parts are found by the very walk that examined the message, and each is taken only if its content is still
what the examination saw. A message that readers may understand in several ways is not changed: what one of them takes
for a harmless part another may open. And what was changed is read again: it must have the same parts but for those.
Never decides which parts go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.mime.parts import Part, Place, Shape, walk
from gateway.facts.content import PartFact
from gateway.mail.message import BadMessage, Message, Octets
from gateway.pipeline.notice import FIELDS, Circumstances, Removed, notice_body, notice_text

SEVERAL_READINGS: Final = frozenset(
    {
        Defect.MIME_AMBIGUOUS,
        Defect.MIME_TYPE_MALFORMED,
        Defect.MIME_BOUNDARY_MISSING,
        Defect.MIME_ENCODED_CONTAINER,
        Defect.HEADER_MALFORMED,
        Defect.HEADER_TOO_LONG,
    }
)
"""Where these are, readers differ about what the parts are."""

_ANOTHER_READING: Final = "~"
"""Stands in the path of a part that only some readers see (`anatomy/mime/parts.py`)."""


@dataclass(frozen=True, slots=True)
class Stripped:
    """The changed message, whole, and what was taken out of it."""

    octets: bytes
    removed: tuple[Removed, ...]


@dataclass(frozen=True, slots=True)
class NotStripped:
    """The message must not be changed, and why, in words for people."""

    why: str


@dataclass(frozen=True, slots=True)
class _Edit:
    """octets[start:end] become these."""

    start: int
    end: int
    octets: bytes


def strip(octets: Octets, doomed: Sequence[PartFact], circumstances: Circumstances) -> Stripped | NotStripped:
    """The message without these parts. A part that stands in a container, or came out of something encoded, goes with
    the outermost part that stands in the message as it is."""
    found = _read(octets)
    if isinstance(found, NotStripped):
        return found
    going = _outermost(octets, found, doomed)
    if isinstance(going, NotStripped):
        return going
    edits: list[_Edit] = []
    removed: list[Removed] = []
    texts: dict[str, bytes] = {}
    for part, inside in going:
        what = Removed(part.path, part.name, part.media_type.declared, len(part.content), _digest(part.content), inside)
        texts[part.path] = notice_text(what, circumstances)
        edits += _edits(octets, part.place, notice_body(texts[part.path])) if part.place else ()
        removed.append(what)
    changed = _applied(octets, edits)
    if not _reads_back(found, changed, texts):
        return NotStripped("without these parts it would not have the same others")
    return Stripped(changed, tuple(removed))


def _read(octets: Octets) -> list[Part] | NotStripped:
    findings = Findings()
    parts = list(walk(octets, findings))
    strange = sorted(each.value for each in SEVERAL_READINGS & findings.defects.keys())
    if strange or any(_ANOTHER_READING in part.path for part in parts):
        return NotStripped(f"readers may understand its structure differently ({', '.join(strange) or 'its parts'})")
    return parts


def _outermost(
    octets: Octets, parts: Sequence[Part], doomed: Sequence[PartFact]
) -> list[tuple[Part, tuple[str, ...]]] | NotStripped:
    """The parts that have to go, in order, each with the names of what in it is the reason. None stands in another."""
    by_path = {part.path: part for part in parts if part.place is not None}
    reasons: dict[str, list[str]] = {}
    for fact in doomed:
        path = fact.path.partition("/")[0]
        while path and path not in by_path:
            path = path.rpartition(".")[0]
        part = by_path.get(path)
        if part is None or part.place is None or not _has_body(octets, part.place):
            return NotStripped(f"part {fact.path} does not stand in the message by itself")
        inside = reasons.setdefault(path, [])
        if fact.path != path:
            inside.append(fact.name)
        elif _digest(part.content) != fact.sha256:
            return NotStripped(f"part {fact.path} is not what was examined")
    if not reasons:
        return NotStripped("none of its parts has to go")
    going: list[tuple[Part, tuple[str, ...]]] = []
    covered = 0
    for part in sorted((by_path[path] for path in reasons), key=_start):
        if _start(part) >= covered:
            going.append((part, tuple(reasons[part.path])))
            covered = part.place.end if part.place else covered
    return going


def _has_body(octets: Octets, place: Place) -> bool:
    """Whether an empty line ends the header: only then can a message's own fields stay above another body."""
    return not place.is_message or octets[place.start : place.body].endswith(b"\r\n\r\n")


def _start(part: Part) -> int:
    return part.place.start if part.place else 0


def _edits(octets: Octets, place: Place, body: bytes) -> Iterator[_Edit]:
    """What changes where one part stood."""
    ending = b"\r\n" if place.end == len(octets) else b""
    if not place.is_message:
        yield _Edit(place.start, place.end, FIELDS + b"\r\n" + body + ending)
        return
    # The part is all that a message has: the message's own fields stay, those that say what its body is do not.
    header = Message.from_reader(octets[place.start : place.body])
    for each in header.fields:
        if each.key.startswith(b"content-"):
            yield _Edit(place.start + each.start, place.start + each.end, b"")
    version = b"" if header.first(b"mime-version") is not None else b"MIME-Version: 1.0\r\n"
    yield _Edit(place.body - 2, place.end, version + FIELDS + b"\r\n" + body + ending)


def _applied(octets: Octets, edits: Sequence[_Edit]) -> bytes:
    pieces: list[bytes] = []
    position = 0
    for each in sorted(edits, key=lambda edit: edit.start):
        pieces += (octets[position : each.start], each.octets)
        position = each.end
    pieces.append(octets[position:])
    return b"".join(pieces)


def _reads_back(before: Sequence[Part], changed: bytes, texts: dict[str, bytes]) -> bool:
    """Whether the changed message has the same parts in the same order, with the notices where others were."""
    try:
        Message.from_wire(changed)
    except BadMessage:
        return False
    after = _read(changed)
    if isinstance(after, NotStripped):
        return False
    expected = [
        (part.path, Shape.LEAF, texts[part.path]) if part.path in texts else (part.path, part.shape, part.content)
        for part in before
        if not any(part.path.startswith(f"{gone}.") for gone in texts)
    ]
    changed_holders = tuple(f"{path}." for path in texts)
    return len(after) == len(expected) and all(
        part.path == path and part.shape is shape and (part.content == content or _holds(part, changed_holders))
        for part, (path, shape, content) in zip(after, expected, strict=True)
    )


def _holds(part: Part, changed: Sequence[str]) -> bool:
    """Whether it is a message in the message, and something in it was changed: its other parts are looked at alone."""
    return part.shape is Shape.MESSAGE and any(each.startswith(f"{part.path}.") for each in changed)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
