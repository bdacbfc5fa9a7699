"""ARC seals of our own (RFC 8617 section 5.1): the set that is put before a message that we changed, so that those
after us can still learn what its authentication was before.

Pure: octets and a key go in, three fields come out. What the set says is what our Authentication-Results field on the
same message says. Never verifies a chain, and never mends one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.checks.authentication import arc_chain, canonical
from gateway.checks.authentication.arc_chain import MAX_SETS, BadChain
from gateway.checks.authentication.canonical import Form
from gateway.checks.authentication.dkim_signature import RSA_SHA256
from gateway.mail.message import Message
from gateway.mail.results import StatedResult, own_results
from gateway.pipeline.signing import LINE, KeysFor, covered_fields, covered_names, folded_names
from gateway.pipeline.signing_key import SigningKey

Tag = tuple[bytes, bytes]
Named = tuple[bytes, bytes]
Arrange = Callable[[list[Tag]], list[Tag]]
"""The order in which tags are written. Verifiers take any."""


class ChainStatus(StrEnum):
    """What a seal says of the chain before it (cv=, RFC 8617 section 4.4)."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals in the name of one host, which is also our authserv-id, with the RSA key that signs for its domain: ARC
    knows no other algorithm."""

    authserv_id: str
    keys_for: KeysFor

    def seal(self, message: Message, *, sealed_at: float) -> bytes:
        """The three fields for a message as it will leave, our Authentication-Results on top, or nothing where there is
        no key, no result of ours to vouch for, or a chain that has ended. `sealed_at` is seconds since the epoch."""
        key = next((each for each in self.keys_for(self.authserv_id) if each.algorithm == RSA_SHA256), None)
        if key is None:
            return b""
        names = covered_names([(each.key, each.value) for each in message.fields], also=(b"dkim-signature",))
        return seal_fields(message, key, authserv_id=self.authserv_id, names=names, sealed_at=sealed_at)


def seal_fields(
    message: Message,
    key: SigningKey,
    *,
    authserv_id: str,
    names: Sequence[bytes],
    sealed_at: float,
    arrange: Arrange = list,
) -> bytes:
    """ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results with their CRLF, or nothing (section 5.1 step 2).

    `names` are the fields that the signature covers, in lower case. The chain's status is the one that our own results
    state (arc=); a chain of which they state nothing is not continued.
    """
    results = own_results(message, authserv_id)
    fields = arc_chain.chain_fields(message)
    claims = arc_chain.claims(fields)
    status = _status(results, chained=bool(fields))
    if not results or status is None or claims.ended_at or claims.newest >= MAX_SETS:
        return b""
    try:
        earlier = arc_chain.read(fields) if status is ChainStatus.PASS else []
    except BadChain:
        status, earlier = ChainStatus.FAIL, []
    instance = (b"i", b"%d" % (claims.newest + 1))
    made = [(b"a", key.algorithm), (b"d", key.domain), (b"s", key.selector), (b"t", str(int(sealed_at)))]
    own = [(name, value.encode("ascii")) for name, value in made]
    above = [(b"ARC-Authentication-Results", _stated(instance[1], authserv_id, results))]

    body = canonical.body_hash(message.octets, message.body_offset, Form.RELAXED).digest
    tags = [instance, *own, (b"c", b"relaxed/relaxed"), (b"h", b":".join(names)), (b"bh", base64.b64encode(body))]
    fields_now = [
        *((name.lower(), value) for name, value in above),
        *((each.key, each.value) for each in message.fields),
    ]
    covered = list(covered_fields(fields_now, names))
    above.insert(0, _signed(b"ARC-Message-Signature", tags, key, covered, arrange))

    chain = [
        _canonical(each.name, each.value)
        for one in earlier
        for each in (one.results, one.signature_field, one.seal_field)
    ]
    chain += [_canonical(name, value) for name, value in reversed(above)]
    above.insert(0, _signed(b"ARC-Seal", [instance, (b"cv", status.value.encode()), *own], key, chain, arrange))
    return b"".join(name + b":" + value + b"\r\n" for name, value in above)


def _status(results: Sequence[StatedResult], *, chained: bool) -> ChainStatus | None:
    """What cv= has to say; None where we do not know, or where what we know fits no chain."""
    stated = [each.result for each in results if each.method == "arc"]
    if len(stated) > 1:
        return ChainStatus.FAIL if chained else None
    if not chained:
        return ChainStatus.NONE if stated in ([], ["none"]) else None
    return ChainStatus(stated[0]) if stated in (["pass"], ["fail"]) else None


def _stated(instance: bytes, authserv_id: str, results: Sequence[StatedResult]) -> bytes:
    lines = [b" i=" + instance + b"; " + authserv_id.encode("ascii"), *(each.text.encode() for each in results)]
    return b";\r\n\t".join(lines)


def _signed(name: bytes, tags: list[Tag], key: SigningKey, covered: Sequence[bytes], arrange: Arrange) -> Named:
    """A field with its signature over the covered fields and itself."""
    arranged = arrange([*tags, (b"b", b"")])
    bare = _canonical(name, _written(arranged))
    digest = hashlib.sha256(b"\r\n".join([*covered, bare])).digest()
    signature = base64.b64encode(key.sign(digest))
    return name, _written([(tag, signature if tag == b"b" else value) for tag, value in arranged])


def _written(tags: Sequence[Tag]) -> bytes:
    """A tag list, folded between tags, where a fold has the same canonical form as a space. Within b= it has not: the
    seals that come later cover it, so it stands on one line, as in the public suite. A long h= is always folded in the
    same places."""
    pieces = []
    for name, value in tags:
        if name == b"h" and len(value) > LINE:
            pieces.append(b"\r\n\t".join(folded_names(value.split(b":"))).removesuffix(b";"))
        else:
            pieces.append(name + b"=" + value)
    lines = [b""]
    for number, piece in enumerate(pieces):
        piece += b";" if number < len(pieces) - 1 else b""
        if lines[-1] and len(lines[-1]) + len(piece) > LINE:
            lines.append(b"")
        lines[-1] += b" " + piece
    return b"\r\n\t".join(lines)


def _canonical(name: bytes, value: bytes) -> bytes:
    return canonical.header_field(name, value, b"", Form.RELAXED)
