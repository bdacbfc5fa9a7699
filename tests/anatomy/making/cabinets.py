"""Cabinets (MS-CAB), stored or packed by MSZIP, made from files."""

from __future__ import annotations

import struct
import zlib

BLOCK = 32 * 1024


def mszip(content):
    """Blocks of 32 KiB, each deflated with the one before as its dictionary."""
    before = b""
    for at in range(0, len(content), BLOCK):
        piece = content[at : at + BLOCK]
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=before) if before else zlib.compressobj(9, wbits=-15)
        yield b"CK" + packer.compress(piece) + packer.flush(), len(piece)
        before = piece


def cabinet(files, *, method=1):
    content = b"".join(octets for _, octets in files)
    packed = list(mszip(content)) if method == 1 else [(content, len(content))]
    listed, offset = b"", 0
    for name, octets in files:
        listed += struct.pack("<LLHHHH", len(octets), offset, 0, 0, 0, 0x20) + name + b"\0"
        offset += len(octets)
    data = b"".join(struct.pack("<LHH", 0, len(octets), size) + octets for octets, size in packed)
    files_at = 36 + 8
    data_at = files_at + len(listed)
    head = struct.pack("<4sLLLLLBBHHHHH", b"MSCF", 0, data_at + len(data), 0, files_at, 0, 3, 1, 1, len(files), 0, 0, 0)
    return head + struct.pack("<LHH", data_at, len(packed), method) + listed + data
