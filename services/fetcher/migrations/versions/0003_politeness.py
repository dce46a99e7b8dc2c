"""What is remembered of a source for politeness, pauses that hosts asked for, other names of entries."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def added() -> tuple[sa.Column[Any], ...]:
    """What is new of a source. Each may be left out by a version that does not know it: old and new processes run side
    by side."""
    return (
        sa.Column("last_worked", sa.BigInteger),
        sa.Column("last_read", sa.BigInteger),
        sa.Column("gap", sa.Float),
        sa.Column("unheeded", sa.Integer, nullable=False, server_default="0"),
        sa.Column("habit", sa.Text),
        sa.Column("audited", sa.BigInteger),
        sa.Column("lies", sa.Integer, nullable=False, server_default="0"),
        sa.Column("doubt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("distrusted_until", sa.BigInteger),
        sa.Column("moved", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("moved_to", sa.Text),
        sa.Column("moved_since", sa.BigInteger),
        sa.Column("moved_seen", sa.Integer, nullable=False, server_default="0"),
        sa.Column("moved_asked", sa.BigInteger),
        sa.Column("gone", sa.Integer, nullable=False, server_default="0"),
        sa.Column("hints", sa.Text),
        sa.Column("language", sa.Text),
        sa.Column("other_language", sa.Text),
        sa.Column("other_since", sa.BigInteger),
    )


def upgrade() -> None:
    """Add the columns and create the tables."""
    for column in added():
        op.add_column("fetcher_sources", column)
    op.create_table(
        "fetcher_pauses",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "fetcher_entry_keys",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("entry_id", sa.Text, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
    )
