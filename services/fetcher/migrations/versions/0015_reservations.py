"""What sites reserve of text and data mining."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "fetcher_reservations",
        sa.Column("origin", sa.Text, primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
    )
