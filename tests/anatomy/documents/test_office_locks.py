"""Encrypted Office packages, as another program writes them: open under the password that Excel tries by itself, or
under one that the message says; named otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.anatomy import limits
from gateway.anatomy.documents import office_locks
from gateway.anatomy.documents.office_locks import lock_of
from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Findings
from tests.anatomy.making.letters import attachment, multipart
from tests.anatomy.making.papers import compound

SAMPLES = Path(__file__).parents[1] / "samples"
LOCKED = ["agile-locked.xlsx", "standard-locked.xlsx"]
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
URL = "https://login.evil.example/sheet"


def look_at(octets, words):
    body = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + words.encode()
    return examine(multipart(attachment(octets, "order.xlsx"), body)).content


@pytest.mark.parametrize("name", LOCKED)
def test_a_password_in_the_text_opens_it(name):
    content = look_at((SAMPLES / name).read_bytes(), "The password is Secret-42.")
    assert SHEET in {part.true_type for part in content.parts}
    assert URL in {link.url for link in content.links}
    assert "archive.password_in_text" in content.defects
    assert not content.unscannable


@pytest.mark.parametrize("name", LOCKED)
def test_without_it_the_document_is_named(name):
    content = look_at((SAMPLES / name).read_bytes(), "The password is Secret-43.")
    assert content.unscannable == ("document.encrypted",)
    assert not content.links


def test_what_excel_opens_without_asking_is_read():
    content = look_at((SAMPLES / "agile-open.xlsx").read_bytes(), "Good day.")
    assert URL in {link.url for link in content.links}
    assert not content.unscannable


@pytest.mark.parametrize(
    "info", [b"", b"\4\0\4\0", b"\4\0\4\0\x40\0\0\0<keyData/>", b"\2\0\2\0" + bytes(40), b"\3\0\2\0"]
)
def test_encryption_that_makes_no_sense_is_named(info):
    content = look_at(compound({"EncryptionInfo": info, "EncryptedPackage": bytes(64)}), "password: x")
    assert content.unscannable == ("document.encrypted",)


def test_many_locked_documents_cost_what_few_do(monkeypatch):
    tried = []
    monkeypatch.setattr(office_locks, "_spun", lambda name, start, spins: tried.append(start) or bytes(64))
    words = "password " + " ".join(f"a{number}" for number in range(64))
    body = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + words.encode()
    locked = attachment((SAMPLES / "agile-locked.xlsx").read_bytes(), "a.xlsx")
    assert examine(multipart(*[locked] * 12, body)).content.unscannable == ("document.encrypted",)
    assert len(tried) <= limits.MAX_SLOW_TRIES


def test_more_rounds_than_office_writes_are_not_tried():
    octets = b'<keyData keyBits="128" hashAlgorithm="SHA1" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC"/>'
    asked = octets.replace(b"<keyData", b'<encryptedKey spinCount="9000000"')
    assert lock_of(b"\4\0\4\0\x40\0\0\0" + octets + asked, bytes(16)) is None


def test_a_lock_without_its_values_stays_closed():
    octets = b'<keyData keyBits="128" hashAlgorithm="SHA1" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC"/>'
    lock = lock_of(
        b"\4\0\4\0\x40\0\0\0" + octets + octets.replace(b"<keyData", b'<encryptedKey spinCount="1"'), bytes(16)
    )
    assert lock is not None
    assert lock.content(b"x", Findings()) is None


def test_a_package_without_its_salt_stays_closed():
    octets = (SAMPLES / "agile-open.xlsx").read_bytes()
    assert octets.count(b"saltValue") == 2
    content = look_at(octets.replace(b"saltValue", b"seltValue", 1), "Good day.")
    assert content.unscannable == ("document.encrypted",)
