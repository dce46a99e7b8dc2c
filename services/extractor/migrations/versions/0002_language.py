"""The language of an article, for the version that has no text."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("extractor_articles", sa.Column("language", sa.Text))
