"""Evasions by boundaries and delimiters, by conflicting headers and by nesting."""

from __future__ import annotations

import base64
import binascii

from gateway.anatomy.findings import Unscannable
from tests.anatomy.evasions.case import EICAR, Case, Fate
from tests.anatomy.making.letters import HEAD

_UUENCODED = binascii.b2a_uu(EICAR[:45]) + binascii.b2a_uu(EICAR[45:])
_PAYLOAD = base64.b64encode(EICAR)
FILE = (
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    b'Content-Disposition: attachment; filename="eicar.com"\r\n\r\n' + _PAYLOAD + b"\r\n"
)
WORDS = b"Content-Type: text/plain\r\n\r\nGood day.\r\n"


def _mail(kind: bytes, body: bytes, more: bytes = b"") -> bytes:
    return HEAD + b"MIME-Version: 1.0\r\n" + more + b"Content-Type: " + kind + b"\r\n\r\n" + body


def _parts(boundary: bytes, *parts: bytes, closing: bytes | None = None) -> bytes:
    end = b"--" + boundary + b"--\r\n" if closing is None else closing
    return b"".join(b"--" + boundary + b"\r\n" + part for part in parts) + end


def _mixed(parameter: bytes, boundary: bytes) -> Case:
    return Case(repr(parameter), _mail(b"multipart/mixed; " + parameter, _parts(boundary, WORDS, FILE)))


_PARAMETERS = (
    _mixed(b"boundary=b", b"b"),
    _mixed(b'boundary="b"', b"b"),
    _mixed(b"boundary='b'", b"'b'"),
    _mixed(b"boundary='b'", b"b"),
    _mixed(b"boundary=b;", b"b"),
    _mixed(b"boundary = b", b"b"),
    _mixed(b"boundary=\r\n\tb", b"b"),
    _mixed(b"\r\n boundary=b", b"b"),
    _mixed(b'boundary="b ', b"b"),
    _mixed(b'boundary="b c"', b"b c"),
    _mixed(b'boundary="b\\c"', b"bc"),
    _mixed(b'boundary="b\\c"', b"b\\c"),
    _mixed(b'boundary="b\\"c"', b'b"c'),
    _mixed(b"boundary=b (comment)", b"b"),
    _mixed(b"(x)boundary(y)=(z)b", b"b"),
    _mixed(b"boundary*=us-ascii''b", b"b"),
    _mixed(b"boundary*=us-ascii'en'%62", b"b"),
    _mixed(b'boundary*0="b"; boundary*1="c"', b"bc"),
    _mixed(b'boundary*0="b"; boundary*1="c"', b"b"),
    _mixed(b"boundary*0*=utf-8''%62; boundary*1=c", b"bc"),
    _mixed(b'boundary*1="c"; boundary*0="b"', b"bc"),
    _mixed(b"boundary=a; boundary=b", b"a"),
    _mixed(b"boundary=a; boundary=b", b"b"),
    _mixed(b"boundary=a; boundary*=us-ascii''b", b"b"),
    _mixed(b"boundary=a; boundary*0=b; boundary*1=c", b"bc"),
    _mixed(b"boundary=a; boundary*0=b; boundary*1=c", b"a"),
    _mixed(b"BOUNDARY=b", b"b"),
    _mixed(b"Boundary=B", b"b"),
    _mixed(b"x=y boundary=b", b"b"),
    _mixed(b"x=y, boundary=b", b"b"),
    _mixed(b'x="y"boundary=b', b"b"),
    _mixed(b'x="a;b"; boundary=b', b"b"),
    _mixed(b"x=boundary=q; boundary=b", b"b"),
    _mixed(b'x="; boundary=a"; boundary=b', b"b"),
    _mixed(b'x="; boundary=a"; boundary=b', b"a"),
    _mixed(b'boundary=""', b""),
    _mixed(b"boundary=", b""),
    _mixed(b"boundary=b; charset=utf-8", b"b"),
    _mixed(b"boundary=b c", b"b c"),
    _mixed(b"boundary=b c", b"b"),
    _mixed(b"boundary==?utf-8?q?b?=", b"b"),
    _mixed(b"boundary==?utf-8?q?b?=", b"=?utf-8?q?b?="),
    _mixed(b"boundary=" + b"b" * 200, b"b" * 200),
    _mixed(b"boundary=" + b"b" * 2000, b"b" * 2000),
    _mixed(b"boundary=\xe4", b"\xe4"),
    _mixed(b'boundary="b\xc3\xa4"', b"b\xc3\xa4"),
    _mixed(b"boundary=b\0c", b"b"),
    _mixed(b"boundary=b\0c", b"b\0c"),
    _mixed(b"boundary=--b", b"--b"),
    _mixed(b'boundary="b"c', b"b"),
    _mixed(b'boundary="b"c', b"bc"),
    _mixed(b"boundary=b%20c", b"b%20c"),
    _mixed(b"boundary=b/c", b"b/c"),
    _mixed(b"boundary=b=c", b"b=c"),
    _mixed(b"bound\0ary=b", b"b"),
    _mixed(b";;;boundary=b", b"b"),
    _mixed(b"type=x\r\n\r\n", b"b"),
)

