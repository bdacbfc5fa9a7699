"""Between records and rows, both ways. Hostile text is bounded and made storable here, addresses never are changed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Row

from gateway.facts.connection import ClientFact
from gateway.facts.evidence import from_plain, to_plain
from gateway.mail.address import Address, ReversePath, path_text
from gateway.mail.envelope import Body, Direction, Envelope, Recipient
from gateway.queue.records import Acceptance, Claim, HeldItem, Judgement, Listing, NewRecipient, RecipientRecord
from gateway.queue.states import DELIVERABLE, State

MAX_TEXT: Final = 1000
"""Characters kept of any hostile text: a subject, a name, what a client said."""


def storable(text: str) -> str:
    """The text, bounded, without what a database cannot keep (lone surrogates, NUL)."""
    text = text[:MAX_TEXT]
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text.replace("\0", " ") if "\0" in text else text


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def compact(value: Any) -> str:
    """As JSON in ASCII. A lone surrogate becomes an escape, so every text can be kept."""
    return _ENCODER.encode(value)


def squeeze(octets: bytes) -> bytes:
    """Compress evidence. Level 1: three quarters of the gain for a third of the time."""
    return zlib.compress(octets, 1)


def expand(octets: bytes) -> bytes:
    """The inverse of `squeeze`. What we wrote ourselves needs no bound."""
    return zlib.decompress(octets)


def path_row(path: ReversePath) -> dict[str, str]:
    """The reverse-path's columns."""
    if path is None:
        return {"reverse_local": "", "reverse_domain": "", "sender": ""}
    return {"reverse_local": path.local, "reverse_domain": path.domain, "sender": path.key}


def path_of(row: Row[Any]) -> ReversePath:
    """The inverse of `path_row`."""
    return Address(row.reverse_local, row.reverse_domain) if row.reverse_domain else None


def message_row(message_id: int, acceptance: Acceptance, *, size: int) -> dict[str, Any]:
    """The slim row of a message."""
    envelope, client, listing = acceptance.envelope, acceptance.client, acceptance.listing
    return {
        "id": message_id,
        "received_at": acceptance.received_at,
        "direction": envelope.direction.value,
        **path_row(envelope.reverse_path),
        "body": envelope.body.value,
        "smtputf8": envelope.smtputf8,
        "declared_size": envelope.size,
        "ret": envelope.ret,
        "envid": storable(envelope.envid),
        "extensions": compact(envelope.extensions) if envelope.extensions else "{}",
        "client_ip": client.ip,
        "client": compact(_plain_client(client)),
        "policy_version": acceptance.policy_version,
        "may_bounce": acceptance.may_bounce,
        "size": size,
        "author_name": storable(listing.author_name),
        "author_address": storable(listing.author_address),
        "subject": storable(listing.subject),
        "excerpt": storable(listing.excerpt),
        "header_id": storable(listing.message_id),
        "attachments": listing.attachments,
        "score": listing.score,
    }


def recipient_row(recipient_id: int, message_id: int, new: NewRecipient, *, at: float) -> dict[str, Any]:
    """The row of one recipient, not yet attempted."""
    address, judgement = new.recipient.address, new.judgement
    return {
        "id": recipient_id,
        "message_id": message_id,
        "local": address.local,
        "domain": address.domain,
        "address": address.key,
        "notify": " ".join(sorted(new.recipient.notify)),
        "original": storable(new.recipient.original),
        "state": new.state.value,
        "destination": new.destination,
        "due": at if new.due is None else new.due,
        "attempt": 0,
        "lease_until": None,
        "owner": "",
        "quarantine": new.quarantine,
        "expires_at": new.expires_at,
        "held_at": at if new.state is State.HELD else None,
        "rule": judgement.rule,
        "codes": "".join(f" {code}" for code, _ in judgement.reasons) + " ",
        "judgement": compact(_plain_judgement(judgement)),
        "fields": new.fields,
        "last_reply": "",
        "last_remote": "",
        "changed_at": at,
    }


