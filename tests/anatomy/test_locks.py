"""Locked archives: a password that stands in the message opens them; any other leaves them named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gateway.anatomy import limits
from gateway.anatomy.examine import examine
from gateway.anatomy.locks import passwords_in
from tests.anatomy.making.letters import attachment, multipart

ARCHIVES = Path(__file__).parent / "samples"
LOCKED = (ARCHIVES / "zipcrypto.zip").read_bytes()
DIGEST = hashlib.sha256(b"what has to be found " * 3).hexdigest()


def letter_saying(words, *, locked=LOCKED):
    body = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + words.encode()
    return multipart(attachment(locked, "invoice.zip"), body)


@pytest.mark.parametrize(
    "words",
    [
        "The password is Secret-42.",
        "Passwort: Secret-42",
        'Mot de passe : "Secret-42"',
        "Secret-42 is the code",
        "пароль - Secret-42",
        "unlock it with (Secret-42)",
        "パスワードは Secret-42 です",
    ],
)
def test_a_password_in_the_text_opens_the_archive(words):
    content = examine(letter_saying(words)).content
    assert "archive.password_in_text" in content.defects
    assert "archive.encrypted" not in content.unscannable
    assert [(part.path, part.name, part.sha256) for part in content.parts if part.name == "a.txt"] == [
        ("1/0", "a.txt", DIGEST)
    ]


@pytest.mark.parametrize("name", ["aes128.zip", "aes256.zip"])
def test_the_newer_cipher_of_zip_is_opened_too(name):
    content = examine(letter_saying("The password is Secret-42.", locked=(ARCHIVES / name).read_bytes())).content
    assert "archive.password_in_text" in content.defects
    assert not content.unscannable
    assert {part.name: part.sha256 for part in content.parts}["a.txt"] == DIGEST


@pytest.mark.slow
@pytest.mark.parametrize("name", ["aes.7z", "aeshead.7z"])
def test_seven_zip_is_opened_too(name):
    content = examine(letter_saying("The password is: x", locked=(ARCHIVES / name).read_bytes())).content
    assert "archive.password_in_text" in content.defects
    assert not content.unscannable
    assert {part.name: part.sha256 for part in content.parts}["a.txt"] == DIGEST


def test_a_password_elsewhere_leaves_the_archive_locked():
    content = examine(letter_saying("I tell you the password on the phone.")).content
    assert "archive.encrypted" in content.unscannable
    assert "archive.password_in_text" not in content.defects
    assert content.parts[1].note == "encrypted"


def test_what_stands_locked_inside_the_locked_is_opened_too():
    nested = (ARCHIVES / "zipcrypto-nested.zip").read_bytes()
    content = examine(letter_saying("password Secret-42", locked=nested)).content
    assert [(part.path, part.name, part.note) for part in content.parts] == [
        ("1", "invoice.zip", ""),
        ("1/0", "inner.zip", ""),
        ("2", "", ""),
        ("1/0/0", "a.txt", ""),
    ]
    assert content.parts[3].sha256 == DIGEST


def test_candidates_are_few_and_short():
    text = "password " + " ".join(f"word{number}" for number in range(500)) + " x" * 5_000 + " 1" * 500
    found = passwords_in((text,))
    assert len(found) <= limits.MAX_PASSWORDS
    assert max(map(len, found)) <= limits.MAX_PASSWORD