_TYPES = tuple(
    Case(f"type {kind!r}", _mail(kind, _parts(b"b", WORDS, FILE)))
    for kind in (
        b"multipart/foo; boundary=b",
        b"Multipart/Mixed; boundary=b",
        b"MULTIPART/ALTERNATIVE; boundary=b",
        b"multipart; boundary=b",
        b"multipart/ mixed; boundary=b",
        b"multipart /mixed; boundary=b",
        b"(c)multipart(c)/(c)mixed(c); boundary=b",
        b"multipart/mixed boundary=b",
        b"multipart/mixed, boundary=b",
        b"multipart/mixed\tboundary=b",
        b'"multipart/mixed"; boundary=b',
        b"multipart/mixed;\0boundary=b",
        b"=?utf-8?q?multipart/mixed?=; boundary=b",
        b": multipart/mixed; boundary=b",
        b"multipart//mixed; boundary=b",
        b"multi\r\n part/mixed; boundary=b",
        b"multipart/\r\n mixed; boundary=b",
        b"multipart/mixed\r\n ; boundary=b",
        b"multipart/signed; protocol=x; micalg=y; boundary=b",
        b"multipart/x-mixed-replace; boundary=b",
        b"multipart/report; report-type=x; boundary=b",
        b"multipart/form-data; boundary=b",
        b"multipart/byteranges; boundary=b",
        b"multipart/header-set; boundary=b",
        b"text/plain; boundary=b\r\nContent-Type: multipart/mixed; boundary=b",
        b"multipart/mixed; boundary=b\r\nContent-Type: text/plain",
        b"multipart/mixed; boundary=b\r\nContent-Type: multipart/mixed; boundary=c",
        b"multipart/mixed; boundary=c\r\nContent-Type: multipart/mixed; boundary=b",
        b"text/plain\r\nContent-type : multipart/mixed; boundary=b",
        b"text/plain\r\ncontent-Type: multipart/mixed; boundary=b",
    )
)

_FIELDS = tuple(
    Case(f"field {field!r}", HEAD + b"MIME-Version: 1.0\r\n" + field + b"\r\n\r\n" + _parts(b"b", WORDS, FILE))
    for field in (
        b"Content-Type:multipart/mixed;boundary=b",
        b"Content-Type : multipart/mixed; boundary=b",
        b"Content-Type\t: multipart/mixed; boundary=b",
        b"CONTENT-TYPE: multipart/mixed; boundary=b",
        b"Content-Type:\r\n multipart/mixed; boundary=b",
        b"Content-Type: \r\n\tmultipart/mixed;\r\n\tboundary=b",
        b" X: y\r\nContent-Type: multipart/mixed; boundary=b",
        b"nonsense\r\nContent-Type: multipart/mixed; boundary=b",
        b"X: y\r\n \r\nContent-Type: multipart/mixed; boundary=b",
        b"Content-Type: multipart/mixed; boundary=b\r\n \r\n",
        b"Content-Type: multipart/mixed;\r\n \r\n boundary=b",
        b"Content-Type: multipart/mixed;\r\nboundary=b",
        b"X: " + b"y" * 100_000 + b"\r\nContent-Type: multipart/mixed; boundary=b",
        b"\0: x\r\nContent-Type: multipart/mixed; boundary=b",
        b"X\xe4: x\r\nContent-Type: multipart/mixed; boundary=b",
        b": x\r\nContent-Type: multipart/mixed; boundary=b",
        b"Content-Type: multipart/mixed; boundary=b\r\nMIME-Version: 9.9",
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64",
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: quoted-printable",
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: x-nonsense",
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit",
        b"Content-Type: multipart/mixed; boundary=b\rX: y",
    )
)


