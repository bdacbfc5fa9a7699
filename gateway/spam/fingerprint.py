"""The fingerprint of a text: a small sample of its runs of three words, by which near copies of it are known again.

The sample are the smallest hashes of the runs (bottom-k sketch: Broder, "On the resemblance and containment of
documents", 1997). Whoever changes some words changes the runs around them and no others; whoever adds text in front or
behind changes none. So two samples tell how much of one text stands in another. A short text has no fingerprint:
"Thanks!" is like any other. Pure, and bounded in time: only the first `MAX_TEXT` characters are read.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.facts.content import Anatomy
from gateway.spam import reading
from gateway.spam.reading import Reading

SIZE: Final = 64
"""Hashes of a fingerprint."""
FEWEST: Final = 24
"""Different runs below which a text has no fingerprint: some thirty words."""
MAX_TEXT: Final = 4 * reading.MAX_TEXT
"""Characters that are read: more than the classifier does, since an honest text may stand before the other."""

Sample = npt.NDArray[np.uint32]

_SEED: Final = 0x5F1D36A9
_FIRST: Final = np.uint64(0x9FB21C651E98DF25)
_SECOND: Final = np.uint64(0xD6E8FEB86659FD93)
_HALF: Final = np.uint64(32)


def fingerprint_of(anatomy: Anatomy) -> Sample:
    """Of what a reader sees of a message: ascending, none twice, at most `SIZE`; empty for a short text."""
    text = f"{anatomy.subject}\n{anatomy.text}"[:MAX_TEXT]
    pieces = [
        _runs_in(reading.read(text[begin : begin + reading.MAX_TEXT]))
        for begin in range(0, len(text), reading.MAX_TEXT)
    ]
    runs = np.unique(np.concatenate(pieces)) if pieces else np.zeros(0, dtype=np.uint32)
    return runs[:SIZE] if len(runs) >= FEWEST else runs[:0]


def _runs_in(text: Reading) -> Sample:
    """Hashes of each three words that follow each other; of a script without spaces, of its pieces."""
    words, kept = text.words(_SEED)
    found = [reading.mixed(words[2:] + words[1:-1] * _FIRST + words[:-2] * _SECOND, _SEED)]
    if len(kept) < len(text.starts):
        hashes, owners = text.pieces(_SEED)
        found.append(hashes[~np.isin(owners, kept)])
    runs: Sample = (np.concatenate(found) >> _HALF).astype(np.uint32)
    return runs
