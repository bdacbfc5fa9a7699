"""Evasions by transfer encodings: wrong names, doubled fields, garbage among base64, old codings."""

from __future__ import annotations

import base64
import binascii
import quopri

from tests.anatomy.evasions.case import EICAR, Case
from tests.anatomy.making.letters import HEAD

_B64 = base64.b64encode(EICAR)
_QP = quopri.encodestring(EICAR, quotetabs=True).replace(b"\n", b"\r\n")
_UU = binascii.b2a_uu(EICAR[:45]) + binascii.b2a_uu(EICAR[45:])
_HEX = b"".join(b"=%02X" % octet for octet in EICAR)


def _part(encoding: bytes, body: bytes, kind: bytes = b"application/octet-stream") -> bytes:
    part = b"Content-Type: " + kind + b"\r\n" + encoding + b"\r\n\r\n" + body
    return (
        HEAD
        + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        + part
        + b"\r\n--b--\r\n"
    )


def _named(value: bytes, body: bytes) -> Case:
    return Case(f"{value!r} {body[:12]!r}", _part(b"Content-Transfer-Encoding: " + value, body))


def _base64(name: str, body: bytes) -> Case:
    return Case(name, _part(b"Content-Transfer-Encoding: base64", body))


def _quoted(name: str, body: bytes) -> Case:
    return Case(name, _part(b"Content-Transfer-Encoding: quoted-printable", body))


def _every(characters: bytes, width: int, between: bytes) -> bytes:
    return between.join(characters[at : at + width] for at in range(0, len(characters), width))


_NAMES = (
    *(
        _named(value, _B64)
        for value in (
            b"base64", b"BASE64", b"Base64", b'"base64"', b"'base64'", b"base64;", b"base64 ; x=y", b"(c) base64", b"base64 (c)",
            b"\r\n base64", b"base64\r\n ", b"base64,", b"base64, 7bit", b"7bit, base64", b"7bit base64", b"base-64", b"base_64", b"base64x", b"xbase64",
            b"b", b"B64", b"base64\0", b"base\r\n 64", b"x-base64", b"base 64", b"=?us-ascii?q?base64?=", b".base64", b"base64.", b": base64",
            b"7bit\r\nContent-Transfer-Encoding: base64", b"base64\r\nContent-Transfer-Encoding: 7bit",
            b"8bit\r\nContent-Transfer-Encoding : base64", b"quoted-printable\r\nContent-Transfer-Encoding: base64",
            b"binary\r\nContent-transfer-encoding: BASE64", b"", b"x-unknown",
        )
    ),
    *(_named(value, _HEX) for value in (b"quoted-printable", b"Quoted-Printable", b"QUOTED-PRINTABLE", b'"quoted-printable"', b"quoted printable", b"quotedprintable", b"quoted-printable;", b"q", b"qp", b"x-quoted-printable", b"base64\r\nContent-Transfer-Encoding: quoted-printable")),
    *(_named(value, EICAR) for value in (b"7bit", b"8bit", b"binary", b"", b"none", b"x-nonsense", b"7-bit", b"us-ascii", b"base64\r\nContent-Transfer-Encoding: 7bit", b"7bit\r\nContent-Transfer-Encoding: base64", b"quoted-printable\r\nContent-Transfer-Encoding: binary")),
    *(_named(value, b"begin 644 eicar.com\r\n" + _UU + b"`\r\nend\r\n") for value in (b"x-uuencode", b"uuencode", b"x-uue", b"X-UUENCODE", b"7bit", b"base64\r\nContent-Transfer-Encoding: x-uuencode", b"x-uu", b"x-nonsense")),
    *(_named(value, _UU) for value in (b"x-uuencode", b"uuencode")),
    Case("encoding field with a blank before the colon", _part(b"Content-Transfer-Encoding : base64", _B64)),
    Case("encoding field without a blank", _part(b"Content-Transfer-Encoding:base64", _B64)),
    Case("encoding field in capitals", _part(b"CONTENT-TRANSFER-ENCODING: BASE64", _B64)),
    Case("encoding field misspelled", _part(b"Content-Encoding: base64", _B64)),
    Case("encoding field with an underscore", _part(b"Content_Transfer_Encoding: base64", _B64)),
    Case("encoding behind a broken field", _part(b"broken\r\nContent-Transfer-Encoding: base64", _B64)),
    Case("encoding in the outer header alone", HEAD + b"Content-Transfer-Encoding: base64\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n" + _B64 + b"\r\n--b--\r\n"),
    Case("no type field", HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + _B64),
    Case("a text", _part(b"Content-Transfer-Encoding: base64", _B64, b"text/plain")),
    Case("a page", _part(b"Content-Transfer-Encoding: base64", _B64, b"text/html")),
    Case("a picture", _part(b"Content-Transfer-Encoding: base64", _B64, b"image/png")),
)  # fmt: skip

