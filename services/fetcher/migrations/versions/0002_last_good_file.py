"""The last good sources file."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "fetcher_files",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kept", sa.BigInteger, nullable=False),
    )
