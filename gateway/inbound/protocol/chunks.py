"""The octets of a message that comes in chunks (RFC 3030 section 2): nothing is taken off, no octet ends it, and a line
may be cut anywhere, also between CR and LF. Pure: octets in, octets out; keeps at most one octet back.

BINARYMIME is not spoken here, so a bare CR, a bare LF and NUL are faults as they are after DATA (section 3).
"""

from __future__ import annotations

from gateway.inbound.protocol.line_ends import fault_of, survey
from gateway.mail.message import Fault


class ChunkReader:
    """Fed with what chunks hold. `fault` becomes a constant of `Fault` and stays; `size` counts octets given out."""

    __slots__ = ("_held_back", "_last_two", "fault", "size")

    def __init__(self) -> None:
        self._held_back = b""
        self._last_two = b""
        self.fault: str | None = None
        self.size = 0

    def feed(self, octets: bytes) -> bytes:
        """The octets of the message that are certain now."""
        octets = self._held_back + octets
        self._held_back = b"\r" if octets.endswith(b"\r") else b""
        return self._give(octets[: len(octets) - len(self._held_back)])

    def end(self) -> bytes:
        """The octets that are left when the last chunk is over. A last line that was not ended is ended: no next hop
        could be given it otherwise, and no signature minds (RFC 6376 section 3.4.3)."""
        if self._held_back and self.fault is None:
            self.fault = Fault.BARE_CR
        if self.fault is not None or self._last_two in (b"", b"\r\n"):
            return b""
        return self._give(b"\r\n")

    def _give(self, octets: bytes) -> bytes:
        if self.fault is None and not survey(octets).is_clean:
            self.fault = fault_of(octets)
        self.size += len(octets)
        self._last_two = (self._last_two + octets[-2:])[-2:]
        return octets
