"""The filter's program, run by a small interpreter of classic BPF, for both machines: it says allow for exactly the
list."""

from __future__ import annotations

import mmap
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.anatomist import seccomp
from gateway.checks.anatomist.seccomp import MACHINES, RET_ALLOW, RET_KILL, RET_REFUSE, Machine, program

# Where Linux keeps its own numbers, if its headers are installed: aarch64 uses the generic table.
HEADERS = {
    "x86_64": [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")],
    "aarch64": [Path("/usr/include/asm-generic/unistd.h")],
}


def run(machine: Machine, *, number: int, audit: int | None = None, third: int = 0) -> int:
    """What the filter returns for that system call."""
    steps = list(struct.iter_unpack("=HBBI", program(machine)))
    call = struct.pack("=IIQ6Q", number, machine.audit if audit is None else audit, 0, 0, 0, third, 0, 0, 0)
    accumulator = at = 0
    while True:
        code, if_true, if_false, constant = steps[at]
        at += 1
        match code:
            case seccomp.LOAD:
                (accumulator,) = struct.unpack_from("=I", call, constant)
            case seccomp.JUMP_EQUAL:
                at += if_true if accumulator == constant else if_false
            case seccomp.JUMP_ANY_BIT:
                at += if_true if accumulator & constant else if_false
            case seccomp.RETURN:
                return int(constant)
            case _:
                raise AssertionError(f"no such operation: {code:#x}")


@pytest.mark.parametrize("name", MACHINES)
def test_exactly_the_list_is_allowed(name: str) -> None:
    machine = MACHINES[name]
    allowed = {number for number in range(600) if run(machine, number=number) == RET_ALLOW}
    assert allowed == {*machine.allowed.values(), *machine.guarded.values()}


@pytest.mark.parametrize("name", MACHINES)
@given(number=st.integers(0, 2**32 - 1), third=st.integers(0, 2**32 - 1))
def test_any_call_that_is_not_listed_is_refused(name: str, number: int, third: int) -> None:
    machine = MACHINES[name]
    if number not in (*machine.allowed.values(), *machine.guarded.values()):
        assert run(machine, number=number, third=third) == RET_REFUSE


@pytest.mark.parametrize("name", MACHINES)
def test_memory_is_never_executable(name: str) -> None:
    machine = MACHINES[name]
    for number in machine.guarded.values():
        assert run(machine, number=number, third=mmap.PROT_READ | mmap.PROT_WRITE) == RET_ALLOW
        assert run(machine, number=number, third=mmap.PROT_READ | mmap.PROT_EXEC) == RET_REFUSE


@pytest.mark.parametrize("name", MACHINES)
def test_another_machines_convention_kills(name: str) -> None:
    i386 = 0x40000003
    assert run(MACHINES[name], number=1, audit=i386) == RET_KILL


@pytest.mark.parametrize("name", MACHINES)
def test_the_numbers_are_those_of_the_kernels_own_headers(name: str) -> None:
    header = next((each for each in HEADERS[name] if each.is_file()), None)
    if header is None:
        pytest.skip(f"the kernel's headers for {name} are not installed")
    numbers = {
        found[1]: int(found[2])
        for found in re.finditer(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)\b", header.read_text(), re.MULTILINE)
    }
    machine = MACHINES[name]
    for call, number in {**machine.allowed, **machine.guarded}.items():
        assert numbers[call] == number, call


def test_nothing_that_opens_connects_or_starts_is_in_the_list() -> None:
    forbidden = re.compile(
        r"open|stat|access|connect|bind|listen|accept|^socket|fork|clone|exec|kill|ptrace|mount|prctl|set.?id"
    )
    for machine in MACHINES.values():
        assert [call for call in (*machine.allowed, *machine.guarded) if forbidden.search(call)] == []
