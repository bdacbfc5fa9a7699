"""One transaction with a scripted host: what is said, what is sent, and what became of each recipient."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.delivery.handover import Ending, Parcel, Takeover
from gateway.delivery.relay import Connection, Timeouts, Tls, open_connection
from gateway.delivery.routes import Endpoint, Language
from gateway.delivery.transaction import Passage, transact
from gateway.mail import replies
from gateway.mail.address import Address
from gateway.mail.envelope import Recipient
from gateway.mail.replies import Reply
from tests.delivery.sink import CLOSE, HANG, Act, Sink, running

SHORT = Timeouts(connect=10.0, command=0.4, data_block=0.4, data_end=0.4)
PATIENT = Timeouts(connect=10.0, command=10.0, data_block=10.0, data_end=10.0)


def timeouts_for(sink: Sink) -> Timeouts:
    """Short ones only where the script makes the host fall silent."""
    return SHORT if HANG in sink.script.values() else PATIENT


OCTETS = b"Received: by us\r\nSubject: hello\r\n\r\n.dot\r\n..two\r\nlast\r\n"
THREE = tuple(Recipient(Address(name, "example.org")) for name in ("one", "two", "three"))
PARCEL = Parcel(Address("alice", "example.net"), THREE, OCTETS)
PLAIN = ("8BITMIME", "SIZE 52428800")


async def session(sink: Sink) -> Connection:
    endpoint = Endpoint(Language.LMTP if sink.lmtp else Language.SMTP, "127.0.0.1", sink.port)
    connection = await open_connection(endpoint, greet_as="mx.example.org", timeouts=timeouts_for(sink), tls=Tls.NONE)
    assert isinstance(connection, Connection)
    return connection


async def hand_over(sink: Sink, parcel: Parcel = PARCEL) -> Passage:
    async with running(sink):
        connection = await session(sink)
        passage = await transact(connection, parcel)
        assert len(passage.handovers) == len(parcel.recipients)
        connection.close()
    return passage


def endings(passage: Passage) -> list[str]:
    return [each.ending.name for each in passage.handovers]


@pytest.mark.parametrize("extensions", [("PIPELINING", *PLAIN), PLAIN], ids=["pipelining", "one-by-one"])
@pytest.mark.parametrize("lmtp", [False, True], ids=["smtp", "lmtp"])
async def test_all_goes_well(extensions: Sequence[str], lmtp: bool) -> None:
    sink = Sink(extensions=extensions, lmtp=lmtp)
    passage = await hand_over(sink)
    assert endings(passage) == ["DELIVERED"] * 3
    assert not passage.is_broken
    assert [each.octets for each in sink.taken] == [OCTETS]
    assert sink.taken[0].recipients == ["one@example.org", "two@example.org", "three@example.org"]
    assert sink.taken[0].mail == f"MAIL FROM:<alice@example.net> SIZE={len(OCTETS)}"
    assert passage.handovers[0].reply == Reply(250, "2.0.0", "taken")
    assert passage.handovers[0].remote == f"127.0.0.1:{sink.port}"


async def test_lmtp_partial_success() -> None:
    script = {"END:two@example.org": "552 5.2.2 full", "END:three@example.org": "451 4.3.0 later"}
    sink = Sink(lmtp=True, script=script)
    passage = await hand_over(sink)
    assert endings(passage) == ["DELIVERED", "FAILED", "DEFERRED"]
    assert [each.reply.text for each in passage.handovers] == ["taken", "full", "later"]
    assert not passage.is_broken


@pytest.mark.parametrize("extensions", [("PIPELINING", *PLAIN), PLAIN], ids=["pipelining", "one-by-one"])
@pytest.mark.parametrize(
    ("script", "expected", "taken", "broken"),
    [
        ({"RCPT:two@example.org": "550 5.1.1 who?"}, ["DELIVERED", "FAILED", "DELIVERED"], 1, False),
        ({"RCPT:two@example.org": "450 4.2.0 later"}, ["DELIVERED", "DEFERRED", "DELIVERED"], 1, False),
        ({"RCPT:two@example.org": "552 too many"}, ["DELIVERED", "DEFERRED", "DELIVERED"], 1, False),
        ({"RCPT:one@example.org": "552 5.2.2 full"}, ["FAILED", "DELIVERED", "DELIVERED"], 1, False),
        ({"RCPT": "550 5.1.1 who?"}, ["FAILED"] * 3, 0, False),
        ({"MAIL": "550 5.7.1 not you"}, ["FAILED"] * 3, 0, False),
        ({"MAIL": "451 4.7.1 greylisted"}, ["DEFERRED"] * 3, 0, False),
        ({"DATA": "451 4.3.0 later"}, ["DEFERRED"] * 3, 0, False),
        ({"DATA": "554 5.6.0 no"}, ["FAILED"] * 3, 0, False),
        ({"DATA": "250 what?"}, ["DEFERRED"] * 3, 0, True),
        ({"END": "554 5.7.1 spam"}, ["FAILED"] * 3, 0, False),
        ({"END": "452 4.3.1 full"}, ["DEFERRED"] * 3, 0, False),
        ({"END": "354 go on"}, ["DEFERRED"] * 3, 0, False),
        ({"END": CLOSE}, ["DEFERRED"] * 3, 0, True),
        ({"END": HANG}, ["DEFERRED"] * 3, 0, True),
        ({"END": "thanks!"}, ["DEFERRED"] * 3, 0, True),
        ({"END": "421 4.3.2 stopping"}, ["DEFERRED"] * 3, 0, True),
        ({"MAIL": "421 4.3.2 stopping"}, ["DEFERRED"] * 3, 0, True),
        ({"MAIL": HANG}, ["DEFERRED"] * 3, 0, True),
        ({"MAIL": CLOSE}, ["DEFERRED"] * 3, 0, True),
        ({"RCPT:two@example.org": CLOSE}, ["DEFERRED"] * 3, 0, True),
        ({"RCPT:one@example.org": "550 5.1.1 who?", "RCPT:two@example.org": HANG},
         ["FAILED", "DEFERRED", "DEFERRED"], 0, True),
        ({"DATA": CLOSE}, ["DEFERRED"] * 3, 0, True),
        ({"DATA": "\x00\xc3\xbf garbage"}, ["DEFERRED"] * 3, 0, True),
        ({"mid-data": CLOSE}, ["DEFERRED"] * 3, 0, True),
        ({"mid-data": "421 4.3.2 stopping"}, ["DEFERRED"] * 3, 0, True),
    ],
)  # fmt: skip
async def test_what_goes_wrong(
    script: Mapping[str, Act], expected: list[str], taken: int, broken: bool, extensions: Sequence[str]
) -> None:
    sink = Sink(script=script, extensions=extensions)
    passage = await hand_over(sink)
    assert endings(passage) == expected
    assert passage.is_broken is broken
    assert len(sink.taken) == taken


@pytest.mark.parametrize("script", [{"mid-data": CLOSE}, {"END": CLOSE}, {"END": HANG}])
async def test_after_octets_went_out_nobody_may_try_elsewhere(script: Mapping[str, Act]) -> None:
    assert (await hand_over(Sink(script=script))).was_sent


async def test_a_large_message_to_a_host_that_stops_reading_times_out() -> None:
    over, gone = asyncio.Event(), asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n250-x\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await over.wait()
        writer.transport.abort()
        gone.set()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024)
    async with server:
        endpoint = Endpoint(Language.SMTP, "127.0.0.1", server.sockets[0].getsockname()[1])
        connection = await open_connection(endpoint, greet_as="x", timeouts=SHORT, tls=Tls.NONE)
        assert isinstance(connection, Connection)
        passage = await transact(connection, replace(PARCEL, recipients=THREE[:1], octets=b"x" * 30_000_000))
        over.set()
        await gone.wait()
    assert [each.reply for each in passage.handovers] == [replies.HOST_TIMED_OUT]


@pytest.mark.parametrize("extensions", [("PIPELINING", *PLAIN), PLAIN], ids=["pipelining", "one-by-one"])
@pytest.mark.parametrize(
    "first", [{"RCPT": ["550 no"] * 3 + ["250 ok"]}, {"MAIL": ["451 no", "250 ok"]}, {"DATA": ["451 no", "354 go"]}]
)
async def test_after_a_refusal_the_same_session_takes_the_next_message(
    first: Mapping[str, Act], extensions: Sequence[str]
) -> None:
    sink = Sink(script=first, extensions=extensions)
    async with running(sink):
        connection = await session(sink)
        refused = await transact(connection, PARCEL)
        assert "DELIVERED" not in endings(refused)
        assert endings(await transact(connection, PARCEL)) == ["DELIVERED"] * 3
        assert endings(await transact(connection, PARCEL)) == ["DELIVERED"] * 3
        connection.close()
    assert sink.connections == 1
    assert sink.commands.count("RSET") == 1


async def test_a_host_that_accepts_data_for_nobody_gets_an_empty_message() -> None:
    """RFC 2920 section 3.1: the whole group was sent before the refusals came."""
    said: list[bytes] = []

    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n250-x\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"250 ok\r\n550 5.1.1 who?\r\n354 go\r\n")
        said.append(await reader.readuntil(b"\r\n"))
        writer.write(b"554 5.5.1 nobody\r\n")
        writer.close()

    server = await asyncio.start_server(eager, "127.0.0.1", 0)
    async with server:
        endpoint = Endpoint(Language.SMTP, "127.0.0.1", server.sockets[0].getsockname()[1])
        connection = await open_connection(endpoint, greet_as="x", timeouts=PATIENT, tls=Tls.NONE)
        assert isinstance(connection, Connection)
        passage = await transact(connection, replace(PARCEL, recipients=THREE[:1]))
        connection.close()
    assert said == [b".\r\n"]
    assert passage.handovers[0].reply.text == "who?"
    assert not passage.was_sent


async def test_dsn_parameters_travel_only_where_they_are_understood() -> None:
    recipient = Recipient(Address("bob", "example.org"), frozenset({"SUCCESS", "FAILURE"}), "rfc822;Bob+2B@x.example")
    parcel = replace(PARCEL, recipients=(recipient,), ret="HDRS", envid="QQ314")
    knowing, ignorant = Sink(extensions=("PIPELINING", "DSN")), Sink()
    passage = await hand_over(knowing, parcel)
    assert knowing.taken[0].mail == "MAIL FROM:<alice@example.net> RET=HDRS ENVID=QQ314"
    assert knowing.taken[0].rcpt_commands == [
        "RCPT TO:<bob@example.org> NOTIFY=FAILURE,SUCCESS ORCPT=rfc822;Bob+2B@x.example"
    ]
    assert passage.handovers[0].takeover is Takeover.NEXT_HOP
    passage = await hand_over(ignorant, parcel)
    assert ignorant.taken[0].rcpt_commands == ["RCPT TO:<bob@example.org>"]
    assert passage.handovers[0].takeover is Takeover.NOBODY
    assert (await hand_over(Sink(lmtp=True), parcel)).handovers[0].takeover is Takeover.MAILBOX


async def test_hostile_parameters_never_reach_the_command_line() -> None:
    recipient = Recipient(Address("bob", "example.org"), original="rfc822;a b\r\nDATA")
    sink = Sink(extensions=("DSN",))
    await hand_over(sink, replace(PARCEL, recipients=(recipient,), envid="x SIZE=0"))
    assert sink.taken[0].rcpt_commands == ["RCPT TO:<bob@example.org>"]
    assert sink.taken[0].mail == "MAIL FROM:<alice@example.net>"


@pytest.mark.parametrize(
    ("parcel", "extensions", "reply"),
    [
        (replace(PARCEL, recipients=(Recipient(Address("jörg", "example.org")),)), PLAIN, replies.NO_UTF8),
        (replace(PARCEL, reverse_path=Address("jörg", "example.org")), PLAIN, replies.NO_UTF8),
        (replace(PARCEL, smtputf8=True, octets="Subject: ö\r\n\r\n".encode()), PLAIN, replies.NO_UTF8),
        (replace(PARCEL, octets=OCTETS + b"\xff\r\n", eight_bit=True), ("PIPELINING",), replies.NEEDS_EIGHT_BIT),
        (PARCEL, ("SIZE 10",), replies.TOO_LARGE),
    ],
)
async def test_what_a_host_cannot_take_fails_without_a_try(
    parcel: Parcel, extensions: Sequence[str], reply: Reply
) -> None:
    sink = Sink(extensions=extensions)
    passage = await hand_over(sink, parcel)
    assert {each.ending for each in passage.handovers} == {Ending.FAILED}
    assert {each.reply for each in passage.handovers} == {reply}
    assert not any(command.startswith("MAIL") for command in sink.commands)


async def test_mail_that_needs_less_than_it_declared_travels_on() -> None:
    sink = Sink(extensions=("PIPELINING", "SIZE 0"))
    passage = await hand_over(sink, replace(PARCEL, smtputf8=True, eight_bit=True))
    assert endings(passage) == ["DELIVERED"] * 3


async def test_a_store_keeps_any_header_but_is_told_ascii_addresses_only() -> None:
    store = Sink(lmtp=True)
    passage = await hand_over(store, replace(PARCEL, smtputf8=True, octets="Subject: ö\r\n\r\n".encode()))
    assert endings(passage) == ["DELIVERED"] * 3
    passage = await hand_over(Sink(lmtp=True), replace(PARCEL, reverse_path=Address("jörg", "example.org")))
    assert {each.reply for each in passage.handovers} == {replies.NO_UTF8}


async def test_international_mail_to_a_host_that_knows_it() -> None:
    sink = Sink(extensions=("PIPELINING", "SMTPUTF8", "8BITMIME"))
    recipients = (Recipient(Address("jörg", "bücher.example")),)
    passage = await hand_over(sink, replace(PARCEL, recipients=recipients, smtputf8=True, eight_bit=True))
    assert endings(passage) == ["DELIVERED"]
    assert sink.taken[0].mail == "MAIL FROM:<alice@example.net> BODY=8BITMIME SMTPUTF8"
    assert sink.taken[0].recipients == ["jörg@bücher.example"]


class Keeper:
    """A handler for aiosmtpd, an implementation that is not ours, that keeps what it was given."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.original_content, bytes)
        self.kept.append(envelope.original_content)
        return "250 ok"


LINES = st.lists(
    st.binary(max_size=60).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b""))
    | st.sampled_from([b"", b".", b"..", b".x", b"From x"]),
    max_size=20,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(LINES)
def test_octets_arrive_as_they_were(lines: list[bytes]) -> None:
    """Prefix and octets, byte for byte, at a strict sink of ours and at aiosmtpd."""
    octets = b"Received: by us\r\n\r\n" + b"".join(line + b"\r\n" for line in lines)

    async def play() -> None:
        keeper, sink = Keeper(), Sink()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(keeper, enable_SMTPUTF8=True), "127.0.0.1", 0)
        async with server, running(sink):
            for port in (sink.port, server.sockets[0].getsockname()[1]):
                endpoint = Endpoint(Language.SMTP, "127.0.0.1", port)
                connection = await open_connection(endpoint, greet_as="x", timeouts=Timeouts(), tls=Tls.NONE)
                assert isinstance(connection, Connection)
                passage = await transact(connection, replace(PARCEL, octets=octets))
                assert endings(passage) == ["DELIVERED"] * 3
                await connection.exchange([b"QUIT"])
                connection.close()
        assert keeper.kept == [octets] == [each.octets for each in sink.taken]

    asyncio.run(play())
