"""Starting, watching and stopping a clamd of our own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gateway.checks.clamd_plan import ClamdKind, ClamdPlan, Signatures
from gateway.checks.clamd_process import ClamdFailed, ClamdProcess

SOCKET_AND_PONG = """
import socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind({address!r})
listening.listen()
while True:
    client = listening.accept()[0]
    client.recv(100)
    client.sendall(b"PONG\\0")
    client.close()
"""


def plan_with(script: str, folder: Path) -> ClamdPlan:
    """A plan whose clamd is a small program."""
    program = folder / "program"
    address = str(folder / "clamav" / "clamd.sock")
    program.write_text(f"#!{sys.executable}\n{script.format(address=address)}")
    program.chmod(0o755)
    return ClamdPlan(
        ClamdKind.OWN,
        address=address,
        folder=folder / "clamav",
        executable=str(program),
        signatures=Signatures.DEMO,
        scan_seconds=5.0,
    )


async def test_start_returns_when_it_answers_and_stop_ends_it(tmp_path: Path) -> None:
    process = ClamdProcess(plan_with(SOCKET_AND_PONG, tmp_path))
    await process.start(within=20)
    assert (tmp_path / "clamav" / "signatures" / "demo.ndb").is_file()
    assert "AlertExceedsMax yes" in (tmp_path / "clamav" / "clamd.conf").read_text()
    await process.stop()
    await process.stop()


async def test_one_that_ends_at_once_is_said_with_its_log(tmp_path: Path) -> None:
    process = ClamdProcess(plan_with("raise SystemExit(1)", tmp_path))
    with pytest.raises(ClamdFailed, match=r"ended at once; see .*clamd\.log"):
        await process.start(within=20)


async def test_one_that_never_answers_is_given_up_and_not_left_behind(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    process = ClamdProcess(plan_with(script, tmp_path))
    with pytest.raises(ClamdFailed, match="did not answer within 1 s"):
        await process.start(within=1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


async def test_a_missing_program_is_said(tmp_path: Path) -> None:
    plan = ClamdPlan(
        ClamdKind.OWN, address=str(tmp_path / "s"), folder=tmp_path, executable="/nonexistent/clamd", scan_seconds=1.0
    )
    with pytest.raises(ClamdFailed, match="nonexistent"):
        await ClamdProcess(plan).start()
