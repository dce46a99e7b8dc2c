"""The breaker of a subscription: how often it opened, and when it is to be probed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Every breaker starts closed."""
    op.add_column("notifier_subscriptions", sa.Column("breaker_opens", sa.Integer, nullable=False, server_default="0"))
    op.add_column("notifier_subscriptions", sa.Column("probe_at", sa.BigInteger))
