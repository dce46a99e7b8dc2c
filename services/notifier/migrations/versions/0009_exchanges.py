"""What was sent and answered in each attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Of attempts made before nothing is known."""
    op.add_column("notifier_attempts", sa.Column("request", sa.Text, nullable=False, server_default=""))
    op.add_column("notifier_attempts", sa.Column("answer", sa.Text, nullable=False, server_default=""))
