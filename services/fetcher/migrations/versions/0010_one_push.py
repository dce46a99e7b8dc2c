"""One subscription a source, beside those that it is leaving."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the index."""
    op.create_index(
        "fetcher_pushes_source", "fetcher_pushes", ["source_id"], unique=True,
        sqlite_where=sa.text("state != 'leaving'"), postgresql_where=sa.text("state != 'leaving'"),
    )  # fmt: skip
