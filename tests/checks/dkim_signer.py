"""A signer for tests: writes any DKIM-Signature, right or wrong, with none of the code under test.

Canonical forms come from dkimpy (an independent reading of RFC 6376), the cryptography from `cryptography`.
"""

from __future__ import annotations

import base64
import hashlib
import random
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from dkim import rfc822_parse, select_headers
from dkim.canonicalization import CanonicalizationPolicy

MESSAGE = (
    b"From: Bob <bob@example.com>\r\nTo: alice@example.org\r\nSubject:  Two  words\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n\r\nHello  Alice, \r\n\r\nbye.\t\r\n\r\n"
)
DOMAIN = "example.com"
SELECTOR = "s1"
NAME = f"{SELECTOR}._domainkey.{DOMAIN}"


@lru_cache
def rsa_key(bits: int = 1024) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@lru_cache
def short_rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """A key that is too short for mail, built from its primes, since `cryptography` makes none of that size."""
    half, primes = bits // 2, []
    generator = random.Random(bits)
    while len(primes) < 2:
        candidate = generator.getrandbits(half) | 3 << (half - 2) | 1
        if candidate % 65537 != 1 and candidate not in primes and _is_prime(candidate):
            primes.append(candidate)
    p, q = primes
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    ).private_key(unsafe_skip_rsa_key_validation=True)


def _is_prime(number: int) -> bool:
    return all(pow(witness, number - 1, number) == 1 for witness in (2, 3, 5, 7, 11, 13, 17, 19, 23))


@lru_cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: rsa.RSAPrivateKey) -> bytes:
    """As dkimpy's own signer wants it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def record(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, tags: str = "v=DKIM1; ") -> str:
    """The key record, with other tags before."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        octets = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"{tags}k=ed25519; p={base64.b64encode(octets).decode()}"
    octets = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"{tags}p={base64.b64encode(octets).decode()}"


def sign(
    message: bytes = MESSAGE,
    *,
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | None = None,
    fold: str = " ",
    **changes: str | None,
) -> bytes:
    """The message with a signature on top that fits it. `changes` replace tags; None leaves one out."""
    key = key or rsa_key()
    tags: dict[str, str | None] = {
        "v": "1",
        "a": "ed25519-sha256" if isinstance(key, ed25519.Ed25519PrivateKey) else "rsa-sha256",
        "c": "relaxed/relaxed",
        "d": DOMAIN,
        "s": SELECTOR,
        "h": "from:to:subject:date",
        **changes,
    }
    headers, body = rfc822_parse(message)
    policy = CanonicalizationPolicy.from_c_value((tags["c"] or "simple/simple").encode())
    canonical = policy.canonicalize_body(body)
    length = tags.get("l")
    if length is not None and length.isdigit():
        canonical = canonical[: int(length)]
    tags.setdefault("bh", base64.b64encode(hashlib.sha256(canonical).digest()).decode())
    tags.setdefault("b", "")
    written = f";{fold}".join(f"{name}={value}" for name, value in tags.items() if value is not None)
    own = (b"DKIM-Signature", b" " + written.encode() + b"\r\n")
    names = [name.strip().lower().encode() for name in (tags["h"] or "").split(":")]
    signed = select_headers(policy.canonicalize_headers(headers), names)
    octets = b"".join(name + b":" + value for name, value in signed)
    ((name, value),) = policy.canonicalize_headers([own])
    octets += name + b":" + value.rstrip()
    digest = hashlib.sha256(octets).digest()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(digest)
    else:
        signature = key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    if tags["b"] == "":
        head, _, tail = written.rpartition("b=")
        written = f"{head}b={base64.b64encode(signature).decode()}{tail}"
    return b"DKIM-Signature: " + written.encode() + b"\r\n" + message