def _body(name: str, body: bytes, fate: Fate | Unscannable = Fate.FOUND) -> Case:
    return Case(name, _mail(b"multipart/mixed; boundary=b", body), fate)


def _deep(levels: int) -> bytes:
    part = FILE
    for level in range(levels):
        boundary = b"n%d" % level
        part = b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + _parts(boundary, WORDS, part)
    return _parts(b"b", part)


_INNER = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n%s"

_BODIES = (
    _body("no closing delimiter", _parts(b"b", WORDS, FILE, closing=b"")),
    _body("no line end at all behind", _parts(b"b", WORDS, FILE.rstrip(), closing=b"")),
    _body("preamble", b"This is a message in MIME format.\r\n" + _parts(b"b", WORDS, FILE)),
    _body("part after the closing delimiter", _parts(b"b", WORDS) + _parts(b"b", FILE)),
    _body("closing delimiter first", b"--b--\r\n" + _parts(b"b", WORDS, FILE)),
    _body("closed twice", _parts(b"b", WORDS) + b"--b--\r\n" + _parts(b"b", FILE)),
    _body("blanks behind the delimiter", _parts(b"b", WORDS, FILE).replace(b"--b\r\n", b"--b  \t\r\n")),
    _body("words behind the delimiter", b"--b\r\n" + WORDS + b"--bxyz\r\n" + FILE + b"--b--\r\n"),
    _body("bare line feeds", _parts(b"b", WORDS, FILE).replace(b"\r\n", b"\n")),
    _body("bare carriage returns at delimiters", b"--b\r\n" + WORDS + b"\r--b\r" + FILE + b"--b--\r\n"),
    _body("bare carriage returns alone", _parts(b"b", WORDS, FILE).replace(b"\r\n", b"\r")),
    _body("three dashes", b"---b\r\n" + WORDS + b"---b\r\n" + FILE + b"---b--\r\n"),
    _body("half a closing delimiter", b"--b\r\n" + WORDS + b"--b-\r\n" + FILE + b"--b--\r\n"),
    _body("many dashes to close, and on", b"--b\r\n" + WORDS + b"--b----\r\n--b\r\n" + FILE + b"--b--\r\n"),
    _body("other case of the boundary", b"--B\r\n" + WORDS + b"--B\r\n" + FILE + b"--B--\r\n"),
    _body("empty parts around", _parts(b"b", b"", b"\r\n", FILE, b"\r\n")),
    _body("no header in the part", _parts(b"b", b"\r\n" + EICAR + b"\r\n")),
    _body("no empty line in the part", _parts(b"b", FILE.replace(b"\r\n\r\n", b"\r\n"))),
    _body("header of blanks", _parts(b"b", FILE.replace(b"\r\n\r\n", b"\r\n \r\n"))),
    _body("header continued", _parts(b"b", FILE.replace(b"Encoding: base64", b"Encoding:\r\n base64"))),
    _body("part in the epilogue", _parts(b"b", WORDS) + b"begin 644 eicar.com\r\n" + _UUENCODED + b"`\r\nend\r\n"),
    _body("inner boundary begins with the outer", _parts(b"b", _INNER % (b"bb", _parts(b"bb", WORDS, FILE)))),
    _body(
        "outer boundary begins with the inner",
        _mail(b"multipart/mixed; boundary=bb", _parts(b"bb", _INNER % (b"b", _parts(b"b", WORDS, FILE)))),
    ),
    _body("same boundary inside", _parts(b"b", _INNER % (b"b", _parts(b"b", WORDS, FILE)))),
    _body("inner not closed", _parts(b"b", _INNER % (b"c", _parts(b"c", WORDS, FILE, closing=b"")))),
    _body(
        "inner part after the outer end",
        _parts(b"b", _INNER % (b"c", _parts(b"c", WORDS, closing=b""))) + _parts(b"c", FILE),
    ),
    _body("twenty deep", _deep(20)),
    _body("sixty deep", _deep(60), Unscannable.MIME_DEPTH),
    _body("two thousand parts before", _parts(b"b", *[WORDS] * 2000, FILE), Unscannable.MIME_PARTS),
    _body("only a message inside", _parts(b"b", b"Content-Type: message/rfc822\r\n\r\n" + HEAD + FILE)),
    _body(
        "a digest",
        _parts(b"b", b"Content-Type: multipart/digest; boundary=c\r\n\r\n" + _parts(b"c", b"\r\n" + HEAD + FILE)),
    ),
)

