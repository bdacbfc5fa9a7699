"""DKIM (RFC 6376, RFC 8301, RFC 8463): which domains signed this message, and whether their signatures hold.

Works on the octets as received. A signature that covers only the beginning of the body (l=), or fewer From fields than
there are, is `policy` and not `pass`: what it leaves open is what a forger needs. Never raises, never judges.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.checks.authentication import canonical, dkim_key, dkim_signature, taglist
from gateway.checks.authentication.canonical import BodyHash, Form
from gateway.checks.authentication.dkim_signature import BadSignature, Claims, Signature
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import Answer, Status
from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.message import HeaderField, Message

MAX_SIGNATURES: Final = 8
"""Signatures that are looked at, top to bottom. RFC 6376 section 6.1 lets a verifier limit them."""

MAX_KEY_RECORDS: Final = 3
"""Key records of one name that are tried (RFC 6376 section 6.1.2 step 4)."""

LARGE: Final = 1024 * 1024
"""Octets from which on hashing moves to a thread, so that other sessions go on."""

_FIELD: Final = b"dkim-signature"


async def check_dkim(resolver: Answering, message: Message, *, now: float) -> Outcome[DkimFact]:
    """Verify the signatures of a message. `now` is seconds since the epoch.

    A key that the DNS could not give makes that signature `temperror`; the others count all the same.
    """
    fields = [field for field in message.fields if field.key == _FIELD][:MAX_SIGNATURES]
    if not fields:
        return Known(DkimFact())
    read = [_Read.of(field, now) for field in fields]
    names = list(dict.fromkeys(each.signature.key_name for each in read if isinstance(each.signature, Signature)))
    solution = await resolver.solve(
        lambda lookup: lookup.all((name, "TXT") for name in names), deadline=resolver.deadline(), budget=MAX_SIGNATURES
    )
    if isinstance(solution, Unknown):
        return solution
    keys = dict(zip(names, solution.value, strict=True))
    verification = _Verification(message)
    if message.size > LARGE:
        facts = await asyncio.to_thread(verification.facts, read, keys)
    else:
        facts = verification.facts(read, keys)
    return Known(DkimFact(facts))


@dataclass(frozen=True, slots=True)
class _Read:
    """One signature field, read."""

    field: HeaderField
    claims: Claims
    signature: Signature | BadSignature

    @classmethod
    def of(cls, field: HeaderField, now: float) -> _Read:
        claims, signature = dkim_signature.read(field.value)
        if isinstance(signature, Signature) and signature.expires is not None and now > signature.expires:
            signature = BadSignature(Auth.FAIL, "the signature has expired")
        return cls(field, claims, signature)


class _Verification:
    """The signatures of one message, which share what was hashed of its body."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._bodies: dict[tuple[Form, int | None], BodyHash] = {}

    def facts(self, read: Sequence[_Read], keys: dict[str, Answer]) -> tuple[DkimSignatureFact, ...]:
        """One fact for each signature. `keys` are the answers under their key names."""
        return tuple(self._fact(each, keys) for each in read)

    def _fact(self, read: _Read, keys: dict[str, Answer]) -> DkimSignatureFact:
        claims, signature = read.claims, read.signature
        domain, selector = claims.domain, claims.selector
        result, reason = Auth.PASS, ""
        try:
            if isinstance(signature, BadSignature):
                raise signature
            domain, selector = signature.domain, signature.selector
            self._verify(read.field, signature, keys[signature.key_name])
        except BadSignature as error:
            result, reason = error.result, error.reason
        return DkimSignatureFact(
            result, domain, selector, claims.algorithm, claims.identity, claims.signature_start, reason
        )

    def _verify(self, field: HeaderField, signature: Signature, answer: Answer) -> None:
        """RFC 6376 sections 6.1.2 and 6.1.3. Raises `BadSignature` unless the signature holds."""
        keys = _keys(answer)
        body = self._body(signature)
        if body.digest != signature.body_hash:
            raise BadSignature(Auth.FAIL, "the body hash did not verify")
        digest = self._header_digest(field, signature)
        for last, key in zip([*[False] * (len(keys) - 1), True], keys, strict=True):
            try:
                dkim_key.check(key, signature, digest)
                break
            except BadSignature:
                if last:
                    raise
        if body.covered < body.length:
            raise BadSignature(Auth.POLICY, f"l= leaves {body.length - body.covered} octets of the body unsigned")
        if signature.names.count(b"from") < len(self._message.values(b"from")):
            raise BadSignature(Auth.POLICY, "a From field is not signed")

    def _body(self, signature: Signature) -> BodyHash:
        wanted = (signature.body_form, signature.body_length)
        if wanted not in self._bodies:
            self._bodies[wanted] = canonical.body_hash(
                self._message.octets, self._message.body_offset, signature.body_form, limit=signature.body_length
            )
        body = self._bodies[wanted]
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
        lines = [
            canonical.header_field(each.name, each.value, octets[each.start : each.end].removesuffix(b"\r\n"), form)
            for each in chosen
        ]
        raw = octets[field.start : field.end].removesuffix(b"\r\n")
        value = taglist.without_value(field.value, b"b")
        bare = raw[: len(raw) - len(field.value)] + value
        lines.append(canonical.header_field(field.name, value, bare, form))
        return hashlib.sha256(b"\r\n".join(lines)).digest()


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
