"""Pages that list articles: declared selectors, and blocks of links that look alike."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.fetcher.read.feed import Feed, FeedEntry, Unusable
from services.fetcher.read.read_listing import Selectors, is_article, read_listing, shape_of
from services.fetcher.sources import SourceKind, parse_sources
from shared.errors import Misconfigured

PAGE = "https://www.list.test/vesti/"
LEARNED = Selectors()
TEN = datetime(2025, 3, 18, 9, 0, tzinfo=UTC)


def card(number: int, *, tag: str = "article") -> str:
    return (
        f"<{tag} class='card post-{number}'><div class='in'><h3><a href='/vesti/{number}/deklaracija-u-tirani-broj'>"
        f"Deklaracija u Tirani, vest {number}</a></h3><time datetime='2025-03-18T10:00:00+01:00'>juče</time></div>"
        f"</{tag}>"
    )


def page(*blocks: str) -> bytes:
    return (
        "<!doctype html><html lang='sr'><head><meta charset='utf-8'><title>Vesti</title></head><body>"
        "<nav><ul><li><a href='/vesti/9/jedna-dve-tri'>Sve vesti iz celog sveta</a></li></ul></nav>"
        + "".join(blocks)
        + "<div class=x><a href='https://other.test/1/tri-reci-jos'>Partner piše o svemu ostalom</a></div>"
        "<footer><a href='/o-nama/pravila-o-privatnosti'>Pravila o privatnosti i uslovi</a></footer></body></html>"
    ).encode()


def read(body: bytes, selectors: Selectors = LEARNED) -> list[FeedEntry]:
    found = read_listing(body, PAGE, selectors)
    assert isinstance(found, Feed), found
    return list(found.entries)


def test_blocks_of_links_are_learned() -> None:
    lead = "<h1><a href='/vesti/77/potpisana-deklaracija-tri-zemlje'>Potpisana deklaracija tri zemlje</a></h1>"
    found = read(page(lead, *(card(number) for number in range(5)), card(2)))
    assert [entry.link for entry in found][:2] == [
        "https://www.list.test/vesti/77/potpisana-deklaracija-tri-zemlje",
        "https://www.list.test/vesti/0/deklaracija-u-tirani-broj",
    ]
    assert len(found) == 6 and found[1].title == "Deklaracija u Tirani, vest 0"
    assert (found[0].published, found[1].published) == (None, TEN)


def test_sections_and_single_links_are_not_articles() -> None:
    menu = "".join(
        f"<li><a href='/{name}/'>Sve što treba da znate</a></li>" for name in ("sport", "svet", "kultura", "auto")
    )
    found = read_listing(page(f"<ul>{menu}</ul>", card(1)), PAGE)
    assert isinstance(found, Unusable) and "declare `entries`" in found.detail and "(Vesti)" in found.detail


def test_selectors_are_obeyed() -> None:
    rows = "".join(
        f"<li class=r><a href='?id={n}'><img alt=x></a><b class=t>Naslov {n}</b><i>18.03.2025 10:00</i></li>"
        for n in (1, 2)
    )
    found = read(page(f"<ul>{rows}</ul>"), Selectors("li.r", "b.t", "i"))
    assert [(entry.title, entry.link) for entry in found] == [
        ("Naslov 1", f"{PAGE}?id=1"), ("Naslov 2", f"{PAGE}?id=2"),
    ]  # fmt: skip
    assert found[0].published == datetime(2025, 3, 18, 10, tzinfo=UTC) and found[0].flags == ("zoneless",)


def test_a_selector_that_matches_nothing_is_told() -> None:
    found = read_listing(page(card(1)), PAGE, Selectors("div.gone a"))
    assert isinstance(found, Unusable) and "'div.gone a'" in found.detail


def test_other_character_sets_and_bases() -> None:
    body = page(*(card(n) for n in range(3))).decode().replace("utf-8", "windows-1250")
    body = body.replace("<title>", "<base href='https://m.list.test/x/'><title>").replace("vest ", "žestoka vest ")
    found = read(body.encode("cp1250"))
    assert (found[0].title, found[0].link) == (
        "Deklaracija u Tirani, žestoka vest 0", "https://m.list.test/vesti/0/deklaracija-u-tirani-broj",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "article"),
    [
        ("https://e.test/2025/03/18/naslov", True), ("https://e.test/a-b-c-d", True),
        ("https://e.test/vest.php?id=12345", True),
        ("https://e.test/a/123456.html", True), ("https://e.test/sport/", False), ("https://e.test/", False),
        ("https://e.test/o-nama", False), ("http://[", False),
    ],
)  # fmt: skip
def test_addresses_of_articles(url: str, article: bool) -> None:
    assert is_article(shape_of(url)) is article


@given(st.permutations(range(12)), st.integers(0, 2**16))
@settings(max_examples=50, deadline=None)
def test_the_order_of_a_page_changes_nothing(order: list[int], seed: int) -> None:
    blocks = [card(number) for number in range(6)]
    blocks += [
        f"<p class=s><a href='/vesti/{n}/kratka-vest-iz-sveta'>Kratka vest iz sveta {n % 3}</a></p>"
        for n in (3, 7, 8, 9, 8, 9)
    ]
    random.Random(seed).shuffle(blocks)
    mixed = [blocks[place] for place in order]
    told = {(entry.link, entry.title, entry.published) for entry in read(page(*mixed))}
    assert told == {(entry.link, entry.title, entry.published) for entry in read(page(*sorted(blocks)))}


@given(st.lists(st.sampled_from([
    "<a href=", "'/1/a-b-c-d'", ">", "one two three four", "</a>", "<div class='a'>", "</div>", "<time datetime=",
        "<base href='http://['>",
    "\x00", "\ud800", "<a href='http://['>a b c d</a>", "<table>", "<svg>", "<!--", "&", "<a href='//x y/'>a b c d</a>",
]), max_size=40))  # fmt: skip
@settings(deadline=None)
def test_no_page_raises(pieces: list[str]) -> None:
    body = "".join(pieces).encode("utf-8", "surrogatepass")
    for selectors in (Selectors(), Selectors("a"), Selectors("div", "a", "time")):
        read_listing(body, PAGE, selectors)


def test_long_pages_end() -> None:
    links = "".join(f"<a href='/vesti/{n}/a-b-c-d'>jedna dve tri četiri {n}</a>" for n in range(6_000))
    assert len(read(page(f"<main>{links}</main>"))) == 5_000 - 1  # one link is in the menu
    assert len(read(page(f"<main>{links}<time datetime='2025-03-18T10:00:00Z'></time></main>"))) == 5_000 - 1


def test_deep_pages_end() -> None:
    assert isinstance(read_listing(b"<div>" * 200_000 + page(card(1), card(2), card(3)), PAGE), Unusable | Feed)


# -- in the sources file -------------------------------------------------------------------------------------------

LINES = "- id: a\n  name: A\n  url: https://e.test/\n"


def test_the_sources_file_declares_them() -> None:
    found = parse_sources(LINES + "  kind: listing\n  entries: article h2 a\n  date: time\n", Path("s.yaml"))
    assert (found["a"].kind, found["a"].selectors) == (SourceKind.LISTING, Selectors("article h2 a", "", "time"))


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        ("  kind: listing\n  entries: 'div['\n", 5, "write a CSS selector"),
        ("  kind: listing\n  title: h2\n", 5, "add `entries: …`"),
        ("  entries: article\n", 4, "write `kind: listing`"),
        ("  kind: page\n", 4, "listing"),
    ],
)
def test_mistakes_name_file_and_line(more: str, line: int, words: str) -> None:
    with pytest.raises(Misconfigured) as told:
        parse_sources(LINES + more, Path("s.yaml"))
    assert str(told.value).startswith(f"s.yaml:{line}: ") and words in str(told.value)
