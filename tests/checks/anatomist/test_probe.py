"""The jail from inside: every attempt of a real worker is refused, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.checks.anatomist import probe as probe_module
from gateway.checks.anatomist.jail import Layer
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.facts.outcome import Known

HERE = Path(__file__).parent
REPOSITORY = Path(__file__).resolve().parents[3]
SYSTEM_PYTHON = "/usr/bin/python3"


async def test_a_worker_cannot_break_out(pool: AnatomistPool) -> None:
    outcome = await pool.probe()
    assert isinstance(outcome, Known)
    assert len(outcome.value.attempts) == len(probe_module._ATTEMPTS)
    assert outcome.value.leaks == ()


async def test_the_pool_reports_the_jail_of_its_workers(pool: AnatomistPool) -> None:
    report = pool.jail_report()
    assert [each.layer for each in report.layers] == list(Layer)
    assert report.missing == ()
    assert all(each.said for each in report.layers)


def test_the_probe_notices_where_there_is_no_jail() -> None:
    """Outside, what an unconfined process may do is reported as a leak: the probe does not call everything refused."""
    mounts = Path("/proc/self/mounts").read_text()
    script = "import json; from gateway.checks.anatomist.probe import probe; print(json.dumps(probe().leaks))"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, check=True, text=True)
    leaks = set(json.loads(done.stdout))
    assert {"read a file", "write a file", "list /", "fork", "execute a program", "make a UNIX socket"} <= leaks
    assert {"start a thread", "import a module", "signal the parent", "make a pair of sockets"} <= leaks
    # And it did no harm: nothing is mounted, the parent (we) was not stopped, and no file is left.
    assert Path("/proc/self/mounts").read_text() == mounts
    assert list(Path("/tmp").glob("postern-probe-*")) == []


AS_NOBODY = """
import asyncio, json, os, sys
sys.path[:0] = [{repository!r}, {here!r}]
import hostile_work
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.facts.evidence import to_plain
from gateway.mail.message import Message
if os.geteuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
if not os.access(sys.executable, os.X_OK):
    sys.executable = {python!r}  # the interpreter may stand in the home of root

async def main():
    pool = await AnatomistPool.start(
        workers=1, timeout=1.0, memory=512 << 20, model=None, work="hostile_work:prepare"
    )
    async with pool:
        leaks = await pool.probe()
        killed = await pool.examine(Message.from_wire(b"loop\\r\\n\\r\\n"))
        after = await pool.examine(Message.from_wire(b"fine\\r\\n\\r\\n"))
        return {{"uid": os.geteuid(), "problem": pool.problem, "jail": to_plain(pool.jail_report()),
                "probe": to_plain(leaks), "killed": to_plain(killed), "after": to_plain(after)}}

print(json.dumps(asyncio.run(main())))
"""


def test_an_ordinary_user_has_the_same_jail() -> None:
    readable = all(parent.stat().st_mode & 0o005 == 0o005 for parent in (HERE, *HERE.parents))
    if os.geteuid() == 0 and not (readable and os.access(SYSTEM_PYTHON, os.X_OK)):
        pytest.skip("nobody could read this checkout, or there is no python that nobody may run")
    version = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True
    )
    if os.geteuid() == 0 and version.stdout.strip() != b"True":
        pytest.skip("the system's python is too old")
    script = AS_NOBODY.format(repository=str(REPOSITORY), here=str(HERE), python=SYSTEM_PYTHON)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["uid"] != 0
    assert said["problem"] == ""
    granted = {each["layer"] for each in said["jail"]["layers"] if each["granted"]}
    assert {Layer.NO_NEW_PRIVILEGES, Layer.LIMITS, Layer.SECCOMP} <= granted
    attempts = said["probe"]["known"]["attempts"]
    assert [each["tried"] for each in attempts if not each["refused"]] == []
    assert said["killed"]["content"] == {"unknown": "anatomist took longer than 1 s"}
    assert "known" in said["after"]["content"]
