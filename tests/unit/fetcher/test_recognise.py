"""One article under many names is one, in whatever order and body its entries come; two are two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.entries.discover import Look, discover, identify
from services.fetcher.entries.names import Name, Sighting
from services.fetcher.entries.recognise import (
    CROWD,
    RENUMBERED,
    Bearer,
    Known,
    Past,
    named,
    numbers_articles,
    recognise,
)
from services.fetcher.metrics import ToldAgain
from services.fetcher.read.parse import Details, Feed, FeedEntry
from services.fetcher.sources import Source
from services.fetcher.store import Found

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = Source(id="s", name="S", url="https://e.test/feed")
TEXT = "The ministers of three countries signed it in Tirana on Tuesday. " * 5


@dataclass
class World:
    """A fetcher's memory of one source, without a database."""

    known: dict[str, Known] = field(default_factory=dict)
    bearers: dict[Name, Bearer] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    told: list[ToldAgain] = field(default_factory=list)

    def poll(self, *entries: FeedEntry, at: datetime = NOW) -> list[Found]:
        """The new articles of a body."""
        seen = identify(SOURCE, Feed(kind="rss", entries=entries), SOURCE.url)
        known = {entry_id: self.known[entry_id] for entry_id in seen if entry_id in self.known}
        names = named(seen, known, seen, numbered=True)
        result = recognise(seen, names, Past(known, self.bearers), at)
        look = Look(at, at, first=False, live=24 * HOUR, seed=True)
        new = discover(SOURCE, seen, known, look)
        self.known |= {one.item.entry_id: Known(one.item.entry.published) for one in new}
        self.bearers |= result.names
        self.told += [*result.copies.values(), *result.again.values()]
        found = [one for one in new if one.item.entry_id not in result.copies]
        self.found += found
        return found

    def lose(self, found: Found) -> None:
        """The page of an entry could not be had."""
        entry_id = found.item.entry_id
        self.known[entry_id] = Known(lost=True)
        lost = {name: one for name, one in self.bearers.items() if one.entry_id == entry_id}
        self.bearers |= {name: Bearer(entry_id, one.seen, lost=True) for name, one in lost.items()}


def entry(guid: str, path: str, *, hours: int = 0, title: str = "T", text: str = "") -> FeedEntry:
    return FeedEntry(id=guid, link=path, published=NOW - hours * HOUR, title=title, details=Details(summary=text))


FIRST = entry(
    "g1", "/vesti/4065432-vucic-o-deklaraciji", title="Vučić responds to the declaration of Tirana", text=TEXT
)
AGAIN = [
    (entry("g1", "/vesti/4065432-vucic-o-deklaraciji", hours=1), ToldAgain.REDATED),
    (entry("g1", "/vesti/vucic-o-deklaraciji-dopunjeno"), ToldAgain.READDRESSED),
    (entry("g2", "/vesti/4065432-vucic-o-deklaraciji"), ToldAgain.ADDRESS),
    (entry("g2", "http://www.e.test/vesti/4065432-vucic-o-deklaraciji/?utm_source=rss#top"), ToldAgain.ADDRESS),
    (entry("", "/vesti/4065432-vucic-o-deklaraciji"), ToldAgain.ADDRESS),
    (entry("g2", "/vesti/4065432-dopunjeno-vucic-odgovorio"), ToldAgain.NUMBER),
    (entry("g2", "/novo/vucic", title=FIRST.title, text=TEXT), ToldAgain.CONTENT),
]


@pytest.mark.parametrize(("again", "how"), AGAIN, ids=[f"{how}-{place}" for place, (_, how) in enumerate(AGAIN)])
def test_an_article_told_again_is_no_new_one(again: FeedEntry, how: ToldAgain) -> None:
    world = World()
    assert len(world.poll(FIRST)) == 1
    assert world.poll(again, at=NOW + HOUR) == [] and world.told == [how]


