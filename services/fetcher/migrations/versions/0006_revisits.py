"""Pages that may be fetched again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "fetcher_revisits",
        sa.Column("entry_id", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("item", sa.LargeBinary, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("quiet", sa.Integer, nullable=False),
        sa.Column("missing", sa.Integer, nullable=False),
        sa.Column("body_hash", sa.Text, nullable=False),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("article_id", sa.Text, nullable=False),
        sa.Column("story_id", sa.Text, nullable=False),
        sa.Column("live_until", sa.BigInteger),
        sa.Column("ended", sa.Text),
    )
    op.create_index("fetcher_revisits_due", "fetcher_revisits", ["due"])
    op.create_index("fetcher_revisits_url", "fetcher_revisits", ["source_id", "url"])
    op.create_index("fetcher_revisits_story", "fetcher_revisits", ["story_id"])
    op.create_index("fetcher_revisits_seen", "fetcher_revisits", ["seen"])
