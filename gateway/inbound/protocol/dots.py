"""Finding the end of DATA and taking the transparency dots off (RFC 5321 sections 4.1.1.4 and 4.5.2), on chunks of any
size. Only CRLF.CRLF ends the data. Pure: octets in, octets out; keeps at most four octets back between two chunks.
"""

from __future__ import annotations

from typing import Final

from gateway.inbound.protocol.line_ends import fault_of, survey

_END: Final = b"\r\n.\r\n"
_BEGINNINGS_OF_END: Final = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")


class DotReader:
    """Fed with what arrives after 354; gives the message's octets.

    `fault` becomes a constant of `Fault` at the first bare CR, bare LF or NUL (section 2.3.8) and stays: from then on
    the octets are only read to find their end, for what follows them are commands.
    """

    __slots__ = ("_at_start", "_held_back", "fault", "finished", "rest")

    def __init__(self) -> None:
        # The data begins at the start of a line, as if a CRLF had gone before it.
        self._held_back = b"\r\n"
        self._at_start = True
        self.fault: str | None = None
        self.finished = False
        self.rest = b""
        """What came after the end of the data, once `finished`."""

    def feed(self, chunk: bytes) -> bytes:
        """The octets of the message that are certain now. Must not be called once `finished`."""
        octets = self._held_back + chunk
        is_clean, dots = survey(octets)
        stop = next((dot for dot in dots if octets.startswith(_END, dot - 2)), None)
        if stop is not None:
            self.finished = True
            self.rest = octets[stop + 3 :]
        else:
            self._held_back = next((each for each in _BEGINNINGS_OF_END if octets.endswith(each)), b"")
            stop = len(octets) - len(self._held_back)
        if not is_clean and self.fault is None:
            self.fault = fault_of(octets[:stop])
        start = 0
        if self._at_start and stop:
            self._at_start, start = False, 2
        return _without(dots, octets, start, stop)


def _without(dots: list[int], octets: bytes, start: int, stop: int) -> bytes:
    """The octets from `start` to `stop` but for those of these dots that lie between. Copies them once."""
    view, pieces = memoryview(octets), []
    for dot in dots:
        if dot >= stop:
            break
        pieces.append(view[start:dot])
        start = dot + 1
    return b"".join([*pieces, view[start:stop]])
