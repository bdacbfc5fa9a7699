"""The sets of an ARC chain as they were written, and whether they fit together (RFC 8617 sections 4.1, 4.2 and step 3
of section 5.2).

Pure: needs no key. Linear in the size of the fields.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.checks.authentication import canonical, dkim_signature, taglist
from gateway.checks.authentication.canonical import Form
from gateway.checks.authentication.dkim_signature import MAX_SIGNED_NAMES, BadSignature, Proof, Signature
from gateway.checks.dns.domains import dns_name
from gateway.mail.message import HeaderField, Message

MAX_SETS: Final = 50
"""RFC 8617 section 5.2 step 1."""

MAX_FIELD: Final = 16 * 1024

RESULTS: Final = b"arc-authentication-results"
SIGNATURE: Final = b"arc-message-signature"
SEAL: Final = b"arc-seal"
FIELDS: Final = frozenset({RESULTS, SIGNATURE, SEAL})

_COMMENTS: Final = rb"(?:[ \t\r\n]|\([^()]*\))*"
_INSTANCE = re.compile(rb"[1-9][0-9]?\Z|0[1-9]\Z")
_RESULTS_INSTANCE = re.compile(_COMMENTS + rb"i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,2})" + _COMMENTS + rb";")

Tags = dict[bytes, bytes]


class BadChain(ValueError):
    """The fields form no chain. Says why."""


@dataclass(slots=True)
class _Parts:
    """The fields that claim one instance, before it is known that there is one of each."""

    results: list[HeaderField] = field(default_factory=list)
    signatures: list[tuple[HeaderField, Tags]] = field(default_factory=list)
    seals: list[tuple[HeaderField, Tags]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ArcSet:
    """One handler's set. `status` is what it says of the chain before it (cv=)."""

    results: HeaderField
    signature_field: HeaderField
    seal_field: HeaderField
    signature: Signature
    seal: Proof
    status: bytes


@dataclass(frozen=True, slots=True)
class Claims:
    """What can be told without looking closer: the domain of the newest seal, the highest instance of any field, and
    the instance of a handler that declared the chain broken; 0 where there is none."""

    sealer: str
    newest: int
    ended_at: int


def chain_fields(message: Message) -> list[HeaderField]:
    """All fields of ARC, top to bottom."""
    return [each for each in message.fields if each.key in FIELDS]


def claims(fields: Sequence[HeaderField]) -> Claims:
    """What the seals say of themselves, whatever else is wrong with the chain."""
    sealer, newest, newest_seal, ended_at = "", 0, 0, 0
    for each in fields:
        if each.key == RESULTS:
            newest = max(newest, _stated_instance(each))
            continue
        tags = _lenient_tags(each)
        instance = _number(tags.get(b"i", b""))
        newest = max(newest, instance)
        if each.key == SEAL and tags.get(b"cv", b"").lower() == b"fail":
            ended_at = max(ended_at, instance)
        if each.key == SEAL and instance > newest_seal:
            newest_seal, sealer = instance, dns_name(tags.get(b"d", b"").decode("utf-8", "replace")) or ""
    return Claims(sealer, newest, ended_at)


def read(fields: Sequence[HeaderField]) -> list[ArcSet]:
    """The sets in the order in which they were added. Raises `BadChain`."""
    if len(fields) > 3 * MAX_SETS:
        raise BadChain(f"more than {MAX_SETS} sets")
    parts: dict[int, _Parts] = {}
    for each in fields:
        _sort_in(parts, each)
    if sorted(parts) != list(range(1, len(parts) + 1)):
        raise BadChain("an instance is missing")
    if len(parts) > MAX_SETS:
        raise BadChain(f"more than {MAX_SETS} sets")
    return [_set(instance, parts[instance]) for instance in sorted(parts)]


def seal_digests(sets: Sequence[ArcSet]) -> Iterator[bytes]:
    """What each seal signs: all sets up to its own (RFC 8617 section 5.1.1). Hashes each field once."""
    hasher = hashlib.sha256()
    for each in sets:
        for whole in (each.results, each.signature_field):
            hasher.update(_canonical(whole.name, whole.value) + b"\r\n")
        own = hasher.copy()
        own.update(_canonical(each.seal_field.name, taglist.without_value(each.seal_field.value, b"b")))
        yield own.digest()
        hasher.update(_canonical(each.seal_field.name, each.seal_field.value) + b"\r\n")


def _canonical(name: bytes, value: bytes) -> bytes:
    return canonical.header_field(name, value, b"", Form.RELAXED)


def _sort_in(parts: dict[int, _Parts], each: HeaderField) -> None:
    if len(each.value) > MAX_FIELD:
        raise BadChain("a field of the chain is too large")
    if each.key == RESULTS:
        _of(parts, _stated_instance(each)).results.append(each)
        return
    try:
        tags = taglist.parse(each.value)
    except taglist.BadTagList as error:
        raise BadChain(f"{each.name.decode('ascii', 'replace')}: {error}") from None
    mine = _of(parts, _number(tags.get(b"i", b"")))
    (mine.seals if each.key == SEAL else mine.signatures).append((each, tags))


def _of(parts: dict[int, _Parts], instance: int) -> _Parts:
    if not instance:
        raise BadChain("a field of the chain has no instance")
    return parts.setdefault(instance, _Parts())


def _set(instance: int, parts: _Parts) -> ArcSet:
    if not len(parts.results) == len(parts.signatures) == len(parts.seals) == 1:
        raise BadChain(f"set {instance} has not one of each field")
    ((signature_field, signature_tags),), ((seal_field, seal_tags),) = parts.signatures, parts.seals
    status = seal_tags.get(b"cv", b"").lower()
    if status != (b"none" if instance == 1 else b"pass"):
        raise BadChain(f"seal {instance} says cv={status.decode('ascii', 'replace')[:20]}")
    if b"h" in seal_tags:
        raise BadChain(f"seal {instance} has h=")
    # Only relaxed canonicalisation is used by ARC where nothing else is said (RFC 8617 section 4.1.2).
    signature_tags.setdefault(b"c", b"relaxed/relaxed")
    try:
        signature = dkim_signature.of_message(signature_tags, names=_names(signature_tags), identity=None)
        seal = dkim_signature.of_fields(seal_tags)
    except BadSignature as error:
        raise BadChain(f"set {instance}: {error.reason}") from None
    if SEAL in signature.names:
        raise BadChain(f"signature {instance} covers a seal")
    return ArcSet(parts.results[0], signature_field, seal_field, signature, seal, status)


def _names(tags: Tags) -> tuple[bytes, ...]:
    """h= in lower case. Empty names are passed over, and From may be missing, as verifiers of ARC agree."""
    names = (name.strip(b" \t").lower() for name in tags.get(b"h", b"").split(b":", MAX_SIGNED_NAMES))
    return tuple(name for name in names if name)


def _number(text: bytes) -> int:
    """The instance; 0 where there is none that is allowed."""
    return int(text) if _INSTANCE.match(text) else 0


def _stated_instance(each: HeaderField) -> int:
    match = _RESULTS_INSTANCE.match(each.value)
    return _number(match[1]) if match else 0


def _lenient_tags(each: HeaderField) -> Tags:
    try:
        return taglist.parse(each.value[:MAX_FIELD])
    except taglist.BadTagList:
        return {}
