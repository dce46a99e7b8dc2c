"""Hints and WebSub links in the head of a feed, and what is no hint."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.read.hints import NO_HINTS, Hints
from services.fetcher.read.parse import Feed, parse_feed

HOUR = timedelta(hours=1)
NAMES = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:atom="http://www.w3.org/2005/Atom"'

BASE = "<sy:updateBase>2000-01-01T12:00+00:00</sy:updateBase>"


def channel(inside: str) -> Feed:
    found = parse_feed(
        f"<rss version='2.0' {NAMES}><channel><title>x</title>{inside}<item><title>a</title><link>https://e.test/a</link>"
        "<ttl>1</ttl></item></channel></rss>".encode()
    )
    assert isinstance(found, Feed), found
    return found


@pytest.mark.parametrize(
    ("inside", "hints"),
    [
        ("", NO_HINTS),
        ("<ttl>60</ttl>", Hints(ttl=HOUR)),
        ("<ttl> 5 </ttl>", Hints(ttl=timedelta(minutes=5))),
        ("<ttl>0</ttl>", NO_HINTS),
        ("<ttl>-5</ttl>", NO_HINTS),
        ("<ttl>soon</ttl>", NO_HINTS),
        ("<ttl>3600000</ttl>", NO_HINTS),
        ("<skipHours><hour>0</hour><hour> 24 </hour><hour>7</hour><hour>x</hour></skipHours>",
         Hints(skip_hours=frozenset({0, 7}))),
        ("<skipDays><day>Saturday</day><day>sunday</day><day>Holiday</day></skipDays>",
         Hints(skip_days=frozenset({5, 6}))),
        ("<skipHours>" + "".join(f"<hour>{hour}</hour>" for hour in range(24)) + "</skipHours>", NO_HINTS),
        ("<sy:updatePeriod> hourly </sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>" + BASE,
         Hints(period=HOUR / 2, base=datetime(2000, 1, 1, 12, tzinfo=UTC))),
        ("<sy:updateFrequency>24</sy:updateFrequency>", Hints(period=HOUR)),
        ("<sy:updatePeriod>weekly</sy:updatePeriod>", Hints(period=timedelta(weeks=1))),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0.1</sy:updateFrequency>",
         Hints(period=10 * HOUR)),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", NO_HINTS),
        ("<sy:updatePeriod>often</sy:updatePeriod>", NO_HINTS),
    ],
)  # fmt: skip
def test_hints_of_rss(inside: str, hints: Hints) -> None:
    assert channel(inside).hints == hints


def test_the_links_of_websub_in_rss() -> None:
    found = channel(
        '<atom:link rel="self" href="https://e.test/feed"/><atom:link rel="hub" href="ftp://no.test/"/>'
        '<atom:link rel="next hub" href="https://hub.test/"/>'
    )
    assert (found.hub, found.self_link) == ("https://hub.test/", "https://e.test/feed")
    found = channel('<atom:link rel="HUB" href=" https://hub.test/ "/><atom:link rel="hub" href="https://b.test/"/>')
    assert (found.hub, found.self_link) == ("https://hub.test/", "")


def test_the_links_of_websub_in_atom() -> None:
    found = parse_feed(
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><link rel="hub" href="https://hub.test/"/>'
        b'<link rel="self" href="https://e.test/atom"/><entry><id>1</id><title>a</title>'
        b'<link rel="hub" href="https://no.test/"/></entry></feed>'
    )
    assert isinstance(found, Feed) and (found.hub, found.self_link) == ("https://hub.test/", "https://e.test/atom")


@pytest.mark.parametrize(
    ("hubs", "hub"),
    [
        ([{"type": "WebSub", "url": "https://hub.test/"}, {"type": "WebSub", "url": "https://b.test/"}],
         "https://hub.test/"),
        ([{"type": "rssCloud"}, 7, {"url": 9}, {"type": "WebSub", "url": "https://hub.test/"}], "https://hub.test/"),
        ("https://hub.test/", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_the_links_of_websub_in_json(hubs: object, hub: str) -> None:
    body = {"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": [], "hubs": hubs,
            "feed_url": "https://e.test/feed.json"}  # fmt: skip
    found = parse_feed(json.dumps(body).encode())
    assert isinstance(found, Feed) and (found.hub, found.self_link) == (hub, "https://e.test/feed.json")


@given(st.text(alphabet="0123456789.eE+-²٣ \n", max_size=12))
def test_any_number_is_read_or_none(text: str) -> None:
    hints = channel(f"<ttl>{text}</ttl><sy:updateFrequency>{text}</sy:updateFrequency>").hints
    for span in (hints.ttl, hints.period):
        assert span is None or timedelta() < span <= timedelta(days=366)
