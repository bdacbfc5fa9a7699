"""Clients that send mail one connection a message, as hard as they can, and tell how each try ended."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from tests.e2e.gateway import PATIENCE
from tests.e2e.letters import letter


class Load:
    """For the length of a `with`. `tally` counts how tries ended; `accepted` has the subjects that were answered with
    250: those must arrive."""

    def __init__(self, port: int, *, clients: int) -> None:
        self.tally: Counter[str] = Counter()
        self.accepted: set[str] = set()
        self.slowest_greeting = 0.0
        self._port = port
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send_for_ever) for _ in range(clients)]

    def __enter__(self) -> Load:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def _send_for_ever(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                subject, octets = letter()
            ending = self._send(subject, octets)
            with self._lock:
                self.tally[ending] += 1
                if ending == "accepted":
                    self.accepted.add(subject)
            if ending == "nobody listens":
                time.sleep(0.1)

    def _send(self, subject: str, octets: bytes) -> str:
        begun = time.monotonic()
        try:
            connection = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
        except ConnectionRefusedError:
            return "nobody listens"
        except OSError:
            return "reset before the greeting"
        stage = "reset before the greeting"
        with connection, connection.makefile("rb") as lines:
            try:
                greeting = lines.readline()
                self.slowest_greeting = max(self.slowest_greeting, time.monotonic() - begun)
                if not greeting:
                    return stage
                stage = "broken after the greeting"
                if greeting.startswith(b"421"):
                    return "421 as a greeting"
                commands = (
                    b"HELO client.sender.example\r\n", b"MAIL FROM:<ann@sender.example>\r\n",
                    b"RCPT TO:<alice@example.org>\r\n", b"DATA\r\n", octets + b".\r\n",
                )  # fmt: skip
                for command in commands:
                    connection.sendall(command)
                    stage = "broken in DATA" if command == commands[-1] else stage
                    said = lines.readline()
                    if said.startswith(b"421"):
                        return "421 in the session"
                    if not said:
                        return stage
                    if not said.startswith((b"2", b"354")):
                        return f"refused: {said.decode().strip()}"
                return "accepted"
            except OSError:
                return stage


def subjects(maildir: Path) -> set[str]:
    """The subjects of all that lies in a mailbox."""
    found = set()
    for file in [*maildir.glob("new/*"), *maildir.glob("cur/*")]:
        header = file.read_bytes().partition(b"\r\n\r\n")[0].partition(b"\n\n")[0].decode()
        found |= {line.removeprefix("Subject: ").strip() for line in header.splitlines() if "Subject: " in line}
    return found
