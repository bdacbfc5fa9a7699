"""The tables of the ledger. The migrations build them; a test proves that both say the same.

Rows that lists and couriers read are slim: octets and evidence, which make nine tenths of the size, stand apart.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    column,
    func,
    table,
    text,
)

from gateway.queue.states import DELIVERABLE, FINAL, State

REVISION: Final = "0002"
"""The migration that makes exactly these tables."""

METADATA: Final = MetaData()

# In SQLite only INTEGER PRIMARY KEY is the row's own number; elsewhere an id needs 64 bits.
_ID: Final = BigInteger().with_variant(Integer(), "sqlite")

LIVE: Final = tuple(sorted(state.value for state in State if state not in FINAL))
CLAIMABLE: Final = tuple(sorted(state.value for state in DELIVERABLE))

message: Final = Table(
    "message",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("received_at", Float, nullable=False),
    Column("direction", Text, nullable=False),
    Column("reverse_local", Text, nullable=False),
    Column("reverse_domain", Text, nullable=False),  # empty: the null reverse-path
    Column("sender", Text, nullable=False),  # the reverse-path in lower case, for look-ups
    Column("body", Text, nullable=False),
    Column("smtputf8", Boolean(create_constraint=False), nullable=False),
    Column("declared_size", Integer),
    Column("ret", Text, nullable=False),
    Column("envid", Text, nullable=False),
    Column("extensions", Text, nullable=False),
    Column("client_ip", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("may_bounce", Boolean(create_constraint=False), nullable=False),
    Column("size", Integer, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("author_address", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("excerpt", Text, nullable=False),
    Column("header_id", Text, nullable=False),
    Column("attachments", Integer, nullable=False),
    Column("score", Float),
    Index("message_by_sender", "sender"),
    Index("message_by_header_id", "header_id"),
)

body: Final = Table(
    "body",
    METADATA,
    Column("message_id", _ID, primary_key=True, autoincrement=False),
    Column("prefix", LargeBinary, nullable=False),
    Column("cuts", Text, nullable=False),
    Column("octets", LargeBinary),  # NULL: they stand in the spool
)

evidence: Final = Table(
    "evidence",
    METADATA,
    Column("message_id", _ID, primary_key=True, autoincrement=False),
    Column("octets", LargeBinary, nullable=False),  # zlib
)

recipient: Final = Table(
    "recipient",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("message_id", _ID, nullable=False),
    Column("local", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("address", Text, nullable=False),  # in lower case, for look-ups
    Column("notify", Text, nullable=False),
    Column("original", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("due", Float, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lease_until", Float),
    Column("owner", Text, nullable=False),
    Column("quarantine", Text, nullable=False),
    Column("expires_at", Float),
    Column("held_at", Float),  # when it was held first: from then on `words` knows it
    Column("rule", Text, nullable=False),
    Column("codes", Text, nullable=False),  # " CODE CODE ", for look-ups
    Column("judgement", Text, nullable=False),
    Column("last_reply", Text, nullable=False),
    Column("last_remote", Text, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("fields", LargeBinary, nullable=False, server_default=text("x''")),  # above the prefix, in this copy alone
)

_claimable: Final = recipient.c.state.in_(CLAIMABLE)
_held: Final = recipient.c.state == State.HELD.value
_leased: Final = recipient.c.lease_until.is_not(None)

Index("recipient_by_message", recipient.c.message_id)
Index("recipient_by_address", recipient.c.address)
Index(
    "recipient_due",
    recipient.c.destination,
    recipient.c.due,
    sqlite_where=_claimable & recipient.c.lease_until.is_(None),
)
Index("recipient_waiting", recipient.c.state, sqlite_where=recipient.c.state.in_(LIVE))
Index("recipient_waiting_at", recipient.c.destination, recipient.c.state, sqlite_where=recipient.c.state.in_(LIVE))
Index("recipient_lease", recipient.c.lease_until, sqlite_where=_leased)
Index("recipient_in_flight", recipient.c.destination, recipient.c.lease_until, sqlite_where=_leased)
Index("recipient_once_held", recipient.c.state, sqlite_where=recipient.c.held_at.is_not(None))
Index("recipient_held_by_quarantine", recipient.c.quarantine, sqlite_where=_held)
Index("recipient_held_by_address", recipient.c.address, sqlite_where=_held)
Index("recipient_held_until", recipient.c.expires_at, sqlite_where=_held & recipient.c.expires_at.is_not(None))

destination: Final = Table(
    "destination",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("next_due", Float),  # of those that nobody has claimed; NULL: nothing waits
    Column("ready_at", Float, nullable=False),  # not before: back-off after a failed connection
    Column("last_reply", Text, nullable=False),
    Column("last_at", Float),
)

READY: Final = func.max(destination.c.next_due, destination.c.ready_at)
"""When a destination has work that may be attempted."""

Index("destination_ready", READY, sqlite_where=destination.c.next_due.is_not(None))

event: Final = Table(
    "event",
    METADATA,
    Column("sequence", _ID, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("message_id", _ID, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("event_by_message", "message_id"),
    sqlite_autoincrement=True,  # a number is never given twice, even when the newest rows are deleted
)

tally: Final = Table(
    "tally",
    METADATA,
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("number", Integer, nullable=False),
)

refusal: Final = Table(
    "refusal",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("stage", Text, nullable=False),
    Column("code", Integer, nullable=False),
    Column("enhanced", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("client_ip", Text, nullable=False),
    Column("helo", Text, nullable=False),
    Column("reverse_path", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("evidence", LargeBinary, nullable=False),  # zlib
    Index("refusal_by_address", "address"),
    Index("refusal_by_sender", "sender"),
    Index("refusal_by_reference", "reference"),
)

# Full text of every recipient that was ever held; SQLAlchemy has no word for virtual tables, the migration makes it.
words: Final = table("words", column("words", Text), column("rowid", Integer))

WORDS_COLUMNS: Final = ("subject", "author_name", "author_address", "sender", "address")
