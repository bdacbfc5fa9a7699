from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.pipeline.signing_key import BadSigningKey, SigningKey
from tests.checks.dkim_signer import ed25519_key, rsa_key

RSA = SigningKey("example.com", "s1", rsa_key())
ED25519 = SigningKey("example.com", "s1-ed25519", ed25519_key())


@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_a_key_survives_its_pem(key: SigningKey) -> None:
    again = SigningKey.from_pem(key.domain, key.selector, key.pem)
    assert again.pem == key.pem
    assert again.record == key.record


@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_its_own_record_alone_shows_it(key: SigningKey) -> None:
    other = ED25519 if key is RSA else RSA
    assert key.is_shown_by([key.record])
    assert not key.is_shown_by([other.record])
    assert not key.is_shown_by([])
    assert not key.is_shown_by([key.record, other.record]), "verifiers would take either"
    assert not key.is_shown_by([key.record.replace("p=", "p=;n=")]), "revoked"
    assert not key.is_shown_by([f"{key.record}; h=sha1"])
    assert not key.is_shown_by([f"{key.record}; s=other"])


def test_the_size_of_a_new_key_is_bounded() -> None:
    with pytest.raises(BadSigningKey, match="2048 is right"):
        SigningKey.new_rsa("example.com", "s1", bits=512)
    with pytest.raises(BadSigningKey, match="2048 is right"):
        SigningKey.new_rsa("example.com", "s1", bits=65536)


def test_what_is_no_key_for_mail_is_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in (b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", pem):
        with pytest.raises(BadSigningKey):
            SigningKey.from_pem("example.com", "s1", text)


def test_the_secret_is_in_no_representation() -> None:
    assert "private" not in repr(RSA)
