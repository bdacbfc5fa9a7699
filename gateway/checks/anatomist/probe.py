"""Try to break out, from inside: each attempt of a worker against its own jail, and whether it was refused.

Harmless where the jail leaks: what could do harm is asked for something that does not exist, signals have the number 0,
and what was made is undone. An answer other than a refusal ("no such program") means that the attempt got through.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)

_PTRACE_PEEK: Final = 1
_IO_URING_SETUP: Final = 425
_OPENAT2: Final = 437
_CLONE_NEWUSER: Final = 0x10000000


_REFUSALS: Final = frozenset({errno.EPERM, errno.EACCES, errno.EAGAIN, errno.ENOSYS})
"""EAGAIN is the limit of processes; ENOSYS, that this kernel has no such thing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: what was tried, whether the kernel refused it, and what it said."""

    tried: str
    refused: bool
    said: str


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """All attempts of one worker against its jail."""

    attempts: tuple[Attempt, ...] = ()

    @property
    def leaks(self) -> tuple[str, ...]:
        """What was not refused; empty is what we want."""
        return tuple(each.tried for each in self.attempts if not each.refused)


def probe() -> ProbeReport:
    """Try everything. Call it inside a worker; outside of a jail most attempts succeed."""
    return ProbeReport(tuple(_attempt(tried, act) for tried, act in _ATTEMPTS))


def _attempt(tried: str, act: Callable[[], object]) -> Attempt:
    try:
        act()
    except OSError as error:
        return Attempt(tried, error.errno in _REFUSALS, f"{type(error).__name__}: {error}"[:120])
    except (RuntimeError, ImportError) as error:  # threads and imports say it in these words
        return Attempt(tried, True, f"{type(error).__name__}: {error}"[:120])
    return Attempt(tried, False, "it succeeded")


def _read_a_file() -> None:
    with open("/etc/passwd", "rb") as file:
        file.read(1)


def _write_a_file() -> None:
    path = f"/tmp/postern-probe-{os.getpid()}"  # noqa: S108 - the point is to be refused
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    os.unlink(path)


def _connect_tcp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outside:
        outside.settimeout(0.2)
        outside.connect(("127.0.0.1", 9))


def _unix_socket() -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()


def _pair_of_sockets() -> None:
    for each in socket.socketpair():
        each.close()


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _execute() -> None:
    os.execv("/nonexistent/postern-probe", ["postern-probe"])  # noqa: S606 - the point is to be refused


def _start_a_thread() -> None:
    thread = threading.Thread(target=str, daemon=True)
    thread.start()
    thread.join()


def _import_a_module() -> None:
    sys.modules.pop("this", None)
    with contextlib.redirect_stdout(None):
        __import__("this")


def _call(function: Callable[..., int], *arguments: object) -> Callable[[], object]:
    def act() -> None:
        ctypes.set_errno(0)
        if function(*arguments) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return act


def _system_call(number: int, *arguments: object) -> Callable[[], object]:
    return _call(_LIBC.syscall, ctypes.c_long(number), *arguments)


_ATTEMPTS: Final[tuple[tuple[str, Callable[[], object]], ...]] = (
    ("read a file", _read_a_file),
    ("read a file (openat2)", _system_call(_OPENAT2, -100, b"/etc/passwd", bytes(24), ctypes.c_size_t(24))),
    ("write a file", _write_a_file),
    ("list /", lambda: os.listdir("/")),
    ("stat a name", lambda: os.stat("/etc/passwd")),
    ("import a module", _import_a_module),
    ("connect by TCP", _connect_tcp),
    ("make a UNIX socket", _unix_socket),
    ("make a pair of sockets", _pair_of_sockets),
    ("fork", _fork),
    ("start a thread", _start_a_thread),
    ("execute a program", _execute),
    ("signal the parent", lambda: os.kill(os.getppid(), 0)),
    ("signal itself", lambda: os.kill(os.getpid(), 0)),
    ("trace the parent", lambda: _call(_LIBC.ptrace, _PTRACE_PEEK, os.getppid(), 0, 0)()),
    ("mount", _call(_LIBC.mount, b"none", b"/", b"nonexistent", ctypes.c_ulong(0), None)),
    ("make a user namespace", _call(_LIBC.unshare, _CLONE_NEWUSER)),
    ("become root", lambda: os.setresuid(0, 0, 0)),
    ("make memory executable", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()),
    ("start io_uring", _system_call(_IO_URING_SETUP, ctypes.c_uint(1), bytes(120))),
    ("become dumpable", _call(_LIBC.prctl, 4, 1, 0, 0, 0)),
)
