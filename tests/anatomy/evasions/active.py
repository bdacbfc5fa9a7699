"""Evasions by active content: pages, pictures, documents, invitations and shortcuts that carry a file or start one."""

from __future__ import annotations

import base64
import struct
import zlib

from tests.anatomy.evasions.case import EICAR, Case, Fate
from tests.anatomy.making.letters import HEAD, attachment, multipart, zipped
from tests.anatomy.making.papers import compound, native, package, pdf, pdf_stream

_B64 = base64.b64encode(EICAR).decode()


def _page(name: str, markup: str, kind: str = "text/html", called: str = "a.html") -> Case:
    return Case(name, multipart(attachment(markup.encode(), called, kind)))


def _file(name: str, octets: bytes, called: str = "a.bin", fate: Fate = Fate.FOUND) -> Case:
    return Case(name, multipart(attachment(octets, called)), fate)


_LINES = "\r\n".join(_B64[at : at + 20] for at in range(0, len(_B64), 20))
_B64_TWICE = base64.b64encode(_B64.encode()).decode()
_LINK = f'<a href="data:a/b;base64,{_B64}">x</a>'
_NESTED = base64.b64encode(_LINK.encode()).decode()
_WRITTEN = "".join(f"%{octet:02x}" for octet in _LINK.encode())
_B64_OF_URLS = base64.urlsafe_b64encode(EICAR + b"   ").decode()
_SAVES = "var b=new Blob([u]);a.href=URL.createObjectURL(b);a.download='eicar.com';a.click();"
_NUMBERS = ",".join(str(octet) for octet in EICAR)
_HEXES = ",".join(f"0x{octet:02x}" for octet in EICAR)
_HALF = len(_B64) // 2


def _script(made: str) -> str:
    return f"<html><body><script>{made}{_SAVES}</script></body></html>"


