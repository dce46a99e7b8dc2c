"""What holds of a source beyond its last check, and the blocks of links that a listing page was learned by."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns; the next check of each source fills them."""
    op.add_column("fetcher_sources", sa.Column("conditions", sa.Text))
    op.add_column("fetcher_sources", sa.Column("shapes", sa.Text))
