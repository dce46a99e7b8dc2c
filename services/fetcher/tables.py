"""The fetcher's tables: what it knows of its sources, the entries it has seen, and the robots files it keeps."""

from __future__ import annotations

import sqlalchemy as sa

from shared.db import Moment

METADATA = sa.MetaData()

SOURCES = sa.Table(
    "fetcher_sources",
    METADATA,
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("next_due", Moment, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("seeded", sa.Boolean, nullable=False),
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", sa.Text),
    sa.Column("validated_url", sa.Text),
    sa.Column("body_hash", sa.Text),
    sa.Column("last_outcome", sa.Text),
    sa.Column("last_checked", Moment),
    sa.Column("last_fresh", Moment),
)
"""`next_due`, `last_…`: story time. Validators byte for byte as received, with the address that gave them."""

FILES = sa.Table(
    "fetcher_files",
    METADATA,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("kept", Moment, nullable=False),
)
"""The last good text of each sources file by its absolute path; `kept` real time."""

ENTRIES = sa.Table(
    "fetcher_entries",
    METADATA,
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("observed", Moment, nullable=False),
    sa.Column("pending", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("retry_at", Moment),
    sa.Column("item", sa.LargeBinary),
)
"""Every entry ever seen. `pending`: its page is still to be published, `item` is then what is known of it (JSON);
`observed` story time, `retry_at` real time."""

PENDING = sa.Index("fetcher_entries_pending", ENTRIES.c.pending, sqlite_where=ENTRIES.c.pending,
                   postgresql_where=ENTRIES.c.pending)  # fmt: skip

ROBOTS = sa.Table(
    "fetcher_robots",
    METADATA,
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("checked", Moment, nullable=False),
    sa.Column("failing_since", Moment),
    sa.Column("rules", sa.Text),
)
"""One robots file a scheme, host and port; `rules` is the last good copy ("" allows all); real time. `failing_since`
is empty when the last try worked."""