@pytest.mark.parametrize("again", [again for again, how in AGAIN if how is not ToldAgain.REDATED])
def test_its_new_names_are_known_from_then_on(again: FeedEntry) -> None:
    world = World()
    world.poll(FIRST)
    world.poll(again)
    third = entry("g3", again.link)
    assert world.poll(third) == [] and world.told[-1] is ToldAgain.ADDRESS


def test_a_guid_that_a_body_lists_under_two_addresses_bears_both() -> None:
    world = World()
    assert len(world.poll(entry("g1", "/a"), entry("g1", "/b"))) == 1
    assert world.poll(entry("g2", "/a"), entry("g3", "/b")) == []


def test_a_live_blog_twice_is_two() -> None:
    world = World()
    assert len(world.poll(entry("g1", "/uzivo/a", title="Live blog", text=TEXT))) == 1
    assert len(world.poll(entry("g2", "/uzivo/b", title="Live blog", text=TEXT))) == 1


def test_the_column_of_the_next_day_is_another_article() -> None:
    world = World()
    assert len(world.poll(entry("g1", "/stars/1", hours=24, title=FIRST.title, text=TEXT))) == 1
    assert len(world.poll(entry("g2", "/stars/2", title=FIRST.title, text=TEXT), at=NOW + HOUR)) == 1


def test_the_same_text_long_after_is_another_article() -> None:
    def told(guid: str) -> FeedEntry:
        return entry(guid, f"/{guid}", title=FIRST.title, text=TEXT)

    world = World()
    assert len(world.poll(told("g1"))) == 1
    assert world.poll(told("g2"), at=NOW + RENUMBERED) == []
    assert world.poll(told("g3"), at=NOW + 2 * RENUMBERED) == []  # each time anew
    assert len(world.poll(told("g4"), at=NOW + 3 * RENUMBERED + HOUR)) == 1
    assert world.poll(told("g5"), at=NOW + 4 * RENUMBERED) == []


def test_an_address_is_known_for_ever() -> None:
    world = World()
    world.poll(entry("g1", "/a"))
    assert world.poll(entry("g2", "/a"), at=NOW + timedelta(days=900)) == []


def test_what_leads_to_the_front_page_is_told_apart_by_its_guid() -> None:
    assert len(World().poll(entry("g1", "/"), entry("g2", "/"), entry("g3", "https://www.e.test"))) == 3


def test_a_number_that_many_entries_share_is_a_sections() -> None:
    paths = [f"/tema/123456/tekst-broj-{place}" for place in "abcdef"]
    many = [entry(f"g{place}", path) for place, path in enumerate(paths)]
    assert len(World().poll(*many[:CROWD])) == CROWD
    assert len(World().poll(*many[: CROWD - 1])) == 1


def listed(*paths: str) -> Mapping[str, Sighting]:
    entries = tuple(entry(f"g{place}", path) for place, path in enumerate(paths))
    return identify(SOURCE, Feed(kind="rss", entries=entries), SOURCE.url)


def test_numbers_are_articles_where_a_body_has_many_different_ones() -> None:
    assert numbers_articles(listed(*[f"/vesti/{406_543 + n}1/naslov-broj-{n}" for n in range(4)])) is True
    assert numbers_articles(listed(*[f"/dosije/{406_543 + n // 2}1/naslov-broj-{n}" for n in range(6)])) is False
    assert numbers_articles(listed("/vesti/4065432/jedan-jedini-tekst", "/o-nama", "/kontakt", "/a/b")) is None


def test_numbers_are_no_names_where_they_may_be_sections() -> None:
    two = listed("/tema/123456/prvi-tekst-ovde", "/tema/123456/drugi-tekst-ovde")
    names = named(two, (), two, numbered=False)
    assert len(recognise(two, names, Past(), NOW).copies) == 0


def test_a_page_that_all_of_a_channel_lead_to_is_nobodys_address() -> None:
    posts = [entry(f"g{place}", "/channel", title=f"Post {place}") for place in range(CROWD)]
    assert len(World().poll(*posts)) == CROWD


