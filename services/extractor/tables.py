"""The extractor's tables: every article it has read, with a short history of its versions, the text of
its latest version, and unknown names."""

from __future__ import annotations

import sqlalchemy as sa

from shared.db import Moment

METADATA = sa.MetaData()

ARTICLES = sa.Table(
    "extractor_articles",
    METADATA,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("version_id", sa.Text, nullable=False),
    sa.Column("page_id", sa.Text, nullable=False),
    sa.Column("text_hash", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("published", Moment),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.Column("versions", sa.Text, nullable=False),
    sa.Column("language", sa.Text),
    sa.Index("extractor_articles_last_seen", "last_seen"),
    sa.Index("extractor_articles_url", "url"),
)
"""`version_id`, `page_id`, `text_hash` and `title` are the latest version's; times are story time; `versions` is JSON
(`remember.Version`), the newest last, as is `language`."""

TEXTS = sa.Table(
    "extractor_texts",
    METADATA,
    sa.Column("article_id", sa.Text, primary_key=True),
    sa.Column("headline", sa.Text, nullable=False),
    sa.Column("text", sa.LargeBinary, nullable=False),
    sa.Column("seen", Moment, nullable=False),
    sa.Index("extractor_texts_seen", "seen"),
)
"""The latest version's text, packed, for some days; `headline` is its page's own, `seen` story time."""

NAMES = sa.Table(
    "extractor_names",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("surface", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("first", Moment, nullable=False),
    sa.Column("seen", Moment, nullable=False),
    sa.Index("extractor_names_seen", "seen"),
)
"""Unknown names by key and by who wrote them (an agency or a registered domain); `surface`, `url` and `first` are of
the first article there, `seen` is of the last; times are story time."""
