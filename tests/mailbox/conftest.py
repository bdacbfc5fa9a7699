"""A Dovecot that runs, for the tests of this room."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from gateway.app.accounts import user_base
from gateway.mailbox import store
from gateway.mailbox.store import StoreLayout, is_ready, layout_of, prepare
from gateway.settings import Listen, Settings
from tests.ports import free_port


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreLayout]:
    """A store that runs, with a mailbox for alice."""
    if store.find_dovecot() is None:
        pytest.skip("Dovecot is not installed: apt-get install dovecot-core dovecot-lmtpd")
    data = tmp_path_factory.mktemp("store")
    for folder in (data, *list(data.parents)[:2]):
        folder.chmod(0o711)
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
        running.wait(30)
        shutil.rmtree(layout_of(data).sockets, ignore_errors=True)


async def until_ready(layout: StoreLayout) -> None:
    async with asyncio.timeout(60):
        while not await is_ready(layout):
            await asyncio.sleep(0.1)
