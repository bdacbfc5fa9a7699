"""Header fields that one recipient's copy alone has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; the copies of old rows have none."""
    op.add_column("recipient", sa.Column("fields", sa.LargeBinary(), nullable=False, server_default=sa.text("x''")))
