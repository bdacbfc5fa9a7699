"""The header fields that we add, and the reply that ends DATA. What was scanned is what is delivered: octets are
prepended, and fields that forge our own authserv-id are left out; nothing else changes, so signatures survive. What
goes out is signed last (`signing.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.checks.dns.resinfo import results_field
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import known_or_none
from gateway.mail.envelope import Direction, Envelope
from gateway.mail.message import Message
from gateway.mail.replies import BY_NAME, DEFERRED, REFUSED_POLICY, Reply, accepted_as
from gateway.mail.results import forged_results
from gateway.mail.trace import Hop, received_field, received_spf_field
from gateway.pipeline.signing import Signer
from gateway.policy.verdict import Disposition, Settlement

MAX_VALUE: Final = 200
_KEPT: Final = frozenset({Disposition.DELIVER, Disposition.QUARANTINE})
_PRINTABLE: Final = frozenset(chr(code) for code in range(0x20, 0x7F))


@dataclass(frozen=True, slots=True)
class Stamps:
    """`prefix` are our header fields with CRLF line ends; `cuts` are ranges of the message that are left out. `own` are
    fields above the prefix that only one recipient's copy has, for each recipient who has some."""

    prefix: bytes
    cuts: tuple[tuple[int, int], ...]
    own: Mapping[str, bytes]


class Stamper:
    """Stamps messages in the name of one host, which is also our authserv-id (RFC 8601 section 2.5)."""

    def __init__(self, *, hostname: str, signer: Signer, received_spf: bool = False) -> None:
        """`received_spf`: whether that field is written too, for readers who know no better one."""
        self._hostname = hostname
        self._signer = signer
        self._received_spf = received_spf

    def stamp(
        self, message: Message, envelope: Envelope, evidence: Evidence, settlement: Settlement, *, reference: str
    ) -> Stamps:
        """The fields for this message. `reference` is its id, which also stands in our Received field."""
        received = self._received(envelope, evidence, reference)
        shared, own = _added(settlement)
        fields = b"".join(_field(name, value) for name, value in (*_scan_fields(evidence), *shared))
        if envelope.direction is Direction.INBOUND:
            proof = results_field(
                self._hostname, spf=evidence.spf, dkim=evidence.dkim, arc=evidence.arc, dmarc=evidence.dmarc
            )
            proof += self._spf(evidence) if self._received_spf else b""
        elif settlement.disposition in _KEPT:
            proof = self._signer.fields_for(
                message, envelope, user=evidence.client.user, prefix=fields, signed_at=evidence.received_at
            )
        else:
            proof = b""
        return Stamps(received + proof + fields, forged_results(message, self._hostname), own)

    def _received(self, envelope: Envelope, evidence: Evidence, reference: str) -> bytes:
        client = evidence.client
        hop = Hop(
            helo=client.helo,
            ip=client.ip,
            reverse_name=known_or_none(client.reverse_name) or "",
            tls=client.tls,
            tls_cipher=client.tls_cipher,
            user=client.user,
            extended=client.esmtp,
            smtputf8=envelope.smtputf8,
        )
        alone = str(envelope.recipients[0].address) if len(envelope.recipients) == 1 else ""
        return received_field(
            hop, by=self._hostname, message_id=reference, received_at=evidence.received_at, recipient=alone
        )

    def _spf(self, evidence: Evidence) -> bytes:
        fact = known_or_none(evidence.spf)
        if fact is None:
            return b""
        return received_spf_field(
            fact.result.value,
            by=self._hostname,
            identity=fact.identity.value,
            domain=fact.domain,
            ip=evidence.client.ip,
            helo=evidence.client.helo,
            envelope_from=evidence.reverse_path,
        )


def reply_to_data(settlement: Settlement, reference: str) -> Reply:
    """What the client is told when DATA ends."""
    match settlement.disposition:
        case Disposition.REJECT:
            return BY_NAME.get(settlement.reply, REFUSED_POLICY).about(reference)
        case Disposition.DEFER:
            return BY_NAME.get(settlement.reply, DEFERRED).about(reference)
    return accepted_as(reference)


def _scan_fields(evidence: Evidence) -> list[tuple[str, str]]:
    """What readers' filters may rely on, whatever the policy says."""
    spam = known_or_none(evidence.spam)
    fields = []
    if spam is not None:
        fields.append(("X-Postern-Score", f"{spam.score:.2f} ({spam.mail_class.value})"))
    unknown = evidence.unknown()
    if unknown:
        fields.append(("X-Postern-Checked-Without", ", ".join(sorted(unknown))))
    return fields


def _added(settlement: Settlement) -> tuple[list[tuple[str, str]], Mapping[str, bytes]]:
    """The fields that rules add: those of all copies, and those that only one recipient's has. Nobody learns from his
    copy what the policy says of another's."""
    verdicts = settlement.verdicts
    everybodys = [
        pair
        for pair in dict.fromkeys(verdicts[0][1].add_headers if verdicts else ())
        if all(pair in verdict.add_headers for _, verdict in verdicts)
    ]
    own = {
        name: b"".join(_field(*pair) for pair in dict.fromkeys(verdict.add_headers) if pair not in everybodys)
        for name, verdict in verdicts
    }
    return everybodys, {name: fields for name, fields in own.items() if fields}


def _field(name: str, value: str) -> bytes:
    """One field of printable ASCII on one line: the values come from policies and facts, and facts are hostile."""
    safe = "".join(char if char in _PRINTABLE else "?" for char in value)[:MAX_VALUE].strip()
    return f"{name}: {safe}\r\n".encode("ascii")
