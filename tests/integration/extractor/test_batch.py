"""A batch of pages: a line out for every line in, in their order, broken ones too."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.extractor import batch
from services.extractor.commands import page_of
from services.extractor.language import load_identifier
from services.extractor.read import Tools, read_explained
from services.extractor.reading import Answer
from shared.errors import Rejected
from shared.events import PageFetched
from shared.text.gazetteer import Gazetteer
from tests.fakes.pages import html

URL = "https://lajmi.test/a/123456"
TOLD = {"@type": "NewsArticle", "datePublished": "2025-03-18T14:30:00+01:00", "author": {"name": "By Ana Writer"}}


class Here:
    """Reads in this process; a page with "poison" in it costs its worker."""

    def __init__(self) -> None:
        self.tools = Tools(load_identifier(), Gazetteer({}))

    async def read(self, page: PageFetched) -> Answer:
        if b"poison" in page.body:
            raise Rejected("too slow", reason="deadline")
        return read_explained(page, self.tools)


def made(body: bytes, line: Mapping[str, Any]) -> PageFetched:
    return page_of(body, str(line.get("url") or URL), "", "")


async def rows(path: Path) -> list[dict[str, Any]]:
    return [row async for row in batch.run(path, Here(), made, lambda _done, _total: None)]


async def test_every_line_gives_one_line_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "good.html.gz").write_bytes(gzip.compress(html(json_ld=TOLD).encode()))
    (tmp_path / "poison.html").write_text("<p>poison", encoding="utf-8")
    (tmp_path / "cut.html.gz").write_bytes(gzip.compress(b"<p>" * 5_000)[:20])
    told = [{"id": 1, "url": URL, "html_path": "good.html.gz"}, {"id": 2, "html_path": "missing.html"},
            {"id": 3, "html_path": "poison.html"}, {"id": 4}, {"id": 5, "html_path": "cut.html.gz"}]  # fmt: skip
    lines = [*map(json.dumps, told), "no json", "[1]", json.dumps(told[0])]
    path = tmp_path / "batch.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = await rows(path)
    assert [one["id"] for one in found] == [1, 2, 3, 4, 5, None, None, 1]
    outcomes = ["extracted", "unreadable", "deadline", "bad_line", "unreadable", "bad_line", "bad_line", "extracted"]
    assert [one["outcome"] for one in found] == outcomes
    assert all({"title", "text", "published", "modified", "language", "quotes"} <= set(one) for one in found)


async def test_a_line_tells_dates_in_the_publishers_zone_and_why_each_field_won(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html(json_ld=TOLD), encoding="utf-8")
    path = tmp_path / "batch.jsonl"
    path.write_text(json.dumps({"id": "a", "url": URL, "html_path": "page.html"}), encoding="utf-8")
    (found,) = await rows(path)
    assert (found["published"], found["language"], found["authors"]) == (TOLD["datePublished"], "en", ["Ana Writer"])
    assert found["canonical_url"] == URL
    won = {one["field"]: one["origin"] for one in found["candidates"] if one.get("won")}
    assert {name: won[name] for name in ("title", "published", "authors")} == {
        "title": "heading", "published": "jsonld", "authors": "jsonld",
    }  # fmt: skip
    assert found["confidence"]["published"] == 0.98
