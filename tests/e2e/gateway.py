"""Starts the whole product as a user does, on free ports and a data folder of its own, and knows its doors."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gateway.cli import app
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"
DOORS = ("mx", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "sieve", "console")
PATIENCE = 60.0


@dataclass
class Gateway:
    """A running gateway: its process, its data folder and its ports."""

    process: subprocess.Popen[str]
    data: Path
    ports: dict[str, int]
    ready: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self.ports['console']}"

    @property
    def environment(self) -> dict[str, str]:
        return {**environment(self.data, self.ports), **self.extra}

    def log(self, event: str = "") -> list[dict[str, Any]]:
        """What was logged so far, or of that only the lines about one event."""
        lines = log_file(self.data).read_text(errors="replace").splitlines()
        said = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line for line in said if not event or line["event"] == event]

    def command(self, *words: str, said: str = "", timeout: float = 90.0) -> subprocess.CompletedProcess[str]:
        """Run `postern` against this gateway's data folder, with `said` on standard input."""
        argv = [sys.executable, "-W", "error", "-m", "gateway", *words]
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, env=self.environment, cwd=ROOT, check=False,
            input=said,
        )  # fmt: skip

    def json(self, *words: str) -> Any:
        """What `postern ... --json` prints. It must succeed. Run in this process, which has all of it loaded."""
        done = CliRunner().invoke(app, [*words, "--json"], env=self.environment)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def role_pids(self, name: str) -> list[int]:
        """Process ids of a program's processes that are the supervisor's own children, by a word of their command."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if parent == str(self.process.pid) and any(word.rpartition(b"/")[2] == name.encode() for word in words):
                    found.append(int(entry.name))
        return found

    def edge_behind(self, client: socket.socket) -> int:
        """Process id of the edge at the other end of a connection that was greeted: the edges share their ports, and
        each knows for itself how the services around it are."""
        door, here = client.getpeername()[1], client.getsockname()[1]
        ends = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        sockets = {f"socket:[{end[9]}]" for end in ends if (end[1][-4:], end[2][-4:]) == (f"{door:04X}", f"{here:04X}")}
        (edge,) = [pid for pid in self.role_pids("edge") if sockets & _open_files(pid)]
        return edge

    def stop(self, *, patience: float = 60.0) -> int:
        """SIGTERM, and wait for the drain."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patience)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()


def _open_files(pid: int) -> set[str]:
    """What the descriptors of a process stand for."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed while we look
            found.add(os.readlink(entry))
    return found


def free_ports() -> dict[str, int]:
    """A free port for every door."""
    return {door: free_port() for door in DOORS}


def environment(data: Path, ports: dict[str, int]) -> dict[str, str]:
    doors = {f"POSTERN_{door.upper()}_PORT": str(port) for door, port in ports.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POSTERN_", "PROMETHEUS_"))}
    return {**kept, **doors, "POSTERN_DATA": str(data), "POSTERN_INITIAL_PASSWORD": PASSWORD}


@contextlib.contextmanager
def passable_folder() -> Iterator[Path]:
    """A folder for data that root's unprivileged store can pass, too."""
    with tempfile.TemporaryDirectory(prefix="postern-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def start(data: Path, ports: dict[str, int], *, config: Path | None = None, **extra: str) -> Gateway:
    """Start it and return when it says that it is ready."""
    written = ["--config", str(config)] if config else []
    with log_file(data).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "run", *written],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**environment(data, ports), **extra},
            cwd=ROOT,
        )
    gateway = Gateway(process, data, ports, extra=extra)
    try:
        gateway.ready = _wait_until_ready(gateway)
    except BaseException:
        gateway.stop()
        raise
    return gateway


def log_file(data: Path) -> Path:
    """Where a gateway on that data folder writes its log: beside the folder."""
    return data.parent / f"{data.name}.log"


@contextlib.contextmanager
def running(data: Path, *, config: Path | None = None, **extra: str) -> Iterator[Gateway]:
    """A gateway for the length of a `with`."""
    gateway = start(data, free_ports(), config=config, **extra)
    try:
        yield gateway
    finally:
        gateway.stop()


def _wait_until_ready(gateway: Gateway) -> dict[str, Any]:
    assert gateway.process.stdout is not None
    line = gateway.process.stdout.readline()
    if not line:
        log = log_file(gateway.data).read_text()
        raise AssertionError(f"the gateway ended before it was ready:\n{log[-4000:]}")
    ready: dict[str, Any] = json.loads(line)
    assert ready["event"] == "ready"
    return ready


def eventually(what: Any, *, within: float = PATIENCE, every: float = 0.1) -> Any:
    """The first true answer of `what()`. Waits for an effect; never asserts how long it took."""
    ends = time.monotonic() + within
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > ends:
            raise AssertionError(f"did not happen within {within:g} s")
        time.sleep(every)
