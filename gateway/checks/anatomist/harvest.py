"""Which leaves of a message are handed on: collected while it is taken apart, chosen when all of it was seen. Runs in
the jail; bounded in number and octets."""

from __future__ import annotations

from typing import Final

from gateway.anatomy.findings import Defect
from gateway.anatomy.types import SVG, true_type
from gateway.checks.leaves import MAX_LEAF_OCTETS, MAX_LEAVES, Wanted
from gateway.facts.content import ContentFact

_HARMLESS: Final = ("image/", "audio/", "video/", "font/")
"""What no program runs, as long as it is called what it is."""


class Harvest:
    """The leaves of one message. They are references: nothing is copied here."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._room = MAX_LEAF_OCTETS
        self._leaves: dict[bytes, None] = {}
        self.left_out = False

    def take(self, octets: bytes) -> None:
        """One leaf, as it is seen. The same octets are handed on once."""
        if self._wanted is Wanted.NONE or not octets or octets in self._leaves:
            return
        if len(octets) > self._room or len(self._leaves) >= MAX_LEAVES:
            self.left_out = True
            return
        self._room -= len(octets)
        self._leaves[octets] = None

    def chosen(self, content: ContentFact) -> tuple[bytes, ...]:
        """Those that are wanted, now that the whole message is known."""
        if self._wanted is Wanted.RISKY and not _pretends(content):
            return tuple(each for each in self._leaves if not _is_harmless(each))
        return tuple(self._leaves)


def _is_harmless(octets: bytes) -> bool:
    kind = true_type(octets)
    return kind.startswith(_HARMLESS) and kind != SVG


def _pretends(content: ContentFact) -> bool:
    """Whether something in the message is not what it is called: then no picture is taken at its word."""
    return not _DISGUISES.isdisjoint(content.defects)


_DISGUISES: Final = frozenset(
    each.value for each in Defect if each.value.startswith(("name.", "type.", "mime.ambiguous"))
)