_BASE64 = (
    _base64("one line each character", _every(_B64, 1, b"\r\n")),
    _base64("blanks", _every(_B64, 3, b" ")),
    _base64("tabs", _every(_B64, 5, b"\t")),
    _base64("bare line feeds", _every(_B64, 7, b"\n")),
    _base64("bare carriage returns", _every(_B64, 7, b"\r")),
    _base64("punctuation", _every(_B64, 3, b"!")),
    _base64(
        "every octet that does not belong",
        _every(
            _B64,
            4,
            bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n-")),
        ),
    ),
    _base64("octets of zero", _every(_B64, 4, b"\0")),
    _base64("high octets", _every(_B64, 4, b"\xe4\xff")),
    _base64("hyphens", _every(_B64, 4, b"-")),
    _base64("without padding", _B64.rstrip(b"=")),
    _base64("too much padding", _B64.rstrip(b"=") + b"===="),
    _base64(
        "padding in the middle, quantum by quantum",
        b"".join(base64.b64encode(EICAR[at : at + 1]) for at in range(len(EICAR))),
    ),
    _base64(
        "padding after two octets", b"".join(base64.b64encode(EICAR[at : at + 2]) for at in range(0, len(EICAR), 2))
    ),
    _base64(
        "padding on lines of their own",
        b"\r\n".join(base64.b64encode(EICAR[at : at + 10]) for at in range(0, len(EICAR), 10)),
    ),
    _base64("padding that stands where none belongs", _B64[:8] + b"=" + _B64[8:]),
    _base64("padding in the middle of a quantum", _B64[:6] + b"==" + _B64[6:]),
    _base64("a lone padding first", b"=" + _B64),
    _base64("garbage after the end", _B64 + b"\r\n!!! not base64 !!!\r\n"),
    _base64("text after the end", _B64 + b"\r\n\r\nThis text is not encoded.\r\n"),
    _base64("text before", b"This text is not encoded:\r\n\r\n" + _B64),
    _base64("an empty line first", b"\r\n\r\n" + _B64),
    _base64("blanks at line ends", _every(_B64, 20, b" \r\n")),
    _base64("blanks at line starts", _every(_B64, 20, b"\r\n  ")),
    _base64("one very long line", base64.b64encode(EICAR + b" " * 3000)),
    _base64("last bits set", _B64[:-2] + b"p=" if _B64.endswith(b"o=") else _B64),
    _base64("url alphabet", base64.urlsafe_b64encode(EICAR)),
    _base64("not encoded at all", EICAR),
    _base64("a dot on each line", _every(_B64, 20, b"\r\n.")),
    _base64("quoted by angle brackets", b"> " + _every(_B64, 20, b"\r\n> ")),
    _base64("begin-base64", b"begin-base64 644 eicar.com\r\n" + _B64 + b"\r\n====\r\n"),
    _base64("PEM lines", b"-----BEGIN X-----\r\n" + _B64 + b"\r\n-----END X-----\r\n"),
    _base64("comment line", _B64[:40] + b"\r\n(comment)\r\n" + _B64[40:]),
)

