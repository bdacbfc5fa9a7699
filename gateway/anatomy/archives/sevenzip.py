"""7z archives (7zFormat.txt of the LZMA SDK): names always where the header is open, contents of the usual methods
(LZMA, LZMA2, bzip2, deflate, stored, with their filters) by the standard library's decoders. What is encrypted is
tried with the message's own passwords, the header too. PPMd, BCJ2 and newer methods are the second reader's."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.catalogue import (
    AES,
    ENCODED_HEADER,
    HEADER,
    MAX_HEADER,
    Coder,
    Damaged,
    Folder,
    Reader,
    Streams,
    catalogue,
    streams_of,
)
from gateway.anatomy.archives.libarchive import Kind
from gateway.anatomy.archives.second import CLOSED, completed
from gateway.anatomy.archives.sevenkey import NO_KEY, Key
from gateway.anatomy.archives.unpacking import OutOfBounds, Unpacked, bunzip2, inflate, stored, unfiltered, unlzma
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.locks import Lock
from gateway.anatomy.members import ENCRYPTED, Member, is_traversal

_START: Final = struct.Struct("<6sBBLQQL")
_FILTERS: Final = {
    b"\x04": lzma.FILTER_X86,
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x07": lzma.FILTER_ARM,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x09": lzma.FILTER_SPARC,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The files, in order. What stays closed is named."""
    return completed(_listed(octets, findings), octets, Kind.SEVEN_ZIP, findings)


def _listed(octets: bytes, findings: Findings) -> Iterator[Member]:
    try:
        header = _header(octets, findings, NO_KEY)
        if header is None:
            yield Member("", b"", len(octets), ENCRYPTED, lock=_header_lock(octets))
            return
        streams, names = catalogue(header)
        if len(names) > limits.MAX_PARTS:
            findings.missed(Unscannable.ARCHIVE_PARTS)
        yield from _files(octets, streams, names[: limits.MAX_PARTS], findings)
    except OutOfBounds as bound:
        findings.missed(bound.reason)
    except (Damaged, struct.error):
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)


def _header(octets: bytes, findings: Findings, key: Key) -> bytes | None:
    """The header, unpacked; None where it is encrypted and the key is not the one. Raises Damaged, OutOfBounds."""
    offset, size = _START.unpack_from(octets)[4:6]
    header = octets[_START.size + offset : _START.size + offset + min(size, MAX_HEADER)]
    for _ in range(4):
        if not header:
            raise Damaged
        if header[0] == HEADER:
            return header
        reader = Reader(header)
        if reader.octet() != ENCODED_HEADER:
            raise Damaged
        streams = streams_of(reader)
        if not streams.folders or streams.folders[0].size > MAX_HEADER:
            raise Damaged
        folder = streams.folders[0]
        if folder.is_encrypted and key is NO_KEY:
            return None
        packed = octets[_START.size + streams.position :][: sum(streams.packed_sizes[:1])]
        unpacked = _unpacked(packed, folder, findings, key)
        if unpacked is None or unpacked.damaged:
            raise Damaged
        header = unpacked.content
    raise Damaged


def _files(octets: bytes, streams: Streams, names: list[tuple[str, bool]], findings: Findings) -> Iterator[Member]:
    """Folder by folder: the files in one are packed as a whole."""
    full = iter([name for name, has_octets in names if has_octets])
    position = _START.size + streams.position
    sizes = list(streams.packed_sizes)
    if any(is_traversal(name) for name, _ in names):
        findings.note(Defect.ARCHIVE_TRAVERSAL)
    for folder in streams.folders:
        taken, sizes = sizes[: folder.packed_streams], sizes[folder.packed_streams :]
        packed = octets[position : position + sum(taken[:1])]
        content, note = _content(packed, folder, findings)
        locked = LockedFolder(packed, folder) if note == ENCRYPTED else None
        position += sum(taken)
        start = 0
        for number, size in enumerate(folder.files):
            name = next(full, None)
            if name is None:
                return
            piece = content[start : start + size] if size >= 0 else b""
            start += max(size, 0)
            found = Member(name[: limits.MAX_NAME], piece, len(piece) or max(size, 0), note)
            yield replace(found, lock=locked.lock_of(number)) if locked else found


def _content(packed: bytes, folder: Folder, findings: Findings) -> tuple[bytes, str]:
    """What a folder holds, and why not."""
    if folder.is_encrypted:
        return b"", ENCRYPTED
    try:
        unpacked = _unpacked(packed, folder, findings, NO_KEY)
    except OutOfBounds as bound:
        findings.missed(bound.reason)
        return b"", str(bound.reason)
    if unpacked is None:
        return b"", CLOSED
    if unpacked.damaged:
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)
        return unpacked.content, str(Unscannable.ARCHIVE_DAMAGED)
    return unpacked.content, ""


