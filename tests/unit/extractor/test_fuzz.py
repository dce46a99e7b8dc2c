"""Whatever bytes come, reading answers; whatever text comes, tidying keeps its laws."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.extractor.body.charset import decode
from services.extractor.body.clean import MOST_MARKS, clean
from services.extractor.body.plain import cheap_text, is_flood, is_monster, tamed
from services.extractor.language import load_identifier
from services.extractor.read import Tools, read, read_cheaply
from services.extractor.reading import NoArticle, Reading, pack, unpack
from shared.text.gazetteer import Gazetteer
from tests.fakes.mutate import mutated
from tests.fakes.pages import html, page
from tests.fakes.poison import POISON

PIECES = """<p> </p> <div_class='x'> </div> <!-- --> <script> </script> <a_href='/x'> <table><tr><td> <b " ' > < &#x41;
&amp <![CDATA[ ]]> <svg> </svg>"""
TAGS = st.sampled_from([piece.replace("_", " ") for piece in PIECES.split()])
SOUP = st.lists(st.one_of(TAGS, st.text(max_size=30)), max_size=40).map("".join)


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(load_identifier(), Gazetteer({}))


@settings(max_examples=150)
@given(soup=SOUP, junk=st.binary(max_size=40))
def test_any_soup_of_tags_is_answered_both_ways(soup: str, junk: bytes, tools: Tools) -> None:
    body = html(body=soup).encode("utf-8", "replace") + junk
    for way in (read, read_cheaply):
        answer = way(page(body), tools)
        assert isinstance(answer, Reading | NoArticle)
        assert unpack(pack(answer)) == answer


@settings(max_examples=60)
@given(seed=st.integers(0, 1 << 30))
def test_pages_gone_wrong_are_answered(seed: int, tools: Tools) -> None:
    body = mutated(html(body="<table><tr><td>x</table>").encode(), random.Random(seed))
    answer = read(page(body[:200_000]), tools)
    assert isinstance(answer, Reading | NoArticle)


@given(body=st.binary(max_size=300), claim=st.text(max_size=20))
def test_any_bytes_decode(body: bytes, claim: str) -> None:
    decoded = decode(body, f"text/html; charset={claim}")
    assert decoded.method
    assert isinstance(decoded.text, str)


@given(st.text())
def test_tidying_twice_changes_nothing_and_leaves_no_empty_paragraph(text: str) -> None:
    tidy = clean(text)
    assert clean(tidy) == tidy
    assert all(line.strip() for line in tidy.split("\n")) or not tidy


def test_heaps_of_combining_marks_are_cut_before_they_are_composed() -> None:
    assert len(clean("e" + "\u0301\u0327" * 200_000)) <= 2 + MOST_MARKS


@given(SOUP)
def test_taming_never_loses_the_text_between_tags(soup: str) -> None:
    assert tamed(soup) == soup or "option" in soup or "optgroup" in soup


FLOODS = ("paragraphs", "links", "breaks", "table", "options", "combining_marks", "deep_divisions")
ENDLESS = ("attributes", "class_words", "tag_never_closed", "data_address", "canonical_long", "svg", "meta_long")


@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_known_by_their_bytes(name: str) -> None:
    assert is_flood(POISON[name]())


@pytest.mark.parametrize("name", ENDLESS)
def test_monstrous_tags_are_known_and_tamed(name: str) -> None:
    body = POISON[name]()
    assert is_monster(body)
    assert not is_flood(body)
    assert not is_monster(tamed(body.decode()).encode()) or name == "tag_never_closed"
    assert isinstance(cheap_text(tamed(body.decode())), str)


def test_an_article_with_a_huge_picture_in_it_is_read_in_full(tools: Tools) -> None:
    picture = f"<img src='data:image/png;base64,{'A' * 400_000}'>"
    answer = read(page(html(body=picture)), tools)
    assert isinstance(answer, Reading)
    assert answer.methods["text"] == "trafilatura"
