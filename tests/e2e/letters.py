"""Letters, the way they are sent, and the mailbox in which they are found."""

from __future__ import annotations

import contextlib
import imaplib
import itertools
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.gateway import PASSWORD, PATIENCE, ROOT, Gateway, eventually

SAMPLES = ROOT / "samples"
BODY = "Hello Alice,\n\nthe minutes of Tuesday are ready. Shall we meet at ten to go through them?\n\nAnn\n"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"
# In two halves, so that no engine takes this file for the test virus.
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*\n"

_numbers = itertools.count(1)
_ACCEPTED = re.compile(r"Accepted as (\w+)")


def letter(
    body: str = BODY, *, subject: str = "", author: str = "Ann <ann@sender.example>", extra: tuple[str, ...] = ()
) -> tuple[str, bytes]:
    """A subject that no other letter has, or has in it, and the letter."""
    subject = subject or f"Minutes number {next(_numbers):06}"
    fields = [
        *extra,
        f"From: {author}",
        "To: alice@example.org",
        f"Subject: {subject}",
        "Date: Mon, 16 Nov 2026 09:12:00 +0000",
        f"Message-ID: <{subject.replace(' ', '-').lower()}@sender.example>",
        "MIME-Version: 1.0",
    ]
    return subject, ("\n".join([*fields, "", body])).replace("\n", "\r\n").encode()


def sample(name: str) -> bytes:
    """One of the samples, as it goes over the wire."""
    (file,) = SAMPLES.glob(f"{name}.eml")
    return file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@dataclass(frozen=True)
class Answer:
    """What the gateway said in the end, to which command, and the process id of the edge that said it."""

    stage: str
    code: int
    text: str
    edge: int

    @property
    def id(self) -> str:
        found = _ACCEPTED.search(self.text)
        assert found, f"{self.code} {self.text}"
        return found.group(1)


def deliver(
    gateway: Gateway, octets: bytes, *, sender: str = "ann@sender.example", to: str = "alice@example.org"
) -> Answer:
    """Send to the MX as another host would."""
    with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], "client.sender.example", timeout=PATIENCE) as client:
        edge = gateway.edge_behind(client.sock)
        client.ehlo()
        for stage, command in (("mail", f"MAIL FROM:<{sender}>"), ("rcpt", f"RCPT TO:<{to}>")):
            code, text = client.docmd(command)
            if code >= 400:
                return Answer(stage, code, text.decode(), edge)
        code, text = client.data(octets)
    return Answer("data", code, text.decode(), edge)


def by_every_edge(gateway: Gateway, asked: Callable[[], Answer | None]) -> None:
    """Ask until every edge has given an answer that counts. The kernel chooses the edge of a connection, and each one
    finds out for itself that a service went, or is back: what one has said, the next one need not say yet."""
    edges: set[int] = set()

    def all_have() -> bool:
        answer = asked()
        if answer is not None:
            edges.add(answer.edge)
        return edges >= set(gateway.role_pids("edge"))

    eventually(all_have)


def trusting() -> ssl.SSLContext:
    """TLS to a gateway whose certificate nobody has signed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def inbox(gateway: Gateway, owner: str = "alice@example.org") -> Iterator[imaplib.IMAP4]:
    """The owner's INBOX, over TLS."""
    with imaplib.IMAP4_SSL("127.0.0.1", gateway.ports["imaps"], ssl_context=trusting(), timeout=PATIENCE) as client:
        client.login(owner, PASSWORD)
        client.select("INBOX")
        yield client


def found(client: imaplib.IMAP4, words: str, *, key: str = "SUBJECT") -> list[bytes]:
    """Every message of the open folder with these words in its subject, or with the key TEXT anywhere; whole."""
    client.noop()
    _, (numbers,) = client.search(None, key, f'"{words}"')
    return [client.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in numbers.split()]


def arrives(gateway: Gateway, subject: str, owner: str = "alice@example.org") -> bytes:
    """The message with that subject, once it is there; and only one is there."""
    with inbox(gateway, owner) as client:
        (octets,) = eventually(lambda: found(client, subject))
    return octets


def fields(octets: bytes, name: str) -> list[str]:
    """The values of all fields of that name, unfolded."""
    header = octets.partition(b"\r\n\r\n")[0].decode("latin-1")
    unfolded = re.sub(r"\r\n[ \t]+", " ", header).split("\r\n")
    return [line.partition(":")[2].strip() for line in unfolded if line.lower().startswith(f"{name.lower()}:")]


def held(gateway: Gateway, answer: Answer) -> dict[str, Any]:
    """The item under which the message is held that was accepted with this answer."""
    (item,) = [each for each in gateway.json("quarantine", "list") if each["message"] == answer.id]
    found_item: dict[str, Any] = item
    return found_item


def store_folder(gateway: Gateway, owner: str = "alice") -> Path:
    """Where the shipped store keeps the owner's mail."""
    return gateway.data / "mailbox/mail/example.org" / owner / "Maildir"
