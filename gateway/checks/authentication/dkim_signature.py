"""One DKIM-Signature field as it was written: its tags, checked by RFC 6376 sections 3.5 and 6.1.1.

Pure: needs no key and no message.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from gateway.checks.authentication import taglist
from gateway.checks.authentication.canonical import Form
from gateway.checks.dns.domains import dns_name, host_domain, is_within
from gateway.facts.auth import Auth

MAX_FIELD: Final = 64 * 1024
MAX_SIGNED_NAMES: Final = 1024
MAX_CLAIM: Final = 256

SIGNATURE_START: Final = 8
"""Octets of b= that tell signatures of one domain apart (RFC 8601 section 2.7.1, RFC 6008)."""

RSA_SHA256: Final = "rsa-sha256"
ED25519_SHA256: Final = "ed25519-sha256"
RSA_SHA1: Final = "rsa-sha1"

_PROOF: Final = (b"a", b"b", b"d", b"s")
_REQUIRED: Final = (*_PROOF, b"bh", b"h")
_FIELD_NAME = re.compile(rb"[\x21-\x39\x3c-\x7e]+\Z")
# Also for times: values beyond twelve digits stand for never (RFC 6376 section 3.5, t=), and do no harm.
_NUMBER = re.compile(rb"[0-9]{1,76}\Z")


class BadSignature(Exception):
    """The signature cannot count. `result` is the word for it, the text says why."""

    def __init__(self, result: Auth, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Proof:
    """What a signature and a seal of ARC share: whose key it is, and what was made with it. `identity_domain` is the
    domain of i= in DKIM, and that of d= elsewhere."""

    algorithm: str
    domain: str
    selector: str
    signature: bytes
    identity_domain: str

    @property
    def key_name(self) -> str:
        """Where the key record stands (RFC 6376 section 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True)
class Signature(Proof):
    """The tags of a signature, decoded. `names` are h= in lower case."""

    body_hash: bytes
    names: tuple[bytes, ...]
    header_form: Form
    body_form: Form
    body_length: int | None
    expires: int | None


@dataclass(frozen=True, slots=True)
class Claims:
    """What a signature says of itself, well formed or not, for the record; empty where it cannot be read."""

    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    identity: str = ""
    signature_start: str = ""


def read(value: bytes) -> tuple[Claims, Signature | BadSignature]:
    """Read the value of a DKIM-Signature field: its claims, and the signature or why it cannot count."""
    if len(value) > MAX_FIELD:
        return Claims(), _malformed("the signature is too large")
    try:
        tags = taglist.parse(value)
    except taglist.BadTagList as error:
        return Claims(), _malformed(str(error))
    try:
        if b"v" not in tags:
            raise _malformed("missing tag v=")
        if tags[b"v"] != b"1":
            raise _malformed("incompatible version")
        return _claims(tags), of_message(tags, names=_names(tags.get(b"h")), identity=tags.get(b"i"))
    except BadSignature as error:
        return _claims(tags), error


def of_message(tags: dict[bytes, bytes], *, names: tuple[bytes, ...], identity: bytes | None) -> Signature:
    """A signature over a message: of DKIM with its i=, of ARC without one. `names` are h= in lower case. Raises
    `BadSignature`."""
    proof = of_fields(tags, required=_REQUIRED)
    header_form, body_form = _forms(tags.get(b"c", b"simple/simple"))
    _check_query(tags.get(b"q"))
    return Signature(
        algorithm=proof.algorithm,
        domain=proof.domain,
        selector=proof.selector,
        signature=proof.signature,
        identity_domain=_identity_domain(identity, proof.domain),
        body_hash=_base64(tags[b"bh"], "bh"),
        names=names,
        header_form=header_form,
        body_form=body_form,
        body_length=_number(tags.get(b"l"), "l"),
        expires=_expiry(tags),
    )


def of_fields(tags: dict[bytes, bytes], *, required: tuple[bytes, ...] = _PROOF) -> Proof:
    """The part that a seal of ARC has too. Raises `BadSignature`."""
    for name in required:
        if name not in tags:
            raise _malformed(f"missing tag {name.decode()}=")
    domain = _domain(tags[b"d"])
    return Proof(
        algorithm=_algorithm(tags[b"a"]),
        domain=domain,
        selector=_selector(tags[b"s"]),
        signature=_base64(tags[b"b"], "b"),
        identity_domain=domain,
    )


def _claims(tags: dict[bytes, bytes]) -> Claims:
    def said(name: bytes) -> str:
        return tags.get(name, b"")[:MAX_CLAIM].decode("utf-8", "replace")

    start = taglist.without_white_space(tags.get(b"b", b"")[:MAX_CLAIM])[:SIGNATURE_START]
    return Claims(said(b"d").lower(), said(b"s"), said(b"a"), said(b"i"), start.decode("ascii", "replace"))


def _malformed(reason: str) -> BadSignature:
    return BadSignature(Auth.PERMERROR, reason)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("a value is not UTF-8") from None


def _algorithm(value: bytes) -> str:
    algorithm = _text(value)
    if algorithm == RSA_SHA1:  # RFC 8301 section 3.1: permanently failed
        raise BadSignature(Auth.FAIL, "rsa-sha1 is no longer valid")
    if algorithm not in (RSA_SHA256, ED25519_SHA256):
        raise _malformed("unknown algorithm")
    return algorithm


def _forms(value: bytes) -> tuple[Form, Form]:
    header, _, body = _text(value).partition("/")
    try:
        return Form(header), Form(body or "simple")
    except ValueError:
        raise _malformed("unknown canonicalisation") from None


def _domain(value: bytes) -> str:
    domain = host_domain(_text(value))
    if domain is None:
        raise _malformed("d= is not a domain")
    return domain


def _selector(value: bytes) -> str:
    selector = dns_name(_text(value))
    if selector is None or selector == ".":
        raise _malformed("s= is not a selector")
    return selector


def _identity_domain(value: bytes | None, domain: str) -> str:
    if value is None:
        return domain
    _, at, claimed = _text(taglist.without_white_space(value)).rpartition("@")
    identity = dns_name(claimed) if at else None
    if identity is None or not is_within(identity, domain):
        raise _malformed("i= is not within d=")
    return identity


def _names(value: bytes | None) -> tuple[bytes, ...]:
    if value is None:
        raise _malformed("missing tag h=")
    names = tuple(name.strip(b" \t").lower() for name in value.split(b":", MAX_SIGNED_NAMES))
    if not all(_FIELD_NAME.match(name) for name in names):
        raise _malformed("h= is malformed")
    if b"from" not in names:
        raise _malformed("the From field is not signed")
    return names


def _base64(value: bytes, tag: str) -> bytes:
    try:
        decoded = base64.b64decode(taglist.without_white_space(value), validate=True)
    except binascii.Error:
        raise _malformed(f"{tag}= is not Base64") from None
    if not decoded:
        raise _malformed(f"{tag}= is empty")
    return decoded


def _check_query(value: bytes | None) -> None:
    if value is not None and b"dns/txt" not in [method.strip(b" \t") for method in value.split(b":")]:
        raise _malformed("no known query method")


def _number(value: bytes | None, tag: str) -> int | None:
    if value is None:
        return None
    if not _NUMBER.match(value):
        raise _malformed(f"{tag}= is not a number")
    return int(value)


def _expiry(tags: dict[bytes, bytes]) -> int | None:
    signed = _number(tags.get(b"t"), "t")
    expires = _number(tags.get(b"x"), "x")
    if signed is not None and expires is not None and expires <= signed:
        raise _malformed("x= is not after t=")
    return expires
