"""Encrypted PDF files, as another program writes them: open under the empty password, or under one that the message
says; named otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.anatomy.documents.pdf_locks import security_of, unlocked
from gateway.anatomy.examine import examine
from tests.anatomy.making.letters import attachment, multipart

SAMPLES = Path(__file__).parents[1] / "samples"
KINDS = ["rc4-40", "rc4-128", "rc4-v4", "aes-128", "aes-256-r5", "aes-256"]
SECRET = b"what has to be found " * 3


def look_at(octets, words="Good day."):
    seen = []
    body = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + words.encode()
    return examine(multipart(attachment(octets, "order.pdf"), body), watch=seen.append), seen


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_every_reader_opens_is_read(kind):
    anatomy, seen = look_at((SAMPLES / f"{kind}-open.pdf").read_bytes())
    assert SECRET in seen
    assert "Open the shared document" in anatomy.documents
    assert "https://login.evil.example/a(b)c" in {link.url for link in anatomy.content.links}
    assert not anatomy.content.unscannable
    assert "archive.password_in_text" not in anatomy.content.defects


@pytest.mark.parametrize("kind", KINDS)
def test_a_password_in_the_text_opens_it(kind):
    anatomy, seen = look_at((SAMPLES / f"{kind}-locked.pdf").read_bytes(), "The password is Secret-42.")
    assert SECRET in seen
    assert not anatomy.content.unscannable
    assert "archive.password_in_text" in anatomy.content.defects


@pytest.mark.parametrize("kind", KINDS)
def test_without_it_the_file_is_named(kind):
    anatomy, seen = look_at((SAMPLES / f"{kind}-locked.pdf").read_bytes(), "The password is Secret-43.")
    assert SECRET not in seen
    assert anatomy.content.unscannable == ("document.encrypted",)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=8), st.sampled_from(KINDS))
def test_a_file_that_was_tampered_with_gives_octets_or_nothing(at, octets, kind):
    whole = (SAMPLES / f"{kind}-open.pdf").read_bytes()
    broken = whole[:at] + octets + whole[at + len(octets) :]
    security = security_of(broken)
    if security is not None:
        key = security.key(b"")
        assert key is None or len(unlocked(broken, security, key)) < 8 * len(broken)
