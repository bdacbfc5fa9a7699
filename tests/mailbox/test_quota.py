"""gateway/mailbox/quota.py: a real Dovecot that says whether a mailbox has room, is down, and comes back."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.facts.outcome import Known, Unknown
from gateway.mailbox import quota, store
from gateway.mailbox.quota import FRESH, Quota
from gateway.mailbox.store import StorePlan, is_ready, layout_of, prepare, protect_users
from gateway.mailbox.users import UserBase
from gateway.settings import Listen
from tests.folders import passable_folder
from tests.inbound.house import make_certificate
from tests.ports import free_port

pytestmark = [
    pytest.mark.dovecot,
    pytest.mark.skipif(store.find_dovecot() is None, reason=f"Dovecot is not installed: {store.MEND}"),
]
LIMIT = 100_000
PATIENCE = 180.0
ROOM, NO_ROOM = Known(True), Known(False)


@pytest.fixture
async def plan() -> AsyncIterator[StorePlan]:
    with passable_folder() as data:
        yield prepared(data)
        shutil.rmtree(layout_of(data).sockets, ignore_errors=True)


def prepared(data: Path) -> StorePlan:
    """A store with a limit and a mailbox for alice."""
    certificate, key = make_certificate(data)
    ports = {f"{name}_port": free_port() for name in ("imap", "imaps", "pop3", "pop3s", "sieve")}
    made = prepare(
        data,
        Listen.model_validate(ports),
        hostname="mx.example.org",
        certificate=certificate,
        key=key,
        quota=LIMIT,
    )
    users = UserBase(made.layout.users, protect=lambda descriptor: protect_users(made.layout, descriptor))
    users.add("alice@example.org", "correct horse battery")
    return made


@asynccontextmanager
async def running(plan: StorePlan) -> AsyncIterator[None]:
    dovecot = subprocess.Popen(plan.argv, stderr=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await is_ready(plan.layout):
                assert dovecot.poll() is None, (plan.layout.folder / "dovecot.log").read_text()
                await asyncio.sleep(0.02)
        yield
    finally:
        dovecot.terminate()
        await asyncio.to_thread(dovecot.wait, PATIENCE)


async def hand_over(plan: StorePlan, octets: int) -> str:
    """The store's answer to a message of so many octets for alice."""
    reader, writer = await asyncio.open_unix_connection(str(plan.layout.lmtp))
    said = [await reader.readline()]
    for command in ("LHLO here", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.org>", "DATA"):
        writer.write(f"{command}\r\n".encode())
        said.append(await reader.readline())
        while said[-1][3:4] == b"-":
            said.append(await reader.readline())
    writer.write(b"Subject: large\r\n\r\n" + (b"x" * 98 + b"\r\n") * (octets // 100) + b".\r\n")
    answer = await reader.readline()
    writer.close()
    return answer.decode()


def asking(plan: StorePlan) -> tuple[Quota, FixedClock]:
    clock = FixedClock(1000.0)
    return Quota(plan.layout.quota, now=clock.monotonic), clock


async def test_a_mailbox_has_room_until_it_is_full(plan: StorePlan) -> None:
    store, clock = asking(plan)
    async with running(plan):
        assert await store.has_room("alice@example.org", 0) == ROOM
        assert await store.has_room("alice@example.org", LIMIT // 2) == ROOM
        assert await store.has_room("alice@example.org", 2 * LIMIT) == NO_ROOM, "more than it could ever hold"
        assert (await hand_over(plan, 90_000)).startswith("250 ")
        assert await store.has_room("alice@example.org", LIMIT // 2) == ROOM, "remembered"
        clock.advance(FRESH)
        assert await store.has_room("alice@example.org", LIMIT // 2) == NO_ROOM
        assert await store.has_room("alice@example.org", 100) == ROOM
        assert (await hand_over(plan, 50_000)).startswith("452 4.2.2"), (
            "mail that we have taken waits, and is no bounce"
        )


async def test_a_store_that_is_down_is_doubt_until_it_is_back(plan: StorePlan) -> None:
    store, clock = asking(plan)
    assert isinstance(await store.has_room("alice@example.org", 1), Unknown)
    async with running(plan):
        assert await store.has_room("alice@example.org", 1) == ROOM
    clock.advance(FRESH)
    assert isinstance(await store.has_room("alice@example.org", 1), Unknown)


async def test_a_store_that_says_nothing_or_nonsense_is_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "PATIENCE", 0.1)
    answers = iter((b"action=DUNNO\n\n", b"nonsense\n\n", b"x" * 9000, b"", None))

    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\n\n")
        answer = next(answers)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "quota")
    asked = Quota(tmp_path / "quota", now=FixedClock(0.0).monotonic)
    said = [await asked.has_room("alice@example.org", 1) for _ in range(5)]
    server.close()
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    assert [type(each) for each in said] == [Unknown] * 5