def test_an_entry_without_a_page_lends_nobody_its_names() -> None:
    world = World()
    (lost,) = world.poll(FIRST)
    world.lose(lost)
    (again,) = world.poll(FIRST, entry("g2", "/vesti/4065432-ispravljena-adresa-teksta"))
    assert again.item.entry.guid == "g2"
    assert world.poll(FIRST, entry("g3", "/vesti/4065432-jos-jedna-adresa")) == []


def test_one_with_an_address_stands_for_one_without() -> None:
    bare = entry("g1", "", hours=2, title=FIRST.title, text=TEXT)
    linked = entry("g2", "/a", title=FIRST.title, text=TEXT)
    (found,) = World().poll(bare, linked)
    assert found.item.url == "https://e.test/a"


# -- laws ---------------------------------------------------------------------------------------------------------


def by_guid(number: int, turn: int) -> FeedEntry:
    return entry(f"g{number}", f"/a{number}/{turn}", hours=turn)


def by_address(number: int, turn: int) -> FeedEntry:
    return entry(f"g{number}.{turn}", f"/a{number}?utm_source=s{turn}", hours=turn)


def by_number(number: int, turn: int) -> FeedEntry:
    return entry(f"g{number}.{turn}", f"/a/{400_001 + number}-{'xy'[turn % 2]}-slug", hours=turn)


def by_content(number: int, turn: int) -> FeedEntry:
    title = f"What the ministers of defence said, part {number}"
    return entry(f"g{number}.{turn}", f"/a{number}/{turn}", hours=turn, title=title, text=TEXT)


@dataclass(frozen=True)
class Telling:
    """An entry of an article of known number."""

    article: int
    entry: FeedEntry


@st.composite
def tellings(draw: st.DrawFn) -> list[Telling]:
    """Entries of some articles, each told up to twice otherwise, in any order, some of them several times."""
    made = []
    for number in range(draw(st.integers(1, 5))):
        way = draw(st.sampled_from([by_guid, by_address, by_number, by_content]))
        made += [Telling(number, way(number, turn)) for turn in range(draw(st.integers(1, 2)))]
    doubled = made + draw(st.lists(st.sampled_from(made), max_size=5))
    return draw(st.permutations(doubled))


def articles(told: Sequence[Telling], found: Sequence[Found]) -> list[int]:
    numbers = {(one.entry.id, one.entry.link): one.article for one in told}
    return sorted(numbers[new.item.entry.guid, new.item.entry.link] for new in found)


@given(tellings(), st.data())
def test_order_doubles_and_bodies_change_nothing(told: list[Telling], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), max_size=3)))
    world = World()
    for begin, end in zip([0, *cuts], [*cuts, len(told)], strict=True):
        world.poll(*(one.entry for one in told[begin:end]))
    assert articles(told, world.found) == sorted({one.article for one in told})
    assert world.poll(*(one.entry for one in told)) == []


ANY = st.builds(
    lambda guid, path, long: entry(guid, path, hours=len(guid + path), title=FIRST.title if long else "T", text=TEXT),
    st.sampled_from(["", "a", "b", "c", "https://e.test/1", "https://e.test/"]),
    st.sampled_from(["", "/", "/1", "/2", "/3?utm_source=x", "/3", "/x-777777", "/y-777777", "mailto:a@b.c"]),
    st.booleans(),
)


@given(st.lists(ANY, max_size=8), st.data())
def test_the_order_of_a_body_changes_no_id(entries: list[FeedEntry], data: st.DataObject) -> None:
    shuffled = data.draw(
        st.permutations(entries + data.draw(st.lists(st.sampled_from(entries or [FIRST]), max_size=3)))
    )
    if not entries:
        return
    one, other = World(), World()
    one.poll(*entries)
    other.poll(*shuffled)
    assert {new.item.entry_id for new in one.found} == {new.item.entry_id for new in other.found}
    assert one.known.keys() == other.known.keys() and one.bearers == other.bearers
    assert one.poll(*shuffled) == [] == other.poll(*entries)
