"""Further visits know the domain they ask, by which several fetchers share them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column; older rows stay without."""
    op.add_column("fetcher_revisits", sa.Column("domain", sa.Text))
