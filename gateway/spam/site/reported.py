"""Whether people called mail with nearly this text unwanted: the fingerprints of what was taught, and the look-up.

It generalises nothing, so it needs no least number of lessons; other bounds keep it safe. Nobody is heard twice, and of
one person the last word about such mail counts. Who wants such mail, by releasing or teaching it, silences all who do
not. One person, and one sender, fill a bounded room on each side; lessons grow old.

On disk: `reported.json` says who taught what when, and names the array of the fingerprints by its hash; the array is
mapped, and its pages are shared by all processes. Nothing in either can run code.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.facts.content import MailClass
from gateway.facts.reported import ReportedFact
from gateway.spam.fingerprint import FEWEST, SIZE
from gateway.spam.site.online import AGREEING
from gateway.spam.site.teaching import MOST_BY_PERSON, MOST_OF_SENDER, OPERATOR, Taught

FORMAT: Final = 1
LIKE: Final = 0.6
"""The share of a taught text that must stand in a message. A text of which one word in twenty was changed keeps 0.86 of
its runs of three words."""
ROOM: Final = 0.25
"""The share that both have, of all that either has: so much other text may stand around the taught one and no more."""
LEAST_SHARED: Final = 12
MOST_LESSONS: Final = 10_000
"""Lessons that are looked at; the newest count."""
MOST_ALIKE: Final = 256
"""Lessons that one message is compared with; those that share most count."""
MOST_NAMED: Final = 20
"""People who are named in one fact."""
OLD: Final = 90 * 86400.0
"""Seconds after which a lesson is not heard here any more: mail in such numbers is gone by then."""
MAX_INDEX: Final = 16 * 1024 * 1024

INDEX: Final = "reported.json"
_NOTHING: Final = 0xFFFF_FFFF
"""Stands where a fingerprint has fewer hashes."""

Array = npt.NDArray[np.uint32]


class ReportedError(ValueError):
    """The files cannot be trusted or read. The text says why."""


@dataclass(frozen=True, slots=True)
class Word:
    """One lesson here: who says what, when, and the beginning of the message's hash."""

    digest: str
    by: str
    label: MailClass
    at: float


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """Fingerprints that were taught. `array` holds three tables alike in shape, a row a lesson: the fingerprints; all
    their hashes in ascending order; and for each of these the number of its lesson."""

    words: tuple[Word, ...]
    array: Array

    @classmethod
    def of(cls, words: Sequence[Word], fingerprints: Sequence[Sequence[int]]) -> Reported:
        """From lessons and their fingerprints, in the same order."""
        samples = np.full((len(words), SIZE), _NOTHING, dtype=np.uint32)
        for row, each in zip(samples, fingerprints, strict=True):
            if _is_fingerprint(each):
                row[: len(each)] = each
        order = np.argsort(samples, axis=None, kind="stable")
        values = samples.ravel()[order].reshape(samples.shape)
        return cls(tuple(words), np.stack([samples, values, (order // SIZE).reshape(samples.shape).astype(np.uint32)]))

    def fingerprints(self) -> Mapping[str, tuple[int, ...]]:
        """By the beginning of the hash of the message; empty ones are of texts that are too short."""
        return {
            word.digest: tuple(row[row < _NOTHING].tolist())
            for word, row in zip(self.words, self.array[0], strict=True)
        }

    def about(self, fingerprint: Sequence[int], *, now: float) -> ReportedFact:
        """What people called mail like this."""
        likeness = self._alike(fingerprint)
        last: dict[str, tuple[Word, float]] = {}
        for number in sorted(likeness, key=lambda each: self.words[each].at):
            word = self.words[number]
            if now - word.at < OLD:
                last[word.by] = (word, likeness[number])
        found = [each for each in last.values() if each[0].label is not MailClass.HAM]
        if not found or len(found) < len(last):
            return ReportedFact()
        likest, share = max(found, key=lambda each: each[1])
        called = Counter(word.label for word, _ in found).most_common(1)[0][0]
        return ReportedFact(
            by=tuple(word.by for word, _ in reversed(found))[:MOST_NAMED],
            voices=sum(AGREEING if word.by == OPERATOR else 1 for word, _ in found),
            likeness=round(share, 2),
            called=called,
            digest=likest.digest[:12],
            at=likest.at,
        )

    def _alike(self, fingerprint: Sequence[int]) -> dict[int, float]:
        """The numbers of lessons whose text stands here, each with how much of it does."""
        if not self.words or not _is_fingerprint(fingerprint):
            return {}
        mine = np.array(fingerprint, dtype=np.uint32)
        candidates = self._sharing(mine)
        if not len(candidates):
            return {}
        theirs = self.array[0][candidates]
        # A full sample says nothing of what is above its largest hash: both are compared below the lesser of the two.
        bound = np.where(theirs[:, -1] < _NOTHING, theirs[:, -1], _NOTHING - 1)
        bound = np.minimum(bound, mine[-1] if len(mine) == SIZE else _NOTHING - 1).astype(np.uint32)
        below = theirs <= bound[:, None]
        taught = below.sum(axis=1)
        place = np.minimum(np.searchsorted(mine, theirs), len(mine) - 1)
        both = ((mine[place] == theirs) & below).sum(axis=1)
        either = taught + np.searchsorted(mine, bound, "right") - both
        alike = (both >= LIKE * taught) & (both >= ROOM * either) & (both > 0)
        shares = both[alike] / taught[alike]
        return dict(zip(candidates[alike].tolist(), shares.tolist(), strict=True))

    def _sharing(self, mine: Array) -> npt.NDArray[np.intp]:
        """The numbers of lessons that share enough hashes to be compared, those that share most."""
        values, lessons = self.array[1].ravel(), self.array[2].ravel()
        begins, ends = np.searchsorted(values, mine, "left"), np.searchsorted(values, mine, "right")
        met = [lessons[begins[place] : ends[place]] for place in np.flatnonzero(ends > begins).tolist()]
        if len(met) < LEAST_SHARED:
            return np.zeros(0, dtype=np.intp)
        shared = np.bincount(np.concatenate(met).astype(np.int64), minlength=len(self.words))
        found = np.flatnonzero(shared >= LEAST_SHARED)
        return found[np.argsort(-shared[found], kind="stable")][:MOST_ALIKE]


NOBODY: Final = Reported.of((), ())
"""Where nothing was taught."""


def heard(lessons: Iterable[Taught], *, now: float) -> list[Word]:
    """The lessons that count here, oldest first. The bounds are the constants above, for each side apart: nobody can
    push out what others want by teaching much."""
    last = {(each.digest, each.by): each for each in lessons if now - each.at < OLD}
    kept: list[Taught] = []
    room: Counter[tuple[str, str, bool]] = Counter()
    for each in sorted(last.values(), key=lambda each: -each.at):
        wanted = each.label is MailClass.HAM
        person, sender = ("person", each.by, wanted), ("sender", each.sender, wanted)
        if each.by != OPERATOR and room[person] >= MOST_BY_PERSON:
            continue
        if each.sender and room[sender] >= MOST_OF_SENDER:
            continue
        room.update((person, sender))
        kept.append(each)
    return [Word(each.digest, each.by.lower(), each.label, each.at) for each in reversed(kept[:MOST_LESSONS])]


def write(folder: Path, found: Reported) -> None:
    """Put it in place of what was there, whole or not at all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    memory = io.BytesIO()
    np.save(memory, found.array, allow_pickle=False)
    octets = memory.getvalue()
    digest = hashlib.sha256(octets).hexdigest()
    people = sorted({each.by for each in found.words})
    number = {name: place for place, name in enumerate(people)}
    rows = [[each.digest, number[each.by], each.label.value, each.at] for each in found.words]
    plain = {"format": FORMAT, "sha256": digest, "people": people, "lessons": rows}
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, content in ((_array_of(digest), octets), (INDEX, json.dumps(plain).encode())):
            aside = folder / f".{name}.part"
            aside.write_bytes(content)
            aside.replace(folder / name)
        for each in folder.glob("*.npy"):
            if each.name != _array_of(digest):
                each.unlink(missing_ok=True)  # who has mapped it keeps it


def read(folder: Path) -> Reported:
    """What was written last; `NOBODY` where nothing was. Raises `ReportedError`."""
    try:
        with (folder / INDEX).open("rb") as stream:
            plain = json.loads(stream.read(MAX_INDEX))
        words = tuple(_word(row, plain["people"]) for row in plain["lessons"][:MOST_LESSONS])
        file = folder / _array_of(str(plain["sha256"]))
        with file.open("rb") as stream:
            whole = hashlib.file_digest(stream, "sha256").hexdigest() == plain["sha256"]
        array = np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    except FileNotFoundError as error:
        if error.filename == str(folder / INDEX):
            return NOBODY
        raise ReportedError(f"{error.filename}: is not there") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ReportedError(f"{folder / INDEX}: cannot be read: {error}") from None
    if not whole or array.dtype != np.uint32 or array.shape != (3, len(words), SIZE):
        raise ReportedError(f"{file}: is not what {INDEX} names; refused")
    return Reported(words, array)


def _is_fingerprint(said: Sequence[int]) -> bool:
    """Whether it can be one: what a jailed process says may be anything."""
    if not FEWEST <= len(said) <= SIZE or not 0 <= said[0] <= said[-1] < _NOTHING:
        return False
    return all(map(operator.lt, said, said[1:]))


def _array_of(digest: str) -> str:
    return f"fingerprints-{digest[:16]}.npy"


def _word(row: Any, people: Any) -> Word:
    digest, who, label, at = row
    return Word(digest=str(digest), by=str(people[who]), label=MailClass(label), at=float(at))
