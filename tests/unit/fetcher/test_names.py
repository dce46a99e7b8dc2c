"""What an entry is known by, and what is too weak to be a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.entries.names import SHORTEST_TEXT, Name, NameKind, Sighting, names_of, number_place
from services.fetcher.read.parse import Details, FeedEntry
from shared.urls import canonical

TITLE = "Trilateral declaration on defence signed in Tirana"
TEXT = "The ministers of three countries signed it on Tuesday. " * 6

SAME_ARTICLE = [
    ("https://e.test/vesti/4065432-vucic-o-deklaraciji", "https://e.test/vesti/4065432-vucic-odgovorio-tirani"),
    ("https://e.test/vesti/vucic-o-deklaraciji-4065432.html", "https://e.test/vesti/novi-naslov-4065432.html"),
    ("https://e.test/clanak/stari-novi-naslov/2650001.aspx", "https://e.test/clanak/sasvim-drugi-naslov/2650001.aspx"),
    ("https://e.test/vijesti/748123/stari-novi-naslov", "https://e.test/vijesti/748123/sasvim-drugi-naslov"),
    ("https://e.test/sr/deklaracija-u-tirani/a-71950123", "https://e.test/sr/tri-zemlje-potpisale/a-71950123"),
    ("https://e.test/a/стари-нови-наслов/33345678.html", "https://e.test/a/други-дужи-наслов/33345678.html"),
    ("https://e.test/2025/03/18/jedan-dva-123456", "https://e.test/2025/03/18/tri-cetiri-123456?utm_source=rss"),
]

OTHER_ARTICLES = [
    ("https://e.test/vesti/4065432-vucic", "https://e.test/vesti/4065433-vucic"),
    ("https://e.test/en/4065432-vucic", "https://e.test/sr/4065432-vucic"),
    ("https://e.test/x/748123/a-b-c?page=1", "https://e.test/x/748123/a-b-c?page=2"),
    ("https://a.e.test/1234567", "https://b.e.test/1234567"),
]

NO_NUMBER = [
    "https://e.test/vesti/vucic-o-deklaraciji",
    "https://e.test/2025/03/vucic-o-deklaraciji",
    "https://e.test/20250318/vucic-o-deklaraciji",  # a day
    "https://e.test/vesti/vucic-o-deklaraciji-20250318",
    "https://e.test/202503181230",  # a minute
    "https://e.test/vesti/100000-protest-in-belgrade",  # a quantity
    "https://e.test/vesti/12500-jobs-are-lost",
    "https://e.test/rubrika/12345/vucic-o-deklaraciji",  # a section
    "https://e.test/uzivo/4065432-vucic/objava-1234567",  # an entry of a live page: two numbers
    "https://e.test/1234",
    "https://e.test/",
    "",
]


@pytest.mark.parametrize(("one", "other"), SAME_ARTICLE)
def test_another_slug_around_the_same_number_is_the_same_place(one: str, other: str) -> None:
    assert number_place(canonical(one)) == number_place(canonical(other)) != ""


@pytest.mark.parametrize(("one", "other"), OTHER_ARTICLES)
def test_other_numbers_languages_pages_and_hosts_are_other_places(one: str, other: str) -> None:
    assert number_place(canonical(one)) != number_place(canonical(other)) != ""


@pytest.mark.parametrize("url", NO_NUMBER)
def test_what_may_be_a_date_a_quantity_or_a_section_is_no_number(url: str) -> None:
    assert number_place(canonical(url)) == ""


@given(st.text(max_size=60))
def test_any_address_has_one_place(path: str) -> None:
    url = canonical("https://e.test/" + path)
    assert number_place(url) == number_place(canonical(url))


def kinds(entry: FeedEntry, *urls: str) -> set[NameKind]:
    return {name.kind for name in names_of(Sighting(entry, "", tuple(map(canonical, urls))), content=True)}


def test_a_front_page_is_no_name() -> None:
    assert kinds(FeedEntry(id="g"), "https://e.test/") == set()
    assert kinds(FeedEntry(id="https://www.e.test/")) == set()
    assert kinds(FeedEntry(id="g"), "https://e.test/?p=1") == {NameKind.ADDRESS}


def test_a_guid_that_is_an_address_is_one_by_http_and_https() -> None:
    def named(guid: str) -> frozenset[Name]:
        return names_of(Sighting(FeedEntry(id=guid), ""), content=False)

    assert named("http://www.e.test/?p=1") == named("https://e.test/?p=1") != named("https://e.test/?p=2")
    assert named("tag:e.test,2025:1") == frozenset()
    assert named("https://e.test/uzivo#objava-1") == frozenset()  # the next post differs by the rest alone


def told(title: str = TITLE, *, summary: str = "", content: str = "") -> FeedEntry:
    return FeedEntry(title=title, details=Details(summary=summary, content=content))


def test_title_and_text_are_a_name_where_both_are_long() -> None:
    assert kinds(told(content=TEXT)) == kinds(told(summary=TEXT)) == {NameKind.CONTENT}
    assert kinds(told("Live blog", content=TEXT)) == set()
    assert kinds(told("Uživo " + "- " * 40, content=TEXT)) == set()  # marks are no letters
    assert kinds(told(content="a" * (SHORTEST_TEXT - 1))) == set() != kinds(told(content="a" * SHORTEST_TEXT))
    assert kinds(told()) == set()


def test_what_differs_between_two_prints_of_a_text_does_not_count() -> None:
    def content(entry: FeedEntry) -> set[Name]:
        return {name for name in names_of(Sighting(entry, ""), content=True) if name.kind is NameKind.CONTENT}

    plain = content(told(content=TEXT))
    marked = f'<p>{TEXT.upper()}&nbsp;<a href="https://e.test/other?utm_source=rss"></a></p>'
    assert plain == content(told(TITLE + " ", content=marked)) != content(told(content=TEXT + "And one more."))
    assert plain != content(told(TITLE + " again", content=TEXT))


def test_a_title_is_read_only_where_it_is_asked_for() -> None:
    def read() -> Details:
        raise AssertionError("the details of a known entry were read")

    assert names_of(Sighting(FeedEntry(title=TITLE, details=read), ""), content=False) == frozenset()
