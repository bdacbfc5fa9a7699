from __future__ import annotations

import datetime
import fcntl
import os
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from gateway.app.installation import (
    AlreadyRunning,
    Folders,
    forget_passwords,
    initial_passwords,
    keep_passwords,
    lock,
    prepare,
    running_supervisor,
)
from gateway.clock import FixedClock
from gateway.settings import Settings

NOON = 1_800_000_000.0
NAMES = ("admin", "alice@example.org")


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return prepare(Settings(data=tmp_path / "data", hostname="mx.example.net"), FixedClock(NOON))


def test_the_certificate_is_made_once_and_serves(folders: Folders, tmp_path: Path) -> None:
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(folders.certificate, folders.key)
    certificate = x509.load_pem_x509_certificate(folders.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "mx.example.net" in names.get_values_for_type(x509.DNSName)
    noon = datetime.datetime.fromtimestamp(NOON, datetime.UTC)
    assert certificate.not_valid_before_utc < noon < certificate.not_valid_after_utc
    before = folders.key.read_bytes()
    prepare(Settings(data=tmp_path / "data"), FixedClock(NOON))
    assert folders.key.read_bytes() == before


def test_a_half_made_pair_is_made_again(folders: Folders, tmp_path: Path) -> None:
    folders.certificate.unlink()
    prepare(Settings(data=tmp_path / "data"), FixedClock(NOON))
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(folders.certificate, folders.key)


def test_secrets_are_private(folders: Folders) -> None:
    initial_passwords(folders, NAMES, None)
    keep_passwords(folders)
    for file in (folders.key, folders.certificate, folders.passwords):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for folder in (folders.queue, folders.console, folders.key.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_passwords_are_random_or_as_given(folders: Folders) -> None:
    made = initial_passwords(folders, NAMES, None)
    assert made.keys() == set(NAMES)
    assert len(set(made.values())) == len(NAMES)
    assert all(len(each) >= 16 for each in made.values())
    forget_passwords(folders)
    assert set(initial_passwords(folders, NAMES, "two words").values()) == {"two words"}


def test_a_first_start_that_was_interrupted_goes_on_with_the_same_passwords(folders: Folders) -> None:
    made = initial_passwords(folders, NAMES, None)
    assert not folders.passwords.exists(), "it is not over yet"
    assert initial_passwords(folders, NAMES, "another") == made
    keep_passwords(folders)
    assert folders.passwords.read_text() == "".join(f"{name} {made[name]}\n" for name in NAMES)


def test_one_supervisor_a_folder(folders: Folders) -> None:
    assert running_supervisor(folders) is None
    held = lock(folders)
    try:
        assert running_supervisor(folders) == os.getpid()
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()} already runs on"):
            lock(folders)
    finally:
        os.close(held.descriptor)
    assert running_supervisor(folders) is None, "what a dead one left behind does not count"
    after = lock(folders)
    assert (held.after_a_crash, after.after_a_crash) == (False, True), "nobody released the first one"
    after.release()


def test_the_lock_goes_with_its_process(folders: Folders) -> None:
    held = lock(folders)
    assert not os.get_inheritable(held.descriptor), "a role that outlives the supervisor must not hold it"
    with folders.pid.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not held.after_a_crash
    held.release()
