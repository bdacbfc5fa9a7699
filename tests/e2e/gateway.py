"""Starts the whole product as a user does, on free ports and a data folder of its own, and knows its doors."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from typer.testing import CliRunner

from gateway.cli import app
from tests.ports import free_port

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"
DOORS = ("mx", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "sieve", "console")
PATIENCE = 180.0
"""Seconds until what does not happen is a failure. Nothing that happens waits for them."""
PATIENT: Mapping[str, Any] = {
    "dns": {"query_timeout": 5, "check_timeout": 5},
    "anatomist": {"timeout": 30},
    "clamav": {"timeout": 60},
}
"""Settings for a machine that stands still now and then: few tests are about how soon a look-up is given up."""


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

    def command(self, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
        """Run `postern` against this gateway's data folder, with `said` on standard input: in this process, which has
        all of it loaded."""
        done = CliRunner().invoke(app, words, env=self.environment, input=said, catch_exceptions=False)
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    def json(self, *words: str) -> Any:
        """What `postern ... --json` prints. It must succeed."""
        done = self.command(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def counted(self, metric: str) -> float:
        """The sum of a metric over all its labels and all processes."""
        with urllib.request.urlopen(f"{self.console}/metrics", timeout=PATIENCE) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{metric}{{", f"{metric} ")))

    def undisturbed(self, attempt: Callable[[int], T]) -> T:
        """What came of the first attempt in which the shared counters answered every question. Where the machine stood
        still for a moment, each process counts for itself, and nobody is greylisted; then it is tried again, with the
        next number."""

        def once(number: int) -> tuple[T, bool]:
            before = self.counted("postern_counters_unavailable_total")
            outcome = attempt(number)
            return outcome, before == self.counted("postern_counters_unavailable_total")

        outcomes = (outcome for outcome, undisturbed in map(once, range(100)) if undisturbed)
        return next(outcomes)

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

    def stop(self, *, patience: float = PATIENCE) -> int:
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


def start(
    data: Path, ports: dict[str, int], *, settings: Mapping[str, Any] = PATIENT, policy: str = "", **extra: str
) -> Gateway:
    """Start it and return when it says that it is ready. Settings and policy are written beside the data folder; the
    shipped policy holds where there is none."""
    config = data.with_name(f"{data.name}.yaml")
    config.write_text(yaml.safe_dump(dict(settings)))
    extra = {"POSTERN_CONFIG": str(config), **extra}
    if policy:
        folder = data.with_name("policies")
        folder.mkdir(exist_ok=True)
        (folder / "default.yaml").write_text(policy)
        extra["POSTERN_POLICY"] = str(folder)
    with log_file(data).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "run"],
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
def running(data: Path, *, settings: Mapping[str, Any] = PATIENT, policy: str = "", **extra: str) -> Iterator[Gateway]:
    """A gateway for the length of a `with`."""
    gateway = start(data, free_ports(), settings=settings, policy=policy, **extra)
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
