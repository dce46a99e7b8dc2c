"""Warnings of subscriptions that fail, and their place until they are told."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Nobody was warned before."""
    op.add_column("notifier_subscriptions", sa.Column("warned", sa.Integer, nullable=False, server_default="0"))
    op.add_column("notifier_subscriptions", sa.Column("warned_at", sa.BigInteger))
    op.create_table(
        "notifier_warnings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("trace", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
