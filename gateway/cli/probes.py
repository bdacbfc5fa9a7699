"""Small SMTP conversations with a running gateway, for `doctor` and `demo`, through its public doors alone."""

from __future__ import annotations

import re
import smtplib
import socket
from dataclasses import dataclass
from email.utils import formatdate, make_msgid
from typing import Final

_ACCEPTED: Final = re.compile(r"Accepted as (\w+)")
_REFERENCE: Final = re.compile(r"\(ref (\w+)\)")

PATIENCE: Final = 90.0
"""Seconds to wait for the reply to DATA: a scan may take its time on a busy machine."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway said to the last command that mattered."""

    stage: str
    code: int
    text: str

    @property
    def accepted_as(self) -> str:
        """The id under which the message was accepted, or empty."""
        found = _ACCEPTED.search(self.text)
        return found.group(1) if found else ""

    @property
    def reference(self) -> str:
        """The id under which a refusal is recorded, or empty."""
        found = _REFERENCE.search(self.text)
        return found.group(1) if found else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


def send(host: str, port: int, *, sender: str, recipient: str, octets: bytes) -> Answer:
    """Send one message; the decisive answer. Raises OSError or smtplib.SMTPException when the door is shut."""
    with smtplib.SMTP(host, port, local_hostname="doctor.postern.example", timeout=PATIENCE) as client:
        client.ehlo()
        for stage, command in (("mail", f"MAIL FROM:<{sender}>"), ("rcpt", f"RCPT TO:<{recipient}>")):
            answer = _answer(stage, client.docmd(command))
            if answer.code >= 400:
                return answer
        return _answer("data", client.data(octets))


def ask_recipient(host: str, port: int, *, sender: str, command: str) -> Answer:
    """The answer to one RCPT command, written out as given."""
    with smtplib.SMTP(host, port, local_hostname="doctor.postern.example", timeout=PATIENCE) as client:
        client.ehlo()
        client.docmd(f"MAIL FROM:<{sender}>")
        return _answer("rcpt", client.docmd(command))


def converse(host: str, port: int, octets: bytes) -> list[bytes]:
    """Write raw octets after an EHLO, MAIL, RCPT and DATA of the caller's own making; every line that came back."""
    with socket.create_connection((host, port), timeout=PATIENCE) as connection:
        stream = connection.makefile("rwb")
        stream.write(octets)
        stream.flush()
        connection.shutdown(socket.SHUT_WR)
        return [line.rstrip(b"\r\n") for line in stream.readlines()[:200]]


def message(*, subject: str, author: str, recipient: str, body: str, extra: str = "") -> bytes:
    """A plain message with CRLF line ends."""
    lines = [
        f"From: {author}",
        f"To: {recipient}",
        f"Subject: {subject}",
        f"Date: {formatdate(localtime=False)}",
        f"Message-ID: {make_msgid(domain='doctor.postern.example')}",
        "MIME-Version: 1.0",
        *([extra] if extra else []),
        "",
        body,
        "",
    ]
    return "\r\n".join("\r\n".join(lines).splitlines()).encode() + b"\r\n"


def _answer(stage: str, reply: tuple[int, bytes]) -> Answer:
    return Answer(stage, reply[0], " ".join(reply[1].decode("utf-8", "replace").split()))
