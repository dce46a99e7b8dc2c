"""The token of a subscription's feed, as a hash."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """No subscription has a feed yet."""
    op.add_column("notifier_subscriptions", sa.Column("feed_hash", sa.LargeBinary))
