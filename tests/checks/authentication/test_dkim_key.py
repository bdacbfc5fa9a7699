from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.authentication.dkim_key import MAX_RECORD, BadKey, Key, parse
from tests.checks.dkim_signer import ed25519_key, record, rsa_key


def test_reads_both_kinds() -> None:
    key = parse(record(rsa_key()))
    assert isinstance(key.public, rsa.RSAPublicKey)
    assert (key.hashes, key.strict) == (frozenset({b"sha256"}), False)
    assert isinstance(parse(record(ed25519_key())).public, ed25519.Ed25519PublicKey)


def test_reads_flags_and_hashes() -> None:
    key = parse(record(rsa_key(), "v=DKIM1; t=y:s; h= sha1 : sha256 ; "))
    assert (key.strict, key.hashes) == (True, frozenset({b"sha1", b"sha256"}))


def test_a_key_that_was_read_is_kept() -> None:
    assert parse(record(rsa_key())) is parse(record(rsa_key()))


@pytest.mark.parametrize("text", ["", "p=", "v=DKIM1", "p=" + "A" * MAX_RECORD, "k=rsa; p=\u00ff"])
def test_refuses_what_holds_no_key(text: str) -> None:
    with pytest.raises(BadKey):
        parse(text)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_any_text_is_a_key_or_an_error(text: str) -> None:
    """Any octets give a key or BadKey."""
    try:
        key = parse(text)
    except BadKey:
        return
    assert isinstance(key, Key)