_QUOTED = (
    _base64("two characters more on each line", _every(_B64, 4, b"XX\r\n")),
    _base64("a paragraph in front", b"AB\r\n\r\n" + _B64),
    _quoted("plain", _QP),
    _quoted("every octet", _HEX),
    _quoted("lower case", _HEX.lower()),
    _quoted("soft breaks everywhere", b"=\r\n".join(_HEX[at : at + 3] for at in range(0, len(_HEX), 3))),
    _quoted("soft breaks with bare line feeds", b"=\n".join(_HEX[at : at + 30] for at in range(0, len(_HEX), 30))),
    _quoted("soft breaks with blanks", b"= \t\r\n".join(_HEX[at : at + 30] for at in range(0, len(_HEX), 30))),
    _quoted("soft break at the end", _HEX + b"="),
    _quoted(
        "soft breaks with a bare carriage return", b"=\r".join(_HEX[at : at + 30] for at in range(0, len(_HEX), 30))
    ),
    _quoted("not encoded at all", EICAR),
    _quoted("one very long line", _HEX + b"=20" * 3000),
    _quoted("blanks at line ends", _HEX[:90] + b"=  \r\n" + _HEX[90:]),
)

_TEXT = b"Content-Type: text/plain\r\n\r\n"


def _plain(name: str, body: bytes, kind: bytes = b"text/plain") -> Case:
    return Case(name, HEAD + b"Content-Type: " + kind + b"\r\n\r\n" + body)


def _yenc() -> bytes:
    octets = bytearray()
    for octet in EICAR:
        shifted = (octet + 42) % 256
        octets += bytes([ord("="), (shifted + 64) % 256]) if shifted in (0, 10, 13, ord("=")) else bytes([shifted])
    return bytes(octets)


_INLINE = (
    _plain("uuencoded in text", b"Hello\r\n\r\nbegin 644 eicar.com\r\n" + _UU + b"`\r\nend\r\n"),
    _plain("uuencoded with blanks for zero", b"begin 644 eicar.com\r\n" + _UU.replace(b"`", b" ") + b" \r\nend\r\n"),
    _plain("uuencoded without an end", b"begin 644 eicar.com\r\n" + _UU),
    _plain("uuencoded with an odd mode", b"begin 0100644 eicar.com\r\n" + _UU + b"`\r\nend\r\n"),
    _plain("uuencoded with two blanks", b"begin  644  eicar.com\r\n" + _UU + b"`\r\nend\r\n"),
    _plain("uuencoded with a long mode", b"begin 100644 eicar.com\r\n" + _UU + b"`\r\nend\r\n"),
    _plain("uuencoded with a name of blanks", b"begin 644 my file.com\r\n" + _UU + b"`\r\nend\r\n"),
    _plain("uuencoded in a page", b"<p>begin 644 eicar.com\r\n" + b"</p>\r\nbegin 644 eicar.com\r\n" + _UU + b"`\r\nend\r\n", b"text/html"),
    _plain("uuencoded after a false start", b"begin 644 x\r\nnonsense\r\nbegin 644 eicar.com\r\n" + _UU + b"`\r\nend\r\n"),
    _plain("uuencoded in base64 letters", b"begin-base64 644 eicar.com\r\n" + _B64 + b"\r\n====\r\n"),
    _plain("yEnc", b"=ybegin line=128 size=68 name=eicar.com\r\n" + _yenc() + b"\r\n=yend size=68\r\n"),
    _plain("yEnc without an end", b"=ybegin line=128 size=68 name=eicar.com\r\n" + _yenc() + b"\r\n"),
    _plain("yEnc in parts", b"=ybegin part=1 line=128 size=68 name=eicar.com\r\n=ypart begin=1 end=68\r\n" + _yenc() + b"\r\n=yend size=68\r\n"),
)  # fmt: skip

CASES = (*_NAMES, *_BASE64, *_QUOTED, *_INLINE)
