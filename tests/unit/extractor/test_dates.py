"""Publication dates: how exact before where, days never beat minutes, the future comes last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.extractor.metadata.dates import weigh
from services.extractor.metadata.head import Metadata
from services.extractor.metadata.moments import Exact, parse, place_of
from shared.events import Entry, Published
from tests.fakes.pages import page


def at(hour: int, minute: int = 0, day: int = 18) -> datetime:
    """A moment in March 2025."""
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "country", "moment", "exact"),
    [
        ("2025-03-18T14:30:00+01:00", "", at(13, 30), Exact.ZONED),
        ("2025-03-18T14:30:00Z", "", at(14, 30), Exact.ZONED),
        ("2025-03-18 14:30:00 +0100", "", at(13, 30), Exact.ZONED),
        ("Tue, 18 Mar 2025 14:30:00 GMT", "", at(14, 30), Exact.ZONED),
        ("1742308200", "", at(14, 30), Exact.ZONED),
        ("1742308200000", "", at(14, 30), Exact.ZONED),
        ("2025-03-18T14:30", "RS", at(13, 30), Exact.MINUTE),
        ("2025-03-18T14:30", "BG", at(12, 30), Exact.MINUTE),
        ("2025-03-18T14:30", "", at(14, 30), Exact.MINUTE),
        ("18.03.2025. 14:30", "HR", at(13, 30), Exact.MINUTE),
        ("18. 3. 2025", "SI", at(23, day=17), Exact.DAY),
        ("2025-03-18", "", at(0), Exact.DAY),
        ("2025-03-18T00:00:00+01:00", "RS", at(23, day=17), Exact.DAY),
        ("2025-03-17T23:00:00Z", "RS", at(23, day=17), Exact.DAY),
    ],
)
def test_a_moment_is_parsed(text: str, country: str, moment: datetime, exact: Exact) -> None:
    found = parse(text, place_of(country))
    assert found is not None
    assert (found.at, found.exact) == (moment, exact)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "31.02.2025", "99999999999999", "0001-01-01T00:00:00+14:00", "2025-13-40"]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse(text) is None


def weighed(
    *, json_ld: str = "", meta: str = "", time: str = "", fed: datetime | None = None, given: datetime | None = None,
    **more: Any,
) -> Any:  # fmt: skip
    """The dates of a page observed on 18 March at 15:00 UTC."""
    head = Metadata(
        meta={"article:published_time": (meta,)} if meta else {},
        article={"datePublished": json_ld, **more},
        times=(time,) if time else (),
    )
    told = Published(at=given, origin="feed") if given is not None else None
    return weigh(head, page("", entry=Entry(published=fed), published=told), None)


def test_json_ld_goes_before_meta_before_the_feed() -> None:
    exact: dict[str, Any] = {"json_ld": "2025-03-18T10:00:00Z", "meta": "2025-03-18T11:00:00Z", "fed": at(12)}
    assert weighed(**exact).published.origin == "jsonld"
    assert weighed(**{**exact, "json_ld": ""}).published.origin == "meta"
    assert weighed(**{**exact, "json_ld": "", "meta": ""}).published.origin == "feed"


def test_a_day_never_beats_a_minute_with_a_zone() -> None:
    found = weighed(json_ld="2025-03-18", fed=at(9, 12))
    assert (found.published.origin, found.published.at) == ("feed", at(9, 12))
    naive = weighed(json_ld="2025-03-18T09:00", meta="2025-03-18T08:00:00Z")
    assert naive.published.origin == "meta"


def test_what_the_fetcher_knew_stands_in_for_a_silent_entry() -> None:
    assert weighed(given=at(9, 12)).published.origin == "feed"


def test_a_date_from_the_future_comes_last_and_is_marked() -> None:
    found = weighed(json_ld="2025-03-18T17:00:00Z", fed=at(14))
    assert (found.published.origin, found.published.sure) == ("feed", 0.95)
    alone = weighed(json_ld="2025-03-19T17:00:00Z")
    assert (alone.published.sure, "future" in alone.note) == (0.2, True)


def test_a_placeholder_date_is_no_date() -> None:
    assert weighed(json_ld="1970-01-01T00:00:01Z").published is None


def test_a_change_lies_between_publication_and_now() -> None:
    assert weighed(json_ld="2025-03-18T10:00:00Z", dateModified="2025-03-18T11:00:00Z").modified == at(11)
    assert weighed(json_ld="2025-03-18T10:00:00Z", dateModified="2025-03-18T09:00:00Z").modified is None
    assert weighed(json_ld="2025-03-18T10:00:00Z", dateModified="2026-03-18T09:00:00Z").modified is None
