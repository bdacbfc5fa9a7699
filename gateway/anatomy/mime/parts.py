"""The walk: a message into its parts (RFC 2045, RFC 2046), on the octets themselves, bounded and never recursive.

Where readers would disagree (two types, two encodings, two boundaries) every plausible reading that yields content is
followed: the first keeps the plain path "1.2", the others are marked "1.2~2". Works on bytes and on a read-only
mapping; parts are cut out and decoded one at a time, the whole is never copied. Never judges, never opens a container
that is not MIME.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import count
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.mime.boundaries import Split, delimiter_of, sniffed, split
from gateway.anatomy.mime.encodings import decoded
from gateway.anatomy.mime.fields import Header, MediaType, media_types, names, read_header, transfer_encodings
from gateway.mail.message import Octets

_LONG_PREAMBLE: Final = 1024
"""Octets. "This is a multi-part message in MIME format" is honest; a page of text before the first part is not."""

_CARRYING: Final = (b"begin", b"ransfer-", b"-----BEGIN")
"""What stands in front of a file in a text."""

_ENCODED: Final = frozenset({"base64", "quoted-printable"})


class Shape(Enum):
    """What a part is made of."""

    LEAF = auto()
    MESSAGE = auto()  # a whole message; its own parts follow
    ASIDE = auto()  # preamble or epilogue of a multipart: text that readers with MIME do not show


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entity stands in the octets that are walked: its header from `start`, its body from `body` to `end`.
    `is_message`: its header is that of a whole message, and says more than what the body is."""

    start: int
    body: int
    end: int
    is_message: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `path` numbers it as IMAP does ("1.2"); `names` are all that a reader might show, the likeliest first;
    `content` is decoded; `depth` counts what it stands in. `place` is None where it does not stand in the octets as
    they are: it came out of something encoded, or is text around parts."""

    path: str
    shape: Shape
    header: Header
    media_type: MediaType
    names: tuple[str, ...]
    content: bytes
    depth: int
    place: Place | None = None

    @property
    def name(self) -> str:
        """The likeliest name, or empty."""
        return self.names[0] if self.names else ""

    @property
    def is_attachment(self) -> bool:
        """Whether the sender asked for it to be shown as a file (RFC 2183 section 2.2)."""
        dispositions = self.header.values("content-disposition")
        return any(value.strip().lower().startswith(b"attachment") for value in dispositions)


@dataclass(frozen=True, slots=True)
class _Entity:
    """A header and a body still to be read. `prefix` is its path; of a whole message it is the path of its parts.
    `outer_end` is where the body ends of the multipart that it stands in, with what follows its closing delimiter."""

    octets: Octets
    start: int
    end: int
    prefix: str
    depth: int
    outer_end: int = 0
    default_type: str = "text/plain"
    is_message: bool = False
    header: Header | None = None

    @property
    def path(self) -> str:
        if not self.is_message:
            return self.prefix
        return f"{self.prefix}.1" if self.prefix else "1"


@dataclass(frozen=True, slots=True)
class _Reading:
    """An entity under one of the types that its header may mean. `marks` tells the readings of one entity apart in
    paths."""

    entity: _Entity
    header: Header
    media_type: MediaType
    encodings: tuple[str, ...]
    marks: Iterator[str]
    walked: Octets

    @property
    def size(self) -> int:
        return self.entity.end - self.header.body

    def part(self, shape: Shape, path: str, content: bytes) -> Part:
        entity = self.entity
        if shape is Shape.ASIDE:
            return Part(path, shape, self.header, self.media_type, (), content, entity.depth)
        stands = entity.octets is self.walked
        place = Place(entity.start, self.header.body, entity.end, entity.is_message) if stands else None
        return Part(path, shape, self.header, self.media_type, tuple(names(self.header)), content, entity.depth, place)


class _Walk:
    """The state of one walk: what is still to be read, and the findings so far."""

    def __init__(self, root: _Entity, findings: Findings) -> None:
        self._octets = root.octets
        self._pending = [root]
        self._children: list[_Entity] = []
        self._findings = findings

    def parts(self) -> Iterator[Part]:
        while self._pending:
            entity = self._pending.pop()
            if not self._findings.may_read_entity():
                return
            if self._findings.may_look_at(entity.end - entity.start):
                yield from self._read(entity)
                self._pending.extend(reversed(self._children))
                self._children.clear()

    def _read(self, entity: _Entity) -> Iterator[Part]:
        entity = _with_line_feeds(entity)
        header = entity.header or read_header(entity.octets, entity.start, entity.end, self._findings)
        types = media_types(header, entity.default_type, self._findings)
        encodings = tuple(transfer_encodings(header, self._findings))
        marks = ("" if number == 1 else f"~{number}" for number in count(1))
        leaf_seen = False
        for media_type in types:
            reading = _Reading(entity, header, media_type, encodings, marks, self._octets)
            opened = False
            if (media_type.is_multipart or media_type.is_message) and entity.depth >= limits.MAX_DEPTH:
                self._findings.missed(Unscannable.MIME_DEPTH)
            elif media_type.is_multipart:
                opened = yield from self._multipart(reading)
            elif media_type.is_message:
                opened = yield from self._message(reading)
            if not opened and not leaf_seen:
                leaf_seen = True
                yield from self._leaf(reading)

    def _leaf(self, reading: _Reading) -> Iterator[Part]:
        entity, header = reading.entity, reading.header
        if reading.media_type.declared == "message/partial":
            self._findings.missed(Unscannable.MIME_PARTIAL)
        elif reading.media_type.declared == "message/external-body":
            self._findings.note(Defect.MIME_EXTERNAL_BODY)
        seen: list[bytes] = []  # a handful: to compare sizes first is less work than to hash them
        for _, content in self._contents(reading):
            if (content or not seen) and content not in seen and self._findings.may_add_part():
                seen.append(content)
                yield reading.part(Shape.LEAF, f"{entity.path}{next(reading.marks)}", content)
        if header.malformed_at != -1 and (header.body == entity.end or reading.encodings[0] in _ENCODED):
            # A line that is no field: there the body begins, for readers that need no empty line.
            body = entity.octets[header.malformed_at : entity.end]
            for content in decoded(body, reading.encodings[0], self._findings):
                if content not in seen and self._findings.may_add_part():
                    seen.append(content)
                    yield reading.part(Shape.LEAF, f"{entity.path}{next(reading.marks)}", content)
        is_whole = not reading.media_type.is_multipart and reading.media_type.declared != "message/partial"
        if entity.depth < limits.MAX_DEPTH and is_whole:
            self._undeclared(reading)

    def _undeclared(self, reading: _Reading) -> None:
        """Parts in a body that does not say it has any: readers who understood the type in another way find them."""
        entity, start = reading.entity, reading.header.body
        if not reading.header.fields and entity.octets[start : start + 8].lower() == b"content-":
            # Behind an empty line too many.
            path = f"{entity.path}{next(reading.marks)}"
            self._children.append(_Entity(entity.octets, start, entity.end, path, entity.depth + 1))
            return
        guess = sniffed(entity.octets, start, entity.end)
        if guess:
            splits = self._splits(entity.octets, start, entity.end, (guess,))
            self._parts_of(reading, entity.octets, entity.end, splits)

    def _contents(self, reading: _Reading) -> Iterator[tuple[str, bytes]]:
        """Every encoding that the header may mean, with the body under it."""
        for encoding in reading.encodings:
            if self._findings.may_decode(reading.size):
                body = reading.entity.octets[reading.header.body : reading.entity.end]
                for content in decoded(body, encoding, self._findings):
                    yield encoding, content

    def _message(self, reading: _Reading) -> Generator[Part, None, bool]:
        """A message in a message; encoded ones are forbidden (RFC 2046 section 5.2.1), and opened by most readers."""
        entity = reading.entity
        if not _ENCODED.isdisjoint(reading.encodings):
            self._findings.note(Defect.MIME_ENCODED_CONTAINER)
        for encoding, content in self._contents(reading):
            if self._findings.may_add_part():
                path = f"{entity.path}{next(reading.marks)}"
                in_place = encoding not in _ENCODED and len(content) == reading.size
                octets = entity.octets if in_place else content
                start, end = (reading.header.body, entity.end) if in_place else (0, len(content))
                self._children.append(_Entity(octets, start, end, path, entity.depth + 1, is_message=True))
                yield reading.part(Shape.MESSAGE, path, content)
        return True

    def _multipart(self, reading: _Reading) -> Generator[Part, None, bool]:
        """The parts of a multipart; False where no boundary ever comes."""
        entity, boundaries = reading.entity, reading.media_type.boundaries
        octets, start, end = entity.octets, reading.header.body, entity.end
        splits = self._splits(octets, start, end, boundaries)
        if not any(each.is_closed for each in splits) and (cut_off := self._cut_off(entity, boundaries)):
            splits += self._splits(octets, start, entity.outer_end, cut_off)
        if not splits and reading.encodings[0] in _ENCODED and self._findings.may_decode(reading.size):
            # Forbidden (RFC 2045 section 6.4), and some readers decode it all the same.
            octets = decoded(octets[start:end], reading.encodings[0], self._findings)[0]
            start, end = 0, len(octets)
            splits = self._splits(octets, start, end, boundaries)
            if splits:
                self._findings.note(Defect.MIME_ENCODED_CONTAINER)
        if not splits:
            self._findings.note(Defect.MIME_BOUNDARY_MISSING)
            guess = sniffed(octets, start, end)
            splits = self._splits(octets, start, end, (guess,)) if guess else []
        if not splits:
            return False
        if reading.media_type.declared == "multipart/encrypted":
            self._findings.missed(Unscannable.MIME_ENCRYPTED)
        default = "message/rfc822" if reading.media_type.declared == "multipart/digest" else "text/plain"
        self._parts_of(reading, octets, end, splits, default)
        first = splits[0]
        yield from self._aside(reading, octets[start : first.preamble_end], Defect.MIME_PREAMBLE)
        epilogue = octets[first.epilogue_start : end]
        yield from self._aside(reading, epilogue, Defect.MIME_EPILOGUE)
        if b"\n--" in epilogue or epilogue.startswith(b"--"):
            self._after_the_end(reading, epilogue)
        return True

    def _cut_off(self, entity: _Entity, boundaries: tuple[str, ...]) -> tuple[str, ...]:
        """The boundaries that come again behind the outer delimiter that cut this multipart short: readers who finish
        the inner one first do not see that delimiter."""
        octets, start, end = entity.octets, entity.end, entity.outer_end
        if end <= start or not self._findings.may_look_at(end - start):
            return ()
        found = tuple(each for each in boundaries if octets.find(delimiter_of(each), start, end) != -1)
        if found:
            self._findings.note(Defect.MIME_AMBIGUOUS)
        return found

    def _parts_of(
        self,
        reading: _Reading,
        octets: Octets,
        body_end: int,
        splits: Sequence[Split],
        default_type: str = "text/plain",
    ) -> None:
        """The parts of each way to split a body that ends at `body_end`, as entities still to be read."""
        entity = reading.entity
        for each in splits:
            prefix = f"{entity.prefix}{next(reading.marks)}"
            outer_end = max(body_end, each.epilogue_start)
            for index, (start, end) in enumerate(each.parts, start=1):
                path = f"{prefix}.{index}".lstrip(".")
                self._children.append(_Entity(octets, start, end, path, entity.depth + 1, outer_end, default_type))

    def _after_the_end(self, reading: _Reading, epilogue: bytes) -> None:
        """Parts behind the closing delimiter under a boundary of their own: readers that go by lines take them in."""
        guess = sniffed(epilogue, 0, len(epilogue))
        if guess:
            splits = self._splits(epilogue, 0, len(epilogue), (guess,))
            self._parts_of(reading, epilogue, len(epilogue), splits)

    def _splits(self, octets: Octets, start: int, end: int, boundaries: tuple[str, ...]) -> list[Split]:
        found: list[Split] = []
        for boundary in boundaries:
            if self._findings.may_look_at(end - start):
                found += [each for each in split(octets, start, end, boundary, self._findings) if each.parts]
        if len(found) > 1:
            self._findings.note(Defect.MIME_AMBIGUOUS)
        if len(found) > limits.MAX_READINGS:
            self._findings.missed(Unscannable.MIME_READINGS)
        return found[: limits.MAX_READINGS]

    def _aside(self, reading: _Reading, text: bytes, defect: Defect) -> Iterator[Part]:
        """Text around the parts: a reader without MIME shows it, and files may be embedded in it."""
        ordinary = _LONG_PREAMBLE if defect is Defect.MIME_PREAMBLE else 0
        if len(text.strip()) <= ordinary and not any(mark in text for mark in _CARRYING):
            return
        if len(text.strip()) > ordinary:
            self._findings.note(defect)
        if self._findings.may_add_part():
            path = f"{reading.entity.prefix}.0".lstrip(".")
            yield reading.part(Shape.ASIDE, path, text)


def _with_line_feeds(entity: _Entity) -> _Entity:
    """The entity; one whose lines end with a carriage return alone, as on old Macintoshes, is written anew."""
    start, end = entity.start, entity.end
    if entity.octets.find(b"\n", start, end) != -1 or entity.octets.find(b"\r", start, end) == -1:
        return entity
    written = bytes(entity.octets[start:end]).replace(b"\r", b"\n")
    return replace(entity, octets=written, start=0, end=len(written), header=None)


def walk(
    octets: Octets, findings: Findings, *, path: str = "", depth: int = 0, header: Header | None = None
) -> Iterator[Part]:
    """The parts of a message, in order, and what is odd about them in `findings`. `path` and `depth` are those of the
    part that the message stands in; `header` is the message's own, where it was read already. Raises nothing."""
    root = _Entity(octets, 0, len(octets), path, depth, is_message=True, header=header)
    return _Walk(root, findings).parts()
