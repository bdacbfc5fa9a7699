"""Sessions with scripted hosts: what opens, what does not, and that nothing a host does becomes an exception."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.relay import Connection, Timeouts, Tls, dot_stuffed, open_connection
from gateway.delivery.routes import Endpoint, Language
from gateway.mail import replies
from gateway.mail.replies import Reply
from tests.delivery.sink import CLOSE, HANG, Sink, running

SHORT = Timeouts(connect=10.0, command=0.4, data_block=0.4, data_end=0.4)
PATIENT = Timeouts(connect=10.0, command=10.0, data_block=10.0, data_end=10.0)


def timeouts_for(sink: Sink) -> Timeouts:
    """Short ones only where the script makes the host fall silent."""
    return SHORT if HANG in sink.script.values() else PATIENT


async def meet(sink: Sink, *, tls: Tls = Tls.NONE) -> Connection | Reply:
    language = Language.LMTP if sink.lmtp else Language.SMTP
    endpoint = Endpoint(language, "127.0.0.1", sink.port)
    return await open_connection(endpoint, greet_as="mx.example.org", timeouts=timeouts_for(sink), tls=tls)


async def refusal(sink: Sink) -> Reply:
    async with running(sink):
        met = await meet(sink)
        assert isinstance(met, Reply)
        return met


async def test_a_session_knows_what_is_offered() -> None:
    async with running(Sink(extensions=("PIPELINING", "size 1000", "DSN"))) as sink:
        met = await meet(sink)
        assert isinstance(met, Connection)
        assert met.extensions["SIZE"] == "1000"
        assert met.offers("DSN") and not met.offers("SMTPUTF8")
        assert met.is_usable and met.tls == ""
        met.close()
        assert not met.is_usable
    assert sink.commands[0] == "EHLO mx.example.org"


async def test_lmtp_says_lhlo_also_over_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp")
    async with running(Sink(lmtp=True), path=path) as sink:
        endpoint = Endpoint(Language.LMTP, path=path)
        met = await open_connection(endpoint, greet_as="mx.example.org", timeouts=timeouts_for(sink), tls=Tls.NONE)
        assert isinstance(met, Connection)
        met.close()
    assert sink.commands[0] == "LHLO mx.example.org"


async def test_a_host_from_before_esmtp_is_greeted_with_helo() -> None:
    async with running(Sink(script={"EHLO": "502 what?"})) as sink:
        met = await meet(sink)
        assert isinstance(met, Connection)
        assert dict(met.extensions) == {}
        met.close()


async def test_nobody_there() -> None:
    async with running(Sink()) as sink:
        pass
    assert await meet(sink) == replies.UNREACHABLE


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"greeting": "421 4.3.2 too busy"}, Reply(421, "4.3.2", "too busy")),
        ({"greeting": "554 5.7.1 go away"}, Reply(554, "5.7.1", "go away")),
        ({"greeting": CLOSE}, replies.CONNECTION_LOST),
        ({"greeting": HANG}, replies.HOST_TIMED_OUT),
        ({"greeting": "SSH-2.0-OpenSSH_9.2"}, replies.GARBLED_REPLY),
        ({"greeting": "999 hm"}, replies.GARBLED_REPLY),
        ({"greeting": "2\xc3\xbc0 hm"}, replies.GARBLED_REPLY),
        ({"greeting": "220 " + "x" * 100_000}, replies.GARBLED_REPLY),
        ({"greeting": "220-x\r\n" * 20_000 + "220 x"}, replies.GARBLED_REPLY),
        ({"EHLO": "421 4.4.2 no time"}, Reply(421, "4.4.2", "no time")),
        ({"EHLO": "500 no", "HELO": "550 no"}, Reply(550, "", "no")),
        ({"EHLO": CLOSE}, replies.CONNECTION_LOST),
        ({"EHLO": HANG}, replies.HOST_TIMED_OUT),
        ({"EHLO": "hello yourself"}, replies.GARBLED_REPLY),
    ],
)
async def test_no_session(script: dict[str, str], expected: Reply) -> None:
    assert await refusal(Sink(script=script)) == expected


async def test_replies_lose_their_line_ends_and_repeated_status() -> None:
    hostile = "550-5.1.1 one\x07\r\n550-5.1.1  two\r\n550 5.1.1 three"
    async with running(Sink(script={"MAIL": hostile})) as sink:
        met = await meet(sink)
        assert isinstance(met, Connection)
        assert await met.exchange([b"MAIL FROM:<>"]) == [Reply(550, "5.1.1", "one two three")]
        met.close()


async def test_a_host_that_speaks_unasked_is_not_trusted_with_another_message() -> None:
    async with running(Sink(script={"RSET": "250 ok\r\n421 4.4.2 idle for too long"})) as sink:
        met = await meet(sink)
        assert isinstance(met, Connection)
        assert len(await met.exchange([b"RSET"])) == 1
        await until(lambda: not met.is_usable)
        met.close()


async def test_a_command_cannot_hold_a_second_one() -> None:
    async with running(Sink()) as sink:
        met = await meet(sink)
        assert isinstance(met, Connection)
        with pytest.raises(ValueError, match="control character"):
            await met.exchange([b"RCPT TO:<a@b.example>\r\nDATA"])
        met.close()
    assert len(sink.commands) <= 2


async def test_tls_when_offered(tls_context: ssl.SSLContext) -> None:
    async with running(Sink(context=tls_context)) as sink:
        met = await meet(sink, tls=Tls.OPPORTUNISTIC)
        assert isinstance(met, Connection)
        assert met.tls == "TLSv1.3"
        assert not met.offers("STARTTLS")
        assert [each.code for each in await met.exchange([b"MAIL FROM:<>", b"RCPT TO:<a@b.example>"])] == [250, 250]
        met.close()
    assert sink.commands[:3] == ["EHLO mx.example.org", "STARTTLS", "EHLO mx.example.org"]


async def test_the_offer_taken_back_leaves_the_session_in_the_clear(tls_context: ssl.SSLContext) -> None:
    async with running(Sink(context=tls_context, script={"STARTTLS": "454 4.7.0 not now"})) as sink:
        met = await meet(sink, tls=Tls.OPPORTUNISTIC)
        assert isinstance(met, Connection)
        assert met.tls == "" and met.is_usable
        met.close()
    assert sink.connections == 1


async def test_a_failed_handshake_comes_back_in_the_clear() -> None:
    unfit = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # it has no certificate
    async with running(Sink(context=unfit)) as sink:
        met = await meet(sink, tls=Tls.OPPORTUNISTIC)
        assert isinstance(met, Connection)
        assert met.tls == ""
        met.close()
    assert sink.connections == 2


async def test_clear_text_injected_before_the_handshake_is_noticed(tls_context: ssl.SSLContext) -> None:
    async with running(Sink(context=tls_context, script={"STARTTLS": "220 go\r\n250 injected"})) as sink:
        met = await meet(sink, tls=Tls.OPPORTUNISTIC)
        assert isinstance(met, Connection)
        assert met.tls == ""  # the spoilt session is given up, the next one runs in the clear
        met.close()
    assert sink.connections == 2


@given(
    st.lists(st.sampled_from([b"\r\n", b".", b"..", b"\r\n.", b"\r\n.\r\n", b"line", b"\xff"]), max_size=30).map(
        b"".join
    )
)
def test_stuffing_ends_once_and_can_be_undone(octets: bytes) -> None:
    stuffed = dot_stuffed(octets)
    assert stuffed.endswith(b".\r\n")
    assert (b"\r\n" + stuffed).find(b"\r\n.\r\n") == len(stuffed) - 3
    lines = stuffed[:-3].split(b"\r\n")
    restored = b"\r\n".join(line.removeprefix(b".") for line in lines)
    assert restored == (octets if octets.endswith(b"\r\n") or not octets else octets + b"\r\n")


@given(st.binary(max_size=200))
def test_any_greeting_gives_a_session_or_a_reply(greeting: bytes) -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async def play() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            endpoint = Endpoint(Language.SMTP, "127.0.0.1", server.sockets[0].getsockname()[1])
            met = await open_connection(endpoint, greet_as="x", timeouts=PATIENT, tls=Tls.OPPORTUNISTIC)
            assert isinstance(met, Reply)

    asyncio.run(play())


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(180):
        while not condition():
            await asyncio.sleep(0.005)