# What `to_plain` gives for these two records, by name: half the CPU of an acceptance went into asking them for fields.
def _plain_client(client: ClientFact) -> dict[str, Any]:
    return {
        "ip": client.ip,
        "port": client.port,
        "helo": client.helo,
        "reverse_name": to_plain(client.reverse_name),
        "tls": client.tls,
        "tls_cipher": client.tls_cipher,
        "user": client.user,
        "dnsbl": to_plain(client.dnsbl),
        "esmtp": client.esmtp,
        "past": to_plain(client.past),
        "sender_domain": to_plain(client.sender_domain),
        "door": client.door,
        "network": to_plain(client.network),
        "country": to_plain(client.country),
        "certificate": to_plain(client.certificate),
    }


def _plain_judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "disposition": judgement.disposition,
        "verdict_class": judgement.verdict_class,
        "rule": judgement.rule,
        "file": judgement.file,
        "line": judgement.line,
        "reasons": judgement.reasons,
    }


def recipient_of(row: Row[Any]) -> Recipient:
    """The recipient as RCPT gave it."""
    return Recipient(Address(row.local, row.domain), frozenset(row.notify.split()), row.original)


def judgement_of(row: Row[Any]) -> Judgement:
    """Why the recipient's copy is where it is."""
    plain = json.loads(row.judgement)
    return Judgement(**plain | {"reasons": tuple((code, text) for code, text in plain["reasons"])})


def listing_of(row: Row[Any]) -> Listing:
    """The words by which people find the message."""
    return Listing(
        author_name=row.author_name,
        author_address=row.author_address,
        subject=row.subject,
        excerpt=row.excerpt,
        message_id=row.header_id,
        attachments=row.attachments,
        score=row.score,
    )


def recipient_record(row: Row[Any]) -> RecipientRecord:
    """One recipient with its state."""
    state = State(row.state)
    return RecipientRecord(
        id=row.id,
        recipient=recipient_of(row),
        state=state,
        destination=row.destination,
        attempt=row.attempt,
        due=row.due if state in DELIVERABLE else None,
        lease_until=row.lease_until,
        owner=row.owner,
        judgement=judgement_of(row),
        quarantine=row.quarantine,
        expires_at=row.expires_at,
        last_reply=row.last_reply,
        last_remote=row.last_remote,
        changed_at=row.changed_at,
    )


def envelope_of(row: Row[Any], recipients: tuple[Recipient, ...]) -> Envelope:
    """What MAIL and RCPT said."""
    extensions: Mapping[str, str] = json.loads(row.extensions)
    return Envelope(
        reverse_path=path_of(row),
        recipients=recipients,
        direction=Direction(row.direction),
        body=Body(row.body),
        smtputf8=row.smtputf8,
        size=row.declared_size,
        ret=row.ret,
        envid=row.envid,
        extensions=dict(extensions),
    )


def client_of(row: Row[Any]) -> ClientFact:
    """The host that connected."""
    return from_plain(ClientFact, json.loads(row.client))


def held_item(row: Row[Any]) -> HeldItem:
    """A row of recipient joined with message, as quarantine lists show it."""
    return HeldItem(
        id=row.id,
        message_id=row.message_id,
        received_at=row.received_at,
        reverse_path=path_text(path_of(row)),
        recipient=str(Address(row.local, row.domain)),
        quarantine=row.quarantine,
        judgement=judgement_of(row),
        listing=listing_of(row),
        client_ip=row.client_ip,
        size=row.size,
        expires_at=row.expires_at,
        state=State(row.state),
    )


def claim_of(row: Row[Any], *, lease_until: float) -> Claim:
    """A row of recipient joined with message, claimed for the next attempt."""
    return Claim(
        recipient_id=row.id,
        message_id=row.message_id,
        recipient=recipient_of(row),
        destination=row.destination,
        attempt=row.attempt + 1,
        lease_until=lease_until,
        reverse_path=path_of(row),
        received_at=row.received_at,
        size=row.size,
        smtputf8=row.smtputf8,
        eight_bit=row.body == Body.EIGHT_BIT_MIME.value,
        ret=row.ret,
        envid=row.envid,
        may_bounce=row.may_bounce,
        fields=row.fields,
    )
