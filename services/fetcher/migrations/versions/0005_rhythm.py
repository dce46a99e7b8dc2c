"""What a source published when, what decided its next poll, and hot stories."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("fetcher_sources", sa.Column("rhythm", sa.LargeBinary))
    op.add_column("fetcher_sources", sa.Column("not_before", sa.BigInteger))
    op.add_column("fetcher_sources", sa.Column("decided_by", sa.Text))
    op.create_table(
        "fetcher_heat",
        sa.Column("story_id", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("carried", sa.BigInteger, nullable=False),
        sa.Column("heated", sa.BigInteger, nullable=False),
    )