_WHOLE = (
    Case("parts that no header announces", HEAD + b"\r\n" + _parts(b"b", WORDS, FILE)),
    Case("parts in a text", HEAD + b"Content-Type: text/plain\r\n\r\n" + _parts(b"b", WORDS, FILE)),
    Case(
        "parts of another kind", HEAD + b"Content-Type: ultipart/mixed; boundary=b\r\n\r\n" + _parts(b"b", WORDS, FILE)
    ),
    Case(
        "type hidden by folding",
        HEAD + b"X: y\r\n Content-Type: multipart/mixed; boundary=b\r\n\r\n" + _parts(b"b", WORDS, FILE),
    ),
    Case("fields behind an empty line", _mail(b"multipart/mixed; boundary=b", _parts(b"b", WORDS, b"\r\n" + FILE))),
    Case("no multipart at all", HEAD + FILE),
    Case("nothing but the test file", EICAR),
    Case("no header", b"\r\n" + EICAR),
    Case("a header that never ends", HEAD + b"X: y\r\n" + EICAR),
    Case("mbox line in front", b"From ann@sender.example Mon Jan  1 00:00:00 2026\r\n" + HEAD + FILE),
    Case("byte order mark in front", b"\xef\xbb\xbf" + HEAD + FILE),
    Case(
        "multipart without parts, base64",
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(_parts(b"b", WORDS, FILE)),
    ),
    Case(
        "message in base64",
        HEAD
        + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(HEAD + FILE),
    ),
    Case(
        "message twice in base64",
        HEAD
        + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(
            HEAD
            + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + base64.encodebytes(HEAD + FILE)
        ),
    ),
    Case(
        "message in quoted-printable",
        HEAD
        + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + (HEAD + FILE).replace(b"=", b"=3D"),
    ),
    Case(
        "message declared a file", HEAD + b'Content-Type: application/octet-stream; name="a.eml"\r\n\r\n' + HEAD + FILE
    ),
    Case(
        "message/partial",
        HEAD + b'Content-Type: message/partial; id="x"; number=1; total=2\r\n\r\n' + HEAD + FILE[:40],
        Unscannable.MIME_PARTIAL,
    ),
    Case(
        "message/delivery-status",
        HEAD
        + b"Content-Type: multipart/report; boundary=b\r\n\r\n"
        + _parts(
            b"b",
            WORDS,
            b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n",
            b"Content-Type: message/rfc822\r\n\r\n" + HEAD + FILE,
        ),
    ),
    Case("text/rfc822-headers that holds a message", HEAD + b"Content-Type: text/rfc822-headers\r\n\r\n" + HEAD + FILE),
    Case(
        "the delimiter of the inner multipart is the closing one of the outer",
        _mail(
            b'multipart/mixed; boundary="a--"',
            b'--a--\r\nContent-Type: multipart/mixed; boundary="a----"\r\n\r\n'
            + _parts(b"a----", FILE, b"Content-Type: text/html\r\n\r\nGood day.\r\n", closing=b"--a----"),
        ),
    ),
    Case(
        "the inner delimiter stands in the header",
        _mail(
            b"multipart/mixed; boundary=a",
            b"--a\r\nContent-Type: multipart/mixed; boundary=ab\r\nMIME-Version: 1.0\r\n"
            + _parts(b"ab", FILE)
            + b"--a--\r\n",
        ),
    ),
    Case(
        "two content types of one part",
        HEAD
        + b"Content-Type: text/plain\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + _PAYLOAD,
    ),
)

CASES = (*_PARAMETERS, *_TYPES, *_FIELDS, *_BODIES, *_WHOLE)
