"""ARC (RFC 8617): whether the chain of those who handled the message before us holds, and who sealed it last.

The door to dkimpy, which does the cryptography of seals and of the newest message signature. It gets a body that is
canonical already, no set beyond the fiftieth, no field that its regular expressions take long over, and DNS answers
from a table. Whatever it raises over a hostile field is a chain that does not hold. Never trusts a sealer: that is
policy.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

import dkim as dkimpy

from gateway.checks.authentication import canonical, taglist
from gateway.checks.authentication.canonical import Form
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import Answer, Status
from gateway.checks.dns.domains import dns_name
from gateway.facts.auth import ArcFact, Auth
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.message import HeaderField, Message

MAX_SETS: Final = 50
"""RFC 8617 section 5.2 step 1."""

MAX_FIELD: Final = 16 * 1024

LARGE: Final = 1024 * 1024
"""Octets from which on the check moves to a thread, so that other sessions go on."""

MANY: Final = 5
"""Sets from which on it does so too: a seal costs a millisecond."""

_SEAL: Final = b"arc-seal"
_SIGNATURE: Final = b"arc-message-signature"
_FIELDS: Final = frozenset({_SEAL, _SIGNATURE, b"arc-authentication-results"})
# dkimpy's expressions take quadratic time over runs of white space.
_LONG_RUN = re.compile(rb"[ \t\r\n]{100}")

_Tags = dict[bytes, bytes]


async def check_arc(resolver: Answering, message: Message) -> Outcome[ArcFact]:
    """Validate the chain (RFC 8617 section 5.2): none, pass, fail, or temperror where a key could not be fetched.

    A chain whose newest seal says cv=fail is `fail`, as step 2 has it.
    """
    fields = [field for field in message.fields if field.key in _FIELDS]
    if not fields:
        return Known(ArcFact(Auth.NONE))
    if len(fields) > 3 * MAX_SETS:
        return Known(ArcFact(Auth.FAIL, reason=f"more than {MAX_SETS} sets"))
    if any(len(field.value) > MAX_FIELD or _LONG_RUN.search(field.value) for field in fields):
        return Known(ArcFact(Auth.FAIL, reason="a field of the chain is malformed"))
    chain = _Chain(message, fields)
    names = chain.key_names
    solution = await resolver.solve(
        lambda lookup: lookup.all((name, "TXT") for name in names), deadline=resolver.deadline(), budget=len(names)
    )
    if isinstance(solution, Unknown):
        return solution
    keys = dict(zip(names, solution.value, strict=True))
    if message.size > LARGE or len(fields) > 3 * MANY:
        return Known(await asyncio.to_thread(chain.validate, keys))
    return Known(chain.validate(keys))


class _Chain:
    """The sets of one message."""

    def __init__(self, message: Message, fields: list[HeaderField]) -> None:
        self._message = message
        self._seals = [_tags(field.value) for field in fields if field.key == _SEAL]
        signatures = [_tags(field.value) for field in fields if field.key == _SIGNATURE]
        self._newest_seal = max(self._seals, key=_instance, default=_Tags())
        self._newest_signature = max(signatures, key=_instance, default=_Tags())

    @property
    def key_names(self) -> list[str]:
        """Where the keys stand that will be needed."""
        names = (_key_name(tags) for tags in [self._newest_signature, *self._seals])
        return list(dict.fromkeys(name for name in names if name))

    def validate(self, keys: dict[str, Answer]) -> ArcFact:
        """Run dkimpy over the message with these keys."""
        missing: list[str] = []

        def key_record(name: bytes, timeout: float = 0) -> bytes | None:
            spelled = dns_name(name.decode("latin-1")) or ""
            answer = keys.get(spelled)
            if answer is not None and answer.failed:
                missing.append(spelled)
            return answer.records[0].encode("latin-1") if answer is not None and answer.status is Status.OK else None

        sealer = dns_name(self._newest_seal.get(b"d", b"").decode("latin-1")) or ""
        try:
            word, results, reason = _Verifier(self._message, self._body()).verify(dnsfunc=key_record)
        except Exception as error:  # noqa: BLE001 - a chain that breaks dkimpy does not hold, and that is known
            return ArcFact(Auth.FAIL, 0, sealer, f"a field of the chain is malformed: {type(error).__name__}")
        if word == dkimpy.CV_Pass:
            return ArcFact(Auth.PASS, len(results), sealer)
        if word == dkimpy.CV_None:
            return ArcFact(Auth.NONE)
        if missing:
            return ArcFact(Auth.TEMPERROR, len(results), sealer, f"DNS failed for {missing[0]}")
        return ArcFact(Auth.FAIL, len(results), sealer, reason)

    def _body(self) -> bytes:
        """The canonical body. Canonicalising twice changes nothing, so dkimpy finds nothing left to be slow over."""
        _, _, form = self._newest_signature.get(b"c", b"relaxed/relaxed").partition(b"/")
        chunks = canonical.body_chunks(
            self._message.octets,
            self._message.body_offset,
            Form.RELAXED if form == b"relaxed" else Form.SIMPLE,
        )
        return b"".join(chunks)


class _Verifier(dkimpy.ARC):  # type: ignore[misc]
    """dkimpy's verifier over a message that was parsed already, without the work that cannot change the result."""

    def __init__(self, message: Message, body: bytes) -> None:
        super().__init__()
        self.headers = [[field.name, field.value + b"\r\n"] for field in message.fields]
        self.body = body
        self._sets = [[name, value] for name, value in self.headers if name.lower() in _FIELDS]
        self._newest_done = False
        self._broken = False

    def verify_sig(self, sig: _Tags, include_headers: Any, sig_header: Any, dnsfunc: Any) -> bool:
        """One check that did not hold breaks the chain, so the rest costs nothing. Of the message signatures only the
        newest has to hold (RFC 8617 section 5.2 step 4); a seal covers no fields but those of the sets."""
        is_seal = b"bh" not in sig
        if self._broken or (not is_seal and self._newest_done):
            return False
        self._newest_done |= not is_seal
        every = self.headers
        self._broken = True  # unless what follows returns
        try:
            self.headers = self._sets if is_seal else every
            held = bool(super().verify_sig(sig, include_headers, sig_header, dnsfunc))
        finally:
            self.headers = every
        self._broken = not held
        return held


def _tags(value: bytes) -> _Tags:
    try:
        return taglist.parse(value)
    except taglist.BadTagList:
        return {}


def _instance(tags: _Tags) -> int:
    value = tags.get(b"i", b"")
    return int(value) if value.isdigit() and len(value) <= 3 else 0


def _key_name(tags: _Tags) -> str | None:
    if b"s" not in tags or b"d" not in tags:
        return None
    return dns_name(f"{tags[b's'].decode('latin-1')}._domainkey.{tags[b'd'].decode('latin-1')}")
