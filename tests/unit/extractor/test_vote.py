"""Which of several outputs is the text of a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import tostring
from trafilatura.utils import load_html

from services.extractor.body import voters
from services.extractor.body.choose import Body, full_text, rescued
from services.extractor.body.vote import grams, in_two_halves, similar, winner
from tests.fakes.pages import PARAGRAPHS, html

FIRST = "Three ministers signed a declaration on defence in the capital this morning before noon"
SECOND = "The neighbour called it a provocation and announced that its army would be made stronger"
TEASERS = "Weather tomorrow. Sport results of the evening. The horoscope for this week and more of that kind"
TEXTS = st.text(st.sampled_from("abcdeшћë \n"), max_size=60)


@given(TEXTS, TEXTS)
def test_similarity_is_symmetric_and_between_nothing_and_one(one: str, other: str) -> None:
    forth, back = similar(grams(one), grams(other)), similar(grams(other), grams(one))
    assert forth == back
    assert 0 <= forth <= 1
    assert similar(grams(one), grams(one)) == (1 if one.split() else 0)


@given(st.dictionaries(st.sampled_from("abcd"), TEXTS), TEXTS)
def test_the_winner_is_one_of_those_who_found_something(ballots: dict[str, str], wide: str) -> None:
    name = winner(ballots, wide)
    assert ballots[name] if name else not any(ballots.values())


def test_the_output_that_stands_alone_loses() -> None:
    ballots = {"alone": TEASERS, "one": FIRST, "two": f"{FIRST}\n{SECOND}"}
    assert winner(ballots, f"{FIRST}\n{SECOND}") == "two"
    assert winner({"one": FIRST, "none": ""}, "") == "one"


def test_the_other_family_decides_between_two_against_two() -> None:
    ballots = {"one": FIRST, "two": SECOND}
    assert winner(ballots, SECOND) == "two"
    assert winner(ballots, FIRST) == "one"


def test_halves_make_one_article_only_where_something_has_both_and_little_else() -> None:
    assert in_two_halves(FIRST, SECOND, f"{FIRST}\nA box\n{SECOND}")
    assert not in_two_halves(FIRST, SECOND, FIRST)
    assert not in_two_halves(FIRST, FIRST, f"{FIRST}\n{SECOND}")
    assert not in_two_halves(FIRST, SECOND, f"{FIRST}\n{SECOND}\n" + f"{TEASERS}\n".replace("e", "é") * 3 + TEASERS * 4)
    assert not in_two_halves("", SECOND, SECOND)


@pytest.mark.parametrize("voter", [voters.precise, voters.balanced, voters.thorough, voters.readability])
def test_voters_leave_the_tree_as_it_was(voter: object) -> None:
    tree = load_html(html(head="<script>var a = 1;</script>"))
    before = tostring(tree)
    assert callable(voter)
    assert PARAGRAPHS[1] in voter(tree)
    assert tostring(tree) == before


def _half(name: str, sentences: int) -> str:
    told = (" ".join(f"{name}{number}word{at}" for at in range(14)) + "." for number in range(sentences))
    return f"<div class='row'><div class='article-body'>{''.join(f'<p>{one}</p>' for one in told)}</div></div>"


@pytest.mark.parametrize("element", ["main", "article", "div"])
def test_an_article_in_two_containers_is_whole(element: str) -> None:
    inside = f"<h1>Two parts</h1>{_half('first', 12)}<div><a href='/x'>A box</a></div>{_half('second', 16)}"
    page = f"<html><body><{element}>{inside}</{element}></body></html>"
    found = full_text(load_html(page), page, {})
    assert "first11word13." in found.text
    assert "second11word13." in found.text
    assert found.method == "vote resiliparse"


def test_a_copy_rescues_only_what_is_much_shorter() -> None:
    copy = "word and " * 60
    assert rescued(Body("short", "trafilatura"), {"jsonld": copy}).method == "jsonld"
    assert rescued(Body(copy[:400], "trafilatura"), {"jsonld": copy}).method == "trafilatura"
    assert rescued(Body("", ""), {"jsonld": "a teaser", "feed": copy}).method == "feed"
