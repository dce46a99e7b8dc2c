"""What orders entries that wait: news before history, and the newest of history first."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("fetcher_entries", sa.Column("history", sa.Boolean))
    op.add_column("fetcher_entries", sa.Column("published", sa.BigInteger))
