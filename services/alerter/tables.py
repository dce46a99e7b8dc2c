"""The alerter's shared tables: every published version of every watch, how much is published, how sources are read.

Volumes carry the number of the partition that an article came on, so that replicas never write to the same row: whoever
reads sums over it. What is bounded how stands in `volumes`.
"""

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

MEMBERS = sa.table("judge_members", sa.column("watch_id"), sa.column("article_id"))
"""Which watches judged an article: judging writes it, matching only asks who has to hear of an edit."""

VOLUMES = sa.Table(
    "alerter_volumes",
    METADATA,
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("articles", sa.BigInteger, nullable=False),
)
"""Articles by the hour of story time in which they were met, source and language, matched or not."""

COUNTED = sa.Table(
    "alerter_counted",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("article", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("moment", Moment, nullable=False),
    sa.Index("alerter_counted_moment", "number", "moment"),
)
"""Articles counted in the last days, by 63 bits of their id: one that is published twice is one article."""

SOURCES = sa.Table(
    "alerter_sources",
    METADATA,
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("country", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("checked", Moment, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Index("alerter_sources_checked", "checked"),
)
"""How every source stood when it was last checked; `since` is when it began to be read well, or not to be."""

READ = sa.Table(
    "alerter_read",
    METADATA,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("stamp", sa.BigInteger, nullable=False),
    sa.Column("observed", Moment, nullable=False),
    sa.Column("purged", Moment, nullable=False),
)
"""What the volumes know of each partition: the last offset counted, its time on the log (milliseconds), the latest
story time met, and up to when old rows were deleted."""
