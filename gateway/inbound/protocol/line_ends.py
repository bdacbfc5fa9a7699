"""Where the lines of octets end (RFC 5321 section 2.3.8): whether every CR and LF is half of a pair and there is no
NUL, and where a line begins with a dot. Pure. Whole arrays at a time: of all that is done with the octets of a message
at the door this is the most, and octet by octet it would cost as much as all the rest.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np

from gateway.mail.message import Fault

_BARE_OR_NOT: Final = re.compile(rb"\r+\n?|\n")
_CR: Final = 13
_LF: Final = 10
_DOT: Final = 46


class Survey(NamedTuple):
    """What was seen. `is_clean`: no fault of `fault_of`, and no CR at the end that may be half of a pair. `dots`:
    offsets of the dots that follow a CRLF."""

    is_clean: bool
    dots: list[int]


def survey(octets: bytes) -> Survey:
    """Look at octets once. They are never taken for more than they show: what is not clean is looked at again."""
    array = np.frombuffer(octets, np.uint8)
    returns, feeds = array == _CR, array == _LF
    pairs = returns[:-1] & feeds[1:]
    is_clean = np.count_nonzero(returns) == np.count_nonzero(pairs) == np.count_nonzero(feeds) and b"\0" not in octets
    dots = array[2:] == _DOT
    dots &= pairs[:-1]
    return Survey(is_clean, (np.flatnonzero(dots) + 2).tolist())


def fault_of(octets: bytes) -> str | None:
    """The constant of `Fault` for the worst that the octets hold. Exact only where no CR that may be half of a pair
    stands at their end."""
    pairs = octets.count(b"\r\n")
    if octets.count(b"\r") > pairs:
        return Fault.BARE_CR
    if octets.count(b"\n") > pairs:
        return Fault.BARE_LF
    return Fault.NUL if b"\0" in octets else None


class Normaliser:
    """Makes every line end CRLF, on octets in pieces: CRLF stays, an LF alone is one line end, and so is a run of CRs
    with or without an LF. What was one message stays one: where the data ends was settled before, by CRLF.CRLF."""

    __slots__ = ("_is_open",)

    def __init__(self) -> None:
        self._is_open = False

    def feed(self, octets: bytes) -> bytes:
        """The octets that are certain now: a CR at the end waits for what follows it."""
        if self._is_open:
            octets = b"\r" + octets
        closed = octets.rstrip(b"\r")
        self._is_open = len(closed) < len(octets)
        return _BARE_OR_NOT.sub(b"\r\n", closed)

    def end(self) -> bytes:
        """What is left when there are no more."""
        return b"\r\n" if self._is_open else b""
