"""Whether the other end of a connection is there and owes us nothing: what speaks unasked may be answering the wrong
message."""

from __future__ import annotations

import socket


def is_silent(channel: socket.socket) -> bool:
    """Whether a channel that does not block is alive, and has nothing to read."""
    try:
        channel.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
