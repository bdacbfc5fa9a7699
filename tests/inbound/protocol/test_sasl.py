from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.protocol import sasl
from gateway.inbound.protocol.sasl import BadCredentials


def test_plain() -> None:
    assert sasl.plain("\0alice\0secret") == ("alice", "secret")
    assert sasl.plain("alice\0alice\0pass word") == ("alice", "pass word")


@pytest.mark.parametrize("credential", ["", "alice\0secret", "bob\0alice\0secret", "\0\0x", "\0alice\0", "\0a\0b\0c"])
def test_what_plain_does_not_take(credential: str) -> None:
    with pytest.raises(BadCredentials):
        sasl.plain(credential)


@given(st.text(max_size=50))
def test_what_is_encoded_is_decoded(text: str) -> None:
    assert sasl.decode(b64encode(text.encode()).decode()) == text


@pytest.mark.parametrize("text", ["!", "YQ", "YQ==YQ==", "/w==", "é", b64encode(b"x" * 3000).decode()])
def test_what_is_not_base64_of_utf8(text: str) -> None:
    with pytest.raises(BadCredentials):
        sasl.decode(text)


def test_an_equals_sign_is_the_empty_answer() -> None:
    assert sasl.decode("=") == ""
