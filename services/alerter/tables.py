"""The alerter's shared table: every published version of every watch."""

from __future__ import annotations

import sqlalchemy as sa

from shared.db import Moment

OWNER = "alerter"
METADATA = sa.MetaData()

WATCHES = sa.Table(
    "alerter_watches",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("yaml", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("published", Moment, nullable=False),
)
"""One row a version, never changed; the newest version of an id is in force. `hash` is of the text."""