def _unpacked(packed: bytes, folder: Folder, findings: Findings, key: Key) -> Unpacked | None:
    """A folder's octets; None where a method is not ours. Raises OutOfBounds."""
    if not folder.order or len(folder.sizes) != len(folder.coders):
        return None
    result = Unpacked(packed, len(packed))
    for index in reversed(folder.order):
        coder, size = folder.coders[index], folder.sizes[index]
        if coder.method == AES:
            plain = key.opened(result.content, coder.properties)
            step = None if plain is None else Unpacked(plain[:size], len(plain))
        else:
            step = _decoded(result.content, coder, size, findings)
        if step is None or step.damaged:
            return step
        result = step
    return result


def _decoded(packed: bytes, coder: Coder, size: int, findings: Findings) -> Unpacked | None:
    method, properties = coder.method, coder.properties
    if method == b"\0":
        return stored(packed, findings)
    if method == b"\x21" and len(properties) == 1:
        bits = properties[0]
        dictionary = 0xFFFFFFFF if bits >= 40 else (2 | bits & 1) << (bits // 2 + 11)
        return unlzma(packed, {"id": lzma.FILTER_LZMA2, "dict_size": dictionary}, size, findings)
    if method == b"\x03\x01\x01" and len(properties) == 5:
        rest, lc = divmod(properties[0], 9)
        pb, lp = divmod(rest, 5)
        dictionary = int.from_bytes(properties[1:5], "little")
        chosen = {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
        return unlzma(packed, chosen, size, findings)
    if method == b"\x04\x01\x08":
        return inflate(packed, findings)
    if method == b"\x04\x02\x02":
        return bunzip2(packed, findings)
    if method == b"\x03":
        return unfiltered(packed, {"id": lzma.FILTER_DELTA, "dist": (properties or b"\0")[0] + 1})
    if method in _FILTERS:
        return unfiltered(packed, {"id": _FILTERS[method]})
    return None


# ------------------------------------------------------------------ locked archives


@dataclass(slots=True)
class LockedFolder:
    """Files that are packed and encrypted together. Opened once for each password."""

    packed: bytes
    folder: Folder
    opened: dict[bytes, list[bytes] | None] = field(default_factory=dict)

    def files(self, password: bytes, findings: Findings) -> list[bytes] | None:
        """All files, or None where the password is wrong: their checksums tell."""
        if password not in self.opened:
            self.opened[password] = self._files(password, findings)
        return self.opened[password]

    def _files(self, password: bytes, findings: Findings) -> list[bytes] | None:
        try:
            unpacked = _unpacked(self.packed, self.folder, findings, Key(password))
        except OutOfBounds:
            return None
        if unpacked is None or unpacked.damaged:
            return None
        found: list[bytes] = []
        start = 0
        for size, check in zip(self.folder.files, self.folder.checks, strict=False):
            piece = unpacked.content[start : start + max(size, 0)]
            start += max(size, 0)
            if check is None or zlib.crc32(piece) != check:
                return None
            found.append(piece)
        return found

    def lock_of(self, number: int) -> Lock:
        """The lock of one of the files. The whole folder is deciphered for the first one, once."""

        def content(password: bytes, findings: Findings) -> bytes | None:
            files = self.files(password, findings)
            return files[number] if files is not None and number < len(files) else None

        return _slow_lock(content, weight=0 if number else len(self.packed))


def _header_lock(octets: bytes) -> Lock:
    """The lock of an archive whose very names are encrypted. What opens is the same archive with its header in the
    clear."""

    def content(password: bytes, findings: Findings) -> bytes | None:
        try:
            header = _header(octets, findings, Key(password))
        except (Damaged, OutOfBounds, struct.error):
            return None
        if header is None:
            return None
        place = struct.pack("<QQL", len(octets) - _START.size, len(header), zlib.crc32(header))
        return octets[:8] + struct.pack("<L", zlib.crc32(place)) + place + octets[_START.size :] + header

    return _slow_lock(content)


def _slow_lock(content: Callable[[bytes, Findings], bytes | None], *, weight: int = 0) -> Lock:
    """Few passwords are tried: each costs a quarter of a million rounds or more."""
    return Lock(content, Unscannable.ARCHIVE_ENCRYPTED, tries=limits.MAX_SLOW_PASSWORDS, weight=weight)
