"""BinHex 4 (RFC 1741 appendix A), made from a file."""

from __future__ import annotations

import base64
import binascii

_ALPHABET = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def binhex(content: bytes, name: bytes, *, check: int = 0) -> bytes:
    """What stands between the colons. `check` is added to the check sums: any but 0 makes them wrong."""
    head = bytes([len(name)]) + name + b"\0" + b"????????" + bytes(2) + len(content).to_bytes(4, "big") + bytes(4)
    forks = [head, content, b""]
    octets = b"".join(fork + (binascii.crc_hqx(fork, 0) + check & 0xFFFF).to_bytes(2, "big") for fork in forks)
    encoded = base64.b64encode(octets.replace(b"\x90", b"\x90\0")).rstrip(b"=")
    return encoded.translate(bytes.maketrans(_BASE64, _ALPHABET))
