"""Each layer of the jail on its own: with only that one closed, it alone must hold."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
from collections.abc import Callable

import pytest

from gateway.checks.anatomist import jail, seccomp
from gateway.checks.anatomist.jail import Bounds, JailReport, Layer, LayerReport

from .conftest import in_a_child, without_new_privileges


@pytest.mark.parametrize(
    "act",
    [
        lambda: os.open("/etc/passwd", os.O_RDONLY),
        lambda: socket.socket(),
        lambda: os.fork(),
        lambda: os.kill(os.getpid(), 0),
        lambda: os.stat("/"),
        lambda: os.execv("/bin/true", ["true"]),
    ],
)
def test_seccomp_alone_refuses_system_calls(act: Callable[[], object]) -> None:
    def confined() -> None:
        without_new_privileges()
        seccomp.install()
        act()

    assert in_a_child(confined) == errno.EPERM


def test_the_limits_alone_hold_memory_and_files() -> None:
    def allocate() -> None:
        jail._limit(Bounds(memory=256 << 20, cpu=10))
        bytearray(600 << 20)

    def open_many() -> None:
        jail._limit(Bounds(memory=1 << 30, cpu=10, descriptors=16))
        for _ in range(20):
            os.dup(0)

    def write() -> None:
        jail._limit(Bounds(memory=1 << 30, cpu=10))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        file = os.memfd_create("file")
        os.write(file, b"x")

    assert in_a_child(allocate) == 253
    assert in_a_child(open_many) == errno.EMFILE
    assert in_a_child(write) == errno.EFBIG


def test_the_limit_of_cpu_kills_where_nobody_keeps_the_deadline() -> None:
    def loop() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        jail._limit(Bounds(memory=1 << 30, cpu=1))
        while True:
            pass

    assert in_a_child(loop) in (-signal.SIGXCPU, -signal.SIGKILL)


def test_a_parent_that_has_died_already_is_noticed() -> None:
    assert in_a_child(lambda: jail._die_with(parent=1)) == 1


def test_no_capability_is_left() -> None:
    def act() -> None:
        jail._drop_capabilities()
        with open("/proc/self/status", encoding="ascii") as file:
            held = {line.split(":")[0]: int(line.split()[1], 16) for line in file if line.startswith("Cap")}
        if held["CapEff"] or held["CapPrm"] or held["CapInh"]:
            raise OSError(errno.EINVAL, "some are left")

    assert in_a_child(act) == 0


def test_a_required_layer_that_was_not_granted_is_missing_with_its_reason() -> None:
    layers = tuple(LayerReport(each, each is not Layer.SECCOMP, "ENOSYS") for each in Layer)
    assert JailReport(layers).missing == ("seccomp: ENOSYS",)
    desired = tuple(LayerReport(each, each in jail.REQUIRED, "EPERM") for each in Layer)
    assert JailReport(desired).missing == ()
    assert len(JailReport().missing) == 3
