"""Text to hashed words, pairs of neighbours and pieces of words, by whole arrays: no loop over characters or words.

A polynomial over code points, summed once, gives the hash of any stretch by one subtraction: S[end] - S[start], brought
back to place zero by the inverse power. All arithmetic is modulo 2^64. Numbers become "0" whatever their length; web
and mail addresses are taken out, because they name senders.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

MAX_TEXT: Final = 2_000
"""Characters of one text that are read. What a message wants is said early; the bound also bounds the time."""
MAX_WORD: Final = 32
"""Letters of a word. Longer ones are codes, or text of a script without spaces: those speak by their pieces."""
PIECES: Final = (3, 4, 5)
"""Letters of a piece of a word; a blank before or after the word counts as one."""

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

_BLANK: Final = 32
_ZERO: Final = 48
_KNOWN: Final = 0x10000
_BASE: Final = 0x9E3779B97F4A7C15
_PAIR: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX: Final = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT: Final = np.uint64(32)

_WEB: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)
_SPELT: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*]{1,2}){3,20}[^\W\d_](?![^\W_])")
_LATIN_LOOK: Final = dict(zip("аеорсухіјѕԁɡɩαορνικτ", "aeopcyxijsdgiaopvikt", strict=True))


def _powers(base: int, count: int) -> Hashes:
    found, value = np.empty(count, dtype=np.uint64), 1
    for place in range(count):
        found[place] = value
        value = value * base % (1 << 64)
    return found


def _folding() -> npt.NDArray[np.uint16]:
    """What each code point of the first plane is read as: a plain letter, "0" for digits, blank, or 0 for nothing."""
    table = np.full(_KNOWN, _BLANK, dtype=np.uint16)
    for code in range(_KNOWN):
        char = chr(code)
        category = unicodedata.category(char)
        if category[0] == "L":
            plain = unicodedata.normalize("NFD", char.lower())[0]
            table[code] = ord(plain) if plain.isascii() else ord(char.lower()[0])
        elif category[0] == "N":
            table[code] = _ZERO
        elif category in ("Mn", "Me", "Cf") or code == 0xAD:
            table[code] = 0
    return table


_FOLD: Final = _folding()
_LOOK: Final = np.zeros(_KNOWN, dtype=np.uint16)
for _seen, _meant in _LATIN_LOOK.items():
    _LOOK[ord(_seen)] = ord(_meant)
_POWERS: Final = _powers(_BASE, MAX_TEXT + 64)
_INVERSE: Final = _powers(pow(_BASE, -1, 1 << 64), MAX_TEXT + 64)


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as read. `codes` are folded code points, words apart by one blank, with a blank at both ends; word n
    stands from `starts[n]` to `ends[n]`. `sums` are the running sums of the polynomial."""

    codes: npt.NDArray[np.uint16]
    sums: Hashes
    starts: Places
    ends: Places

    def words(self, seed: int) -> tuple[Hashes, Places]:
        """Hashes of the words, and of which word each is. Overlong words have none."""
        kept = np.flatnonzero(self.ends - self.starts <= MAX_WORD)
        return mixed(self._stretch(self.starts[kept], self.ends[kept]), seed), kept

    def pairs(self, seed: int) -> tuple[Hashes, Places]:
        """Hashes of each word with the next, and the number of the first."""
        if len(self.starts) < 2:
            return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        kept = np.flatnonzero(self.ends[1:] - self.starts[:-1] <= 2 * MAX_WORD)
        return mixed(self._stretch(self.starts[kept], self.ends[kept + 1]) ^ _PAIR, seed), kept

    def pieces(self, seed: int) -> tuple[Hashes, Places]:
        """Hashes of the pieces of words, with their blanks, and of which word each is."""
        blank = self.codes == _BLANK
        before = np.cumsum(blank)
        hashes, owners = [], []
        for length in PIECES:
            count = len(self.codes) - length + 1
            if count <= 0:
                break
            # Inside, between the first and the last character, no blank.
            places = np.flatnonzero(before[length - 2 : length - 2 + count] == before[:count])
            hashes.append(self._stretch(places, places + length))
            owners.append(before[places] - 1)
        if not hashes:
            return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        return mixed(np.concatenate(hashes), seed), np.concatenate(owners)

    def shown(self, word: int, count: int = 1) -> str:
        """Words as people read them: `count` of them from `word` on."""
        last = min(word + count, len(self.ends)) - 1
        return "".join(map(chr, self.codes[self.starts[word] : self.ends[last]].tolist()))

    def _stretch(self, starts: Places, ends: Places) -> Hashes:
        found: Hashes = (self.sums[ends] - self.sums[starts]) * _INVERSE[starts]
        return found


