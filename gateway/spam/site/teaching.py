"""What people taught this site: messages kept, a ledger of who said what about them, and which of it may be learnt.

Only people teach; no verdict of the classifier ever comes here. The ledger is only added to: taking back is a line of
its own. Nobody can teach much alone: one person and one sender count for a bounded number of lessons, people who
contradict each other teach nothing, and below a least number of each side nothing is learnt at all.

Crash-safe: a message is on disk, whole, before its line is; a line that was torn is left out, and counted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from gateway.facts.content import MailClass
from gateway.mail.headers import authors
from gateway.mail.message import BadMessage, Message
from gateway.spam.knowledge import PUBLIC_MAIL
from gateway.spam.sites import owner_of, site_of
from gateway.spam.training.corpus import MAX_MESSAGE, Labelled

LEAST: Final = 200
"""Lessons of ham, and of unwanted mail, below which a site's lessons are not learnt."""
MOST_BY_PERSON: Final = 100
"""Lessons that one person may teach; the newest count. The operator, who owns the machine, has no such bound."""
MOST_OF_SENDER: Final = 20
"""Lessons about one sender, whoever teaches them; the newest count."""
MOST_TO_ONE: Final = 5
"""How many times more lessons one side may have than the other; the newest count."""
MOST_AT_ONCE: Final = 1500
"""Lessons of each side that the site's layer learns from; the newest count. A training learns from all."""
MOST_LINES: Final = 200_000
"""Lines of the ledger that are read, from its end."""
OPERATOR: Final = "operator"
SOURCE: Final = "taught here"


_LINE_END: Final = re.compile(rb"\r?\n")


class Way(StrEnum):
    """How a lesson came here."""

    COMMAND = "command"
    RELEASE = "release"
    REPORT = "report"
    JUNK = "junk"
    NOT_JUNK = "not-junk"


class TeachingError(ValueError):
    """A lesson that cannot be taken. The text says why."""


@dataclass(frozen=True, slots=True)
class Taught:
    """One lesson: at which time (seconds since 1970), who said by which way that the message is what, and whose it is.
    `digest` is the SHA-256 of the message."""

    at: float
    by: str
    way: str
    label: MailClass
    digest: str
    sender: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What may be learnt, oldest first; how many lessons were set aside, by reason; and whether there are enough."""

    lessons: tuple[Taught, ...]
    aside: dict[str, int]

    @property
    def sides(self) -> tuple[int, int]:
        """How many are ham, and how many are not."""
        ham = sum(each.label is MailClass.HAM for each in self.lessons)
        return ham, len(self.lessons) - ham

    @property
    def newest(self) -> tuple[Taught, ...]:
        """Those that the site's layer learns from, oldest first: at most `MOST_AT_ONCE` of each side."""
        room = {True: MOST_AT_ONCE, False: MOST_AT_ONCE}
        found = []
        for each in reversed(self.lessons):
            side = each.label is MailClass.HAM
            if room[side]:
                room[side] -= 1
                found.append(each)
        return tuple(reversed(found))

    @property
    def enough(self) -> bool:
        """Whether there are enough of both sides to be learnt from."""
        return min(self.sides) >= LEAST


