"""The demo's news world as data: outlets, their articles, and which of them are out at a given time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from shared.errors import Misconfigured

FEED_LENGTH = 60
"""Entries a feed lists: what large outlets serve; enough that a source's first poll sees its whole background."""


@dataclass(frozen=True, slots=True)
class Story:
    """An article of the demo world."""

    id: str
    outlet_id: str
    title: str
    published: datetime
    lead: str
    paragraphs: tuple[str, ...]
    section: str = ""
    author: str = ""
    agency: str = ""
    phase: str = "story"
    about: bool = False

    @property
    def path(self) -> str:
        """The path of its page."""
        return f"/{self.published:%Y/%m/%d}/{self.id}"


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet of the demo world with its articles in the order of their publication."""

    id: str
    name: str
    host: str
    language: str
    country: str
    feed: str
    feed_path: str
    title_suffix: str
    dates: str
    official: bool
    stories: tuple[Story, ...]

    def out(self, now: datetime) -> tuple[Story, ...]:
        """The articles published by `now`, newest first, as many as its feed lists."""
        count = bisect_right(self.stories, now, key=lambda story: story.published)
        return self.stories[max(0, count - FEED_LENGTH) : count][::-1]


def load_world(folder: Path) -> tuple[Outlet, ...]:
    """Read `outlets.yaml` and `articles/*.yaml`. Raises Misconfigured naming the file that is missing or wrong."""
    try:
        outlets = _read(folder / "outlets.yaml")
        return tuple(_outlet(row, _read(folder / "articles" / f"{row['id']}.yaml")) for row in outlets)
    except (KeyError, ValueError, TypeError) as error:
        raise Misconfigured(f"{folder}: not a demo world: {error!r}") from error


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    return list(rows or [])


def _outlet(row: Mapping[str, Any], articles: list[dict[str, Any]]) -> Outlet:
    stories = sorted((_story(row["id"], article) for article in articles), key=lambda story: story.published)
    return Outlet(
        id=row["id"], name=row["name"], host=row["host"], language=row["language"], country=row["country"],
        feed=row["feed"], feed_path=row["feed_path"], title_suffix=row["title_suffix"], dates=row["dates"],
        official=bool(row.get("official")), stories=tuple(stories),
    )  # fmt: skip


def _story(outlet_id: str, row: Mapping[str, Any]) -> Story:
    return Story(
        id=row["id"], outlet_id=outlet_id, title=row["title"], published=datetime.fromisoformat(row["published"]),
        lead=row["lead"].strip(), paragraphs=tuple(text.strip() for text in row["paragraphs"]),
        section=row.get("section") or "", author=row.get("author") or "", agency=row.get("agency") or "",
        phase=row.get("phase") or "story", about=bool(row.get("about")),
    )  # fmt: skip
