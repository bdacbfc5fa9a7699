"""Evasions by file names: however a name is written, the extension that a reader would act on is seen."""

from __future__ import annotations

import base64
from typing import NamedTuple

from tests.anatomy.making.letters import multipart


class Named(NamedTuple):
    """Fields of a part, and the defect that its name must have."""

    fields: bytes
    defect: str = "name.executable"


_ANY = b"Content-Type: application/octet-stream"
_WORD = b"=?utf-8?b?" + base64.b64encode(b"invoice.exe") + b"?="
NAMED = (
    Named(b"Content-Disposition: attachment; filename=a.exe"),
    Named(b'Content-Disposition: attachment; filename="a.exe"'),
    Named(b"Content-Disposition: attachment; filename='a.exe'"),
    Named(b"Content-Disposition: attachment; FILENAME=a.exe"),
    Named(b"Content-Disposition: attachment; filename = a.exe"),
    Named(b"Content-Disposition: attachment;\r\n filename=a.exe"),
    Named(b"Content-Disposition: attachment; filename=a.exe;"),
    Named(b"Content-Disposition: attachment; filename=a.EXE"),
    Named(b'Content-Disposition: attachment; filename="a.exe. . "'),
    Named(b'Content-Disposition: attachment; filename="a.exe "'),
    Named(b'Content-Disposition: attachment; filename="a.ex\\e"'),
    Named(b'Content-Disposition: attachment; filename="a b.exe"'),
    Named(b"Content-Disposition: attachment; filename=a b.exe"),
    Named(b'Content-Disposition: attachment; filename="C:\\\\x\\\\a.exe"'),
    Named(b'Content-Disposition: attachment; filename="../../a.exe"'),
    Named(b"Content-Disposition: attachment; filename=(x)a.exe(y)"),
    Named(b"Content-Disposition: attachment; filename*=utf-8''a.exe"),
    Named(b"Content-Disposition: attachment; filename*=utf-8'en'a%2Eexe"),
    Named(b"Content-Disposition: attachment; filename*=''a.exe"),
    Named(b"Content-Disposition: attachment; filename*=a.exe"),
    Named(b"Content-Disposition: attachment; filename*=nonsense''a%2eexe"),
    Named(b"Content-Disposition: attachment; filename*=\"utf-8''a.exe\""),
    Named(b'Content-Disposition: attachment; filename*0="a."; filename*1="exe"'),
    Named(b"Content-Disposition: attachment; filename*0*=utf-8''a%2e; filename*1=exe"),
    Named(b"Content-Disposition: attachment; filename*0=a; filename*1*=%2eexe"),
    Named(b"Content-Disposition: attachment; filename*1=exe; filename*0=a."),
    Named(b"Content-Disposition: attachment; filename*00=a.; filename*01=exe"),
    Named(b"Content-Disposition: attachment; filename*1=a.; filename*2=exe"),
    Named(b"Content-Disposition: attachment; filename=a.txt; filename*=utf-8''a.exe"),
    Named(b"Content-Disposition: attachment; filename=a.exe; filename*=utf-8''a.txt"),
    Named(b"Content-Disposition: attachment; filename=a.txt; filename=a.exe"),
    Named(b"Content-Disposition: attachment; filename=a.exe; filename=a.txt"),
    Named(b"Content-Disposition: attachment; filename=a.txt\r\nContent-Disposition: attachment; filename=a.exe"),
    Named(b"Content-Disposition: attachment; filename=" + _WORD),
    Named(b'Content-Disposition: attachment; filename="' + _WORD + b'"'),
    Named(b'Content-Disposition: attachment; filename="=?utf-8?q?a=2Eexe?="'),
    Named(b'Content-Disposition: attachment; filename="=?utf-8?q?a=2E?= =?utf-8?q?exe?="'),
    Named(b'Content-Disposition: attachment; filename="=?utf-8?q?a=2E?=\r\n =?utf-8?q?exe?="'),
    Named(b'Content-Disposition: attachment; filename="=?utf-8?q?a?=.exe"'),
    Named(b'Content-Disposition: attachment; filename="=?nonsense?q?a=2Eexe?="'),
    Named(b"Content-Disposition: attachment; filename*0=\"=?utf-8?q?a=2E\"; filename*1=\"exe?=\""),
    Named(b"Content-Disposition: attachment; filename*=utf-8''=?utf-8?q?a=2Eexe?="),
    Named(b'Content-Disposition: attachment; filename="a.exe'),
    Named(b"Content-Disposition: inline; filename=a.exe"),
    Named(b"Content-Disposition: filename=a.exe"),
    Named(b"Content-Disposition: attachment filename=a.exe"),
    Named(b"Content-Disposition: attachment, filename=a.exe"),
    Named(b"Content-Disposition : attachment; filename=a.exe"),
    Named(b"content-disposition:attachment;filename=a.exe"),
    Named(b'Content-Disposition: attachment; x="; filename=a.txt"; filename=a.exe'),
    Named(b'Content-Disposition: attachment; filename="a.txt\0.exe"'),
    Named(b'Content-Disposition: attachment; filename="a.exe\0.txt"'),
    Named(b"Content-Type: application/octet-stream; name=a.exe"),
    Named(b'Content-Type: application/octet-stream; name="a.exe"\r\nContent-Disposition: attachment; filename=a.txt'),
    Named(b"Content-Type: application/octet-stream; name*=utf-8''a%2eexe"),
    Named(b'Content-Type: application/octet-stream; name="=?utf-8?q?a=2eexe?="'),
    Named(b"Content-Type: application/octet-stream; name*0=a.; name*1=exe"),
    Named(b"Content-Disposition: attachment; filename=invoice.pdf.exe", "name.double_extension"),
    Named(b'Content-Disposition: attachment; filename="invoice.pdf          .exe"', "name.long_gap"),
    Named("Content-Disposition: attachment; filename=\"invoice\u202efdp.exe\"".encode(), "name.rtlo"),
    Named(b"Content-Disposition: attachment; filename*=utf-8''invoice%E2%80%AEfdp.exe", "name.rtlo"),
    Named("Content-Disposition: attachment; filename=\"a.\u200bexe\"".encode(), "name.invisible"),
    Named("Content-Disposition: attachment; filename=\"a.\u200bexe\"".encode()),
    Named("Content-Disposition: attachment; filename=\"a\uff0eexe\"".encode()),
    Named("Content-Disposition: attachment; filename=\"a\u2024exe\"".encode()),
    Named("Content-Disposition: attachment; filename=\"a.\uff45\uff58\uff45\"".encode()),
    Named(b'Content-Disposition: attachment; filename="a.exe:stream.txt"'),
    Named(b'Content-Disposition: attachment; filename="a.exe::$DATA"'),
    Named(b'Content-Disposition: attachment; filename="a%2Eexe"'),
    Named(b'Content-Disposition: attachment; filename="a.%65xe"'),
    Named(b'Content-Disposition: attachment; filename="a.exe%20"'),
    Named(b'Content-Disposition: attachment; filename="a.exe/"'),
    Named(b'Content-Disposition: attachment; filename="a.exe\\\\"'),
    Named(b"Content-Disposition: attachment; filename=a.exe,"),
    Named(b"Content-Disposition: attachment; filename=`a.exe`"),
    Named(b"Content-Disposition: attachment; filename=<a.exe>"),
    Named(b"Content-Disposition: attachment; x=y filename=a.exe"),
    Named(b"Content-Disposition: attachment; name=a.exe"),
    Named(b"Content-Type: application/octet-stream; filename=a.exe"),
    Named(b'Content-Disposition: attachment; filename="' + b"a" * 300 + b'.exe"'),
    Named(b'Content-Disposition: attachment; filename="' + b"a" * 5000 + b'.exe"'),
    Named(b'Content-Disposition: attachment; filename="a.txt' + b" " * 300 + b'.exe"'),
    Named(b'Content-Disposition: attachment; filename="a.txt.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}"'),
    Named(b"".join(b"Content-Disposition: a; filename=%d.txt\r\n" % n for n in range(5)) + b"Content-Disposition: a; filename=a.exe"),
    *(
        Named(b"Content-Disposition: attachment; filename=a." + extension)
        for extension in (b"library-ms", b"searchconnector-ms", b"settingcontent-ms", b"appref-ms", b"desktop", b"mobileconfig", b"inetloc", b"psm1", b"xlam", b"ws", b"themepack", b"rdp", b"wsb", b"vmdk")
    ),
    Named(b'Content-Disposition: attachment; filename="a.scr"'),
    Named(b'Content-Disposition: attachment; filename="a.js"'),
    Named(b'Content-Disposition: attachment; filename="a.lnk"'),
    Named(b'Content-Disposition: attachment; filename="a.iso"'),
    Named(b'Content-Disposition: attachment; filename="a.one"'),
)  # fmt: skip


def message(named: Named) -> bytes:
    """A message with one part of those fields."""
    fields = named.fields if b"ype:" in named.fields else _ANY + b"\r\n" + named.fields
    return multipart(fields + b"\r\n\r\nnothing")
