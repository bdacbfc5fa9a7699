"""The octets of a message that comes in chunks (RFC 3030 section 2): nothing is taken off, no octet ends it, and a line
may be cut anywhere, also between CR and LF. Pure: octets in, octets out; keeps at most one octet back.

BINARYMIME is not spoken here, so a bare CR, a bare LF and NUL are faults as they are after DATA (section 3).
"""

from __future__ import annotations

from gateway.inbound.protocol.line_ends import fault_of, survey
from gateway.mail.message import Fault


class ChunkReader:
    """Fed with what chunks hold. `fault` becomes a constant of `Fault` and stays."""

    __slots__ = ("_held_back", "_last", "fault")

    def __init__(self) -> None:
        self._held_back = b""
        self._last = b""
        self.fault: str | None = None

    def feed(self, octets: bytes) -> bytes:
        """The octets of the message that are certain now."""
        octets = self._held_back + octets
        self._held_back = b"\r" if octets.endswith(b"\r") else b""
        octets = octets[: len(octets) - len(self._held_back)]
        if self.fault is None and not survey(octets).is_clean:
            self.fault = fault_of(octets)
        self._last = octets[-1:] or self._last
        return octets

    def end(self) -> bytes:
        """The octets that are left when the last chunk is over. A last line that was not ended is ended: no next hop
        could be given it otherwise, and no signature minds (RFC 6376 section 3.4.3)."""
        if self._held_back:
            self.fault = self.fault or Fault.BARE_CR
            return self._held_back
        return b"" if self._last in (b"", b"\n") else b"\r\n"
