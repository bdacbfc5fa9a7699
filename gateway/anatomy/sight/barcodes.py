"""QR codes in pictures: where they lead. The one door to Pillow and to zxing-cpp; hostile pixels meet native code here,
so it runs in the jail alone. Small pictures only, few of them, scaled down first."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Final

import zxingcpp
from PIL import Image

from gateway.anatomy import limits
from gateway.anatomy.findings import Defect, Findings
from gateway.anatomy.sight.images import dimensions

_KINDS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
_MIN_SIDE: Final = 40
"""Pixels: the smallest code has 21 modules, and readers want two pixels for each. Icons fall out."""

_CODES: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
_NO_PICTURE: Final = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, EOFError, MemoryError, OverflowError, struct.error,
    zlib.error, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow's readers raise on damage."""

Image.MAX_IMAGE_PIXELS = limits.MAX_CODE_PIXELS  # some formats tell their size twice
Image.init()  # its readers are modules of their own, and none can be loaded later


def note_codes(octets: bytes, kind: str, findings: Findings) -> None:
    """Remember where the QR codes of one picture lead. What is too large or no picture is passed over."""
    size = dimensions(octets, kind) if kind in _KINDS else None
    if size is None or min(size) < _MIN_SIDE or size[0] * size[1] > limits.MAX_CODE_PIXELS:
        return
    if findings.pictures >= limits.MAX_CODE_PICTURES:
        return
    findings.pictures += 1
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(octets), formats=(_KINDS[kind],)) as picture,
        ):
            if picture.size[0] * picture.size[1] > limits.MAX_CODE_PIXELS:
                return  # its reader sees another head than we do
            picture.draft("L", (limits.CODE_SIDE, limits.CODE_SIDE))  # JPEG is scaled while it is unpacked
            gray = _on_white(picture)
        if max(gray.size) > limits.CODE_SIDE:
            gray.thumbnail((limits.CODE_SIDE, limits.CODE_SIDE), Image.Resampling.BOX)
        pixels = memoryview(gray.tobytes()).cast("B", (gray.size[1], gray.size[0]))
        codes = zxingcpp.read_barcodes(pixels, formats=_CODES)
    except _NO_PICTURE:
        return  # no picture, whatever its head says
    for code in codes:
        text = code.text.strip()
        if text[:8].lower().startswith(("http://", "https://")) or text[:4].lower() == "www.":
            findings.note(Defect.IMAGE_QR_LINK)
            findings.lead(text if text[:4].lower() == "http" else f"http://{text}", "qr")


def _on_white(picture: Image.Image) -> Image.Image:
    """In gray; what is transparent becomes white, as mail programs show it."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        colored = picture.convert("RGBA")
        white = Image.new("RGBA", colored.size, "white")
        return Image.alpha_composite(white, colored).convert("L")
    return picture.convert("L")


def _use_every_reader_once() -> None:
    """What a reader loads at its first use is loaded now."""
    for form in _KINDS.values():
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64), "white").save(buffer, form)
        note_codes(buffer.getvalue(), f"image/{form.lower()}", Findings())


_use_every_reader_once()
