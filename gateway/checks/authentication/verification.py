"""Whether a signature over a message holds (RFC 6376 sections 3.7, 6.1.2 and 6.1.3): shared by DKIM and by the message
signatures of ARC.

Needs the answer that the DNS gave about the key, and asks nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from gateway.checks.authentication import canonical, dkim_key, taglist
from gateway.checks.authentication.canonical import BodyHash, Form
from gateway.checks.authentication.dkim_signature import BadSignature, Proof, Signature
from gateway.checks.dns.answers import Answer, Status
from gateway.facts.auth import Auth
from gateway.mail.message import HeaderField, Message

MAX_KEY_RECORDS: Final = 3
"""Key records of one name that are tried (RFC 6376 section 6.1.2 step 4)."""

LARGE: Final = 1024 * 1024
"""Octets from which on hashing belongs into a thread, so that other sessions go on."""


class Verification:
    """The signatures of one message, which share what was made canonical and hashed of it: a message with many costs
    little more than one with a single one."""

    def __init__(self, message: Message, signatures: Iterable[Signature]) -> None:
        self._message = message
        self._limits: dict[Form, set[int | None]] = {form: set() for form in Form}
        for each in signatures:
            self._limits[each.body_form].add(each.body_length)
        self._bodies: dict[Form, dict[int | None, BodyHash]] = {}
        self._fields: dict[tuple[int, Form], bytes] = {}

    def verify(self, field: HeaderField, signature: Signature, answer: Answer) -> None:
        """Check the signature that stands in the field. Raises `BadSignature` unless it holds for what it covers."""
        keys = _keys(answer)
        body = self._body(signature)
        if body.digest != signature.body_hash:
            raise BadSignature(Auth.FAIL, "the body hash did not verify")
        _check_any(keys, signature, self._header_digest(field, signature))

    def left_open(self, signature: Signature) -> str:
        """What a signature that holds leaves to forgers, of what readers see; empty where it covers the whole body and
        each From field."""
        body = self._body(signature)
        if body.covered < body.length:
            return f"l= leaves {body.length - body.covered} octets of the body unsigned"
        if signature.names.count(b"from") < len(self._message.values(b"from")):
            return "a From field is not signed"
        return ""

    def _body(self, signature: Signature) -> BodyHash:
        form = signature.body_form
        if form not in self._bodies:
            self._bodies[form] = canonical.body_hashes(
                self._message.octets, self._message.body_offset, form, limits=self._limits[form]
            )
        body = self._bodies[form][signature.body_length]
        if signature.body_length is not None and signature.body_length > body.length:
            raise BadSignature(Auth.PERMERROR, "l= is beyond the end of the body")
        return body

    def _header_digest(self, field: HeaderField, signature: Signature) -> bytes:
        """The hash of the signed fields, each name taken from the bottom up, and of the signature itself (3.7)."""
        stacks: dict[bytes, list[HeaderField]] = {name: [] for name in signature.names}
        for each in self._message.fields:
            if each.key in stacks and each is not field:
                stacks[each.key].append(each)
        chosen = [stacks[name].pop() for name in signature.names if stacks[name]]
        octets, form = self._message.octets, signature.header_form
        lines = [self._canonical(each, form) for each in chosen]
        raw = octets[field.start : field.end].removesuffix(b"\r\n")
        value = taglist.without_value(field.value, b"b")
        bare = raw[: len(raw) - len(field.value)] + value
        lines.append(canonical.header_field(field.name, value, bare, form))
        return hashlib.sha256(b"\r\n".join(lines)).digest()

    def _canonical(self, each: HeaderField, form: Form) -> bytes:
        key = (each.start, form)
        if key not in self._fields:
            raw = self._message.octets[each.start : each.end].removesuffix(b"\r\n")
            self._fields[key] = canonical.header_field(each.name, each.value, raw, form)
        return self._fields[key]


def verify_digest(proof: Proof, digest: bytes, answer: Answer) -> None:
    """Check what was made over that SHA-256 digest, with the key in the answer. Raises `BadSignature`."""
    _check_any(_keys(answer), proof, digest)


def _check_any(keys: list[dkim_key.Key], proof: Proof, digest: bytes) -> None:
    """One of the keys has to fit."""
    for last, key in zip([*[False] * (len(keys) - 1), True], keys, strict=True):
        try:
            dkim_key.check(key, proof, digest)
            return
        except BadSignature:
            if last:
                raise


def _keys(answer: Answer) -> list[dkim_key.Key]:
    """The keys of an answer, one at least. Raises `BadSignature`."""
    if answer.failed:
        raise BadSignature(Auth.TEMPERROR, "the key could not be fetched")
    if answer.status is not Status.OK:
        raise BadSignature(Auth.PERMERROR, "there is no such key")
    keys: list[dkim_key.Key] = []
    trouble = "there is no such key"
    for record in answer.records[:MAX_KEY_RECORDS]:
        try:
            keys.append(dkim_key.parse(record))
        except dkim_key.BadKey as error:
            trouble = str(error)
    if not keys:
        raise BadSignature(Auth.PERMERROR, trouble)
    return keys
