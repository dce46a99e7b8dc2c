"""Which entries are new, what they are called, and whether they can be news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.entries.discover import Look, discover, identify
from services.fetcher.metrics import PageOutcome
from services.fetcher.read.parse import Feed, FeedEntry
from services.fetcher.sources import Source
from shared.events import Mode

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SOURCE = Source(id="s", name="S", url="https://e.test/feed")
BASE = "https://e.test/feed"


def look(*, first: bool = False, seed: bool = True) -> Look:
    return Look(NOW, NOW, first, DAY, seed)


def feed(*entries: FeedEntry) -> Feed:
    return Feed(kind="rss", entries=entries)


def dated(age: timedelta, **more: str) -> FeedEntry:
    return FeedEntry(title="T", link="https://e.test/1", published=NOW - age, **more)  # type: ignore[arg-type]


def test_an_entry_is_its_guid_else_its_canonical_address() -> None:
    plain = identify(SOURCE, feed(FeedEntry(link="https://e.test/1?utm_source=rss")), BASE)
    other = identify(SOURCE, feed(FeedEntry(link="http://www.e.test/1/#x")), BASE)
    guid = identify(SOURCE, feed(FeedEntry(id="g", link="https://e.test/1")), BASE)
    moved = identify(SOURCE, feed(FeedEntry(id="g", link="https://e.test/2")), BASE)
    assert plain.keys() == other.keys() and guid.keys() == moved.keys() and plain.keys() != guid.keys()


def test_a_guid_that_all_entries_share_is_none() -> None:
    entries = [FeedEntry(id="feed", link=f"https://e.test/{number}") for number in range(3)]
    found = identify(SOURCE, feed(*entries), BASE)
    assert [one.url for one in found.values()] == ["https://e.test/0", "https://e.test/1", "https://e.test/2"]
    assert len(identify(SOURCE, feed(*entries[:2]), BASE)) == 1  # one article under two addresses


def test_addresses_are_made_absolute() -> None:
    (seen,) = identify(SOURCE, feed(FeedEntry(link="/a b/č?x=1")), BASE).values()
    assert seen.url.startswith("https://e.test/a")


def test_only_what_is_unknown_is_found_and_the_oldest_comes_first() -> None:
    entries = identify(
        SOURCE,
        feed(*(FeedEntry(id=str(age), link=f"/{age}", published=NOW - age * DAY / 24) for age in (1, 3, 2))),
        BASE,
    )
    known = [next(iter(entries))]
    found = discover(SOURCE, entries, known, look())
    assert [new.item.entry.guid for new in found] == ["3", "2"]


def test_news_is_what_was_seen_within_a_day() -> None:
    cases = {
        DAY: Mode.LIVE, DAY + timedelta(seconds=1): Mode.BACKFILL, -DAY: Mode.LIVE, timedelta(): Mode.LIVE,
    }  # fmt: skip
    for age, mode in cases.items():
        (new,) = discover(SOURCE, identify(SOURCE, feed(dated(age)), BASE), (), look(first=True))
        assert new.item.mode is mode


def test_dates_that_cannot_be_right_are_flagged_and_less_sure() -> None:
    cases = {-DAY: (("future",), 0.3), 400 * DAY: (("old",), 1.0), timedelta(): ((), 1.0)}
    for age, (flags, sure) in cases.items():
        (new,) = discover(SOURCE, identify(SOURCE, feed(dated(age)), BASE), (), look())
        assert new.item.published is not None
        assert (new.item.entry.flags, new.item.published.sure) == (flags, sure)
    zoneless = FeedEntry(link="/1", published=NOW, flags=("zoneless",))
    (new,) = discover(SOURCE, identify(SOURCE, feed(zoneless), BASE), (), look())
    assert new.item.published is not None and new.item.published.sure == 0.6


def test_undated_is_history_at_first_and_news_later() -> None:
    undated = identify(SOURCE, feed(FeedEntry(link="/1", flags=("dateless",))), BASE)
    (at_first,) = discover(SOURCE, undated, (), look(first=True))
    (later,) = discover(SOURCE, undated, (), look())
    assert (at_first.item.mode, later.item.mode) == (Mode.BACKFILL, Mode.LIVE)
    assert later.item.entry.flags == ("undated",) and later.item.published is None


def test_some_entries_end_on_the_spot() -> None:
    for link in ("", "mailto:a@b.c", "http://[::1"):
        (new,) = discover(SOURCE, identify(SOURCE, feed(FeedEntry(title="T", link=link)), BASE), (), look())
        assert new.outcome is PageOutcome.NO_LINK
    (new,) = discover(SOURCE, identify(SOURCE, feed(dated(2 * DAY)), BASE), (), look(first=True, seed=False))
    assert new.outcome is PageOutcome.REMEMBERED


@given(st.lists(st.builds(FeedEntry, id=st.text(max_size=5), title=st.text(max_size=5), link=st.text(max_size=12))))
def test_any_feed_gives_the_same_ids_again_and_nothing_twice(entries: list[FeedEntry]) -> None:
    named = identify(SOURCE, feed(*entries), BASE)
    assert named.keys() == identify(SOURCE, feed(*entries), BASE).keys()
    found = discover(SOURCE, named, (), look())
    assert len({new.item.entry_id for new in found}) == len(found) == len(named)
    assert discover(SOURCE, named, named.keys(), look()) == ()
