from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.mailbox import store
from gateway.mailbox.dovecot import render
from gateway.mailbox.store import StoreError, StorePlan, is_ready, layout_of, prepare
from gateway.settings import Listen
from tests.folders import passable_folder

pytestmark = pytest.mark.dovecot


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that the store's account may pass."""
    with passable_folder() as folder:
        (folder / "c").write_text("certificate")
        (folder / "k").write_text("key")
        yield folder
        shutil.rmtree(layout_of(folder).sockets, ignore_errors=True)


def prepared(data: Path) -> StorePlan:
    if store.find_dovecot() is None:
        pytest.skip("Dovecot is not installed: apt-get install dovecot-imapd dovecot-lmtpd dovecot-pop3d")
    return prepare(data, Listen(), hostname="mx.example.org", certificate=data / "c", key=data / "k")


def test_everything_is_the_accounts_own_and_private(data: Path) -> None:
    layout = prepared(data).layout
    for file in (layout.configuration, layout.certificate, layout.key, layout.users):
        status = file.stat()
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert (status.st_uid, status.st_gid) == (layout.uid, layout.gid)
    assert stat.S_IMODE(layout.folder.stat().st_mode) == 0o700


def test_the_store_never_runs_as_root_and_never_outlives_us(data: Path) -> None:
    plan = prepared(data)
    assert plan.layout.uid != 0 or os.geteuid() != 0
    assert ("--reuid" in plan.argv) == (os.geteuid() == 0)
    assert "--pdeathsig" in plan.argv
    assert plan.route == f"lmtp+unix:{plan.layout.lmtp}"


def test_users_survive_the_next_start(data: Path) -> None:
    layout = prepared(data).layout
    layout.users.write_text("alice@example.org:{ARGON2ID}x::::::\n")
    prepared(data)
    assert layout.users.read_text().startswith("alice@")


def test_a_socket_folder_with_a_long_name_moves_to_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    layout = layout_of(deep)
    assert len(str(layout.lmtp).encode()) < 108
    assert layout.folder == deep / "mailbox"
    assert layout_of(deep).sockets == layout.sockets, "found again by the courier"
    assert layout_of(tmp_path / ("a" * 60) / ("c" * 60)).sockets != layout.sockets


def test_a_socket_folder_that_is_somebody_elses_is_not_touched(data: Path, tmp_path: Path) -> None:
    prepared(data)
    sockets = layout_of(data).sockets
    shutil.rmtree(sockets)
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    sockets.symlink_to(theirs)
    try:
        with pytest.raises(PermissionError, match="somebody else"):
            prepared(data)
        assert stat.S_IMODE(theirs.stat().st_mode) == 0o700
    finally:
        sockets.unlink()
    if os.geteuid() == 0:
        sockets.mkdir()
        os.chown(sockets, 65534, 65534)
        with pytest.raises(PermissionError, match="somebody else"):
            prepared(data)


def test_without_dovecot_the_mend_is_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_NEEDED", ("/no/such/part",))
    with pytest.raises(StoreError, match="apt-get install dovecot"):
        prepare(data, Listen(), hostname="mx.example.org", certificate=data / "c", key=data / "k")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the store under another account")
def test_a_folder_that_the_account_cannot_pass_is_named(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(StoreError, match=re.escape(str(closed))):
        prepare(closed / "data", Listen(), hostname="mx.example.org", certificate=data / "c", key=data / "k")


async def test_nobody_answers_before_it_is_started(tmp_path: Path) -> None:
    assert not await is_ready(layout_of(tmp_path))


def test_every_port_and_path_stands_in_the_configuration(data: Path) -> None:
    plan = prepared(data)
    text = render(plan.layout, plan.ports, hostname="mx.example.org", quota=0)
    for port in (2143, 2993, 2110, 2995, 2190):
        assert text.count(f"port = {port}\n") == 1
    assert "{" + "layout" not in text
    assert text.count("{") == text.count("}")
