"""Order within stories, and deliveries that are made later than live."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """What is there already is unordered and live."""
    op.add_column("notifier_subscriptions", sa.Column("ordered", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("notifier_deliveries", sa.Column("story", sa.Text, nullable=False, server_default=""))
    op.add_column("notifier_deliveries", sa.Column("replay", sa.Integer, nullable=False, server_default="0"))
    op.add_column("notifier_deliveries", sa.Column("tried_before", sa.Integer, nullable=False, server_default="0"))
    unfinished = sa.text("story <> '' AND state IN ('pending', 'parked')")
    op.create_index(
        "notifier_deliveries_story", "notifier_deliveries", ["subscription_id", "story", "sequence"],
        sqlite_where=unfinished, postgresql_where=unfinished,
    )  # fmt: skip
