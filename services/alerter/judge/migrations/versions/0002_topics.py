"""Topics: events across languages, and the topic of every member."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table and the column; members judged before have no topic."""
    op.create_table(
        "judge_topics",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("topic_id", sa.Text, primary_key=True),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("counts", sa.LargeBinary, nullable=False),
    )
    op.create_index("judge_topics_last", "judge_topics", ["watch_id", "last"])
    op.add_column("judge_members", sa.Column("topic_id", sa.Text, nullable=False, server_default=""))
