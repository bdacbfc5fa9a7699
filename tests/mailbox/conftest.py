"""A Dovecot that runs, for the tests of this room."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app.accounts import user_base
from gateway.mailbox import store
from gateway.mailbox.store import StoreLayout, is_ready, layout_of, prepare
from gateway.settings import Listen, Settings
from tests.folders import passable_folder
from tests.ports import free_port

PATIENCE = 180.0


@pytest.fixture(scope="module")
def layout() -> Iterator[StoreLayout]:
    """A store that runs, with a mailbox for alice."""
    if store.find_dovecot() is None:
        pytest.skip("Dovecot is not installed: apt-get install dovecot-core dovecot-lmtpd")
    with passable_folder() as data:
        yield from running_in(data)


def running_in(data: Path) -> Iterator[StoreLayout]:
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x"]
    subprocess.run([*make, "-keyout", data / "k", "-out", data / "c"], check=True, capture_output=True)
    ports = {f"{name}_port": free_port() for name in ("imap", "imaps", "pop3", "pop3s", "sieve")}
    listen = Listen.model_validate(ports)
    plan = prepare(data, listen, hostname="mx.example.org", certificate=data / "c", key=data / "k")
    for name in ("alice", "bob"):
        user_base(Settings(data=data)).add(f"{name}@example.org", "correct horse battery")
    running = subprocess.Popen(plan.argv, stdin=subprocess.DEVNULL)
    try:
        asyncio.run(until_ready(plan.layout))
        yield plan.layout
    finally:
        running.terminate()
        running.wait(PATIENCE)
        shutil.rmtree(layout_of(data).sockets, ignore_errors=True)


async def until_ready(layout: StoreLayout) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await is_ready(layout):
            await asyncio.sleep(0.1)
