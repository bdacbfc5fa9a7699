"""Messages for tests, built octet by octet: what is odd about them must stay exactly as written."""

from __future__ import annotations

import base64
import io
import zipfile

HEAD = b"From: Ann <ann@sender.example>\r\nDate: Mon, 01 Jun 2026 10:00:00 +0000\r\n"


def letter(fields: bytes, body: bytes) -> bytes:
    """A message with From, Date and these fields."""
    return HEAD + fields + b"\r\n\r\n" + body


def html(markup: str) -> bytes:
    """A message of one HTML part."""
    return letter(b"Content-Type: text/html; charset=utf-8", markup.encode())


def text(words: str) -> bytes:
    """A message of one text part in UTF-8."""
    return letter(b"Content-Type: text/plain; charset=utf-8", words.encode())


def multipart(*parts: bytes, boundary: bytes = b"B", subtype: bytes = b"mixed") -> bytes:
    """A multipart message; each part has its own header."""
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
    return letter(b"Content-Type: multipart/" + subtype + b"; boundary=" + boundary, body)


def attachment(content: bytes, name: str = "", kind: str = "application/octet-stream") -> bytes:
    """A part with base64 around it."""
    disposition = f'attachment; filename="{name}"' if name else "attachment"
    fields = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: {disposition}\r\n\r\n"
    return fields.encode() + base64.encodebytes(content).replace(b"\n", b"\r\n")


def zipped(**members: bytes) -> bytes:
    """A ZIP archive; the last "_" in a name stands for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(".".join(name.rsplit("_", 1)), content)
    return buffer.getvalue()
