"""RAR archives of versions 4 and 5, made from files that are stored, or said to be packed."""

from __future__ import annotations

import struct


def vint(value):
    octets = b""
    while value > 0x7F:
        octets += bytes([value & 0x7F | 0x80])
        value >>= 7
    return octets + bytes([value])


def block_5(kind, flags, rest, data=b"", extra=b""):
    flags |= 2 * bool(data) | bool(extra)
    sizes = (vint(len(extra)) if extra else b"") + (vint(len(data)) if data else b"")
    header = vint(kind) + vint(flags) + sizes + rest + extra
    return bytes(4) + vint(len(header)) + header + data


def file_5(name, content, *, method=0, extra=b""):
    rest = vint(0) + vint(len(content)) + vint(0) + vint(method << 7) + vint(0) + vint(len(name)) + name
    return block_5(2, 0, rest, content, extra)


def rar_5(*blocks):
    return b"Rar!\x1a\x07\x01\x00" + block_5(1, 0, vint(0)) + b"".join(blocks) + block_5(5, 0, vint(0))


def file_4(name, content, *, method=0x30, flags=0):
    size = 32 + len(name)
    head = struct.pack("<HBHH", 0, 0x74, flags | 0x8000, size)
    return (
        head + struct.pack("<LLBLLBBHL", len(content), len(content), 2, 0, 0, 29, method, len(name), 0) + name + content
    )


def rar_4(*blocks, main_flags=0):
    main = struct.pack("<HBHH", 0, 0x73, main_flags, 13) + bytes(6)
    return b"Rar!\x1a\x07\x00" + main + b"".join(blocks) + struct.pack("<HBHH", 0, 0x7B, 0, 7)
