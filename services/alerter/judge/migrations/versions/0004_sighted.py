"""Sightings: one row a family instead of one an article, since they are asked for together."""

from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

AT_ONCE = 500


def upgrade() -> None:
    """Add the table, bring the rows over, and drop the old one."""
    sighted = op.create_table(
        "judge_sighted",
        sa.Column("watch_id", sa.Text, primary_key=True),
        sa.Column("family", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("sightings", sa.LargeBinary, nullable=False),
    )
    op.create_index("judge_sighted_last", "judge_sighted", ["watch_id", "last"])
    old = sa.text("SELECT watch_id, family, moment, detail FROM judge_sightings ORDER BY watch_id, family, moment")
    groups = groupby(op.get_bind().execute(old).all(), key=lambda row: (row.watch_id, row.family))
    rows = [_row(watch_id, family, [*seen]) for (watch_id, family), seen in groups]
    for at in range(0, len(rows), AT_ONCE):
        op.bulk_insert(sighted, rows[at : at + AT_ONCE])
    op.drop_table("judge_sightings")


def _row(watch_id: str, family: int, seen: list[Any]) -> dict[str, object]:
    """Each detail is one JSON array, so a list of them needs no decoding."""
    whole = b"[" + b",".join(bytes(row.detail) for row in seen) + b"]"
    return {"watch_id": watch_id, "family": family, "last": seen[-1].moment, "sightings": whole}
