"""Evasions by archives: headers that lie, archives behind and inside other things, every container that mail brings."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

from gateway.anatomy.findings import Unscannable
from tests.anatomy.evasions.case import EICAR, Case, Fate
from tests.anatomy.making.cabinets import cabinet
from tests.anatomy.making.letters import attachment, multipart, zipped
from tests.anatomy.making.papers import compound, package, pdf, pdf_stream
from tests.anatomy.making.rars import file_4, file_5, rar_4, rar_5

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
PROGRAM = b"MZ" + bytes(58) + struct.pack("<L", 64) + b"PE\0\0" + bytes(200)


def _in(name: str, octets: bytes, fate: Fate | Unscannable = Fate.FOUND, *, called: str = "a.bin") -> Case:
    return Case(name, multipart(attachment(octets, called)), fate)


def _zip(content: bytes = EICAR, name: str = "eicar.com", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def _changed(octets: bytes, *changes: tuple[int, bytes]) -> bytes:
    changed = bytearray(octets)
    for at, written in changes:
        changed[at : at + len(written)] = written
    return bytes(changed)


def _tar(content: bytes = EICAR, kind: bytes = tarfile.REGTYPE, form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        member = tarfile.TarInfo("eicar.com")
        member.size, member.type = len(content), kind
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _pax(records: bytes, said: int) -> bytes:
    """A tar whose extended header says another size than the header itself."""
    record = b"%d %s\n" % (len(records) + 4, records)
    head = tarfile.TarInfo("x")
    head.type, head.size = b"x", len(record)
    member = tarfile.TarInfo("eicar.com")
    member.size = said
    return head.tobuf() + record.ljust(512, b"\0") + member.tobuf() + EICAR.ljust(512, b"\0") + bytes(1024)


def _nested(levels: int) -> bytes:
    octets = EICAR
    for _ in range(levels):
        octets = _zip(octets, "next.zip")
    return octets


def _lzh() -> bytes:
    """A stored member in an archive of LHA, header level 0."""
    name = b"eicar.com"
    body = (
        b"-lh0-"
        + struct.pack("<LLHHBBB", len(EICAR), len(EICAR), 0, 0, 0x20, 0, len(name))
        + name
        + struct.pack("<H", _crc_16(EICAR))
    )
    return bytes([len(body), sum(body) & 0xFF]) + body + EICAR + b"\0"


def _crc_16(octets: bytes) -> int:
    value = 0
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ 0xA001 * (value & 1)
    return value


def _sparse_tar() -> bytes:
    member = tarfile.TarInfo("eicar.com")
    member.size, member.type = len(EICAR), b"S"
    return member.tobuf(tarfile.GNU_FORMAT) + EICAR.ljust(512, b"\0") + bytes(1024)


_STORED = _zip(method=zipfile.ZIP_STORED)
_CENTRAL = _STORED.index(b"PK\1\2")
_END = _STORED.index(b"PK\5\6")
_DEFLATED = _zip(EICAR + b" " * 40)
_AT = _DEFLATED.index(b"PK\1\2")
_GZIP = gzip.compress(EICAR, mtime=0)

_ZIPS = (
    _in("a ZIP", _zip()),
    _in("stored", _STORED),
    _in("bzip2 inside", _zip(method=zipfile.ZIP_BZIP2)),
    _in("LZMA inside", _zip(method=zipfile.ZIP_LZMA)),
    _in("words in front", b"Good day.\r\n" * 50 + _zip()),
    _in("a program in front", PROGRAM + _zip()),
    _in("a picture in front", PNG + _zip()),
    _in("GIF in front", b"GIF89a" + bytes(50) + _zip()),
    _in("a page in front", b"<html><body>x</body></html>" + _zip()),
    _in("a PDF in front", b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\n%%EOF\n" + _zip()),
    _in("words behind", _zip() + b"words behind" * 10),
    _in("an archive behind another", zipped(a_txt=b"x") + _zip()),
    _in("an archive in front of another", _zip() + zipped(a_txt=b"x")),
    _in("no directory", _STORED[:_CENTRAL]),
    _in("half a directory", _STORED[: _CENTRAL + 20]),
    _in("a directory that lists nothing", _STORED[:_CENTRAL] + b"PK\5\6" + bytes(18)),
    _in("local header of another name", _changed(_STORED, (30, b"notes.txt"))),
    _in("directory of another name", _changed(_STORED, (_CENTRAL + 46, b"notes.txt"))),
    _in("directory says no octets", _changed(_STORED, (_CENTRAL + 20, bytes(8)))),
    _in("local header says no octets", _changed(_STORED, (18, bytes(8)))),
    _in("directory says fewer octets", _changed(_STORED, (_CENTRAL + 20, struct.pack("<LL", 10, 10)))),
    _in("directory says stored", _changed(_DEFLATED, (_AT + 10, b"\0\0")), Fate.FOUND),
    _in("local header says stored", _changed(_DEFLATED, (8, b"\0\0"))),
    _in("marked encrypted everywhere", _changed(_STORED, (6, b"\1"), (_CENTRAL + 8, b"\1"))),
    _in("marked encrypted in the directory", _changed(_DEFLATED, (_AT + 8, b"\1"))),
    _in("wrong checksum", _changed(_STORED, (14, b"abcd"), (_CENTRAL + 16, b"abcd"))),
    _in("a name that ends with a slash", _zip(name="eicar.com/")),
    _in("a name that leaves the folder", _zip(name="../../eicar.com")),
    _in("a name of zeros", _changed(_STORED, (30, b"ei\0ar.com"), (_CENTRAL + 46, b"ei\0ar.com"))),
    _in("directory offset lies", _changed(_STORED, (_END + 16, b"\xff\xff\0\0"))),
    _in("directory size lies", _changed(_STORED, (_END + 12, b"\xff\xff\0\0"))),
    _in("more members promised", _changed(_STORED, (_END + 8, b"\x50\0\x50\0"))),
    _in("other disk", _changed(_STORED, (_END + 4, b"\1\0\1\0"))),
    _in("a comment with a false end", _STORED[:-2] + struct.pack("<H", 22) + b"PK\5\6" + bytes(18)),
    _in("the mark of a split archive", b"PK\7\x08" + _STORED),
    _in(
        "a method that nobody knows",
        _changed(_STORED, (8, b"\x63\0"), (_CENTRAL + 10, b"\x50\0")),
        Unscannable.ARCHIVE_UNSUPPORTED,
    ),
    _in("seven deep", _nested(7)),
    _in("thirty deep", _nested(30), Unscannable.ARCHIVE_DEPTH),
    _in("declared a picture", _zip(), called="a.png"),
    _in("in a document", package(word__media__image1_png=EICAR)),
    _in("in a document as markup", package(word__eicar_xml=EICAR)),
    _in("in a document as an object", package(word__embeddings__oleObject1_bin=EICAR)),
    _in("beside a document's parts", package(eicar_com=EICAR)),
)

_TARS = (
    _in("a tar", _tar()),
    _in("GNU", _tar(form=tarfile.GNU_FORMAT)),
    _in("pax", _tar(form=tarfile.PAX_FORMAT)),
    _in("of an unknown kind", _tar(kind=b"Z")),
    _in("contiguous", _tar(kind=b"7")),
    _in("of the old kind", _tar(kind=b"\0")),
    _in("said to be a link", _tar(kind=b"1")[:512] + EICAR.ljust(512, b"\0") + bytes(1024), Fate.CLEAN),
    _in("sparse", _sparse_tar(), Unscannable.ARCHIVE_UNSUPPORTED),
    _in("pax says the size", _pax(b"size=68", 0)),
    _in("behind the end mark", bytes(1024) + _tar(), Fate.CLEAN),
    _in("behind another tar", _tar(b"x") + _tar()),
    _in(
        "no mark",
        _changed(
            _tar(), (257, bytes(8)), (148, b"%06o\0 " % (sum(_changed(_tar(), (257, bytes(8)), (148, b" " * 8))[:512])))
        ),
    ),
    _in("cut off", _tar()[: 512 + 68]),
    _in("in gzip", gzip.compress(_tar()), called="a.tgz"),
)

_STREAMS = (
    _in("gzip", _GZIP),
    _in("gzip of several members", gzip.compress(EICAR[:20]) + gzip.compress(EICAR[20:])),
    _in("gzip behind an empty member", gzip.compress(b"") + _GZIP),
    _in("gzip with garbage behind", _GZIP + b"garbage"),
    _in("gzip with a wrong checksum", _GZIP[:-8] + b"abcdefgh"),
    _in("gzip without an end", _GZIP[:-8]),
    _in("gzip with a comment", _GZIP[:3] + b"\x10" + _GZIP[4:10] + b"comment\0" + _GZIP[10:]),
    _in("gzip of gzip", gzip.compress(_GZIP)),
    _in("bzip2", bz2.compress(EICAR)),
    _in("bzip2 of several streams", bz2.compress(EICAR[:9]) + bz2.compress(EICAR[9:])),
    _in("xz", lzma.compress(EICAR)),
    _in("lzma alone", lzma.compress(EICAR, format=lzma.FORMAT_ALONE)),
    _in("xz with garbage behind", lzma.compress(EICAR) + b"garbage"),
    _in("all in all", gzip.compress(bz2.compress(lzma.compress(_zip())))),
)

_OTHERS = (
    _in("a cabinet", cabinet([(b"eicar.com", EICAR)])),
    _in("RAR 5", rar_5(file_5(b"eicar.com", EICAR))),
    _in("RAR 4", rar_4(file_4(b"eicar.com", EICAR))),
    _in("RAR behind a program", PROGRAM + rar_5(file_5(b"eicar.com", EICAR))),
    _in("RAR behind a picture", PNG + rar_4(file_4(b"eicar.com", EICAR))),
    _in("RAR behind words", b"Good day.\r\n" * 20 + rar_5(file_5(b"eicar.com", EICAR))),
    _in("a cabinet behind a program", PROGRAM + cabinet([(b"eicar.com", EICAR)])),
    _in("LZH", _lzh()),
    _in("ARJ", b"\x60\xea" + bytes(60), Unscannable.ARCHIVE_UNSUPPORTED),
    _in("ACE", bytes(7) + b"**ACE**" + bytes(60), Unscannable.ARCHIVE_UNSUPPORTED),
    _in("compressed help", b"ITSF\3\0\0\0" + bytes(90), Unscannable.ARCHIVE_UNSUPPORTED),
    _in("RAR of the first version", b"RE~^" + bytes(60), Unscannable.ARCHIVE_UNSUPPORTED),
)

_RAR = rar_5(file_5(b"eicar.com", EICAR))
_LINK_FILE = b"L\0\0\0\x01\x14\x02\0" + bytes(400)
_BEHIND = (
    _in("a ZIP behind gzip", gzip.compress(b"x") + _zip(), called="a.zip"),
    _in("a ZIP behind bzip2", bz2.compress(b"x") + _zip(), called="a.zip"),
    _in("a ZIP behind long words", b"Good day.\r\n" * 3_000 + _zip(), called="a.zip"),
    _in("RAR behind a PDF", pdf(pdf_stream(b"", b"x")) + _RAR, called="a.rar"),
    _in("RAR behind a shortcut", _LINK_FILE + _RAR, called="a.lnk"),
    _in("a cabinet behind a shortcut", _LINK_FILE + cabinet([(b"eicar.com", EICAR)]), called="a.lnk"),
    _in("RAR behind rich text", b"{\\rtf1 x}" + _RAR, called="a.rar"),
    _in("RAR behind a compound file, by its name", compound({"a": b"x"}) + _RAR, called="a.rar"),
    _in("a later volume of 7z", bytes(range(256)) * 2, Unscannable.ARCHIVE_UNSUPPORTED, called="a.7z.002"),
    _in("a later volume of RAR", bytes(range(256)) * 2, Unscannable.ARCHIVE_UNSUPPORTED, called="a.r01"),
    _in("a first volume of ZIP", bytes(range(256)) * 2, Unscannable.ARCHIVE_UNSUPPORTED, called="a.z01"),
)

CASES = (*_ZIPS, *_TARS, *_STREAMS, *_OTHERS, *_BEHIND)


def _entries(count: int, content: bytes) -> bytes:
    """An archive whose members share their octets, by a directory that says so."""
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(content) + packer.flush()
    name, sizes = b"a", struct.pack("<LLL", zlib.crc32(content), len(packed), len(content))
    local = b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + sizes + struct.pack("<HH", len(name), 0) + name + packed
    one = (
        b"PK\1\2"
        + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0)
        + sizes
        + struct.pack("<HHHHHLL", 1, 0, 0, 0, 0, 0, 0)
        + name
    )
    directory = one * count
    return local + directory + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, count, count, len(directory), len(local), 0)


def _bomb(levels: int) -> bytes:
    """Sixteen archives in each archive, zeros in the innermost."""
    octets = bytes(8 * 1024 * 1024)
    for _ in range(levels):
        inner = octets
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(16):
                archive.writestr(f"{number}.zip", inner)
        octets = buffer.getvalue()
    return octets


def _quine() -> bytes:
    """A ZIP that holds itself as far as a reader can tell: the same archive again and again."""
    octets = zipped(a_txt=b"x")
    for _ in range(40):
        octets = _zip(octets, "r.zip", zipfile.ZIP_STORED)
    return octets


BOMBS = {
    "zeros": lambda: _zip(bytes(300 * 1024 * 1024)),
    "archives in archives": lambda: _bomb(4),
    "members that share their octets": lambda: _entries(30_000, bytes(2_000_000)),
    "itself inside": _quine,
    "gzip in gzip": lambda: gzip.compress(gzip.compress(bytes(400 * 1024 * 1024))),
    "bzip2": lambda: bz2.compress(bytes(400 * 1024 * 1024)),
    "xz": lambda: lzma.compress(bytes(300 * 1024 * 1024), preset=0),
}
"""What grows when it is unpacked, as makers: each takes a second to make."""
