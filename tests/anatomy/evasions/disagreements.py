"""Evasions by what the letter forbids and readers decode in ways of their own: broken base64 and quoted-printable,
codings from before MIME, structure that the header does not announce."""

from __future__ import annotations

import base64
import binascii

from gateway.anatomy.findings import Unscannable
from tests.anatomy.evasions.case import EICAR, Case
from tests.anatomy.making.binhex import binhex
from tests.anatomy.making.letters import HEAD

_B64 = base64.b64encode(EICAR)
_HEX = b"".join(b"=%02X" % octet for octet in EICAR)
_BINARY = b"Content-Type: application/octet-stream\r\n"
_FILE = _BINARY + b"Content-Transfer-Encoding: base64\r\n\r\n" + _B64 + b"\r\n"
_WORDS = b"Content-Type: text/plain\r\n\r\nHello\r\n"
_MIXED = b"Content-Type: multipart/mixed; boundary="


def _mail(kind: bytes, body: bytes) -> bytes:
    return HEAD + b"MIME-Version: 1.0\r\n" + kind + b"\r\n\r\n" + body


def _parts(boundary: bytes, *parts: bytes) -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part for part in parts) + b"--" + boundary + b"--\r\n"


def _encoded(encoding: bytes, body: bytes) -> bytes:
    part = _BINARY + b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body + b"\r\n"
    return _mail(_MIXED + b"b", _parts(b"b", _WORDS, part))


def _base64(name: str, body: bytes) -> Case:
    return Case(f"base64: {name}", _encoded(b"base64", body))


def _quoted(name: str, body: bytes) -> Case:
    return Case(f"quoted-printable: {name}", _encoded(b"quoted-printable", body))


def _every(characters: bytes, width: int, between: bytes) -> bytes:
    return between.join(characters[at : at + width] for at in range(0, len(characters), width))


def _quanta_with_padding(at: int) -> bytes:
    """Each quantum holds three characters and a padding among them: two octets."""
    pairs = (base64.b64encode(EICAR[start : start + 2])[:3] for start in range(0, len(EICAR), 2))
    return b"".join(three[:at] + b"=" + three[at:] for three in pairs)


_BASE64 = (
    *(
        _base64(f"a quantum and {rest!r} in each line", _every(_B64, 4, rest + b"\r\n"))
        for rest in (b"X", b"XX", b"XXX")
    ),
    *(
        _base64(f"{junk!r} before an empty line", junk + b"\r\n\r\n" + _every(_B64, 76, b"\r\n"))
        for junk in (b"A", b"AB", b"ABC")
    ),
    _base64("a comment behind each quantum", _every(_B64, 4, b"#abcd0123\r\n")),
    *(_base64(f"a padding in each quantum, at {at}", _quanta_with_padding(at)) for at in (1, 2, 3)),
    _base64("padding for the digit 0", base64.b64encode(EICAR + b" ").replace(b"A", b"=")),
)

_QUOTED = (
    *(
        _quoted(f"{odd!r} before each escape", _HEX.replace(b"=", odd + b"="))
        for odd in (b"=", b"= ", b"=  ", b"=0", b"=X", b"=XX", b"=0X", b"=0a")
    ),
    _quoted("an escape inside of each escape", _HEX.replace(b"=", b"==a")),
    _quoted("a sign before each character", b"".join(b"=" + bytes([octet]) for octet in EICAR)),
)

_CONVERT = b"(This file must be converted with BinHex 4.0)\r\n\r\n:"
_BINHEX = _CONVERT + binhex(EICAR, b"eicar.com") + b":\r\n"
_DAMAGED = _CONVERT + binhex(EICAR, b"eicar.com", check=1) + b":\r\n"
_YENC = bytes((octet + 42) % 256 for octet in EICAR)
_UU = binascii.b2a_uu(EICAR[:45]) + binascii.b2a_uu(EICAR[45:])

_OLD = (
    *(Case(str(name), _encoded(name, _BINHEX)) for name in (b"binhex", b"binhex40", b"mac-binhex40", b"x-binhex40")),
    Case("BinHex in text", _mail(b"Content-Type: text/plain", b"Hello\r\n\r\n" + _BINHEX)),
    Case("BinHex by its type", _mail(b"Content-Type: application/mac-binhex40", _BINHEX)),
    Case("BinHex with a wrong check sum", _encoded(b"binhex40", _DAMAGED), Unscannable.ENCODING_UNKNOWN),
    *(
        Case(f"{lines[:7]!r} in no text", _mail(_BINARY.rstrip(), b"\x81\x92\r\n" + lines))
        for lines in (
            b"=ybegin line=128 size=68 name=eicar.com\r\n" + _YENC + b"\r\n=yend size=68\r\n",
            b"begin 644 eicar.com\r\n" + _UU + b"`\r\nend\r\n",
        )
    ),
)

_INNER = _MIXED + b"inner\r\n"
_INSIDE = _parts(b"inner", _WORDS, _FILE)

