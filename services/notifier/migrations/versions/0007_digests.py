"""Digests: what a subscription wants told later, and the lines that wait for it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Everything there is told at once."""
    op.add_column("notifier_subscriptions", sa.Column("expires_after", sa.Float))
    op.add_column("notifier_subscriptions", sa.Column("quiet", sa.Text))
    op.add_column("notifier_subscriptions", sa.Column("digest", sa.Float))
    op.add_column("notifier_deliveries", sa.Column("stale", sa.BigInteger))
    gathered = sa.text("state = 'gathered'")
    op.create_index(
        "notifier_deliveries_gathered", "notifier_deliveries", ["subscription_id", "next_attempt", "sequence"],
        sqlite_where=gathered, postgresql_where=gathered,
    )  # fmt: skip