_PAGES = (
    _page("data: URI", f'<a href="data:application/octet-stream;base64,{_B64}">x</a>'),
    _page("data: URI without quotes", f"<a href=data:application/octet-stream;base64,{_B64}>x</a>"),
    _page("data: URI in percent", '<a href="data:,' + "".join(f"%{octet:02X}" for octet in EICAR) + '">x</a>'),
    _page("data: URI in a frame", f'<iframe src="data:application/x-msdownload;base64,{_B64}"></iframe>'),
    _page("data: URI of several parameters", f'<a href="data:a/b;charset=x;name=y;base64,{_B64}">x</a>'),
    _page("data: URI in capitals", f'<a href="DATA:A/B;BASE64,{_B64}">x</a>'),
    _page("base64 in a script", _script(f'var u=Uint8Array.from(atob("{_B64}"),c=>c.charCodeAt(0));')),
    _page("base64 in single quotes", _script(f"var u=atob('{_B64}');")),
    _page("base64 in backquotes", _script(f"var u=atob(`{_B64}`);")),
    _page("base64 put together", _script(f'var u=atob("{_B64[:_HALF]}" + "{_B64[_HALF:]}");')),
    _page("numbers", _script(f"var u=new Uint8Array([{_NUMBERS}]);")),
    _page("hexadecimal numbers", _script(f"var u=new Uint8Array([{_HEXES}]);")),
    _page("hexadecimal digits", _script(f'var u=parseInt("{EICAR.hex()}",16);')),
    _page("escapes", _script('var u=unescape("' + "".join(f"%{octet:02x}" for octet in EICAR) + '");')),
    _page("escapes of a string", _script('var u=atob("");u="' + "".join(f"\\x{octet:02x}" for octet in EICAR) + '";')),
    _page("codes of characters", _script(f"var u=String.fromCharCode({_NUMBERS});")),
    _page("base64 in a list", _script(f'var u=atob(["{_B64[:_HALF]}", "{_B64[_HALF:]}"].join(""));')),
    _page("base64 turned around", _script(f'var u=atob("{_B64[::-1]}".split("").reverse().join(""));')),
    _page("base64 of base64", _script(f'var u=atob(atob("{_B64_TWICE}"));')),
    _page("base64 in escapes", _script('var u=atob("' + "".join(f"\\u{ord(each):04x}" for each in _B64) + '");')),
    _page("base64 in the text", f"<pre id=x>{_B64}</pre>" + _script("var u=atob(x.innerText);")),
    _page("base64 on lines", f"<textarea id=x>\r\n{_LINES}\r\n</textarea>" + _script("var u=atob(x.value);")),
    _page("base64 of URLs", _script(f'var u=atob("{_B64_OF_URLS}".replace(/_/g,"/").replace(/-/g,"+"));')),
    _page("data: URI on lines", f'<a href="data:a/b;base64,\r\n{_LINES}">x</a>'),
    _page(
        "data: URI in references", '<a href="data:a/b;base64,' + "".join(f"&#{ord(each)};" for each in _B64) + '">x</a>'
    ),
    _page("data: in references", f'<a href="&#x64;&#97;ta:a/b;base64,{_B64}">x</a>'),
    _page("data: URI in a page in a data: URI", f'<iframe src="data:text/html;base64,{_NESTED}"></iframe>'),
    _page("page written by a script", f'<script>document.write(unescape("{_WRITTEN}"))</script>'),
    _page("page that begins with words", f'Hello <a href="data:a/b;base64,{_B64}">x</a>', "application/octet-stream"),
    _page(
        "Word document as XML",
        f'<?xml version="1.0"?><w:d><w:binData w:name="a">{_LINES}</w:binData></w:d>',
        "text/xml",
        "a.xml",
    ),
    Case("page in UTF-16", multipart(attachment(f'<a href="data:a/b;base64,{_B64}">x</a>'.encode("utf-16"), "a.html"))),
    Case(
        "page in UTF-16 without a mark",
        multipart(
            attachment(f'<html><a href="data:a/b;base64,{_B64}">x</a>'.encode("utf-16-le"), "a.html", "text/html")
        ),
    ),
    _page(
        "SVG with a script",
        f'<svg xmlns="http://www.w3.org/2000/svg"><script>var u=atob("{_B64}");{_SAVES}</script></svg>',
        "image/svg+xml",
        "a.svg",
    ),
    _page(
        "SVG with data:",
        f'<svg xmlns="http://www.w3.org/2000/svg"><a href="data:a/b;base64,{_B64}">x</a></svg>',
        "image/svg+xml",
        "a.svg",
    ),
    _page(
        "SVG behind a declaration",
        f'<?xml version="1.0"?><!DOCTYPE svg><svg><a href="data:a/b;base64,{_B64}"/></svg>',
        "image/svg+xml",
        "a.svg",
    ),
    _page("page named as a picture", _script(f'var u=atob("{_B64}");'), "image/png", "a.png"),
    _page(
        "XHTML",
        f'<?xml version="1.0"?><html xmlns="x"><a href="data:a/b;base64,{_B64}">x</a></html>',
        "application/xhtml+xml",
        "a.xhtml",
    ),
    _page(
        "XML with a page inside",
        f'<?xml version="1.0"?><x><a href="data:a/b;base64,{_B64}">x</a></x>',
        "text/xml",
        "a.xml",
    ),
)

