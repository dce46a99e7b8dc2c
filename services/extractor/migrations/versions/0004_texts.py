"""The text of each article's latest version."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table of texts."""
    op.create_table(
        "extractor_texts",
        sa.Column("article_id", sa.Text, primary_key=True),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
    )
    op.create_index("extractor_texts_seen", "extractor_texts", ["seen"])
