"""What stands in a compound file: macros, encryption, old macro sheets, DDE, packages with files in them, and the
attachments of an Outlook message (MS-OXMSG). By stream; the streams themselves are read in `ole.py`."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from gateway.anatomy import types
from gateway.anatomy.archives.unpacking import OutOfBounds, inflated
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import guessed
from gateway.anatomy.documents import words
from gateway.anatomy.documents.office_locks import DEFAULT_PASSWORD, lock_of
from gateway.anatomy.documents.ole import Stream, streams
from gateway.anatomy.documents.vba import note_macros
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import ENCRYPTED, Member
from gateway.anatomy.types import true_type

_ENCRYPTED: Final = frozenset({"EncryptedSummary"})
_SEALED: Final = frozenset({"EncryptedPackage", "EncryptionInfo"})
_TEXTS: Final = frozenset({"WordDocument", "Workbook", "Book", "PowerPoint Document"})
_PROJECT: Final = frozenset({"_VBA_PROJECT", "VBA"})
_FIELD: Final = re.compile(rb"\x13\s*DDE(?:AUTO)?\b", re.IGNORECASE)
_WIDE_FIELD: Final = re.compile(rb"\x13\0(?:[ \t]\0)*D\0D\0E\0", re.IGNORECASE)
_FIB_ENCRYPTED: Final = 0x0100
_FILEPASS, _BOUNDSHEET, _SUPBOOK = 0x002F, 0x0085, 0x01AE
_MAX_RECORDS: Final = 200_000
_MACRO_SHEET: Final = 1

_PACKED_STORAGE: Final = re.compile(rb"\x10\0\x11\x10(.{4}).{4}(?=\x78)", re.DOTALL)
_INSTALLER: Final = re.compile("[\u3800-\u4840]")
"""How MSI packages write the names of their streams: two characters in one."""
_FILES: Final = frozenset({types.PE, types.ELF, types.CABINET, types.ZIP, types.RAR, types.SEVEN_ZIP})

_MESSAGE: Final = "__substg1.0_"
_BODIES: Final = {"1000": "text/plain", "1013": "text/html"}
_ATTACHED: Final = "__attach_version1.0_"


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """Files that stand inside; what is odd goes to `findings`."""
    names: dict[tuple[str, ...], str] = {}
    attached: list[tuple[tuple[str, ...], bytes]] = []
    sealed: dict[str, bytes] = {}
    for stream in streams(octets, findings):
        _note(stream, findings)
        if stream.name in _SEALED and len(stream.path) == 1:
            sealed[stream.name] = stream.content
        elif stream.name.lower().startswith("\x01ole10native"):
            findings.note(Defect.OFFICE_EMBEDDED)
            yield package(stream.content)
        elif stream.name == "PowerPoint Document":
            yield from _packed_storages(stream.content, findings)
        elif stream.name.startswith(_MESSAGE):
            found = _of_message(stream, names, attached)
            if found is not None:
                yield found
        elif _is_file(stream):
            findings.note(Defect.OFFICE_EMBEDDED)
            yield Member("", stream.content, len(stream.content))
    for path, content in attached:
        yield Member(kept_name(names.get(path, "")), content, len(content))
    if sealed:
        yield from _unsealed(sealed, findings)


def _unsealed(sealed: dict[str, bytes], findings: Findings) -> Iterator[Member]:
    """The package in an encrypted document: at once under the password that Excel tries by itself, else locked."""
    package = sealed.get("EncryptedPackage", b"")
    lock = lock_of(sealed.get("EncryptionInfo", b""), package)
    if lock is None:
        findings.missed(Unscannable.DOCUMENT_ENCRYPTED)
        return
    content = lock.content(DEFAULT_PASSWORD, findings) if findings.may_spin() else None
    if content is not None:
        yield Member("", content, len(content))
    else:
        yield Member("", b"", len(package), ENCRYPTED, lock=lock)


def _packed_storages(content: bytes, findings: Findings) -> Iterator[Member]:
    """Compound files that PowerPoint keeps deflated in its one stream: macros and objects (MS-PPT 2.10.34)."""
    for match in _PACKED_STORAGE.finditer(content):
        (length,) = struct.unpack("<L", match[1])
        try:
            storage = inflated(content[match.end() : match.start() + 8 + length], findings).content
        except OutOfBounds as bound:
            findings.missed(bound.reason)
            return
        if storage:
            yield Member("", storage, len(storage))


def _is_file(stream: Stream) -> bool:
    if stream.name in ("Package", "CONTENTS"):
        return len(stream.path) > 1
    return _INSTALLER.search(stream.name) is not None or true_type(stream.content) in _FILES


def package(native: bytes) -> Member:
    """The file in an Ole10Native stream: label, path where it came from, path where it goes, octets."""
    try:
        at = 6
        texts = []
        for skipped in (0, 4 + 4, 0):
            end = native.index(b"\0", at)
            texts.append(native[at:end])
            at = end + 1
            if len(texts) == 2:
                at += skipped
        (size,) = struct.unpack_from("<L", native, at)
        content = native[at + 4 : at + 4 + size]
        name = guessed(texts[0] or texts[1].rpartition(b"\\")[2])
        return Member(kept_name(name), content, len(content))
    except (ValueError, struct.error):
        return Member("", native[4:], len(native))


def _note(stream: Stream, findings: Findings) -> None:
    name = stream.name
    if name in _ENCRYPTED:
        findings.missed(Unscannable.DOCUMENT_ENCRYPTED)
    elif name in _PROJECT or "VBA" in stream.path[:-1]:
        findings.note(Defect.OFFICE_MACRO)
    elif name == "WordDocument":
        if len(stream.content) > 12 and int.from_bytes(stream.content[10:12], "little") & _FIB_ENCRYPTED:
            findings.missed(Unscannable.DOCUMENT_ENCRYPTED)
        if _FIELD.search(stream.content) or _WIDE_FIELD.search(stream.content):
            findings.note(Defect.OFFICE_DDE)
    elif name in ("Workbook", "Book"):
        _note_workbook(stream.content, findings)
    if name in _TEXTS and findings.document_room:
        words.of_stream(stream.content, findings)
    note_macros(stream.content, findings)


def _note_workbook(content: bytes, findings: Findings) -> None:
    """The records of a workbook's globals (MS-XLS): they stand at the beginning, before the first sheet ends."""
    at = 0
    for _ in range(_MAX_RECORDS):
        if at + 4 > len(content):
            return
        kind, length = struct.unpack_from("<HH", content, at)
        body = content[at + 4 : at + 4 + length]
        if kind == _FILEPASS:
            findings.missed(Unscannable.DOCUMENT_ENCRYPTED)
            return  # what follows is not readable
        if kind == _BOUNDSHEET and len(body) > 5 and body[5] == _MACRO_SHEET:
            findings.note(Defect.OFFICE_XLM)
        elif kind == _SUPBOOK and body[5:6] not in (b"", b"\0", b"\1", b"\2") and b"\3" in body[5:]:
            findings.note(Defect.OFFICE_DDE)  # a path begins with one of those; this is service, separator, topic
        at += 4 + length


def _of_message(
    stream: Stream, names: dict[tuple[str, ...], str], attached: list[tuple[tuple[str, ...], bytes]]
) -> Member | None:
    """A property of an Outlook message: a body is a member at once; octets and names of attachments are collected."""
    number, kind = stream.name[12:16], stream.name[16:20]
    if not stream.path[0].startswith(_ATTACHED):
        declared = _BODIES.get(number)
        if declared is None:
            return None
        content = stream.content
        if kind == "001F":
            content = content.decode("utf-16-le", "replace").encode()
        return Member("", content, len(content), declared_type=declared)
    path = stream.path[:-1]
    if number == "3701" and kind == "0102":
        attached.append((path, stream.content))
    elif number in ("3707", "3704") and (number == "3707" or path not in names):
        names[path] = stream.content.decode("utf-16-le", "replace") if kind == "001F" else guessed(stream.content)
    return None