_PDF = (
    _file("embedded behind other streams", pdf(pdf_stream(b"", b"x" * 99), pdf_stream(b"/Type /EmbeddedFile", EICAR))),
    _file(
        "embedded behind two streams",
        pdf(pdf_stream(b"", b"x"), pdf_stream(b"", b"y"), pdf_stream(b"/Type /EmbeddedFile", EICAR)),
    ),
    _file("embedded in PDF", pdf(pdf_stream(b"/Type /EmbeddedFile", EICAR))),
    _file("embedded plain", pdf(b"<< /Type /EmbeddedFile /Length 68 >>\nstream\n" + EICAR + b"\nendstream")),
    _file(
        "embedded in hexadecimal",
        pdf(b"<< /Type /EmbeddedFile /Filter /ASCIIHexDecode >>\nstream\n" + EICAR.hex().encode() + b">\nendstream"),
    ),
    _file(
        "embedded in base 85",
        pdf(
            b"<< /Type /EmbeddedFile /Filter [/ASCII85Decode] >>\nstream\n" + base64.a85encode(EICAR) + b"~>\nendstream"
        ),
    ),
    _file(
        "embedded twice packed",
        pdf(
            b"<< /Type /EmbeddedFile /Filter [/ASCIIHexDecode /FlateDecode] >>\nstream\n"
            + zlib.compress(EICAR).hex().encode()
            + b">\nendstream"
        ),
    ),
    _file("embedded with an escaped name", pdf(pdf_stream(b"/Type /Embedded#46ile", EICAR))),
    _file("octets in front of the PDF", b"junk\n" * 20 + pdf(pdf_stream(b"/Type /EmbeddedFile", EICAR))),
)

_RTF_HEAD = bytes(20)
_OFFICE = (
    _file("object of old Office", compound({"ObjectPool": {"_1": {"\x01Ole10Native": native(b"eicar.com", EICAR)}}})),
    _file("object of rich text", b"{\\rtf1 {\\object{\\*\\objdata " + (b"\1\5\0\0\2\0\0\0\x08\0\0\0Package\0" + bytes(8) + struct.pack("<L", 200) + native(b"eicar.com", EICAR)[4:]).hex().encode() + b"}}}", "a.rtf"),
    _file("document in an archive", zipped(a_docx=package(word__embeddings__a_bin=EICAR))),
)  # fmt: skip

_PAGE_ARCHIVE = (
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: application/x-mso\r\nContent-Transfer-Encoding: base64\r\n\r\n" + _B64.encode() + b"\r\n--b--\r\n"
)
_MACROS = (
    b"ActiveMime\0\0\1\xf0\4"
    + bytes(35)
    + zlib.compress(compound({"ObjectPool": {"_1": {"\x01Ole10Native": native(b"eicar.com", EICAR)}}}))
)
_PAGE_ARCHIVES = (
    _file("archive of a page", _PAGE_ARCHIVE, "a.mht"),
    _file("archive of a page called a document", b"hello\r\n\r\n" + _PAGE_ARCHIVE, "a.doc"),
    _file("archive of a page behind a PDF", pdf(pdf_stream(b"", b"x")) + _PAGE_ARCHIVE, "a.doc"),
    _file("archive of a page behind a picture", b"\x89PNG\r\n\x1a\n" + bytes(900) + _PAGE_ARCHIVE, "a.doc"),
    _file("macros beside a page", _MACROS, "editdata.mso"),
    _file("PDF behind a picture", b"GIF89a" + bytes(400) + pdf(pdf_stream(b"/Type /EmbeddedFile", EICAR)), "a.pdf"),
)  # fmt: skip

_CALENDAR = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nATTACH;FMTTYPE=a/b;ENCODING=BASE64;VALUE=BINARY:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
_FOLDED = b"\r\n ".join(_B64.encode()[at : at + 40] for at in range(0, len(_B64), 40))
_OTHERS = (
    _file("invitation", _CALENDAR % _B64.encode(), "a.ics"),
    _file("invitation, folded", _CALENDAR % _FOLDED, "a.ics"),
    Case("invitation as the body", HEAD + b"Content-Type: text/calendar\r\n\r\n" + _CALENDAR % _FOLDED),
    _file("OneNote", b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d" + bytes(100) + bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac") + struct.pack("<Q", len(EICAR)) + bytes(12) + EICAR + bytes(50), "a.one"),
)  # fmt: skip

CASES = (*_PAGES, *_PDF, *_OFFICE, *_PAGE_ARCHIVES, *_OTHERS)
