"""The fetcher's tables: what it knows of its sources, the entries it has seen and their other names, the pauses that
hosts asked for, and the robots files it keeps."""

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
    sa.Column("last_worked", Moment),
    sa.Column("last_read", Moment),
    sa.Column("gap", sa.Float),
    sa.Column("unheeded", sa.Integer, nullable=False, server_default="0"),
    sa.Column("habit", sa.Text),
    sa.Column("audited", Moment),
    sa.Column("lies", sa.Integer, nullable=False, server_default="0"),
    sa.Column("doubt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("distrusted_until", Moment),
    sa.Column("moved", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("moved_to", sa.Text),
    sa.Column("moved_since", Moment),
    sa.Column("moved_seen", sa.Integer, nullable=False, server_default="0"),
    sa.Column("moved_asked", Moment),
    sa.Column("gone", sa.Integer, nullable=False, server_default="0"),
    sa.Column("hints", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("other_language", sa.Text),
    sa.Column("other_since", Moment),
    sa.Column("rhythm", sa.LargeBinary),
    sa.Column("not_before", Moment),
    sa.Column("decided_by", sa.Text),
    sa.Column("conditions", sa.Text),
    sa.Column("shapes", sa.Text),
)
"""Times are story time. Validators byte for byte as received, with the address that gave them. What the further columns
mean is said where they are decided: `validators` (`unheeded`, `habit`), `audit` (`audited` to `distrusted_until`),
`redirects` (`moved…`), `rhythm`, `health` (`conditions`), `layout` (`shapes`), `after` (the rest)."""

PAUSES = sa.Table(
    "fetcher_pauses",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("until", Moment, nullable=False),
)
"""Hosts (`host:feeds.example.org`) and registered domains (`domain:example.org`) that asked to be left alone; real
time."""

HEAT = sa.Table(
    "fetcher_heat",
    METADATA,
    sa.Column("story_id", sa.Text, primary_key=True),
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("carried", Moment, nullable=False),
    sa.Column("heated", Moment, nullable=False),
)
"""Which sources carried a story that alerts were raised of, when last, and when the story last had an alert."""

REQUESTS = sa.Table(
    "fetcher_requests",
    METADATA,
    sa.Column("domain", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("asked", sa.Text, primary_key=True),
    sa.Column("answer", sa.Text, primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("closest", sa.Float),
)
"""What was asked of each registered domain, by day (see `tally`)."""

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
    sa.Column("history", sa.Boolean),
    sa.Column("published", Moment),
    sa.Column("domain", sa.Text),
    sa.Column("left_at", Moment),
    sa.Index("fetcher_entries_left", "left_at"),
)
"""Every entry ever seen. `pending`: its page is still to be published, `item` is then what is known of it (JSON);
`history` that it is no news (older rows do not say), `published` what orders history;
`domain` is the registered domain of the page, `left_at` when a process that did not hold it left the page to
another (real time);
`observed` story time, `retry_at` real time."""

KEYS = sa.Table(
    "fetcher_entry_keys",
    METADATA,
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("seen", Moment, nullable=False),
)
"""What else an entry can be known by (`names`): by `kind` and hash, the entry that bore it first; `seen` story time."""

PENDING = sa.Index("fetcher_entries_pending", ENTRIES.c.pending, sqlite_where=ENTRIES.c.pending,
                   postgresql_where=ENTRIES.c.pending)  # fmt: skip

ROBOTS = sa.Table(
    "fetcher_robots",
    METADATA,
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("checked", Moment, nullable=False),
    sa.Column("failing_since", Moment),
    sa.Column("rules", sa.Text),
    sa.Column("fresh_until", Moment),
)
"""One robots file a scheme, host and port; `rules` is the last good copy ("" allows all); real time. `failing_since`
is empty when the last try worked, `fresh_until` where the server does not say how long the file may be kept."""

RESERVATIONS = sa.Table(
    "fetcher_reservations",
    METADATA,
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("until", Moment, nullable=False),
    sa.Column("rules", sa.Text, nullable=False),
)
"""What a site reserves of text and data mining: its rules as JSON (`manners.reservations.Rule`), good until (real
time)."""

REVISITS = sa.Table(
    "fetcher_revisits",
    METADATA,
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("item", sa.LargeBinary, nullable=False),
    sa.Column("seen", Moment, nullable=False),
    sa.Column("due", Moment),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("quiet", sa.Integer, nullable=False),
    sa.Column("missing", sa.Integer, nullable=False),
    sa.Column("body_hash", sa.Text, nullable=False),
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", sa.Text),
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("story_id", sa.Text, nullable=False),
    sa.Column("live_until", Moment),
    sa.Column("ended", sa.Text),
    sa.Column("domain", sa.Text),
    sa.Index("fetcher_revisits_due", "due"),
    sa.Index("fetcher_revisits_url", "source_id", "url"),
    sa.Index("fetcher_revisits_story", "story_id"),
    sa.Index("fetcher_revisits_seen", "seen"),
)
"""Pages that may be fetched again to see what was edited; story time. Validators byte for byte, of `url`; `domain` is
the registered domain that is asked (older rows do not say)."""

PUSHES = sa.Table(
    "fetcher_pushes",
    METADATA,
    sa.Column("push_id", sa.Text, primary_key=True),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("hub", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("pending", sa.Text),
    sa.Column("pending_until", Moment),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_try", Moment, nullable=False),
    sa.Column("lease_until", Moment),
    sa.Column("pushed", Moment),
    sa.Column("proven", sa.Boolean, nullable=False),
)
PUSHED = sa.Index("fetcher_pushes_source", PUSHES.c.source_id, unique=True,
                  sqlite_where=PUSHES.c.state != "leaving", postgresql_where=PUSHES.c.state != "leaving")  # fmt: skip

"""WebSub subscriptions by the unguessable part of their callback; real time. The secret only proves to us that a hub
wrote what it pushes: whoever reads this table could put entries into the others just as well, so it is not sealed."""

CHILDREN = sa.Table(
    "fetcher_children",
    METADATA,
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, primary_key=True),
    sa.Column("listed", sa.Boolean, nullable=False),
    sa.Column("silent", sa.Boolean, nullable=False),
    sa.Column("changed", Moment),
    sa.Column("read_at", Moment),
    sa.Column("asked", Moment),
    sa.Column("fresh", Moment),
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", sa.Text),
    sa.Column("body_hash", sa.Text),
)
"""The sitemaps that sitemap indexes name, each with its own validators (`children.ChildState`); story time."""
