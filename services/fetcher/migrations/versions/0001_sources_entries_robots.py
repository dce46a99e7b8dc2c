"""Sources, entries seen, robots files."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "fetcher_sources",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("next_due", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("seeded", sa.Boolean, nullable=False),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("validated_url", sa.Text),
        sa.Column("body_hash", sa.Text),
        sa.Column("last_outcome", sa.Text),
        sa.Column("last_checked", sa.BigInteger),
        sa.Column("last_fresh", sa.BigInteger),
    )
    op.create_table(
        "fetcher_entries",
        sa.Column("entry_id", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("observed", sa.BigInteger, nullable=False),
        sa.Column("pending", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("retry_at", sa.BigInteger),
        sa.Column("item", sa.LargeBinary),
    )
    op.create_index(
        "fetcher_entries_pending", "fetcher_entries", ["pending"],
        sqlite_where=sa.text("pending"), postgresql_where=sa.text("pending"),
    )  # fmt: skip
    op.create_table(
        "fetcher_robots",
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("checked", sa.BigInteger, nullable=False),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("rules", sa.Text),
    )
