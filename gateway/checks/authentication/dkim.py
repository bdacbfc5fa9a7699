"""DKIM (RFC 6376, RFC 8301, RFC 8463): which domains signed this message, and whether their signatures hold.

Works on the octets as received. A signature that covers only the beginning of the body (l=), or fewer From fields than
there are, is `policy` and not `pass`: what it leaves open is what a forger needs. Never raises, never judges.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.checks.authentication import dkim_signature
from gateway.checks.authentication.dkim_signature import BadSignature, Claims, Signature
from gateway.checks.authentication.verification import LARGE, Verification
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import Answer
from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.message import HeaderField, Message

MAX_SIGNATURES: Final = 8
"""Signatures that are looked at, top to bottom. RFC 6376 section 6.1 lets a verifier limit them."""

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
    if message.size > LARGE:
        return Known(DkimFact(await asyncio.to_thread(_facts, message, read, keys)))
    return Known(DkimFact(_facts(message, read, keys)))


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


def _facts(message: Message, read: Sequence[_Read], keys: dict[str, Answer]) -> tuple[DkimSignatureFact, ...]:
    """One fact for each signature. `keys` are the answers under their key names."""
    verification = Verification(message, (each.signature for each in read if isinstance(each.signature, Signature)))
    return tuple(_fact(verification, each, keys) for each in read)


def _fact(verification: Verification, read: _Read, keys: dict[str, Answer]) -> DkimSignatureFact:
    claims, signature = read.claims, read.signature
    domain, selector = claims.domain, claims.selector
    result, reason = Auth.PASS, ""
    try:
        if isinstance(signature, BadSignature):
            raise signature
        domain, selector = signature.domain, signature.selector
        verification.verify(read.field, signature, keys[signature.key_name])
        if gap := verification.left_open(signature):
            raise BadSignature(Auth.POLICY, gap)
    except BadSignature as error:
        result, reason = error.result, error.reason
    return DkimSignatureFact(
        result, domain, selector, claims.algorithm, claims.identity, claims.signature_start, reason
    )
