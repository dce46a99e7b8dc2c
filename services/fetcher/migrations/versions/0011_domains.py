"""Entries know the domain of their page, by which several fetchers share them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns; older rows stay without."""
    op.add_column("fetcher_entries", sa.Column("domain", sa.Text))
    op.add_column("fetcher_entries", sa.Column("left_at", sa.BigInteger))
    op.create_index("fetcher_entries_left", "fetcher_entries", ["left_at"])
