"""Whether a domain is made to be taken for one of a list, and whether a display name is that of a person of a list.
Pure text: what a domain looks like is its skeleton (Unicode TS 39, the few confusables that are used), near is one
edit away, and a brand may stand in hyphens or in front of the real domain. Never asks who registered what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

_MIN_SKELETON, _MIN_NEAR, _MIN_BRAND = 4, 6, 4
"""Letters that a name must have: shorter ones are alike by chance."""

_ALIKE_PAIRS: Final = """
    аa еe оo рp сc уy хx іi јj ѕs ԁd һh ӏl ԛq ԝw ьb вb нh кk мm тt гr пn иu зe дd бb лn
    αa οo ρp υu νv κk ιi τt γy ηn εe χx ωw βb μu σo δd
    ıi łl øo đd ħh ŧt ðd þp ßb æe œe ɑa ɡg ɩi ʟl ո n օo սu հh ցg
    0o 1l |l 3e 5s 8b $s @a
"""
_ALIKE: Final = {ord(pair[0]): pair[1] for pair in _ALIKE_PAIRS.split() if len(pair) == 2}
_GROUPS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))
_WORD: Final = re.compile(r"[^\W_]+")


@lru_cache(maxsize=8192)
def skeleton(text: str) -> str:
    """What a text looks like: letters that are taken for each other are one, marks above and below are gone."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each for each in plain if not unicodedata.combining(each)).translate(_ALIKE)
    plain = plain.replace("i", "l")
    for group, one in _GROUPS:
        plain = plain.replace(group, one)
    return plain


def shown(domain: str) -> str:
    """The domain as it is shown: A-labels (RFC 5890) in their own script, as far as they are any."""
    labels = []
    for label in domain.casefold().strip(".").split("."):
        if label.startswith("xn--"):
            try:
                label = label[4:].encode("ascii").decode("punycode")
            except UnicodeError:
                pass  # it is shown as it stands
        labels.append(label)
    return ".".join(labels)


def _main(domain: str) -> str:
    """The label that people know a domain by: the one before its suffix, which may be like `co.uk`."""
    labels = domain.split(".")
    if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2:
        return labels[-3]
    return labels[-2] if len(labels) > 1 else labels[0]


class Lookalikes:
    """Domains ready to be compared with: a few dictionary accesses for each question, however many there are."""

    def __init__(self, domains: Iterable[str]) -> None:
        self._domains = {shown(each.lstrip(".")) for each in domains if _is_domain(each)}
        self._whole = {skeleton(each): each for each in self._domains}
        self._mains: dict[str, set[str]] = {}
        self._near: dict[str, set[str]] = {}
        for domain in self._domains:
            main = _main(domain)
            self._mains.setdefault(skeleton(main), set()).add(main)
            if len(main) >= _MIN_NEAR:
                for variant in _shortened(main):
                    self._near.setdefault(variant, set()).add(main)

    def resembles(self, value: str) -> bool:
        """Whether the domain (or the domain of an address) looks like one of these, and is none and under none."""
        domain = shown(value.rpartition("@")[2])
        if "." not in domain or self._holds(domain):
            return False
        return self._looks_the_same(domain) or self._is_near(_main(domain)) or self._borrows(domain)

    def _holds(self, domain: str) -> bool:
        labels = domain.split(".")
        return any(".".join(labels[start:]) in self._domains for start in range(len(labels)))

    def _looks_the_same(self, domain: str) -> bool:
        if skeleton(domain) in self._whole:
            return True
        main = _main(domain)
        mains = self._mains.get(skeleton(main), ()) if len(main) >= _MIN_SKELETON else ()
        return any(main != each for each in mains)  # the same name under another suffix may be another's by right

    def _is_near(self, main: str) -> bool:
        if len(main) < _MIN_NEAR - 1:
            return False
        candidates = {each for variant in _shortened(main) for each in self._near.get(variant, ())}
        return any(main != each and _is_one_edit(main, each) for each in candidates)

    def _borrows(self, domain: str) -> bool:
        """A brand with words around it (`example-billing.net`), or the real domain as a part of another."""
        pieces = _main(domain).split("-")
        if len(pieces) > 1 and any(len(piece) >= _MIN_BRAND and skeleton(piece) in self._mains for piece in pieces):
            return True
        labels = domain.split(".")
        ends = range(2, len(labels))
        return any(
            ".".join(labels[start:end]) in self._domains for end in ends for start in range(max(0, end - 4), end - 1)
        )


def _is_domain(value: str) -> bool:
    return "." in value and "@" not in value and "/" not in value and " " not in value and not value[-1:].isdigit()


def _shortened(word: str) -> Iterator[str]:
    """The word, and it with one letter left out: two words one edit apart have one of these in common."""
    yield word
    for index in range(len(word)):
        yield word[:index] + word[index + 1 :]


def _is_one_edit(left: str, right: str) -> bool:
    """One letter more, less or another, or two neighbours swapped."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    a, b = left[start:], right[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])


class People:
    """Names of people, ready to be found in display names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = [words for each in names if "@" not in each and len(words := _words(each)) > 1]

    def named_in(self, display: str) -> bool:
        """Whether all words of somebody's name stand in the display name, in any order and script that looks alike."""
        words = _words(display)
        return any(name <= words for name in self._names)


def _words(name: str) -> frozenset[str]:
    return frozenset(skeleton(word) for word in _WORD.findall(name[:400].translate(_NOT_LETTERS)))


_NOT_LETTERS: Final = {ord(each): " " for each in "._-"}
