"""Near misses: honest mail that looks like an evasion to a hasty reader. Nothing in it is malware, closed or disguised."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from pathlib import Path

from PIL import Image

from tests.anatomy.evasions.case import EICAR, Case, Fate
from tests.anatomy.making.letters import HEAD, attachment, html, multipart, text, zipped
from tests.anatomy.making.papers import package, pdf

SAMPLES = Path(__file__).parents[1] / "samples"


def _clean(name: str, message: bytes) -> Case:
    return Case(name, message, Fate.CLEAN)


def _picture(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((160, 120), 60).convert("RGB").save(buffer, form)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("notes.txt")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    return buffer.getvalue()


_KEY = (
    b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n\r\n"
    + base64.encodebytes(bytes(range(256)) * 3)
    + b"-----END PGP PUBLIC KEY BLOCK-----\r\n"
)
_SIGNED = (
    HEAD
    + b"Content-Type: multipart/signed; protocol=application/pgp-signature; micalg=pgp-sha256; boundary=s\r\n\r\n--s\r\n"
    + b"Content-Type: text/plain\r\n\r\nGood day.\r\n--s\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n"
    + b"-----BEGIN PGP SIGNATURE-----\r\n\r\niQEzBAEBCAAdFiEE\r\n-----END PGP SIGNATURE-----\r\n--s--\r\n"
)
_NEWSLETTER = "".join(f'<tr><td><a href="https://news.example/{n}">Story {n}</a></td></tr>' for n in range(80))

CASES = (
    _clean("the test file spoken of", text(f"The string {EICAR.decode()} is harmless, they say.")),
    _clean("the test file quoted", text("> " + EICAR.decode())),
    _clean("the test file's base64 in words", text("Look: " + base64.b64encode(EICAR).decode() + " is base64.")),
    _clean("a boundary in the text", multipart(b"Content-Type: text/plain\r\n\r\nin the line --B there is one")),
    _clean("dashes of a signature", text("Regards\r\n-- \r\nAnn\r\n--------\r\n--B\r\n")),
    _clean("begin as a word", text("Let us\r\nbegin 2026 with cheer\r\nbegin\r\nend\r\n")),
    _clean("a key in the text", text(_KEY.decode("latin-1"))),
    _clean("a key as a file", multipart(attachment(_KEY, "key.asc", "application/pgp-keys"))),
    _clean("a signed letter", _SIGNED),
    _clean("a newsletter", html(f"<html><body><table>{_NEWSLETTER}</table></body></html>")),
    _clean("a picture in a page", html('<img src="data:image/png;base64,' + base64.b64encode(_picture("PNG")).decode() + '">')),
    _clean("PNG", multipart(attachment(_picture("PNG"), "a.png", "image/png"))),
    _clean("JPEG", multipart(attachment(_picture("JPEG"), "a.jpg", "image/jpeg"))),
    _clean("JPEG called PNG", multipart(attachment(_picture("JPEG"), "a.png", "image/png"))),
    _clean("an archive of notes", multipart(attachment(zipped(notes_txt=b"hello", more_csv=b"a;b"), "a.zip", "application/zip"))),
    _clean("a tar of notes", multipart(attachment(gzip.compress(_tar()), "a.tar.gz", "application/gzip"))),
    _clean("an archive in an archive", multipart(attachment(zipped(inner_zip=zipped(notes_txt=b"hello")), "a.zip"))),
    _clean("a document", multipart(attachment(package(word__document_xml=b"<w:t>Hello</w:t>"), "a.docx"))),
    _clean("a document with a picture", multipart(attachment(package(word__media__image1_png=_picture("PNG")), "a.docx"))),
    _clean("a PDF", multipart(attachment((SAMPLES / "chromium.pdf").read_bytes(), "a.pdf", "application/pdf"))),
    _clean("a small PDF", multipart(attachment(pdf(b"<< /Type /Catalog >>"), "a.pdf", "application/pdf"))),
    _clean("an SVG", multipart(attachment(b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>', "a.svg", "image/svg+xml"))),
    _clean("an invitation", multipart(b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\nEND:VCALENDAR")),
    _clean("a forwarded letter", multipart(b"Content-Type: message/rfc822\r\n\r\n" + text("Good day."))),
    _clean("a report of a bounce", multipart(b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a.example\r\n", b"Content-Type: text/rfc822-headers\r\n\r\n" + HEAD, subtype=b"report")),
    _clean("a name in UTF-8", multipart(attachment(b"hello", "Übersicht für März.txt", "text/plain"))),
    _clean("a name with dots", multipart(attachment(b"hello", "report.v1.2.final.txt", "text/plain"))),
    _clean("a name with an apostrophe", multipart(attachment(b"hello", "Ann's notes.txt", "text/plain"))),
    _clean("a table of numbers", text("\r\n".join(",".join(str(n * m) for m in range(30)) for n in range(40)))),
    _clean("a long word", text("https://news.example/" + "x" * 3_000)),
    _clean("a message quoted in notes", multipart(attachment(b"It says:\r\n\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nno more\r\n", "notes.txt", "text/plain"))),
    _clean("a file of measurements", multipart(attachment(bytes(range(256)) * 9, "data.bin"))),
    _clean("rich text", multipart(attachment(b"{\\rtf1\\ansi Hello}", "a.rtf", "application/rtf"))),
    _clean("a page with references", html("<p>" + "caf&#233; &#8211; data: " * 50 + "</p>")),
    _clean("configuration", multipart(attachment(b'<?xml version="1.0"?><a><b>Good day, and more words than one.</b></a>', "a.xml", "text/xml"))),
    _clean("nothing at all", HEAD + b"\r\n"),
)  # fmt: skip

SUSPICIOUS = (
    "html.smuggling", "name.double_extension", "name.executable", "name.rtlo", "name.invisible", "name.lookalike", "name.ambiguous", "type.executable",
    "type.polyglot", "archive.hidden", "archive.damaged", "archive.traversal", "office.embedded", "office.macro", "pdf.embedded", "svg.script",
    "link.mismatch", "mime.ambiguous", "mime.encoded_container", "encoding.garbage", "text.hidden",
)  # fmt: skip
"""Defects that none of these may have."""