def read(text: str) -> Reading:
    """Fold a text and find its words. Total: any text, also with lone surrogates; at most `MAX_TEXT` characters."""
    text = _without_addresses(text[: MAX_TEXT * 2])[:MAX_TEXT]
    if text.isascii():
        codes = _FOLD[np.frombuffer(text.encode("ascii"), dtype=np.uint8)]
    else:
        wide = unicodedata.normalize("NFKC", text)[:MAX_TEXT]
        raw = np.frombuffer(wide.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        codes = _FOLD[np.where(raw < _KNOWN, raw, _stand_in(raw)).astype(np.intp)]
        codes = codes[codes != 0]
    codes = _collapsed(codes)
    starts, ends = _bounds(codes)
    if not text.isascii() and len(starts):
        codes = _latinised(codes, starts)
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes * _POWERS[: len(codes)], out=sums[1:])
    return Reading(codes, sums, starts, ends)


def _stand_in(raw: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """For characters beyond the first plane: ideographs fold into its ideographs, tags and selectors are nothing, the
    rest (pictographs, rare scripts) parts words."""
    ideograph = (raw >= 0x20000) & (raw < 0x40000)
    unseen = (raw >= 0xE0000) & (raw < 0xE1000)
    folded = 0x4E00 + (raw & 0x3FFF)
    return np.where(ideograph, folded, np.where(unseen, 0x00AD, 0x2022)).astype(np.uint32)


def mixed(hashes: Hashes, seed: int) -> Hashes:
    """Spread what a polynomial leaves in the low bits; `seed` keeps kinds of features apart."""
    found = (hashes ^ np.uint64(seed)) * _MIX
    found ^= found >> _SHIFT
    found *= _MIX
    return found


def _collapsed(codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """One blank or zero for each run of them, and blanks around."""
    framed = np.full(len(codes) + 2, _BLANK, dtype=np.uint16)
    framed[1:-1] = codes
    runs = framed[1:] == framed[:-1]
    runs &= (framed[1:] == _BLANK) | (framed[1:] == _ZERO)
    keep = np.ones(len(framed), dtype=bool)
    keep[1:] = ~runs
    return framed[keep]


def _bounds(codes: npt.NDArray[np.uint16]) -> tuple[Places, Places]:
    blanks = np.flatnonzero(codes == _BLANK)
    return blanks[:-1] + 1, blanks[1:]


def _latinised(codes: npt.NDArray[np.uint16], starts: Places) -> npt.NDArray[np.uint16]:
    """What is drawn like a Latin letter becomes one, in words that hold Latin letters too."""
    latin = (codes >= 97) & (codes <= 122)
    look = _LOOK[codes]
    if not look.any():
        return codes
    word = np.cumsum(codes == _BLANK) - 1
    has_latin = np.bincount(word, weights=latin, minlength=len(starts) + 1) > 0
    return np.where((look > 0) & has_latin[word], look, codes).astype(np.uint16)


def _without_addresses(text: str) -> str:
    """Web and mail addresses out; words that are spelt with gaps put together."""
    if "://" in text or "www." in text:
        text = _WEB.sub(" ", text)
    if "@" in text:
        text = " ".join(word for word in text.split() if "@" not in word)
    return text


def joined_spelling(text: str) -> str:
    """Words spelt with gaps ("v i a g r a") as words; empty if there are none."""
    return " ".join("".join(char for char in match if char.isalpha()) for match in _SPELT.findall(text))
