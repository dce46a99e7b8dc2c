"""Robots files know until when their server lets them be kept."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column; files had before are kept for a day."""
    op.add_column("fetcher_robots", sa.Column("fresh_until", sa.BigInteger))
