"""The key of an encrypted 7z archive (7zAES of the LZMA SDK): SHA-256 over half a million copies of the password."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from gateway.anatomy import ciphers

_MAX_CYCLES: Final = 20
"""Power of two of rounds. Programs write 19, a tenth of a second; what asks for more is not tried."""
_PIECE: Final = 1 << 13
_NO_HASH: Final = 0x3F


@dataclass(frozen=True, slots=True)
class Key:
    """A password, and the keys that were made of it: all files of an archive share one."""

    password: bytes | None
    _made: dict[tuple[bytes, int], bytes] = field(default_factory=dict, compare=False)

    def opened(self, octets: bytes, properties: bytes) -> bytes | None:
        """The octets in the clear, whatever they are; None where there is no password, or the coder makes no sense."""
        if self.password is None or len(properties) < 2:
            return None
        first, second = properties[0], properties[1]
        salt_size = (first >> 7) + (second >> 4)
        vector_size = (first >> 6 & 1) + (second & 0x0F)
        salt = properties[2 : 2 + salt_size]
        vector = properties[2 + salt_size : 2 + salt_size + vector_size].ljust(16, b"\0")
        cycles = first & 0x3F
        if cycles > _MAX_CYCLES and cycles != _NO_HASH:
            return None
        if (salt, cycles) not in self._made:
            self._made[salt, cycles] = _key(salt, self.password, cycles)
        return ciphers.chained(self._made[salt, cycles], vector[:16], octets)


NO_KEY: Final = Key(None)


def _key(salt: bytes, password: bytes, cycles: int) -> bytes:
    text = password.decode("utf-8", "replace").encode("utf-16-le")
    if cycles == _NO_HASH:
        return (salt + text)[:32].ljust(32, b"\0")
    hashed = hashlib.sha256()
    start = salt + text
    rounds = 1 << cycles
    for first in range(0, rounds, _PIECE):
        numbers = range(first, min(first + _PIECE, rounds))
        hashed.update(b"".join([start + number.to_bytes(8, "little") for number in numbers]))
    return hashed.digest()
