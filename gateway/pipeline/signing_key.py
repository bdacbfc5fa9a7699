"""One key that signs mail (RFC 6376 section 3.3, RFC 8301, RFC 8463), and the DNS record that shows its public half.

Knows no file, no DNS and no message: it signs digests, and says whether records that somebody fetched show it.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.checks.authentication import dkim_key
from gateway.checks.authentication.dkim_signature import ED25519_SHA256, RSA_SHA256

RSA_BITS: Final = 2048
"""What signers should use (RFC 8301 section 3.2): larger keys do not fit every DNS answer."""

MIN_RSA_BITS: Final = 1024
MAX_RSA_BITS: Final = 4096

_EXPONENT: Final = 65537
_PADDING: Final = padding.PKCS1v15()
_DIGEST: Final = Prehashed(hashes.SHA256())


class BadSigningKey(ValueError):
    """The text holds no key that mail can be signed with. Says why."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the domain (d=) and selector (s=) under which its public half is published."""

    domain: str
    selector: str
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey = field(repr=False)

    @classmethod
    def new_rsa(cls, domain: str, selector: str, *, bits: int = RSA_BITS) -> SigningKey:
        """A new RSA key. Raises `BadSigningKey` for a size that nobody should use."""
        if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
            raise BadSigningKey(f"an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits; {RSA_BITS} is right")
        return cls(domain, selector, rsa.generate_private_key(_EXPONENT, bits))

    @classmethod
    def new_ed25519(cls, domain: str, selector: str) -> SigningKey:
        """A new Ed25519 key."""
        return cls(domain, selector, ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, domain: str, selector: str, pem: bytes) -> SigningKey:
        """Read an unencrypted PEM key. Raises `BadSigningKey`."""
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadSigningKey(f"not a private key in PEM: {error}") from None
        if isinstance(private, ed25519.Ed25519PrivateKey):
            return cls(domain, selector, private)
        if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= MIN_RSA_BITS:
            return cls(domain, selector, private)
        raise BadSigningKey(f"mail is signed with Ed25519, or with RSA of {MIN_RSA_BITS} bits or more")

    @property
    def pem(self) -> bytes:
        """The private key, unencrypted, PKCS #8. A secret: it belongs into a file of mode 0600 and nowhere else."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def algorithm(self) -> str:
        """The word for a=."""
        return RSA_SHA256 if isinstance(self.private, rsa.RSAPrivateKey) else ED25519_SHA256

    @property
    def name(self) -> str:
        """Where the record stands (RFC 6376 section 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The TXT record to publish (RFC 6376 section 3.6.1, RFC 8463 section 4)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            kind = "rsa"
            public = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            kind = "ed25519"
            public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode('ascii')}"

    def sign(self, digest: bytes) -> bytes:
        """The signature over a SHA-256 digest; for Ed25519 the digest is what is signed (RFC 8463 section 3)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(digest, _PADDING, _DIGEST)
        return self.private.sign(digest)

    def is_shown_by(self, records: Sequence[str]) -> bool:
        """Whether the TXT records found under `name` let everybody verify with this key.

        There must be one record only (RFC 6376 section 3.6.2.2): of several, verifiers take any.
        """
        if len(records) != 1:
            return False
        try:
            shown = dkim_key.parse(records[0])
        except dkim_key.BadKey:
            return False
        return shown.public == self.private.public_key() and b"sha256" in shown.hashes
