"""AES as archives and documents use it, for contents whose key stands in the message. The one door to `cryptography` in
this room. Used once at import: what OpenSSL loads at its first use it cannot load in the jail."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

_BLOCK: Final = 16


def counted(key: bytes, octets: bytes) -> bytes:
    """Counter mode with a counter from one in little-endian order, as WinZip has it: `cryptography` counts the other
    way."""
    blocks = (len(octets) + _BLOCK - 1) // _BLOCK
    counters = b"".join(number.to_bytes(_BLOCK, "little") for number in range(1, blocks + 1))
    stream = Cipher(AES(key), ECB()).encryptor().update(counters)[: len(octets)]  # noqa: S305 - makes counter mode
    mixed = int.from_bytes(octets, "little") ^ int.from_bytes(stream, "little")
    return mixed.to_bytes(len(octets), "little")


def chained(key: bytes, vector: bytes, octets: bytes) -> bytes:
    """Cipher block chaining undone; what does not fill a block is left out."""
    decryptor = Cipher(AES(key), CBC(vector)).decryptor()
    return decryptor.update(octets[: len(octets) // _BLOCK * _BLOCK])


counted(bytes(16), bytes(1))
chained(bytes(16), bytes(16), bytes(16))
