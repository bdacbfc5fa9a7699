"""Free ports for programs that open them themselves a while later.

They lie outside the range from which the kernel hands out ports by itself, so that no connection and no other server
of a test gets one in between; and each test process has a block of its own, so that two may run beside each other.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FIRST, LAST = 10_000, 65_535
BLOCK = 500


def free_port() -> int:
    """One that nobody listens on."""
    ports = _ports()
    return next(port for port in itertools.islice(ports, BLOCK) if _is_free(port))


@cache
def _ports() -> Iterator[int]:
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    usable = [port for port in range(FIRST, LAST + 1) if not low <= port <= high]
    for start in range(0, len(usable), BLOCK):
        # The name goes with the process that holds it, however that ends.
        sign = socket.socket(socket.AF_UNIX)
        try:
            sign.bind(f"\0postern tests, ports from {usable[start]}")
        except OSError:
            sign.close()
            continue
        _signs.append(sign)
        return itertools.cycle(usable[start : start + BLOCK])
    raise RuntimeError("every block of ports is in use by a test process")


_signs: list[socket.socket] = []


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False
