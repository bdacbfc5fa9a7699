"""ARC (RFC 8617): whether the chain of those who handled the message before us holds, and who sealed it last.

Only the newest message signature has to hold, and every seal (section 5.2 steps 4 and 6). A chain that a handler
declared broken (cv=fail) is no chain any more: nobody can continue it and it must be treated like none (sections 5.1.3
and 5.2), so its result is `none`, with `ended`; to others we call it `fail`, as step 2 has it. Never trusts a sealer:
that is policy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.checks.authentication import arc_chain
from gateway.checks.authentication.arc_chain import MAX_SETS, ArcSet, BadChain, Claims
from gateway.checks.authentication.dkim_signature import BadSignature
from gateway.checks.authentication.verification import LARGE, Verification, verify_digest
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import Answer
from gateway.facts.auth import ArcFact, Auth
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.message import Message


async def check_arc(resolver: Answering, message: Message, *, now: float) -> Outcome[ArcFact]:
    """Validate the chain (RFC 8617 section 5.2): none, pass, fail, or temperror where a key could not be fetched.

    `now` is seconds since the epoch. A chain that cannot hold whatever its keys are asks for none.
    """
    fields = arc_chain.chain_fields(message)
    if not fields:
        return Known(ArcFact(Auth.NONE))
    if len(fields) > 3 * MAX_SETS:
        return Known(ArcFact(Auth.FAIL, reason=f"more than {MAX_SETS} sets"))
    claims = arc_chain.claims(fields)
    if claims.ended_at:
        reason = f"seal {claims.ended_at} says that the chain is broken"
        return Known(ArcFact(Auth.NONE, claims.newest, claims.sealer, reason, ended=True))
    try:
        sets = arc_chain.read(fields)
        expires = sets[-1].signature.expires
        if expires is not None and now > expires:
            raise BadChain("the newest signature has expired")
    except BadChain as error:
        return Known(ArcFact(Auth.FAIL, claims.newest, claims.sealer, str(error)))
    names = list(dict.fromkeys([sets[-1].signature.key_name, *(each.seal.key_name for each in sets)]))
    solution = await resolver.solve(
        lambda lookup: lookup.all((name, "TXT") for name in names), deadline=resolver.deadline(), budget=len(names)
    )
    if isinstance(solution, Unknown):
        return solution
    keys = dict(zip(names, solution.value, strict=True))
    if message.size > LARGE:
        return Known(await asyncio.to_thread(_validate, message, sets, keys, claims))
    return Known(_validate(message, sets, keys, claims))


def _validate(message: Message, sets: Sequence[ArcSet], keys: dict[str, Answer], claims: Claims) -> ArcFact:
    """Steps 4 and 6. What is wrong for good counts before what could not be told now."""
    failures: list[tuple[Auth, str]] = []
    newest, gap = sets[-1], ""
    verification = Verification(message, [newest.signature])
    try:
        verification.verify(newest.signature_field, newest.signature, keys[newest.signature.key_name])
        gap = verification.left_open(newest.signature)
    except BadSignature as error:
        failures.append((error.result, f"newest signature: {error.reason}"))
    for instance, (each, digest) in enumerate(zip(sets, arc_chain.seal_digests(sets), strict=True), 1):
        if any(result is not Auth.TEMPERROR for result, _ in failures):
            break
        try:
            verify_digest(each.seal, digest, keys[each.seal.key_name])
        except BadSignature as error:
            failures.append((error.result, f"seal {instance}: {error.reason}"))
    if not failures:
        # Whoever seals what anybody may change vouches for nothing that a policy could believe.
        return ArcFact(Auth.PASS, len(sets), "" if gap else claims.sealer, gap)
    for result, reason in failures:
        if result is not Auth.TEMPERROR:
            return ArcFact(Auth.FAIL, len(sets), claims.sealer, reason)
    return ArcFact(Auth.TEMPERROR, len(sets), claims.sealer, failures[0][1])
