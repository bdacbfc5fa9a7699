"""The door to clamd against a clamd that misbehaves in every way we know of, and against the real one."""

from __future__ import annotations

import asyncio
import io
import mmap
import os
import shutil
import struct
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.clamav import Clamav, ClamavAddress, ClamavVersion, fact_of
from gateway.checks.clamd_plan import DEMO_SIGNATURES, ClamdKind, ClamdPlan, Signatures
from gateway.clock import FixedClock
from gateway.facts.content import MalwareFact, MalwareResult
from gateway.facts.outcome import Known, Outcome, Unknown
from tests.checks.running_clamd import ClamdProcess

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"
LETTER = b"From: alice@example.org\r\n\r\nhello\r\n"

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class FakeClamd:
    """Answers PING and VERSION as clamd does, and INSTREAM as the test says."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.open = 0
        self.most_open = 0
        self.streams = 0
        self.received = b""
        self.version = b"ClamAV 1.4.6/27450/Fri Oct  4 08:00:00 2026\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            command = await reader.readexactly(1)
            command += await reader.readuntil(b"\0" if command == b"z" else b"\n")
            if b"PING" in command:
                writer.write(b"PONG\n")
            elif b"VERSION" in command:
                writer.write(self.version)
            else:
                self.streams += 1
                await self.behaviour(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, which some tests want
        finally:
            self.open -= 1
            writer.close()

    async def read_stream(self, reader: asyncio.StreamReader) -> bytes:
        self.received = b""
        while length := struct.unpack("!L", await reader.readexactly(4))[0]:
            self.received += await reader.readexactly(length)
        return self.received


@asynccontextmanager
async def clamd_that(
    behaviour: Callable[[FakeClamd], Behaviour], folder: Path, *, timeout: float = 5.0, connections: int = 4
) -> AsyncIterator[tuple[Clamav, FakeClamd]]:
    fake = FakeClamd(lambda reader, writer: behaviour(fake)(reader, writer))
    path = str(folder / "clamd.sock")
    server = await asyncio.start_unix_server(fake.serve, path)
    async with server:
        yield Clamav(path, timeout, connections), fake


def says(reply: bytes) -> Callable[[FakeClamd], Behaviour]:
    def behaviour(fake: FakeClamd) -> Behaviour:
        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await fake.read_stream(reader)
            writer.write(reply)

        return act

    return behaviour


def known(outcome: Outcome[MalwareFact]) -> MalwareFact:
    assert isinstance(outcome, Known), outcome
    return outcome.value


async def test_an_explicit_ok_is_clean_and_names_the_signatures(tmp_path: Path) -> None:
    async with clamd_that(says(b"stream: OK\0"), tmp_path) as (clamav, fake):
        fact = known(await clamav.scan(LETTER))
    assert fact == MalwareFact(MalwareResult.CLEAN, "", "clamav", signatures="27450")
    assert fake.received == LETTER


async def test_the_same_octets_are_not_sent_twice(tmp_path: Path) -> None:
    async with clamd_that(says(b"stream: OK\0"), tmp_path) as (clamav, fake):
        first, second = await clamav.scan(LETTER), await clamav.scan(LETTER)
        assert first == second
        assert fake.streams == 1
        await clamav.scan(LETTER + b"x")
        assert fake.streams == 2


async def test_newer_signatures_look_again(tmp_path: Path) -> None:
    async with clamd_that(says(b"stream: OK\0"), tmp_path) as (clamav, fake):
        await clamav.scan(LETTER)
        fake.version = b"ClamAV 1.4.6/27451/Sat Oct  5 08:00:00 2026\n"
        await clamav.version()
        assert known(await clamav.scan(LETTER)).signatures == "27451"
        assert fake.streams == 2


@pytest.mark.parametrize(
    "reply", [b"stream: Heuristics.Limits.Exceeded FOUND\0", b"stream: Broken ERROR\0"], ids=["limit", "error"]
)
async def test_neither_limits_nor_doubt_are_kept(tmp_path: Path, reply: bytes) -> None:
    async with clamd_that(says(reply), tmp_path) as (clamav, fake):
        await clamav.scan(LETTER)
        await clamav.scan(LETTER)
    assert fake.streams == 2


@pytest.mark.parametrize(
    ("dated", "built"),
    [
        ("Sun Oct  4 08:00:00 2026", 1_791_100_800.0),
        ("", None),
        ("Sun Foo  4 08:00:00 2026", None),
        ("yesterday", None),
    ],
)
def test_when_the_signatures_were_made(dated: str, built: float | None) -> None:
    assert ClamavVersion("1.4.6", "27450", dated).built == built


async def test_an_explicit_found_is_malware(tmp_path: Path) -> None:
    async with clamd_that(says(b"stream: Win.Test.EICAR_HDB-1 FOUND\0"), tmp_path) as (clamav, _):
        fact = known(await clamav.scan(LETTER))
    assert (fact.result, fact.name) == (MalwareResult.FOUND, "Win.Test.EICAR_HDB-1")


@pytest.mark.parametrize(
    "name",
    ["Heuristics.Limits.Exceeded.MaxFileSize", "Heuristics.Limits.Exceeded", "Heuristics.Encrypted.Zip"],
)
async def test_what_was_not_looked_into_is_neither_clean_nor_malware(tmp_path: Path, name: str) -> None:
    async with clamd_that(says(f"stream: {name} FOUND\0".encode()), tmp_path) as (clamav, _):
        fact = known(await clamav.scan(LETTER))
    assert (fact.result, fact.name) == (MalwareResult.UNSCANNABLE, name)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"stream: OK",
        b"stream: O",
        b"\0",
        b"OK\0",
        b"stream: OK ERROR\0",
        b"stream: not OK\0",
        b"stream: lstat() failed. ERROR\0",
        b"COMMAND READ TIMED OUT\0",
        b"stream: FOUND\0",
        b"\xff\xfe\x00",
        b"stream: " + b"A" * 100_000 + b" FOUND\0",
        b"x" * 1_000_000,
    ],
    ids=lambda reply: repr(reply[:24]),
)
async def test_any_other_answer_is_unknown(tmp_path: Path, reply: bytes) -> None:
    async with clamd_that(says(reply), tmp_path) as (clamav, _):
        assert isinstance(await clamav.scan(LETTER), Unknown)


@given(st.text(max_size=60))
def test_only_the_exact_words_are_clean(reply: str) -> None:
    fact = fact_of(reply)
    assert reply == "stream: OK" or fact == Unknown(getattr(fact, "why", "")) or "FOUND" in reply


async def test_the_size_limit_said_while_we_send_is_unscannable(tmp_path: Path) -> None:
    def behaviour(fake: FakeClamd) -> Behaviour:
        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(4 + 1024)
            writer.write(b"INSTREAM size limit exceeded. ERROR\0")

        return act

    async with clamd_that(behaviour, tmp_path) as (clamav, _):
        fact = known(await clamav.scan(bytes(8_000_000)))
    assert (fact.result, fact.name) == (MalwareResult.UNSCANNABLE, "size limit")


def hangs_up_while_we_send(fake: FakeClamd) -> Behaviour:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4 + 1024)

    return act


async def test_hanging_up_without_a_word_is_a_limit_where_clamd_is_alive(tmp_path: Path) -> None:
    async with clamd_that(hangs_up_while_we_send, tmp_path) as (clamav, _):
        assert known(await clamav.scan(bytes(8_000_000))).result is MalwareResult.UNSCANNABLE


async def test_hanging_up_without_a_word_is_unknown_where_clamd_is_gone(tmp_path: Path) -> None:
    def behaviour(fake: FakeClamd) -> Behaviour:
        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(4 + 1024)
            os.unlink(tmp_path / "clamd.sock")

        return act

    async with clamd_that(behaviour, tmp_path) as (clamav, _):
        assert await clamav.scan(bytes(8_000_000)) == Unknown("clamd hung up")


async def test_silence_ends_at_the_deadline(tmp_path: Path) -> None:
    def behaviour(fake: FakeClamd) -> Behaviour:
        async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()  # until the client gives up

        return act

    async with clamd_that(behaviour, tmp_path, timeout=0.2) as (clamav, _):
        assert await clamav.scan(LETTER) == Unknown("clamd took longer than 0.2 s")


async def test_a_clamd_that_does_not_read_ends_at_the_deadline(tmp_path: Path) -> None:
    async with clamd_that(lambda fake: lambda reader, writer: asyncio.sleep(1), tmp_path, timeout=0.2) as (clamav, _):
        assert await clamav.scan(bytes(8_000_000)) == Unknown("clamd took longer than 0.2 s")


async def test_no_more_connections_than_allowed(tmp_path: Path) -> None:
    async with clamd_that(says(b"stream: OK\0"), tmp_path, connections=3) as (clamav, fake):
        outcomes = await asyncio.gather(*(clamav.scan(LETTER + bytes([number])) for number in range(40)))
    assert all(isinstance(each, Known) for each in outcomes)
    assert fake.streams == 40
    assert fake.most_open <= 3


async def test_a_mapping_is_scanned_whole_and_can_be_closed_after(tmp_path: Path) -> None:
    (tmp_path / "octets").write_bytes(LETTER + b"x" * 1_000_001)
    with open(tmp_path / "octets", "rb") as file:
        octets = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    async with clamd_that(says(b"stream: OK\0"), tmp_path) as (clamav, fake):
        assert known(await clamav.scan(octets)).result is MalwareResult.CLEAN
    assert fake.received == octets[:]
    octets.close()  # BufferError if a view of it were left


async def test_unreachable_is_said_at_once_until_the_break_is_over(tmp_path: Path) -> None:
    clock = FixedClock(1000.0)
    path = str(tmp_path / "clamd.sock")
    clamav = Clamav(path, 5.0, 2, clock=clock)
    assert await clamav.scan(LETTER) == Unknown("clamd unreachable: FileNotFoundError")

    fake = FakeClamd(lambda reader, writer: says(b"stream: OK\0")(fake)(reader, writer))
    async with await asyncio.start_unix_server(fake.serve, path):
        assert await clamav.scan(LETTER) == Unknown("clamd unreachable")
        assert fake.streams == 0
        clock.advance(1.5)
        assert known(await clamav.scan(LETTER)).result is MalwareResult.CLEAN


async def test_it_speaks_over_tcp_too() -> None:
    fake = FakeClamd(lambda reader, writer: says(b"stream: OK\0")(fake)(reader, writer))
    async with await asyncio.start_server(fake.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        clamav = Clamav(f"127.0.0.1:{port}", 5.0, 2)
        assert known(await clamav.scan(LETTER)).result is MalwareResult.CLEAN
        version = await clamav.version()
    assert isinstance(version, Known)
    assert (version.value.engine, version.value.signatures) == ("1.4.6", "27450")


async def test_after_close_nothing_is_asked(tmp_path: Path) -> None:
    async with clamd_that(says(b"stream: OK\0"), tmp_path) as (clamav, fake):
        await clamav.close()
        assert isinstance(await clamav.scan(LETTER), Unknown)
        assert fake.streams == 0


@pytest.mark.parametrize("text", ["", "clamd", "host:", ":3310", "host:0", "host:65536", "host:x"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an address of clamd"):
        ClamavAddress.parse(text)


def test_addresses() -> None:
    assert ClamavAddress.parse("/run/clamd.ctl") == ClamavAddress(path="/run/clamd.ctl")
    assert ClamavAddress.parse("[::1]:3310") == ClamavAddress(host="::1", port=3310)


# ---------------------------------------------------------------- the real clamd, on the demonstration signatures


def real_plan(data: Path) -> ClamdPlan:
    executable = shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin")
    if executable is None:
        pytest.skip("no clamd here")
    return ClamdPlan(
        ClamdKind.OWN,
        address=str(data / "clamd.sock"),
        folder=data,
        executable=executable,
        account="root" if os.geteuid() == 0 else "",
        signatures=Signatures.DEMO,
        scan_seconds=10.0,
    )


@pytest.fixture
async def clamd(tmp_path: Path) -> AsyncIterator[ClamdProcess]:
    process = ClamdProcess(real_plan(tmp_path / "clamav"))
    await process.start(within=30)
    yield process
    await process.stop()


def attached(content: bytes) -> bytes:
    import base64

    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        b'From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        b'--b\r\nContent-Type: application/octet-stream; name="a.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + encoded
        + b"--b--\r\n"
    )


@pytest.mark.clamd
async def test_the_real_clamd_finds_the_test_file_and_passes_a_letter(clamd: ClamdProcess, tmp_path: Path) -> None:
    clamav = Clamav(str(tmp_path / "clamav" / "clamd.sock"), 10.0, 4)
    fact = known(await clamav.scan(attached(EICAR)))
    assert (fact.result, fact.signatures) == (MalwareResult.FOUND, "demo")
    assert "eicar" in fact.name.lower()
    assert known(await clamav.scan(attached(b"harmless"))).result is MalwareResult.CLEAN
    version = await clamav.version()
    assert isinstance(version, Known)
    assert version.value.signatures == "demo"
    assert isinstance(await clamav.ping(), Known)
    assert isinstance(await clamav.stats(), Known)
    assert isinstance(await clamav.reload(), Known)


@pytest.mark.clamd
async def test_the_real_clamd_does_not_call_an_encrypted_archive_clean(clamd: ClamdProcess, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("secret.txt", b"s" * 100)
    sealed = bytearray(buffer.getvalue())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        sealed[sealed.index(signature) + flags] |= 1  # "encrypted"
    clamav = Clamav(str(tmp_path / "clamav" / "clamd.sock"), 10.0, 4)
    fact = known(await clamav.scan(attached(bytes(sealed))))
    assert fact.result is MalwareResult.UNSCANNABLE
    assert fact.name.startswith("Heuristics.Encrypted")


@pytest.mark.clamd
async def test_the_real_clamd_calls_what_is_too_large_unscannable(clamd: ClamdProcess, tmp_path: Path) -> None:
    with open(tmp_path / "large", "w+b") as file:
        file.truncate(101 * 1024 * 1024)
        octets = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    clamav = Clamav(str(tmp_path / "clamav" / "clamd.sock"), 20.0, 4)
    fact = known(await clamav.scan(octets))
    octets.close()
    assert (fact.result, fact.name) == (MalwareResult.UNSCANNABLE, "size limit")


@pytest.mark.clamd
async def test_the_real_clamd_may_restart_under_us(tmp_path: Path) -> None:
    clock = FixedClock(0.0)
    plan = real_plan(tmp_path / "clamav")
    process = ClamdProcess(plan)
    await process.start(within=30)
    clamav = Clamav(plan.address, 10.0, 4, clock=clock)
    try:
        assert known(await clamav.scan(LETTER)).result is MalwareResult.CLEAN
        await process.stop()
        assert isinstance(await clamav.scan(LETTER), Unknown)
        await process.start(within=30)
        clock.advance(2.0)
        assert known(await clamav.scan(LETTER)).result is MalwareResult.CLEAN
    finally:
        await process.stop()


def test_the_demonstration_signatures_hold_the_test_file_and_nothing_of_it_in_clear() -> None:
    database = (DEMO_SIGNATURES / "demo.ndb").read_bytes()
    assert EICAR.hex().encode() in database
    assert EICAR not in database
