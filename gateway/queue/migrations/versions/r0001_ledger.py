"""The first tables of the ledger, and the full text of held mail.

Written out rather than taken from `schema.py`, which goes on changing: what was applied once stays what it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_STATISTICS = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
_MUCH = (
    ("message", "message_by_sender", "10000000 500"),
    ("message", "message_by_header_id", "10000000 2"),
    ("body", None, "1000000"),
    ("evidence", None, "10000000"),
    ("recipient", "recipient_by_message", "10000000 2"),
    ("recipient", "recipient_by_address", "10000000 1000"),
    ("recipient", "recipient_due", "1000000 200 2"),
    ("recipient", "recipient_waiting", "1000000 200000"),
    ("recipient", "recipient_waiting_at", "1000000 200 100"),
    ("recipient", "recipient_lease", "1000 2"),
    ("recipient", "recipient_in_flight", "1000 20 2"),
    ("recipient", "recipient_once_held", "1000000 250000"),
    ("recipient", "recipient_held_by_quarantine", "500000 100000"),
    ("recipient", "recipient_held_by_address", "500000 50"),
    ("recipient", "recipient_held_until", "500000 2"),
    ("destination", "destination_ready", "20000 2"),
    ("event", "event_by_message", "30000000 3"),
    ("refusal", "refusal_by_address", "10000000 1000"),
    ("refusal", "refusal_by_sender", "10000000 500"),
    ("refusal", "refusal_by_reference", "10000000 2"),
)


def upgrade() -> None:
    """Make everything."""
    op.create_table(
        "body",
        sa.Column("message_id", _ID, autoincrement=False, nullable=False),
        sa.Column("prefix", sa.LargeBinary(), nullable=False),
        sa.Column("cuts", sa.Text(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_table(
        "destination",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next_due", sa.Float(), nullable=True),
        sa.Column("ready_at", sa.Float(), nullable=False),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("last_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "event",
        sa.Column("sequence", _ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sqlite_autoincrement=True,
    )
    op.create_index("event_by_message", "event", ["message_id"])
    op.create_table(
        "evidence",
        sa.Column("message_id", _ID, autoincrement=False, nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_table(
        "message",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("reverse_local", sa.Text(), nullable=False),
        sa.Column("reverse_domain", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), nullable=False),
        sa.Column("declared_size", sa.Integer(), nullable=True),
        sa.Column("ret", sa.Text(), nullable=False),
        sa.Column("envid", sa.Text(), nullable=False),
        sa.Column("extensions", sa.Text(), nullable=False),
        sa.Column("client_ip", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("may_bounce", sa.Boolean(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("author_address", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("header_id", sa.Text(), nullable=False),
        sa.Column("attachments", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("message_by_header_id", "message", ["header_id"])
    op.create_index("message_by_sender", "message", ["sender"])
    op.create_table(
        "recipient",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("local", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("notify", sa.Text(), nullable=False),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("quarantine", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("held_at", sa.Float(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("judgement", sa.Text(), nullable=False),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("last_remote", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("recipient_by_address", "recipient", ["address"])
    op.create_index("recipient_by_message", "recipient", ["message_id"])
    op.create_index(
        "recipient_due",
        "recipient",
        ["destination", "due"],
        sqlite_where=sa.text("state IN ('deferred', 'queued') AND lease_until IS NULL"),
    )
    op.create_index("recipient_held_by_address", "recipient", ["address"], sqlite_where=sa.text("state = 'held'"))
    op.create_index("recipient_held_by_quarantine", "recipient", ["quarantine"], sqlite_where=sa.text("state = 'held'"))
    op.create_index(
        "recipient_held_until",
        "recipient",
        ["expires_at"],
        sqlite_where=sa.text("state = 'held' AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "recipient_in_flight",
        "recipient",
        ["destination", "lease_until"],
        sqlite_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index("recipient_lease", "recipient", ["lease_until"], sqlite_where=sa.text("lease_until IS NOT NULL"))
    op.create_index(
        "recipient_waiting_at",
        "recipient",
        ["destination", "state"],
        sqlite_where=sa.text("state IN ('corrupt', 'deferred', 'held', 'queued', 'unscanned')"),
    )
    op.create_index("recipient_once_held", "recipient", ["state"], sqlite_where=sa.text("held_at IS NOT NULL"))
    op.create_index(
        "recipient_waiting",
        "recipient",
        ["state"],
        sqlite_where=sa.text("state IN ('corrupt', 'deferred', 'held', 'queued', 'unscanned')"),
    )
    op.create_table(
        "refusal",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("enhanced", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("client_ip", sa.Text(), nullable=False),
        sa.Column("helo", sa.Text(), nullable=False),
        sa.Column("reverse_path", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("refusal_by_address", "refusal", ["address"])
    op.create_index("refusal_by_reference", "refusal", ["reference"])
    op.create_index("refusal_by_sender", "refusal", ["sender"])
    op.create_table(
        "tally",
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "kind"),
    )
    op.create_index(
        "destination_ready",
        "destination",
        [sa.text("max(next_due, ready_at)")],
        sqlite_where=sa.text("next_due IS NOT NULL"),
    )
    # The view gives the index its text back when rows are taken out of it; the trigrams are of lower case.
    op.execute(
        "CREATE VIEW held_words AS SELECT recipient.id AS id, message.subject AS subject, "
        "message.author_name AS author_name, message.author_address AS author_address, message.sender AS sender, "
        "recipient.address AS address FROM recipient JOIN message ON message.id = recipient.message_id"
    )
    op.execute(
        "CREATE VIRTUAL TABLE words USING fts5(subject, author_name, author_address, sender, address, "
        "content='held_words', content_rowid='id', tokenize='trigram', detail='full')"
    )
    # Without statistics SQLite reads all held mail to list one person's. These are not measured but meant: rows,
    # then rows for each value of the first column, and of the first two, in a gateway with much of everything. An
    # empty ledger cannot be analysed, and a full one should not change its plans from one day to the next.
    op.execute("ANALYZE sqlite_schema")
    op.bulk_insert(_STATISTICS, [dict(zip(("tbl", "idx", "stat"), row, strict=True)) for row in _MUCH])
    op.execute("ANALYZE sqlite_schema")
