"""SMTP clients for benches, many in one thread: plain sockets, epoll and octets that were written out before, so that
the clients cost less than the servers that they measure (a tenth of a millisecond for a message). They never sleep: to
wake a sleeping client of the same machine is work of the kernel that would be counted as the server's. They wait for
every reply (no pipelining, which not every server offers), and refuse to go on when one is not what they want."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.mail_mix import Mail

RECEIVE = 65536


@dataclass(frozen=True)
class Step:
    """What is sent, and how the reply to it has to begin."""

    octets: bytes
    wanted: bytes


GREETED = Step(b"", b"220")
HELLO = Step(b"EHLO client.example\r\n", b"250")
QUIT = Step(b"QUIT\r\n", b"221")


def message(mail: Mail, recipient: str) -> list[Step]:
    """One transaction."""
    dotted = mail.octets.replace(b"\r\n.", b"\r\n..")
    return [
        Step(f"MAIL FROM:<{mail.sender}>\r\n".encode(), b"250"),
        Step(f"RCPT TO:<{recipient}>\r\n".encode(), b"250"),
        Step(b"DATA\r\n", b"354"),
        Step(dotted.removesuffix(b"\r\n") + b"\r\n.\r\n", b"250"),
    ]


def sessions_of(mails: Sequence[Mail], recipient: str, *, each: int) -> list[list[Step]]:
    """The mail in sessions of so many messages."""
    sessions = []
    for start in range(0, len(mails), each):
        steps = [GREETED, HELLO]
        for mail in mails[start : start + each]:
            steps += message(mail, recipient)
        sessions.append([*steps, QUIT])
    return sessions


class _Client:
    """One connection, and what is left to be said on it."""

    def __init__(self, port: int, steps: list[Step]) -> None:
        self.socket = socket.socket()
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.unsent = memoryview(b"")
        self._steps = iter(steps)
        self._step = next(self._steps)
        self._heard = b""

    def hear(self) -> bool:
        """Take what came, and say what comes next; False when the session is over."""
        self._heard += self.socket.recv(RECEIVE)
        if not self._heard.startswith(self._step.wanted[: len(self._heard)]) or not self._heard:
            raise RuntimeError(f"the server said {self._heard!r} to {self._step.octets[:80]!r}")
        if not self._heard.endswith(b"\r\n") or self._heard[self._heard.rfind(b"\n", 0, -1) + 4 :][:1] == b"-":
            return True
        self._heard = b""
        step = next(self._steps, None)
        if step is None:
            return False
        self._step = step
        self.unsent = memoryview(step.octets)
        self.speak()
        return True

    def speak(self) -> None:
        """Send as much as can be sent now."""
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            pass


def play(port: int, sessions: Sequence[list[Step]], *, at_a_time: int) -> float:
    """Play all sessions, so many at a time; the seconds that it took."""
    waiting: Iterator[list[Step]] = iter(sessions)
    clients: dict[int, _Client] = {}
    poll = select.epoll()
    began = time.perf_counter()

    def open_one() -> None:
        if (steps := next(waiting, None)) is not None:
            client = _Client(port, steps)
            clients[client.socket.fileno()] = client
            poll.register(client.socket, select.EPOLLIN)

    for _ in range(at_a_time):
        open_one()
    while clients:
        for number, events in poll.poll(0):
            client = clients[number]
            had_unsent = bool(client.unsent)
            if events & select.EPOLLOUT:
                client.speak()
            if events & ~select.EPOLLOUT and not client.hear():
                poll.unregister(number)
                client.socket.close()
                del clients[number]
                open_one()
            elif had_unsent != bool(client.unsent):
                poll.modify(number, select.EPOLLIN | (select.EPOLLOUT if client.unsent else 0))
    poll.close()
    return time.perf_counter() - began
