"""A subscription as a feed: what feed readers make of it, who may read it, and how it ends."""

from __future__ import annotations

from typing import Any

import feedparser
import pytest

from services.fetcher.read.feed import Feed
from services.fetcher.read.parse import parse_feed
from services.notifier.feed import ENTRIES
from tests.fakes.alerts import alert
from tests.integration.notifier.test_api import Port, port, wanted

__all__ = ["port"]
HOSTILE = "<script>alert(1)</script> & \u0007 ]]> \u202e Вучић"


async def opened(port: Port, **more: Any) -> tuple[Any, dict[str, str]]:
    desk = await port.caller()
    made = await desk.told("POST", "/subscriptions", 201, json=wanted("http://127.0.0.1:8099/", **more))
    return desk, {"id": made["id"], **await desk.told("POST", f"/subscriptions/{made['id']}/feed")}


@pytest.mark.parametrize("form", ["atom", "json_feed"])
async def test_readers_find_the_alerts_newest_first(port: Port, form: str) -> None:
    _, where = await opened(port)
    await port.here.raise_(None, *(alert(number, headline=f"Number {number}") for number in range(3)))
    await port.here.raise_(None, alert(9, watch="other"), alert(10, headline=HOSTILE))
    answer = await port.http.get(where[form])
    kind = "application/atom+xml" if form == "atom" else "application/feed+json"
    assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind)
    found = parse_feed(answer.content)
    assert isinstance(found, Feed)
    assert [entry.title for entry in found.entries][1:] == ["Number 2", "Number 1", "Number 0"]
    assert "Вучић" in found.entries[0].title and "<" not in found.entries[0].title
    assert form == "json_feed" or b"<script" not in answer.content
    assert [entry.link.rpartition("/")[2] for entry in found.entries] == ["10", "2", "1", "0"]
    assert len({entry.id for entry in found.entries}) == 4
    if form == "atom":
        theirs = feedparser.parse(answer.content)
        assert not theirs.bozo and len(theirs.entries) == 4 and theirs.entries[1].title == "Number 2"


async def test_a_reader_is_told_when_nothing_is_new(port: Port) -> None:
    _, where = await opened(port)
    await port.here.raise_(None, alert(1))
    first = await port.http.get(where["atom"])
    again = await port.http.get(where["atom"], headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await port.here.raise_(None, alert(2))
    changed = await port.http.get(where["atom"], headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_a_thin_subscription_has_a_thin_feed(port: Port) -> None:
    _, where = await opened(port, thin=True)
    await port.here.raise_(None, alert(1))
    for form in ("atom", "json_feed"):
        text = (await port.http.get(where[form])).text
        assert alert().headline not in text and "Не прихватамо" not in text and "bregu.example/lajme/1" in text


async def test_only_the_newest_token_opens_it_and_none_after_it_was_closed(port: Port) -> None:
    desk, where = await opened(port)
    renewed = await desk.told("POST", f"/subscriptions/{where['id']}/feed")
    token = renewed["atom"].split("/")[2]
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for path in (where["atom"], f"/feeds/{wrong}/atom", "/feeds/x/atom", f"/feeds/{where['id']}./atom"):
        assert (await port.http.get(path)).status_code == 404, path
    assert (await port.http.get(renewed["json_feed"])).status_code == 200
    assert (await port.http.get(renewed["json_feed"].replace("json", "rss"))).status_code == 422
    await desk.told("DELETE", f"/subscriptions/{where['id']}/feed", 204)
    assert (await port.http.get(renewed["json_feed"])).status_code == 404
    again = await desk.told("POST", f"/subscriptions/{where['id']}/feed")
    await desk.told("DELETE", f"/subscriptions/{where['id']}", 204)
    assert (await port.http.get(again["atom"])).status_code == 404


async def test_a_feed_is_bounded(port: Port) -> None:
    _, where = await opened(port)
    await port.here.raise_(None, *(alert(number) for number in range(ENTRIES + 5)))
    assert len((await port.http.get(where["json_feed"])).json()["items"]) == ENTRIES
