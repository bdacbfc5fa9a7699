"""AES and RC4 as archives and documents use them, for contents whose key stands in the message. The one door to
`cryptography` in this room. Used once at import: what OpenSSL loads at its first use it cannot load in the jail."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

_BLOCK: Final = 16
_KEY_SIZES: Final = (5, 7, 8, 10, 16, 20, 24, 32)
"""Octets of an RC4 key, as the library takes them."""


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


def chain(key: bytes, vector: bytes, octets: bytes) -> bytes:
    """Cipher block chaining of whole blocks."""
    return Cipher(AES(key), CBC(vector)).encryptor().update(octets)


def each_block(key: bytes, octets: bytes) -> bytes:
    """Every block undone by itself, as older documents have it; what does not fill a block is left out."""
    decryptor = Cipher(AES(key), ECB()).decryptor()  # noqa: S305 - theirs, not ours
    return decryptor.update(octets[: len(octets) // _BLOCK * _BLOCK])


def streams_with(size: int) -> bool:
    """Whether `streamed` takes a key of so many octets."""
    return any(known % size == 0 for known in _KEY_SIZES)


def streamed(key: bytes, octets: bytes) -> bytes:
    """RC4, either way. A key that is repeated is the same key: so more sizes do than the library takes."""
    size = next(known for known in _KEY_SIZES if known % len(key) == 0)
    return Cipher(ARC4(key * (size // len(key))), None).encryptor().update(octets)


counted(bytes(16), bytes(1))
each_block(bytes(16), bytes(16))
streamed(bytes(16), bytes(16))
chained(bytes(16), bytes(16), bytes(16))
