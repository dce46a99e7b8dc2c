"""The tables of judging. One row never spans watches; every time is story time.

What is bounded how: copies and sightings live for days (`settings.copy_window`, `kinds.first_seen.waiting_for`),
stories and members for `settings.history` after their last article, families for as long after they were last used,
reactions and what was told for as long as their story, decisions for `settings.decision_memory`, what stands on a
shelf for as long as its `ShelfSpec` says. Purged once a day of story time. No text of an article is stored, only
hashes, names, counts and the alerts themselves.
"""

from __future__ import annotations

import sqlalchemy as sa

from shared.db import Moment

METADATA = sa.MetaData()


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


WATCHES = sa.Table(
    "judge_watches",
    METADATA,
    _key("watch_id"),
    sa.Column("documents", sa.BigInteger, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("watermark", Moment, nullable=False),
    sa.Column("purged", Moment, nullable=False),
)
"""How much history a watch has been judged on: articles remembered, the moments of the earliest and the latest, and up
to when what is out of its time was deleted."""

STORIES = sa.Table(
    "judge_stories",
    METADATA,
    _key("watch_id"),
    _key("story_id"),
    sa.Column("headline", sa.Text, nullable=False),
    sa.Column("opened", Moment, nullable=False),
    sa.Column("last", Moment, nullable=False),
    sa.Column("profile", sa.LargeBinary, nullable=False),
    sa.Index("judge_stories_last", "watch_id", "last"),
)
"""Stories with what new articles are compared with (`story.Profile` as JSON)."""

MEMBERS = sa.Table(
    "judge_members",
    METADATA,
    _key("watch_id"),
    _key("article_id"),
    sa.Column("story_id", sa.Text, nullable=False),
    sa.Column("copy_group", sa.Text, nullable=False),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("moment", Moment, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("topic_id", sa.Text, nullable=False, server_default=""),
    sa.Index("judge_members_moment", "watch_id", "moment"),
    sa.Index("judge_members_group", "watch_id", "copy_group"),
)
"""Which story and copy group an article belongs to, and who stands behind it."""

TOPICS = sa.Table(
    "judge_topics",
    METADATA,
    _key("watch_id"),
    _key("topic_id"),
    sa.Column("headline", sa.Text, nullable=False),
    sa.Column("opened", Moment, nullable=False),
    sa.Column("last", Moment, nullable=False),
    sa.Column("counts", sa.LargeBinary, nullable=False),
    sa.Index("judge_topics_last", "watch_id", "last"),
)
"""Topics with what new articles are compared with (`topic.Counts` as JSON); only those of the last days are read."""

COPIES = sa.Table(
    "judge_copies",
    METADATA,
    _key("watch_id"),
    _key("article_id"),
    sa.Column("copy_group", sa.Text, nullable=False),
    sa.Column("moment", Moment, nullable=False),
    sa.Column("shingles", sa.LargeBinary, nullable=False),
    sa.Index("judge_copies_moment", "watch_id", "moment"),
)
"""Hashed 3-word shingles of recent articles: what near-duplicates are found by."""

FAMILIES = sa.Table(
    "judge_families",
    METADATA,
    _key("watch_id"),
    sa.Column("family", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first", Moment, nullable=False),
    sa.Column("last", Moment, nullable=False),
    sa.Column("standing", sa.SmallInteger, nullable=False),
    sa.Index("judge_families_last", "watch_id", "last"),
)
"""Every term family this watch has met (a 63-bit hash of it) and where it stands: see `memory.Standing`. `last` is
brought up now and then, often enough to tell what nobody uses any more."""

SIGHTINGS = sa.Table(
    "judge_sighted",
    METADATA,
    _key("watch_id"),
    sa.Column("family", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last", Moment, nullable=False),
    sa.Column("sightings", sa.LargeBinary, nullable=False),
    sa.Index("judge_sighted_last", "watch_id", "last"),
)
"""Who used a family that is still young, and how (a list of `memory.Sighting` as JSON); `last` is the newest of them.
One row a family: it is asked for whole, and a word that many copies carry would be as many rows."""

REACTIONS = sa.Table(
    "judge_reactions",
    METADATA,
    _key("watch_id"),
    _key("story_id"),
    _key("actor_id"),
    _key("act"),
    sa.Column("first", Moment, nullable=False),
    sa.Column("article_id", sa.Text, nullable=False),
)
"""The first time an actor did an act in a story."""

TOLD = sa.Table(
    "judge_told",
    METADATA,
    _key("watch_id"),
    _key("alert_id"),
    sa.Column("story_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("told", Moment, nullable=False),
    sa.Column("state", sa.LargeBinary, nullable=False),
    sa.Index("judge_told_time", "watch_id", "told"),
)
"""The newest revision of each alert and what it told, so that the next one is only told on material change."""

ALERTS = sa.Table(
    "judge_alerts",
    METADATA,
    _key("alert_id"),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("watch_id", sa.Text, nullable=False),
    sa.Column("match_id", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("judge_alerts_match", "match_id"),
)
"""Every telling as it was published, byte for byte; `number` counts the tellings of one match."""

DECISIONS = sa.Table(
    "judge_decisions",
    METADATA,
    _key("match_id"),
    sa.Column("watch_id", sa.Text, nullable=False),
    sa.Column("moment", Moment, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("alerts", sa.Integer, nullable=False),
    sa.Index("judge_decisions_moment", "watch_id", "moment"),
)
"""What was decided on a match: that it was judged at all, and how many alerts came of it."""

SHELVES = sa.Table(
    "judge_shelves",
    METADATA,
    _key("watch_id"),
    _key("part"),
    _key("key"),
    sa.Column("moment", Moment, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("judge_shelves_moment", "part", "moment"),
)
"""Small facts of the kinds of alert (`shelf`), as JSON; `moment` is when a fact is from, of a timer when it is due."""