class Ledger:
    """The lessons in one folder: `ledger.jsonl`, and `messages/` named by their hashes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "ledger.jsonl"

    def teach(self, octets: bytes, *, label: MailClass, by: str, way: str, sender: str, at: float) -> Taught:
        """Keep a message and what somebody says about it. Raises `TeachingError` if it is too large or nobody says so,
        and OSError."""
        if not by:
            raise TeachingError("a lesson needs a teacher")
        if len(octets) > MAX_MESSAGE:
            raise TeachingError(f"larger than {MAX_MESSAGE:,} octets")
        taught = Taught(at, by, way, label, hashlib.sha256(octets).hexdigest(), sender)
        self._keep(taught.digest, octets)
        self._add({"at": at, "by": by, "way": way, "label": label.value, "digest": taught.digest, "sender": sender})
        return taught

    def forget(self, by: str, *, at: float) -> int:
        """Take back all that somebody has taught so far; how many lessons that were."""
        count = sum(each.by == by for each in self.lessons()[0])
        self._add({"at": at, "forget": by})
        return count

    def lessons(self) -> tuple[list[Taught], int]:
        """All lessons that were not taken back, oldest first, and how many lines are damaged."""
        found: list[Taught] = []
        damaged = 0
        try:
            text = self._file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return [], 0
        for line in text.splitlines()[-MOST_LINES:]:
            try:
                row = json.loads(line)
                if "forget" in row:
                    found = [each for each in found if each.by != row["forget"]]
                else:
                    found.append(_taught(row))
            except (ValueError, KeyError, TypeError):
                damaged += 1
        return found, damaged

    def octets(self, taught: Taught) -> bytes | None:
        """The message of a lesson; None where it is not kept any more."""
        try:
            return self._path(taught.digest).read_bytes()
        except FileNotFoundError:
            return None

    @property
    def size(self) -> int:
        """Octets of the ledger: it only grows, so a lesson or a taking back shows here."""
        return self._file.stat().st_size if self._file.exists() else 0

    def labelled(self, accepted: Accepted) -> list[Labelled]:
        """The messages that may be learnt from; none if there are too few."""
        if not accepted.enough:
            return []
        rows = [Labelled(self._path(each.digest), each.label, SOURCE) for each in accepted.lessons]
        return [row for row in rows if row.file.is_file()]

    def _keep(self, digest: str, octets: bytes) -> None:
        path = self._path(digest)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            return
        aside = path.with_suffix(f".{os.getpid()}.part")
        with aside.open("wb") as stream:
            stream.write(octets)
            stream.flush()
            os.fsync(stream.fileno())
        aside.rename(path)

    def _add(self, row: dict[str, Any]) -> None:
        """One line at the end, on disk when this returns. What a crash tore is closed first."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._file.open("ab+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            size = stream.seek(0, os.SEEK_END)
            torn = False
            if size:
                stream.seek(size - 1)
                torn = stream.read(1) != b"\n"
            stream.write((b"\n" if torn else b"") + json.dumps(row, ensure_ascii=True).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _path(self, digest: str) -> Path:
        return self._folder / "messages" / f"{digest}.eml"


def as_wire(octets: bytes) -> bytes:
    """A message with CRLF line ends, as it came over the wire, wherever it lay since."""
    return _LINE_END.sub(b"\r\n", octets)


def sender_of(address: str) -> str:
    """Whose message it is: the site of its author, or the whole address where the site is everybody's."""
    address = address.lower()
    domain = address.rpartition("@")[2]
    return address if owner_of(domain) in PUBLIC_MAIL else site_of(domain)


def sender_in(octets: bytes) -> str:
    """Whose message it is, by its first author; empty where there is none."""
    try:
        found = authors(Message.from_wire(octets).first(b"from"))
    except BadMessage:
        return ""
    return sender_of(found[0].address) if found else ""


def accepted(lessons: Iterable[Taught]) -> Accepted:
    """What may be learnt of lessons, oldest first, and why the rest may not. The bounds are the constants above."""
    aside: Counter[str] = Counter()
    kept: list[Taught] = []
    persons: Counter[str] = Counter()
    senders: Counter[str] = Counter()
    for each in reversed(_settled(list(lessons), aside)):
        if each.by != OPERATOR and persons[each.by] >= MOST_BY_PERSON:
            aside["more than one person may teach"] += 1
        elif each.sender and senders[each.sender] >= MOST_OF_SENDER:
            aside["more than may be taught about one sender"] += 1
        else:
            persons[each.by] += 1
            senders[each.sender] += 1
            kept.append(each)
    return Accepted(tuple(reversed(_balanced(kept, aside))), dict(sorted(aside.items())))


def _settled(lessons: list[Taught], aside: Counter[str]) -> list[Taught]:
    """One lesson a message: each person's last word, the operator's above all, none where people contradict."""
    words: dict[str, dict[str, Taught]] = {}
    for each in lessons:
        of_message = words.setdefault(each.digest, {})
        of_message.pop(each.by, None)
        of_message[each.by] = each
    found = []
    for of_message in words.values():
        if OPERATOR in of_message:
            found.append(of_message[OPERATOR])
        elif len({each.label is MailClass.HAM for each in of_message.values()}) > 1:
            aside["people contradict each other"] += 1
        else:
            found.append(list(of_message.values())[-1])
    return sorted(found, key=lambda each: each.at)


def _balanced(newest_first: list[Taught], aside: Counter[str]) -> list[Taught]:
    """At most `MOST_TO_ONE` times as many of one side as of the other."""
    ham = sum(each.label is MailClass.HAM for each in newest_first)
    room = {True: MOST_TO_ONE * (len(newest_first) - ham), False: MOST_TO_ONE * ham}
    kept = []
    for each in newest_first:
        side = each.label is MailClass.HAM
        if room[side] > 0:
            room[side] -= 1
            kept.append(each)
        else:
            aside["more than the other side balances"] += 1
    return kept


def _taught(row: dict[str, Any]) -> Taught:
    return Taught(
        at=float(row["at"]),
        by=str(row["by"]),
        way=str(row["way"]),
        label=MailClass(row["label"]),
        digest=_digest(row["digest"]),
        sender=str(row["sender"]),
    )


def _digest(text: Any) -> str:
    """A hash and nothing else: it becomes a file name."""
    if not isinstance(text, str) or len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise ValueError("no hash")
    return text
