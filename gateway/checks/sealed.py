"""Octets in memory of their own that nobody can write any more: how a large message is handed to another process by
descriptor (memfd_create(2), F_ADD_SEALS in fcntl(2))."""

from __future__ import annotations

import asyncio
import fcntl
import os
from typing import Final

from gateway.mail.message import Octets

_SLICE: Final = 1024 * 1024
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


async def seal(octets: Octets) -> int:
    """The octets in sealed memory: its descriptor, which the caller closes. Yields between slices, so that a large
    message does not hold up the sessions. Raises OSError."""
    descriptor = os.memfd_create("octets", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with memoryview(octets) as whole:
            written = 0
            while written < len(whole):
                written += os.write(descriptor, whole[written : written + _SLICE])
                if written < len(whole):
                    await asyncio.sleep(0)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
