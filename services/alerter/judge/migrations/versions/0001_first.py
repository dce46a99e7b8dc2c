"""The first tables of judging."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them all."""
    op.create_table(
        "judge_alerts",
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("watch_id", sa.Text, nullable=False),
        sa.Column("match_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("judge_alerts_match", "judge_alerts", ["match_id"])
    op.create_table(
        "judge_copies",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("article_id", sa.Text, primary_key=True),
        sa.Column("copy_group", sa.Text, nullable=False),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("shingles", sa.LargeBinary, nullable=False),
    )
    op.create_index("judge_copies_moment", "judge_copies", ["watch_id", "moment"])
    op.create_table(
        "judge_decisions",
        sa.Column("match_id", sa.Text, primary_key=True),
        sa.Column("watch_id", sa.Text, nullable=False),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("alerts", sa.Integer, nullable=False),
    )
    op.create_index("judge_decisions_moment", "judge_decisions", ["watch_id", "moment"])
    op.create_table(
        "judge_families",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("family", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("standing", sa.SmallInteger, nullable=False),
    )
    op.create_index("judge_families_last", "judge_families", ["watch_id", "last"])
    op.create_table(
        "judge_members",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("article_id", sa.Text, primary_key=True),
        sa.Column("story_id", sa.Text, nullable=False),
        sa.Column("copy_group", sa.Text, nullable=False),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("agency", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
    )
    op.create_index("judge_members_moment", "judge_members", ["watch_id", "moment"])
    op.create_table(
        "judge_reactions",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("story_id", sa.Text, primary_key=True),
        sa.Column("actor_id", sa.Text, primary_key=True),
        sa.Column("act", sa.Text, primary_key=True),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("article_id", sa.Text, nullable=False),
    )
    op.create_table(
        "judge_sightings",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("family", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("article_id", sa.Text, primary_key=True),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.LargeBinary, nullable=False),
    )
    op.create_index("judge_sightings_moment", "judge_sightings", ["watch_id", "moment"])
    op.create_table(
        "judge_stories",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("story_id", sa.Text, primary_key=True),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("profile", sa.LargeBinary, nullable=False),
    )
    op.create_index("judge_stories_last", "judge_stories", ["watch_id", "last"])
    op.create_table(
        "judge_told",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("story_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("told", sa.BigInteger, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_index("judge_told_time", "judge_told", ["watch_id", "told"])
    op.create_table(
        "judge_watches",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("documents", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("watermark", sa.BigInteger, nullable=False),
        sa.Column("purged", sa.BigInteger, nullable=False),
    )
