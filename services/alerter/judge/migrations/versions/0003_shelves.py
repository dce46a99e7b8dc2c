"""Shelves: what the kinds of alert keep of a watch, and its timers. Members are found by their copy group."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "judge_shelves",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("judge_shelves_moment", "judge_shelves", ["part", "moment"])
    op.create_index("judge_members_group", "judge_members", ["watch_id", "copy_group"])
