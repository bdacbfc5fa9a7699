"""The system calls that a worker may make: an allow-list as a raw BPF program, for x86_64 and aarch64. Everything else
answers EPERM; a call in another machine's convention kills.

Not in the list, on purpose: everything that opens, lists or stats a name, makes a socket, a process or a thread, sends
a signal, or changes an identity. Memory can never be made executable.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import platform
import struct
from dataclasses import dataclass
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)

_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2

RET_KILL: Final = 0x80000000
RET_ALLOW: Final = 0x7FFF0000
RET_REFUSE: Final = 0x00050000 | errno.EPERM

# Opcodes of classic BPF (linux/filter.h) and offsets into struct seccomp_data (linux/seccomp.h).
LOAD: Final = 0x20
JUMP_EQUAL: Final = 0x15
JUMP_ANY_BIT: Final = 0x45
RETURN: Final = 0x06
OFFSET_NUMBER: Final = 0
OFFSET_MACHINE: Final = 4
OFFSET_PROTECTION: Final = 32  # the third argument's low half, on a little-endian machine


@dataclass(frozen=True, slots=True)
class Machine:
    """One processor's convention: its AUDIT_ARCH word and its numbers of system calls."""

    audit: int
    allowed: dict[str, int]
    guarded: dict[str, int]
    """Allowed only where the third argument does not ask for executable memory."""


MACHINES: Final = {
    "x86_64": Machine(
        audit=0xC000003E,
        allowed={
            "read": 0,
            "write": 1,
            "close": 3,
            "munmap": 11,
            "brk": 12,
            "rt_sigaction": 13,
            "rt_sigprocmask": 14,
            "rt_sigreturn": 15,
            "sched_yield": 24,
            "mremap": 25,
            "madvise": 28,
            "nanosleep": 35,
            "getpid": 39,
            "sendto": 44,
            "recvfrom": 45,
            "sendmsg": 46,
            "recvmsg": 47,
            "exit": 60,
            "fcntl": 72,
            "gettimeofday": 96,
            "getrusage": 98,
            "getppid": 110,
            "sigaltstack": 131,
            "gettid": 186,
            "futex": 202,
            "restart_syscall": 219,
            "clock_gettime": 228,
            "clock_getres": 229,
            "clock_nanosleep": 230,
            "exit_group": 231,
            "getrandom": 318,
        },
        guarded={"mmap": 9, "mprotect": 10},
    ),
    "aarch64": Machine(
        audit=0xC00000B7,
        allowed={
            "fcntl": 25,
            "close": 57,
            "read": 63,
            "write": 64,
            "exit": 93,
            "exit_group": 94,
            "futex": 98,
            "nanosleep": 101,
            "clock_gettime": 113,
            "clock_getres": 114,
            "clock_nanosleep": 115,
            "sched_yield": 124,
            "restart_syscall": 128,
            "sigaltstack": 132,
            "rt_sigaction": 134,
            "rt_sigprocmask": 135,
            "rt_sigreturn": 139,
            "getrusage": 165,
            "gettimeofday": 169,
            "getpid": 172,
            "getppid": 173,
            "gettid": 178,
            "sendto": 206,
            "recvfrom": 207,
            "sendmsg": 211,
            "recvmsg": 212,
            "brk": 214,
            "munmap": 215,
            "mremap": 216,
            "madvise": 233,
            "getrandom": 278,
        },
        guarded={"mmap": 222, "mprotect": 226},
    ),
}


def program(machine: Machine) -> bytes:
    """The filter as an array of struct sock_filter."""
    steps = [
        (LOAD, 0, 0, OFFSET_MACHINE),
        (JUMP_EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, RET_KILL),
        (LOAD, 0, 0, OFFSET_NUMBER),
    ]
    for number in machine.allowed.values():
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, RET_ALLOW)]
    for number in machine.guarded.values():
        steps += [
            (JUMP_EQUAL, 0, 4, number),
            (LOAD, 0, 0, OFFSET_PROTECTION),
            (JUMP_ANY_BIT, 0, 1, mmap.PROT_EXEC),
            (RETURN, 0, 0, RET_REFUSE),
            (RETURN, 0, 0, RET_ALLOW),
        ]
    steps.append((RETURN, 0, 0, RET_REFUSE))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def install() -> None:
    """Put this process under the filter, for ever. Needs no_new_privs. Raises OSError."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    steps = program(machine)
    filter_ = _Program(len(steps) // struct.calcsize("=HBBI"), steps)
    if _LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, errno.errorcode.get(number, "seccomp was refused"))
