"""Whether and how receivers consented, and the rate that they allow. Those there are were vouched for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns."""
    table = "notifier_subscriptions"
    op.add_column(table, sa.Column("consent", sa.Text, nullable=False, server_default="operator"))
    op.add_column(table, sa.Column("allowed_rate", sa.Float))
