"""Evasions by rare formats: what we do not open is named, wherever in a message it stands."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

from gateway.anatomy.findings import Unscannable
from tests.anatomy.evasions.case import Case
from tests.anatomy.making.letters import attachment, multipart, zipped

_SAMPLES = Path(__file__).parents[1] / "samples"


def _sample(name: str) -> bytes:
    octets = (_SAMPLES / name).read_bytes()
    return gzip.decompress(octets) if name.endswith(".gz") else octets


_FORMATS = {
    "ARJ": _sample("a.arj"),
    "WIM": _sample("a.wim"),
    "VHDX": _sample("a.vhdx.gz"),
    "NTFS": _sample("ntfs.img.gz"),
    "compressed help": b"ITSF\3\0\0\0" + bytes(200),
    "DMG": bytes(2000) + b"koly" + bytes(508),
    "VMDK": b"KDMV" + bytes(1000),
    "qcow2": b"QFI\xfb" + bytes(1000),
    "QED": b"QED\0" + bytes(1000),
    "VDI": b"<<< Oracle VM VirtualBox Disk Image >>>\n".ljust(64, b"\0") + b"\x7f\x10\xda\xbe" + bytes(1000),
    "Parallels": b"WithoutFreeSpace" + bytes(1000),
    "HFS+": bytes(1024) + b"H+\0\4" + bytes(1000),
    "APFS": bytes(32) + b"NXSB" + bytes(1000),
    "exFAT": b"\xeb\x76\x90EXFAT   " + bytes(499) + b"\x55\xaa" + bytes(1000),
    "ReFS": b"\0\0\0ReFS\0" + bytes(1200),
    "XFS": b"XFSB" + bytes(1000),
    "raw sectors of a disc": b"\0" + b"\xff" * 10 + b"\0" + bytes(4000),
    "SquashFS": b"sqsh" + bytes(100),
    "ACE": bytes(7) + b"**ACE**" + bytes(100),
    "ALZip": b"ALZ\1" + bytes(100),
    "EGG": b"EGGA" + bytes(100),
    "FreeArc": b"ArC\1" + bytes(100),
    "ZPAQ": b"7kSt" + bytes(100),
    "SQX": b"-sqx-" + bytes(100),
    "StuffIt X": b"StuffIt!" + bytes(100),
    "COMPRESS.EXE": b"SZDD\x88\xf0\x27\x33A\0" + struct.pack("<L", 68) + bytes(68),
    "KWAJ": b"KWAJ\x88\xf0\x27\xd1" + bytes(60),
    "Snappy": b"\xff\x06\0\0sNaPpY" + bytes(60),
    "lzop": b"\x89LZO\0\r\n\x1a\n" + bytes(60),
    "Outlook Express": b"\xcf\xad\x12\xfe" + bytes(100),
    "Outlook's store": b"!BDN" + bytes(600),
}


def _tarred(octets: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("a.dat")
        member.size = len(octets)
        archive.addfile(member, io.BytesIO(octets))
    return buffer.getvalue()


def _placed(name: str, octets: bytes) -> Iterator[Case]:
    letter = multipart(attachment(octets, "a.dat"), boundary=b"inner")
    for place, message in {
        "attached": multipart(attachment(octets, "a.dat")),
        "in a ZIP": multipart(attachment(zipped(a_dat=octets), "a.zip")),
        "in a tar": multipart(attachment(_tarred(octets), "a.tgz")),
        "in a message": multipart(b"Content-Type: message/rfc822\r\n\r\n" + letter),
        "in a message that is a file": multipart(attachment(letter, "a.eml")),
    }.items():
        yield Case(f"{name} {place}", message, Unscannable.ARCHIVE_UNSUPPORTED)


CASES = tuple(case for name, octets in _FORMATS.items() for case in _placed(name, octets))
