"""Raster images that may be shown: their kind and their dimensions by their headers (PNG, JPEG, GIF, WebP), so that no
viewer is asked to unpack a bomb. Never decodes pixels."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.types import true_type

_RGB: Final = 3
_SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_JPEG_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def data_uri(octets: bytes) -> str | None:
    """The image as a data: URI of its true type; None if it is none of ours, too large, or has too many pixels."""
    kind = true_type(octets)
    if kind not in _SHOWN or len(octets) * 4 // 3 + 64 > limits.MAX_IMAGE_URI:
        return None
    size = dimensions(octets, kind)
    if size is None or size[0] * size[1] > limits.MAX_PIXELS:
        return None
    return f"data:{kind};base64,{base64.b64encode(octets).decode('ascii')}"


def dimensions(octets: bytes, kind: str) -> tuple[int, int] | None:
    """Width and height in pixels as the header says, None where it does not."""
    try:
        match kind:
            case "image/png":
                return _pair(">LL", octets, 16) if octets[12:16] == b"IHDR" else None
            case "image/gif":
                return _pair("<HH", octets, 6)
            case "image/webp":
                return _webp(octets)
            case "image/jpeg":
                return _jpeg(octets)
    except struct.error:
        return None
    return None


def png(rows: bytes, width: int, height: int, bits: int, colors: int) -> bytes:
    """A PNG around deflated rows, each with its filter in front (PNG section 11.2): PDF files keep pictures so."""
    head = struct.pack(">LLBBBBB", width, height, bits, 2 if colors == _RGB else 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    framed = (struct.pack(">L", len(body)) + kind + body + _sum(kind + body) for kind, body in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _sum(octets: bytes) -> bytes:
    return struct.pack(">L", zlib.crc32(octets))


def _pair(layout: str, octets: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, octets, offset)
    return first, second


def _webp(octets: bytes) -> tuple[int, int] | None:
    match octets[12:16]:
        case b"VP8 ":
            width, height = _pair("<HH", octets, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<L", octets, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            canvas = octets[24:30]
            if len(canvas) == 6:
                return int.from_bytes(canvas[:3], "little") + 1, int.from_bytes(canvas[3:], "little") + 1
    return None


def _jpeg(octets: bytes) -> tuple[int, int] | None:
    """The largest frame: markers are followed up to the scan (ITU T.81 annex B)."""
    position = 2
    while position + 4 <= len(octets) and octets[position] == 0xFF:
        marker = octets[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in _JPEG_FRAMES:
            height, width = _pair(">HH", octets, position + 5)
            return width, height
        (length,) = struct.unpack_from(">H", octets, position + 2)
        position += 2 + max(2, length)
    return None
