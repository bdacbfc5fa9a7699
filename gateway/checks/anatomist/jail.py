"""The jail that a worker locks itself into before it sees the first hostile octet. Every layer says whether the kernel
granted it; a worker without a required layer refuses to work.

ctypes and the kernel only, no library. Linux; never undone, never loosened.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.checks.anatomist import landlock, seccomp

_LIBC: Final = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWUTS: Final = 0x04000000
_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_NAMESPACES: Final = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWNET

_NOBODY: Final = 65534
_CAPABILITY_VERSION: Final = 0x20080522


class Layer(StrEnum):
    """The layers of the jail, in the order in which they close."""

    NAMESPACES = "namespaces"
    IDENTITY = "identity"
    CAPABILITIES = "capabilities"
    DEATH_WITH_PARENT = "death with parent"
    NOT_DUMPABLE = "not dumpable"
    NO_NEW_PRIVILEGES = "no new privileges"
    LANDLOCK = "landlock"
    LIMITS = "limits"
    SECCOMP = "seccomp"


REQUIRED: Final = frozenset({Layer.NO_NEW_PRIVILEGES, Layer.LIMITS, Layer.SECCOMP})
"""Without these a worker does not work. The others are desired: kernels and containers may refuse them."""


@dataclass(frozen=True, slots=True)
class LayerReport:
    """Whether one layer was granted, and a word about it: what it covers, or why not."""

    layer: Layer
    granted: bool
    said: str


@dataclass(frozen=True, slots=True)
class JailReport:
    """What one worker's jail consists of."""

    layers: tuple[LayerReport, ...] = ()

    def granted(self, layer: Layer) -> bool:
        """Whether this layer holds."""
        return any(each.layer is layer and each.granted for each in self.layers)

    @property
    def missing(self) -> tuple[str, ...]:
        """The required layers that do not hold, each with its reason; empty means that the worker may work."""
        said = {each.layer: each.said for each in self.layers}
        return tuple(
            f"{layer}: {said.get(layer, 'not tried')}"
            for layer in Layer
            if layer in REQUIRED and not self.granted(layer)
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a worker may use: octets of address space, seconds of CPU in its whole life, open descriptors."""

    memory: int
    cpu: int
    descriptors: int = 16


def confine(bounds: Bounds, *, parent: int) -> JailReport:
    """Lock this process in and report. `parent` is the pid whose death is ours. Call it in a process of one thread."""
    root = os.geteuid() == 0
    steps: tuple[tuple[Layer, Callable[[], str]], ...] = (
        (Layer.NAMESPACES, lambda: _leave_namespaces(root)),
        (Layer.IDENTITY, lambda: _become_nobody(root)),
        (Layer.CAPABILITIES, _drop_capabilities),
        # After the change of identity: that clears it (prctl(2)).
        (Layer.DEATH_WITH_PARENT, lambda: _die_with(parent)),
        (Layer.NOT_DUMPABLE, lambda: _control(_PR_SET_DUMPABLE, 0)),
        (Layer.NO_NEW_PRIVILEGES, lambda: _control(_PR_SET_NO_NEW_PRIVS, 1)),
        (Layer.LANDLOCK, landlock.restrict),
        (Layer.LIMITS, lambda: _limit(bounds)),
        (Layer.SECCOMP, _filter_system_calls),
    )
    return JailReport(tuple(_close(layer, step) for layer, step in steps))


def _close(layer: Layer, step: Callable[[], str]) -> LayerReport:
    try:
        return LayerReport(layer, True, step())
    except (OSError, ValueError) as error:
        return LayerReport(layer, False, str(error))


def _leave_namespaces(root: bool) -> str:
    """A network without interfaces, and mounts, IPC and host name of its own. An ordinary user needs a user
    namespace."""
    if root and _LIBC.unshare(_NAMESPACES) == 0:
        return "network, mount, ipc, uts"
    _check(_LIBC.unshare(_NAMESPACES | _CLONE_NEWUSER))
    return "user, network, mount, ipc, uts"


def _become_nobody(root: bool) -> str:
    if not root:
        return "an ordinary user already"
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    return "nobody"


def _drop_capabilities() -> str:
    """All of them: a new user namespace would give us a full set inside it."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_LIBC.capset(header, none))
    return "none left"


def _die_with(parent: int) -> str:
    _control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    return "SIGKILL"


def _control(option: int, value: int) -> str:
    _check(_LIBC.prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3))
    return "set"


def _limit(bounds: Bounds) -> str:
    for what, limit in (
        (resource.RLIMIT_AS, bounds.memory),
        (resource.RLIMIT_CPU, bounds.cpu),
        (resource.RLIMIT_NOFILE, bounds.descriptors),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    return f"{bounds.memory >> 20} MiB, {bounds.cpu} s of CPU, no file, no process"


def _filter_system_calls() -> str:
    seccomp.install()
    return "allow-list"


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, errno.errorcode.get(number, "refused"))
