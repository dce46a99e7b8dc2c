"""Subscriptions, their secrets, alerts, deliveries, attempts, and what is still to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables and start the counters."""
    counters = op.create_table(
        "notifier_counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counters, [{"name": "changes", "value": 0}, {"name": "sequence", "value": 0}])
    _subscriptions()
    _deliveries()
    _attempts()


def _subscriptions() -> None:
    op.create_table(
        "notifier_subscriptions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("filters", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("state_reason", sa.Text, nullable=False),
        sa.Column("in_flight", sa.Integer, nullable=False),
        sa.Column("rate", sa.Float),
        sa.Column("timeout_seconds", sa.Float, nullable=False),
        sa.Column("expiry_seconds", sa.Float, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("last_success", sa.BigInteger),
        sa.Column("hold_until", sa.BigInteger),
    )
    op.create_index("notifier_subscriptions_owner", "notifier_subscriptions", ["owner"])
    op.create_table(
        "notifier_secrets",
        sa.Column("subscription_id", sa.Text, primary_key=True),
        sa.Column("created", sa.BigInteger, primary_key=True),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger),
    )


def _deliveries() -> None:
    op.create_table(
        "notifier_alerts",
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("watch_id", sa.Text, nullable=False),
        sa.Column("story_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("observed", sa.BigInteger, nullable=False),
        sa.Column("ledger", sa.LargeBinary, nullable=False),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notifier_deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("subscription_id", sa.Text, nullable=False),
        sa.Column("alert_id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("finished", sa.BigInteger),
    )
    op.create_index("notifier_deliveries_history", "notifier_deliveries", ["subscription_id", "sequence"])
    pending = sa.text("state = 'pending'")
    op.create_index(
        "notifier_deliveries_due", "notifier_deliveries", ["subscription_id", "next_attempt", "sequence"],
        sqlite_where=pending, postgresql_where=pending,
    )  # fmt: skip


def _attempts() -> None:
    op.create_table(
        "notifier_attempts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("delivery_id", sa.Text, nullable=False),
        sa.Column("subscription_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("excerpt", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("dns", sa.Float),
        sa.Column("connect", sa.Float),
        sa.Column("tls", sa.Float),
        sa.Column("first_byte", sa.Float),
    )
    op.create_index("notifier_attempts_delivery", "notifier_attempts", ["delivery_id", "number"])
    op.create_table(
        "notifier_outbox",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_index("notifier_outbox_created", "notifier_outbox", ["created"])