_STRUCTURE = (
    *(
        Case(f"type {kind!r}", _mail(kind, _parts(b"b", _WORDS, _FILE)))
        for kind in (
            b"Content-Type: singlepart/mixed; boundary=b",
            b"Content-Type: x-multipart/mixed; boundary=b",
            b"Content-Type: ultipart/mixed; boundary=b",
            b"Content-Type: multi\\part/mixed; boundary=b",
            b"Content-Type: =?utf-8?b?bXVsdGlwYXJ0?=/mixed; boundary=b",
            b"Content-Type: boundary=b",
            b"X-Foo :bar\r\n Content-Type: multipart/mixed; boundary=b",
            b"X-Foo\r\n Content-Type: multipart/mixed; boundary=b",
            b"X-Foo Bar: x\r\n Content-Type: multipart/mixed; boundary=b",
            b"X-Foo: bar",
        )
    ),
    Case("an empty line too many", _mail(_MIXED + b"b", _parts(b"b", _WORDS, b"\r\n" + _FILE))),
    Case(
        "no empty line, and one later",
        _mail(
            _MIXED + b"b",
            _parts(b"b", _FILE.replace(b"\r\n\r\n", b"\r\n").replace(_B64, _B64[:8] + b"\r\n\r\n" + _B64[8:])),
        ),
    ),
    Case(
        "the outer delimiter in the inner header",
        _mail(_MIXED + b"outer", b"--outer\r\n" + _INNER + b"--outer\r\n\r\n" + _INSIDE + b"--outer--\r\n"),
    ),
    Case(
        "the outer end in the inner header",
        _mail(_MIXED + b"outer", b"--outer\r\n" + _INNER + b"--outer--\r\n\r\n" + _INSIDE),
    ),
    Case(
        "the outer delimiter in the base64 of an inner part",
        _mail(
            _MIXED + b'"##+"',
            _parts(b"##+", _INNER + b"\r\n" + _INSIDE.replace(_B64, b"--##+\r\n" + _B64)),
        ),
    ),
    Case(
        "the outer end is the inner delimiter",
        _mail(
            _MIXED + b"b",
            b"--b\r\n" + _MIXED + b"b--\r\n\r\n" + _parts(b"b--", _WORDS, _FILE) + b"--b--\r\n",
        ),
    ),
)

_NAMED_FILE = _FILE.replace(b"\r\n", b'\r\nContent-Disposition: attachment; filename="e.com"\r\n', 1)
_DELIMITED = _parts(b"b", _WORDS, _NAMED_FILE)
_IN_TEXT = (
    *(
        Case(f"delimiters with {written!r}", _mail(_MIXED + b"b", _DELIMITED.replace(b"--b", written)))
        for written in (b" --b", b"\t--b", b"\0--b", b"-b", "\u2014b".encode(), b"> --b")
    ),
    Case("line feeds doubled", _mail(_MIXED + b"b", _DELIMITED.replace(b"\r\n", b"\r\n\n"))),
    Case("two empty lines too many", _mail(_MIXED + b"b", _parts(b"b", b"\r\n\r\n" + _NAMED_FILE))),
    Case("a part in the preamble", _mail(_MIXED + b"b", _NAMED_FILE + _parts(b"b", _WORDS))),
    Case("a part in the epilogue", _mail(_MIXED + b"b", _parts(b"b", _WORDS) + _NAMED_FILE)),
    Case("a message in the epilogue", _mail(_MIXED + b"b", _parts(b"b", _WORDS) + HEAD + _NAMED_FILE)),
    Case("parts of another boundary in the preamble", _mail(_MIXED + b"b", _parts(b"c", _FILE) + _parts(b"b", _WORDS))),
    Case("the test file in the epilogue", _mail(_MIXED + b"b", _parts(b"b", _WORDS) + b"\r\n" + EICAR + b"\r\n")),
    Case("a bounce that quotes it", _mail(b"Content-Type: text/plain", b"Sorry.\r\n\r\n--- Below is a copy.\r\n\r\n" + HEAD + _FILE)),
    Case("a mailbox", _mail(b"Content-Type: application/mbox", b"From a@b Mon Jan  1 00:00:00 2026\r\n" + HEAD + b"\r\nx\r\n\r\nFrom c@d Mon Jan  1 00:00:00 2026\r\n" + HEAD + _FILE)),
    *(
        Case(f"a message of type {kind!r}", _mail(_MIXED + b"b", _parts(b"b", b"Content-Type: " + kind + b"\r\n\r\n" + start + _FILE)))
        for kind in (b"message/http", b"message/x-other", b"application/x-message", b"text/plain", b"image/png")
        for start in (b"", b"\r\n" + HEAD, b"From nobody\r\n" + HEAD)
    ),
    Case("a multipart in uuencoding", _mail(_MIXED + b"b", _parts(b"b", _MIXED + b"c\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n" + b"begin 644 a\r\n" + b"".join(binascii.b2a_uu(_parts(b"c", _FILE)[at : at + 45]) for at in range(0, len(_parts(b"c", _FILE)), 45)) + b"`\r\nend\r\n"))),
)  # fmt: skip


def _text(name: str, body: bytes) -> Case:
    return Case(name, _mail(b"Content-Type: text/plain", body))


_UNUSUAL = (
    *(
        _text(f"uuencoded behind {first!r}", first + b"\r\n" + _UU + b"`\r\nend\r\n")
        for first in (b"begin  e.com", b"begin 644", b"begin 644 ", b"begin 6 e.com", b"begin 00000644 e.com", b"begin 644 " + b"e" * 400)
    ),
    _text("uuencoded behind another beginning", b"begin 644 a\r\n!8\r\nbegin 644 e.com\r\n" + _UU + b"`\r\nend\r\n"),
    _text("yEnc without a name", b"=ybegin line=128 size=68\r\n" + _YENC + b"\r\n=yend size=68\r\n"),
    _text("BinHex in other words", b"(This file must be converted; you knew that.)\r\n\r\n:" + binhex(EICAR, b"eicar.com") + b":\r\n"),
    _base64("base64 in base64", base64.b64encode(_B64)),
    _quoted("soft breaks inside of escapes", b"=\r\n".join(_HEX[at : at + 1] for at in range(len(_HEX)))),
    _quoted("soft breaks behind signs", b"= \r\n".join(_HEX[at : at + 2] for at in range(0, len(_HEX), 2))),
)  # fmt: skip

CASES = (*_IN_TEXT, *_UNUSUAL, *_BASE64, *_QUOTED, *_OLD, *_STRUCTURE)
