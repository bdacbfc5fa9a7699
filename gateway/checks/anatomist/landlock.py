"""Landlock with no rule at all: whatever the kernel's version can forbid by name (files, TCP ports, abstract sockets,
signals) is forbidden."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)

# The numbers are the same on every machine (they came after the tables were unified).
_CREATE_RULESET: Final = 444
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1

# How many of the file-system rights, counted from bit 0, each version of the interface knows.
_FILE_RIGHTS: Final = ((1, 13), (2, 14), (3, 15), (5, 16))
_NETWORK_SINCE: Final = 4
_SCOPES_SINCE: Final = 6
_BIND_AND_CONNECT: Final = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS: Final = 0b11


def version() -> int:
    """The version of the kernel's interface. Raises OSError where there is none."""
    return _call(_CREATE_RULESET, ctypes.c_void_p(None), ctypes.c_size_t(0), ctypes.c_uint(_ASK_VERSION))


def ruleset(interface: int) -> bytes:
    """struct landlock_ruleset_attr that handles, and so forbids, all that this version of the interface knows."""
    rights = max(count for since, count in _FILE_RIGHTS if since <= interface)
    attribute = struct.pack("=Q", (1 << rights) - 1)
    if interface >= _NETWORK_SINCE:
        attribute += struct.pack("=Q", _BIND_AND_CONNECT)
    if interface >= _SCOPES_SINCE:
        attribute += struct.pack("=Q", _ABSTRACT_SOCKETS_AND_SIGNALS)
    return attribute


def restrict() -> str:
    """Put this process under the empty ruleset, for ever. Needs no_new_privs. Gives a word about what is covered;
    raises OSError."""
    interface = version()
    attribute = ruleset(interface)
    handle = _call(_CREATE_RULESET, ctypes.c_char_p(attribute), ctypes.c_size_t(len(attribute)), ctypes.c_uint(0))
    try:
        _call(_RESTRICT_SELF, ctypes.c_int(handle), ctypes.c_uint(0))
    finally:
        os.close(handle)
    covered = "files and TCP" if interface >= _NETWORK_SINCE else "files"
    return f"version {interface}: {covered}"


def _call(number: int, *arguments: object) -> int:
    result = int(_LIBC.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, errno.errorcode.get(code, "refused"))
    return result
