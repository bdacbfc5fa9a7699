"""Real mail servers before and behind the running product, over STARTTLS: what one of them sends is what the next one
gets, below the fields that each adds on top; what is refused for now is asked again, and what is refused for good comes
back to its sender."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

import pytest

from gateway.inbound.protocol.tls import server_context
from tests.delivery.sink import ALL, Sink, Taken
from tests.e2e.gateway import PATIENCE, Gateway, eventually, running
from tests.e2e.letters import fields, letter
from tests.e2e.surroundings import Surroundings, surroundings
from tests.folders import passable_folder
from tests.inbound.house import make_certificate
from tests.inbound.talk import Talk
from tests.peers.exim import exim
from tests.peers.haraka import haraka
from tests.peers.installed import needs_exim, needs_haraka, needs_opensmtpd, needs_postfix
from tests.peers.opensmtpd import opensmtpd
from tests.peers.postfix import postfix
from tests.peers.server import ELSEWHERE, LATER, REFUSED, MailServer, Ways
from tests.peers.smuggling import SMUGGLED, VARIANTS
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.peers, pytest.mark.dovecot]

Open = Callable[[Ways], AbstractAsyncContextManager[MailServer]]
ESMTP = (*ALL, "DSN", "SMTPUTF8")
WITHOUT_DSN = {"haraka": 1}
"""Who offers no DSN; and how many Received fields it writes for what it sends, above the one for what it got."""
WITHOUT_UTF8 = {"opensmtpd"}
FORGETS_UTF8 = {"haraka"}
"""Who takes an address beyond ASCII, and passes it on without saying SMTPUTF8."""
WITHOUT_HANDSHAKE = {"opensmtpd"}
"""Who offers STARTTLS and cannot do it (see there): mail arrives in the clear."""
ASKS_LATE = {"opensmtpd"}
"""Whose first pause is longer than a test."""
BODY = "Grüße aus Ulm.\n.\n..\n.x and a tab\t and blanks  \n\n" + "ö" * 400 + "\nend\n"


@dataclass
class Street:
    """The gateway, one mail server, and a host behind both: mail for `behind` goes gateway, server, host; mail that the
    server is given for anybody else goes to the gateway, which brings `direct.example` to the host."""

    gateway: Gateway
    around: Surroundings
    server: MailServer
    host: Sink
    behind: str

    def mx(self, octets: bytes, *, sender: str, to: str, mail: str = "", rcpt: str = "") -> str:
        """Give the gateway a message as a stranger would; the id under which it was accepted."""
        with smtplib.SMTP("127.0.0.1", self.gateway.ports["mx"], "client.sender.example", timeout=PATIENCE) as client:
            client.ehlo()
            for command in (f"MAIL FROM:<{sender}> {mail}", f"RCPT TO:<{to}> {rcpt}"):
                client.send(f"{command.strip()}\r\n".encode())
                code, text = client.getreply()
                assert code == 250, text
            code, text = client.data(octets)
        assert code == 250, text
        return text.decode().rpartition(" ")[2]

    def refusal_at_rcpt(self, to: str, *, mail: str) -> str:
        """What the gateway answers to a recipient that it does not take."""
        with smtplib.SMTP("127.0.0.1", self.gateway.ports["mx"], "client.sender.example", timeout=60) as client:
            client.ehlo()
            client.send(f"MAIL FROM:<u@bounces.example> {mail}\r\n".encode())
            assert client.getreply()[0] == 250
            client.send(f"RCPT TO:<{to}>\r\n".encode())
            code, text = client.getreply()
        return f"{code} {text.decode()}"

    def arrived(self, words_of_it: str) -> Taken:
        """What the host was given with those words in it, once."""

        def found() -> list[Taken]:
            self.around.run(self.server.push())
            return [each for each in self.host.taken if words_of_it.encode() in each.octets]

        (taken,) = eventually(found)
        return taken

    def recipient(self, id: str) -> dict[str, Any]:
        """What the gateway knows of the only recipient of a message."""
        (found,) = self.gateway.json("queue", "show", id)["recipients"]
        return dict(found)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Surroundings, Sink]]:
    with surroundings() as around, passable_folder() as folder:
        certificate = server_context(*make_certificate(tmp_path_factory.mktemp("tls")))
        host = around.sink(context=certificate, extensions=ESMTP)
        extra = {"POSTERN_NAMESERVERS": around.nameserver, "POSTERN_CLAMD": "off", "POSTERN_EDGES": "1"}
        with running(folder / "data", **extra) as gateway:
            for domain in ("direct.example", "bounces.example"):
                assert gateway.command("domain", "add", domain, "--route", host.route).returncode == 0
            yield gateway, around, host
            assert gateway.stop() == 0


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(postfix, marks=needs_postfix),
        pytest.param(exim, marks=needs_exim),
        pytest.param(opensmtpd, marks=needs_opensmtpd),
        pytest.param(haraka, marks=needs_haraka),
    ],
)
def street(request: pytest.FixtureRequest, world: tuple[Gateway, Surroundings, Sink]) -> Iterator[Street]:
    gateway, around, host = world
    behind = f"behind-{request.param.__name__}.example"
    ways = {behind: host.port, "sender.example": host.port, ELSEWHERE: gateway.ports["mx"]}
    with around.keeping(request.param(ways)) as server:
        added = gateway.command("domain", "add", behind, "--route", f"smtp://127.0.0.1:{server.port}")
        assert added.returncode == 0, added.stderr
        yield Street(gateway, around, server, host, behind)


def test_before_the_gateway(street: Street) -> None:
    subject, octets = letter(BODY)
    sent = octets.replace(b"\r\n.", b"\r\n..").removesuffix(b"\r\n")
    offered = {"mail": "BODY=8BITMIME RET=HDRS ENVID=abc", "rcpt": "NOTIFY=FAILURE ORCPT=rfc822;who@direct.example"}
    if street.server.name in WITHOUT_DSN:
        offered = {"mail": "BODY=8BITMIME"}
    street.around.run(street.server.hand_in(sent, recipient="x@direct.example", **offered))
    taken = street.arrived(subject)
    assert taken.octets.endswith(octets)
    assert taken.tls
    (ours,) = [each for each in fields(taken.octets, "Received") if "by mx.example.org" in each]
    assert "with ESMTPS" in ours
    if street.server.name not in WITHOUT_DSN:
        assert {"RET=HDRS", "ENVID=abc"} <= set(taken.mail.split())
        assert "NOTIFY=FAILURE" in taken.rcpt_commands[0]
        assert "ORCPT=rfc822;who@direct.example" in taken.rcpt_commands[0]


def test_behind_the_gateway(street: Street) -> None:
    subject, octets = letter(BODY)
    street.mx(
        octets, sender="ann@sender.example", to=f"x@{street.behind}",
        mail="BODY=8BITMIME RET=HDRS ENVID=abc", rcpt="NOTIFY=FAILURE ORCPT=rfc822;who@direct.example",
    )  # fmt: skip
    taken = street.arrived(subject)
    assert taken.octets.endswith(octets)
    theirs = fields(taken.octets, "Received")[WITHOUT_DSN.get(street.server.name, 0)]
    assert ("with esmtps" in theirs.lower()) is (street.server.name not in WITHOUT_HANDSHAKE)
    if street.server.name not in WITHOUT_DSN:
        assert {"RET=HDRS", "ENVID=abc"} <= set(taken.mail.split())
        assert "NOTIFY=FAILURE" in taken.rcpt_commands[0]
        assert "ORCPT=rfc822;who@direct.example" in taken.rcpt_commands[0]


def test_an_address_beyond_ascii(street: Street) -> None:
    subject, octets = letter(author="Ann <ann@partner.example>")
    if street.server.name in WITHOUT_UTF8:
        assert street.refusal_at_rcpt(f"δοκιμή@{street.behind}", mail="SMTPUTF8").startswith("550 5.6.7 ")
        return
    street.mx(octets, sender="u@bounces.example", to=f"δοκιμή@{street.behind}", mail="SMTPUTF8")
    taken = street.arrived(subject)
    assert taken.recipients == [f"δοκιμή@{street.behind}"]
    assert ("SMTPUTF8" in taken.mail) is (street.server.name not in FORGETS_UTF8)


def test_refused_for_now_is_asked_again(street: Street) -> None:
    _, octets = letter(author="Ann <ann@partner.example>")
    id = street.mx(octets, sender=LATER, to=f"x@{street.behind}")
    eventually(lambda: street.recipient(id)["state"] == "deferred")
    assert "come again later" in street.recipient(id)["last_reply"]
    assert street.gateway.command("queue", "retry", id).returncode == 0
    eventually(lambda: street.recipient(id)["attempt"] == 2 and street.recipient(id)["state"] == "deferred")
    assert street.gateway.command("queue", "delete", id).returncode == 0


def test_refused_for_good_comes_back(street: Street) -> None:
    subject, octets = letter(author="Ann <ann@partner.example>")
    id = street.mx(octets, sender=REFUSED, to=f"x@{street.behind}")
    taken = street.arrived(subject)
    assert street.recipient(id)["state"] == "failed"
    assert (taken.mail.split()[1], taken.recipients) == ("FROM:<>", [REFUSED])
    notice = message_from_bytes(taken.octets)
    assert (notice.get_content_type(), notice.get_param("report-type")) == ("multipart/report", "delivery-status")
    assert b"not from you" in taken.octets


def test_what_the_gateway_refuses_for_good_comes_back_to_the_servers_sender(street: Street) -> None:
    subject, octets = letter()
    street.around.run(street.server.hand_in(octets[:-2], recipient="nobody.of.that.name@example.org"))
    taken = street.arrived(subject)
    assert taken.recipients == ["a@sender.example"]
    assert b"5.1.1" in taken.octets


def test_what_the_gateway_cannot_tell_now_is_sent_again(street: Street) -> None:
    port, domain = free_port(), f"later-{street.server.name}.example"
    added = street.gateway.command(
        "domain", "add", domain, "--route", f"smtp://127.0.0.1:{port}", "--validate", "callahead"
    )
    assert added.returncode == 0, added.stderr
    subject, octets = letter()
    street.around.run(street.server.hand_in(octets[:-2], recipient=f"x@{domain}"))
    eventually(lambda: street.server.said("451"))
    if street.server.name in ASKS_LATE:
        return
    late = street.around.sink(port=port)

    def found() -> bool:
        street.around.run(street.server.push())
        return any(subject.encode() in each.octets for each in late.taken)

    eventually(found, every=0.5)
    (taken,) = late.taken
    assert taken.octets.endswith(octets)


@pytest.mark.parametrize("verb", ["DATA", "BDAT"])
def test_nothing_is_smuggled_through_to_the_server(street: Street, verb: str) -> None:
    before = len(street.host.taken)
    sent = {}
    for name, end in VARIANTS.items():
        subject, octets = letter("first")
        sent[subject] = (name, b"first" + end + SMUGGLED + b"\r\n")
        octets = octets.removesuffix(b"first") + sent[subject][1]
        data = octets + b".\r\n" if verb == "DATA" else b"BDAT %d LAST\r\n" % len(octets) + octets
        if not street.around.run(tried(street.gateway.ports["mx"], data, verb=verb, to=f"x@{street.behind}")):
            del sent[subject]
    assert 0 < len(sent) < len(VARIANTS), "octets beyond ASCII are welcome, bare line ends and NUL are not"
    for subject, (name, body) in sent.items():
        taken = street.arrived(f"Subject: {subject}\r\n")
        expected = body.replace(b"\r\n.", b"\r\n") if verb == "DATA" else body
        assert taken.octets.endswith(expected), name
    assert len(street.host.taken) == before + len(sent)
    assert not any("smuggled" in each.mail for each in street.host.taken)


async def tried(port: int, data: bytes, *, verb: str, to: str) -> bool:
    """Whether the message was taken; there is one answer, be it yes or no."""
    talk = await Talk.to(port)
    await talk.say_hello()
    for command in ("MAIL FROM:<ann@sender.example>", f"RCPT TO:<{to}>"):
        assert (await talk.ask(command)).startswith("250 ")
    if verb == "DATA":
        assert (await talk.ask("DATA")).startswith("354 ")
    await talk.send(data)
    said = await talk.line()
    if not said.startswith("521"):
        assert (await talk.ask("NOOP")).startswith("250 "), "nothing of it was taken for a command"
    await talk.close()
    return said.startswith("250 ")
