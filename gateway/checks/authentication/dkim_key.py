"""DKIM key records (RFC 6376 section 3.6.1, RFC 8301, RFC 8463) and the check of a signature with a key.

Keys that were read are kept, since reading one costs ten times the check itself.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.checks.authentication import taglist
from gateway.checks.authentication.dkim_signature import ED25519_SHA256, RSA_SHA256, BadSignature, Proof
from gateway.facts.auth import Auth

MIN_RSA_BITS: Final = 1024
"""RFC 8301 section 3.2."""

MAX_RSA_BITS: Final = 8192
"""Larger keys cost more time than a signature is worth."""

MAX_RECORD: Final = 8 * 1024

_PADDING: Final = padding.PKCS1v15()
_DIGEST: Final = Prehashed(hashes.SHA256())


class BadKey(ValueError):
    """The record holds no key for mail. Says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key for mail. `strict` is t=s: i= must be d= itself.

    t=y changes nothing: it asks that mail which fails be treated like unsigned mail, and so all mail that fails is.
    """

    public: rsa.RSAPublicKey | ed25519.Ed25519PublicKey
    hashes: frozenset[bytes]
    strict: bool


@lru_cache(maxsize=4096)
def parse(record: str) -> Key:
    """Read a key record (octets as Latin-1). Raises `BadKey`."""
    if len(record) > MAX_RECORD:
        raise BadKey("the key record is too large")
    try:
        tags = taglist.parse(record.encode("latin-1"))
    except taglist.BadTagList as error:
        raise BadKey(f"the key record is malformed: {error}") from None
    if b"v" in tags and (tags[b"v"] != b"DKIM1" or next(iter(tags)) != b"v"):
        raise BadKey("the key record has another version")
    services = _words(tags.get(b"s", b"*"))
    if not services & {b"*", b"email"}:
        raise BadKey("the key is not for mail")
    if b"p" not in tags:
        raise BadKey("the key record holds no key")
    octets = taglist.without_white_space(tags[b"p"])
    if not octets:
        raise BadKey("the key is revoked")
    flags = _words(tags.get(b"t", b""))
    return Key(
        public=_public(octets, tags.get(b"k", b"rsa")),
        hashes=_words(tags[b"h"]) if b"h" in tags else frozenset({b"sha256"}),
        strict=b"s" in flags,
    )


def check(key: Key, signature: Proof, digest: bytes) -> None:
    """Check a signature over the SHA-256 `digest` of the signed header. Raises `BadSignature` unless it is good."""
    if b"sha256" not in key.hashes:
        raise BadSignature(Auth.PERMERROR, "the key is not for sha256")
    if key.strict and signature.identity_domain != signature.domain:
        raise BadSignature(Auth.PERMERROR, "i= must be d= itself for this key")
    public = key.public
    try:
        if isinstance(public, rsa.RSAPublicKey) and signature.algorithm == RSA_SHA256:
            if public.key_size < MIN_RSA_BITS:
                raise BadSignature(Auth.POLICY, f"the key has only {public.key_size} bits")
            public.verify(signature.signature, digest, _PADDING, _DIGEST)
        elif isinstance(public, ed25519.Ed25519PublicKey) and signature.algorithm == ED25519_SHA256:
            public.verify(signature.signature, digest)  # RFC 8463 section 3: the digest is what is signed
        else:
            raise BadSignature(Auth.PERMERROR, "the key is for another algorithm")
    except (InvalidSignature, ValueError):
        raise BadSignature(Auth.FAIL, "the signature did not verify") from None


def _words(value: bytes) -> frozenset[bytes]:
    return frozenset(word.strip(b" \t") for word in value.split(b":"))


def _public(encoded: bytes, kind: bytes) -> rsa.RSAPublicKey | ed25519.Ed25519PublicKey:
    try:
        octets = base64.b64decode(encoded, validate=True)
        if kind == b"ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(octets)
        if kind == b"rsa":
            # Both SubjectPublicKeyInfo and the bare RSAPublicKey of RFC 6376 section 3.6.1 are read.
            public = load_der_public_key(octets)
            if isinstance(public, rsa.RSAPublicKey) and public.key_size <= MAX_RSA_BITS:
                return public
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        pass
    raise BadKey("the key cannot be read") if kind in (b"rsa", b"ed25519") else BadKey("the key is of an unknown type")
