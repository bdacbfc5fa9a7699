"""Documents for tests, built octet by octet: compound files, VBA modules, Office packages, PDF files."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

from tests.anatomy.making.letters import zipped

_END, _FREE, _TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def compound(tree: dict[str, object]) -> bytes:
    """A compound file of 512-octet sectors without a mini stream: every stream is made as large as the cutoff wants.
    A dictionary inside is a storage."""
    sectors: list[bytes] = []
    chains: list[int] = []

    def put(content: bytes) -> int:
        start = len(sectors)
        for at in range(0, len(content), 512):
            sectors.append(content[at : at + 512].ljust(512, b"\0"))
            chains.append(len(sectors))
        chains[-1] = _END
        return start

    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, _FREE, _END, 0]]

    def place(folder: dict[str, object]) -> int:
        numbers = []
        for name, value in folder.items():
            number = len(entries)
            entries.append([name, 1 if isinstance(value, dict) else 2, _FREE, _FREE, _FREE, _END, 0])
            numbers.append(number)
            if isinstance(value, dict):
                entries[number][4] = place(value)
            else:
                content = bytes(value).ljust(4096, b"\0")
                entries[number][5], entries[number][6] = put(content), len(content)
        for left, right in pairwise(numbers):
            entries[left][3] = right
        return numbers[0] if numbers else _FREE

    entries[0][4] = place(tree)
    listed = b""
    for name, kind, left, right, child, start, size in entries:
        raw = str(name).encode("utf-16-le")
        listed += struct.pack("<64sHBBLLL16xL8x8xLQ", raw, len(raw) + 2, kind, 1, left, right, child, 0, start, size)
    directory = put(listed)
    own = (len(sectors) + 128) // 127 or 1
    table_at = len(sectors)
    for _ in range(own):
        sectors.append(b"")
        chains.append(_TABLE)
    table = b"".join(struct.pack("<L", each) for each in chains).ljust(own * 512, b"\xff")
    for number in range(own):
        sectors[table_at + number] = table[number * 512 : number * 512 + 512]
    head = struct.pack(
        "<8s16xHHHHH6xLLLLLLLLLL",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, own, directory, 0, 4096, _END, 0, _END, 0, 0,
    )  # fmt: skip
    # The struct has one field more than the head has: the last is the first of the table's sectors.
    head = head[:76] + b"".join(struct.pack("<L", table_at + number) for number in range(own)).ljust(436, b"\xff")
    return head + b"".join(sectors)


def vba(source: str) -> bytes:
    """A module's source as MS-OVBA packs it, in literals alone, behind what stands before it in a stream."""
    text = b'Attribute VB_Name = "ThisDocument"\r\n' + source.encode("latin-1")
    packed = b"\x01"
    for at in range(0, len(text), 3000):
        piece = text[at : at + 3000]
        literals = b"".join(b"\0" + piece[start : start + 8] for start in range(0, len(piece), 8))
        packed += struct.pack("<H", 0xB000 | (len(literals) - 1)) + literals
    return b"compiled code, of which nothing is read" + packed


def macro_document(source: str) -> bytes:
    """An old Word document with one module."""
    return compound({"WordDocument": b"\xec\xa5", "Macros": {"VBA": {"ThisDocument": vba(source), "dir": b"x"}}})


def package(**parts: bytes) -> bytes:
    """An Office package; in names, "__" stands for a slash and the last "_" for a dot."""
    named = {"[Content_Types]_xml": b"<Types/>", "word/document_xml": b"<w:document/>"}
    named |= {name.replace("__", "/"): content for name, content in parts.items()}
    return zipped(**named)


def relation(kind: str, target: str, *, mode: str = "External") -> bytes:
    """A relationship part with one relationship."""
    scheme = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return (
        f'<Relationships><Relationship Id="r1" Type="{scheme}/{kind}" Target="{target}" TargetMode="{mode}"/>'
        "</Relationships>"
    ).encode()


def pdf(*objects: bytes) -> bytes:
    """A PDF file of these objects, without a table: readers rebuild it."""
    numbered = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, each) for number, each in enumerate(objects, start=1))
    return b"%PDF-1.7\n" + numbered + b"trailer << /Root 1 0 R >>\n%%EOF"


def pdf_stream(dictionary: bytes, content: bytes) -> bytes:
    """A stream object, deflated."""
    packed = zlib.compress(content)
    return b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(packed), packed)


def native(name: bytes, content: bytes) -> bytes:
    """The stream of an embedded package: a file, as `\\1Ole10Native` holds it (MS-OLEDS section 2.3.6)."""
    texts = name + b"\0" + b"C:\\" + name + b"\0" + bytes(4) + struct.pack("<L", len(name) + 1) + name + b"\0"
    body = b"\2\0" + texts + struct.pack("<L", len(content)) + content
    return struct.pack("<L", len(body)) + body
