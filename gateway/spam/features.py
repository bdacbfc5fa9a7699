"""From a message taken apart to features: which words it uses, which pieces these are made of, how its parts agree.

Only what generalises. Nothing here may recognise a corpus instead of a kind of mail: no header names, no sender
domains, no numbers (a year is a number), no charset, no language tag. What is present counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from gateway.facts.content import Anatomy
from gateway.spam.identity import identity_of
from gateway.spam.reading import Hashes, Places, Reading, joined_spelling, read
from gateway.spam.relations import facts_of

WORD_BITS: Final = 18
PIECE_BITS: Final = 18
FACT_BITS: Final = 14
PIECES_START: Final = 1 << WORD_BITS
FACTS_START: Final = PIECES_START + (1 << PIECE_BITS)
IDENTITY_START: Final = FACTS_START + (1 << FACT_BITS)
SIZE: Final = IDENTITY_START + (1 << FACT_BITS)
"""Buckets: words and pairs, then pieces of words, then facts about shapes, then facts about identity."""

MAX_SUBJECT: Final = 500
MAX_NAME: Final = 200
MAX_COMBINED: Final = 14
"""Facts about shapes that are also taken two by two."""
MAX_CROSSED: Final = 7
"""Facts about shapes that are also taken with each fact about identity."""
MAX_SPELT: Final = 1_000
"""Characters that are searched for words spelt with gaps."""

WORD_SHARE: Final = 1.0
PIECE_SHARE: Final = 1.5
FACT_VALUE: Final = 0.28
"""Length of the vector of words, of that of pieces, and the value of one fact."""

Buckets = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """What is present in one message: bucket numbers, none twice, and how strongly each counts."""

    buckets: Buckets
    values: Values


@dataclass(frozen=True, slots=True)
class Explained:
    """Features, and for each the number of its token: a word, a pair or a fact. `token(n)` tells kind and words."""

    features: Features
    owners: Places
    token: Callable[[int], tuple[str, str]]


def features_of(anatomy: Anatomy) -> Features:
    """The features of a message. Bounded, total, and the same for the same anatomy."""
    return explained_features_of(anatomy).features


def explained_features_of(anatomy: Anatomy) -> Explained:
    """The features with the tokens that they come from. A piece of a word belongs to the word where it stood first."""
    subject = anatomy.subject[:MAX_SUBJECT]
    name = anatomy.authors[0].name[:MAX_NAME] if anatomy.authors else ""
    spelt = joined_spelling(f"{subject}\n{anatomy.text[:MAX_SPELT]}")
    texts = (
        ("subject", subject),
        ("name", name),
        ("text", f"{subject}\n{anatomy.text}" + (f"\n{spelt}" if spelt else "")),
    )
    found: list[tuple[Buckets, Places]] = []
    readings: list[tuple[str, Reading, int]] = []
    tokens = 0
    for kind, text in texts:
        if not text:
            continue
        reading = read(text)
        readings.append((kind, reading, tokens))
        for hashes, words, second in (
            (*reading.words(crc32(kind.encode())), 0),
            (*reading.pairs(crc32(kind.encode())), 1),
        ):
            found.append((_bucket(hashes, WORD_BITS, 0), tokens + 2 * words + second))
        hashes, words = reading.pieces(0 if kind == "text" else crc32(kind.encode()))
        found.append((_bucket(hashes, PIECE_BITS, PIECES_START), tokens + 2 * words))
        tokens += 2 * len(reading.starts)
    shapes, identity = facts_of(anatomy), list(identity_of(anatomy))
    of_shapes = shapes + _joined(combinations(shapes[:MAX_COMBINED], 2))
    of_identity = identity + _joined(combinations(identity, 2)) + _joined(product(identity, shapes[:MAX_CROSSED]))
    facts = of_shapes + of_identity
    if facts:
        numbers = [bucket_of_fact(fact) for fact in of_shapes] + [bucket_of_identity(fact) for fact in of_identity]
        found.append((np.array(numbers, dtype=np.int64), tokens + np.arange(len(facts), dtype=np.int64)))
    buckets, owners = _once(found)

    def token(number: int) -> tuple[str, str]:
        if number >= tokens:
            return "fact", facts[number - tokens]
        kind, reading, start = next(each for each in reversed(readings) if each[2] <= number)
        word, second = divmod(number - start, 2)
        return kind, reading.shown(word, 1 + second)

    return Explained(Features(buckets, values_of(buckets)), owners, token)


def bucket_of_fact(fact: str) -> int:
    """The bucket of a fact about shapes, or of two together."""
    return FACTS_START + (crc32(fact.encode("utf-8", "replace")) >> (32 - FACT_BITS))


def bucket_of_identity(fact: str) -> int:
    """The bucket of a fact about identity, or of one together with another."""
    return IDENTITY_START + (crc32(fact.encode("utf-8", "replace")) >> (32 - FACT_BITS))


def _joined(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{one} and {other}" for one, other in pairs]


def _bucket(hashes: Hashes, bits: int, start: int) -> Buckets:
    return (hashes >> np.uint64(64 - bits)).astype(np.int64) + start


def _once(found: list[tuple[Buckets, Places]]) -> tuple[Buckets, Places]:
    """Each bucket once, ascending, with its first owner: bucket and place share one number, which sorts fast."""
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    owners = np.concatenate([each[1] for each in found])
    keys = np.concatenate([each[0] for each in found])
    keys = (keys << 32) | np.arange(len(keys), dtype=np.int64)
    keys.sort()
    buckets = keys >> 32
    first = np.ones(len(keys), dtype=bool)
    np.not_equal(buckets[1:], buckets[:-1], out=first[1:])
    return buckets[first], owners[keys[first] & 0xFFFFFFFF]


def values_of(buckets: npt.NDArray[Any]) -> Values:
    """How strongly each of these ascending buckets counts: words together and pieces together have a fixed length."""
    words = int(np.searchsorted(buckets, PIECES_START))
    pieces = int(np.searchsorted(buckets, FACTS_START)) - words
    values = np.full(len(buckets), FACT_VALUE, dtype=np.float32)
    values[:words] = WORD_SHARE / max(1, words) ** 0.5
    values[words : words + pieces] = PIECE_SHARE / max(1, pieces) ** 0.5
    return values
