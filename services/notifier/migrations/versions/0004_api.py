"""API keys, thin payloads, and alerts in the order in which they came, whoever is told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add keys; alerts kept before are not in the order."""
    op.create_table(
        "notifier_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
    )
    op.add_column("notifier_subscriptions", sa.Column("thin", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("notifier_alerts", sa.Column("number", sa.BigInteger))
    op.create_index("notifier_alerts_number", "notifier_alerts", ["number"])
    counters = sa.table("notifier_counters", sa.column("name", sa.Text), sa.column("value", sa.BigInteger))
    op.bulk_insert(counters, [{"name": "alerts", "value": 0}])
