from __future__ import annotations

import ssl
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from gateway.inbound import receiving
from gateway.inbound.ports import Door
from gateway.mail import replies
from gateway.mail.envelope import Body, Direction
from tests.inbound.house import PlainGroup, PlainLimits, PlainPolicy, open_house
from tests.inbound.talk import MESSAGE, Talk


async def test_the_envelope_keeps_what_was_said() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.ask("MAIL FROM:<a@sender.example> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ1")
        await talk.ask("RCPT TO:<u@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;o@old.example")
        await talk.ask("RCPT TO:<v@example.net> NOTIFY=NEVER")
        await talk.ask("DATA")
        await talk.send(MESSAGE + b".\r\n")
        assert (await talk.line()).startswith("250 ")
        await talk.close()
    envelope = house.shelf.accepted[0][0].envelope
    assert str(envelope.reverse_path) == "a@sender.example"
    assert (envelope.body, envelope.smtputf8, envelope.size) == (Body.EIGHT_BIT_MIME, True, 100)
    assert (envelope.ret, envelope.envid, envelope.direction) == ("HDRS", "QQ1", Direction.INBOUND)
    first, second = envelope.recipients
    assert (first.notify, first.original) == (frozenset({"FAILURE", "DELAY"}), "rfc822;o@old.example")
    assert (second.notify, second.original) == (frozenset({"NEVER"}), "")


async def test_nothing_is_kept_between_transactions() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        for sender, recipient in (("a@one.example", "u"), ("b@two.example", "v")):
            for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}@example.net>", "DATA"):
                await talk.ask(line)
            await talk.send(MESSAGE + b".\r\n")
            await talk.line()
        await talk.close()
    seen = [(str(each.envelope.reverse_path), len(each.envelope.recipients)) for each, _ in house.shelf.accepted]
    assert seen == [("a@one.example", 1), ("b@two.example", 1)]


async def test_who_the_client_is(tls: ssl.SSLContext) -> None:
    async with open_house(tls=tls) as house:
        talk = await Talk.to(house.ports[Door.SUBMISSION])
        await talk.say_hello()
        await talk.ask("STARTTLS")
        await talk.start_tls()
        await talk.ask("EHLO again.example")
        assert (await talk.ask("AUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=")) == str(replies.AUTHENTICATED)
        for line in ("MAIL FROM:<alice@example.net>", "RCPT TO:<x@foreign.example>", "DATA"):
            await talk.ask(line)
        await talk.send(MESSAGE + b".\r\n")
        assert (await talk.line()).startswith("250 ")
        await talk.close()
    acceptance, _ = house.shelf.accepted[0]
    client = acceptance.client
    assert (client.ip, client.helo, client.user, client.tls) == ("127.0.0.1", "again.example", "alice", "TLSv1.3")
    assert client.tls_cipher.startswith("TLS_")
    assert acceptance.envelope.direction is Direction.OUTBOUND
    assert acceptance.recipients[0].destination == "mx:foreign.example"


async def test_old_tls_is_refused(tls: ssl.SSLContext) -> None:
    async with open_house(tls=tls) as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        assert (await talk.ask("STARTTLS")).startswith("220 ")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await talk.writer.start_tls(context)
        await talk.close()


async def test_our_exceptions_are_not_for_the_world() -> None:
    async with open_house() as house:

        class Broken(PlainPolicy):
            def recipient_entry(self, address: str) -> None:
                raise ValueError("secret /etc/postern/key.pem")

        talk = await Talk.to(house.port)
        await talk.say_hello()
        house.policy = Broken()
        await talk.ask("MAIL FROM:<a@sender.example>")
        with capture_logs() as logs:
            reply = await talk.ask("RCPT TO:<u@example.net>")
        assert reply == str(replies.LOCAL_ERROR.about("0000000000001"))
        assert [(each["reference"], str(each["exc_info"])) for each in logs] == [
            ("0000000000001", "secret /etc/postern/key.pem")
        ]
        assert (await talk.ask("DATA")).startswith("503 ")
        await talk.close()


async def test_an_unreachable_directory_does_not_look_like_a_lost_client(tls: ssl.SSLContext) -> None:
    class Broken:
        async def authenticate(self, *, login: str, password: str, client_ip: str) -> None:
            raise ConnectionResetError("the user base went away")

    async with open_house(tls=tls, edit=lambda ports: replace(ports, authentication=Broken())) as house:
        talk = await Talk.to(house.ports[Door.SUBMISSIONS], tls=True)
        await talk.say_hello()
        with capture_logs() as logs:
            reply = await talk.ask("AUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=")
        assert reply.startswith("451 4.3.0")
        assert "correct horse" not in str(logs)
        assert (await talk.ask("NOOP")).startswith("250 ")
        await talk.close()


async def test_a_client_that_leaves_within_data_leaves_nothing() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.begin()
        await talk.send(MESSAGE)
        await talk.close()
        await house.is_left()
        assert (house.shelf.open_sinks, house.shelf.accepted) == ([], [])


async def test_a_message_that_drips_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "DATA_PATIENCE", 0.1)
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.begin()
        talk.writer.write(b"x")
        assert await talk.line() == str(replies.IDLE_TOO_LONG)
        assert await talk.is_closed()
        assert house.shelf.open_sinks == []
        await talk.close()


@pytest.mark.parametrize(("number", "name"), [(28, "NO_SPACE"), (5, "LOCAL_ERROR")])
async def test_a_disk_that_refuses(number: int, name: str) -> None:
    async with open_house() as house:
        house.shelf.disk_error = OSError(number, "disk")
        talk = await Talk.to(house.port)
        await talk.begin()
        with capture_logs() as logs:
            await talk.send(MESSAGE + b"MAIL FROM:<x@y.example>\r\n.\r\n")
            reply = await talk.line()
        assert reply.startswith(str(replies.all_replies()[name]))
        assert "cannot write to the spool" in str(logs)
        assert (await talk.ask("NOOP")).startswith("250 ")
        assert house.shelf.open_sinks == []
        await talk.close()


async def test_a_policy_that_changes_holds_from_the_next_transaction() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.ask("MAIL FROM:<a@sender.example>")
        house.policy = PlainPolicy(
            everyone=PlainGroup(limits=PlainLimits(size=10)), routes={"other.example": "smtp://192.0.2.1:25"}
        )
        assert (await talk.ask("RCPT TO:<u@example.net>")).startswith("250 ")
        await talk.ask("RSET")
        assert (await talk.ask("MAIL FROM:<a@sender.example> SIZE=11")).startswith("552 ")
        await talk.ask("MAIL FROM:<a@sender.example>")
        assert (await talk.ask("RCPT TO:<u@example.net>")).startswith("550 5.7.1")
        await talk.close()


async def test_every_reply_but_greetings_has_its_enhanced_status() -> None:
    bare = {replies.START_MAIL}
    for name, reply in replies.all_replies().items():
        assert reply.enhanced or reply in bare, name
