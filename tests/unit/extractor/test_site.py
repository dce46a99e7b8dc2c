"""Marks of sites: what they take out of pages, and how faults in their file are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from trafilatura.utils import load_html

from services.extractor.body.choose import full_text
from services.extractor.body.site import NONE, Sites, load_sites, loads
from shared.document import Faulty
from tests.fakes.pages import PARAGRAPHS, html

PACK = Path("deploy/packs/alliance")
PROFILES = """
everywhere:
  furniture: [.more]
  lines: [pročitajte i, прочитајте и, "lexo edhe:"]
  paywall: [samo za pretplatnike]
  locks: [.locked]
sites:
- domain: lajmi.test
  body: [".story > div"]
  lines: [nga redaksia]
- domain: sport.lajmi.test
  furniture: [.scores]
"""


@pytest.fixture(scope="module")
def sites() -> Sites:
    return loads(PROFILES, "pages.yaml")


def test_the_longest_domain_counts_and_what_holds_everywhere_holds_there_too(sites: Sites) -> None:
    own = sites.of("https://www.lajmi.test/bota/1")
    assert own is sites.known["lajmi.test"]
    assert sites.of("https://sport.lajmi.test/") is sites.known["sport.lajmi.test"]
    assert sites.of("https://notlajmi.test/") is sites.of("") is sites.everywhere
    assert own.without_lines("Nga redaksia\nText\nLEXO EDHE: another") == "Text"
    assert sites.everywhere.without_lines("Nga redaksia\nText") == "Nga redaksia\nText"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Pročitajte i: Šta je potpisano u Tirani", False),
        (">> PROČITAJTE  I ovo", False),
        ("Прочитајте и ово", False),
        ("Lexo edhe: Çfarë u nënshkrua", False),
        ("Lexo edhe një herë marrëveshjen", True),
        ("Pročitajte ideju koja stoji iza toga", True),
        ("Ministar je rekao: pročitajte i ovo", True),
        ("Pročitajte i " + "rečenica koja nešto kaže " * 10, True),
    ],
)
def test_only_short_paragraphs_that_begin_so_go(line: str, kept: bool, sites: Sites) -> None:
    assert sites.everywhere.without_lines(f"First.\n{line}\nLast.") == (
        f"First.\n{line}\nLast." if kept else "First.\nLast."
    )


def test_furniture_is_taken_out_and_a_profile_says_where_the_text_is(sites: Sites) -> None:
    told = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    page = f"<html><body><div class='story'><div>{told}<p class='more'>Much more</p></div></div></body></html>"
    found = full_text(load_html(page), page, {}, sites.of("https://lajmi.test/a"))
    assert (found.text.split("\n"), found.method) == (list(PARAGRAPHS), "profile")


@pytest.mark.parametrize(
    ("selector", "element"),
    [
        (".more", "<p class='a more'>x</p>"),
        ("#more", "<p id='more'>x</p>"),
        ("p.a > .b", "<p class='a'><b class='b'>x</b></p>"),
        ("p", "<p>x</p>"),
        (".a, p", "<p>x</p>"),
        ("p:not(.a)", "<p>x</p>"),
        ("p[title='.a']", "<p title='.a'>x</p>"),
    ],
)
def test_a_page_is_only_searched_where_a_selector_can_match(selector: str, element: str) -> None:
    site = loads(f'everywhere:\n  furniture: ["{selector}"]\n', "pages.yaml").everywhere
    page = f"<html><body><div>{element}</div></body></html>"
    assert site.prune(load_html(page), page)
    assert not site.prune(load_html("<html><body><i>y</i></body></html>"), "<html><body><i>y</i></body></html>")


def test_a_profile_that_no_longer_matches_costs_nothing(sites: Sites) -> None:
    page = html()
    found = full_text(load_html(page), page, {}, sites.of("https://lajmi.test/a"))
    assert found == full_text(load_html(page), page, {}, NONE.everywhere)
    assert PARAGRAPHS[3] in found.text


def test_readers_must_see_a_phrase_for_the_page_to_be_locked(sites: Sites) -> None:
    def locked(inside: str) -> bool:
        return sites.everywhere.is_locked(load_html(f"<html><body><p>Text</p>{inside}</body></html>"))

    assert locked("<p>Nastavak je <b>samo za</b> <i>pretplatnike</i></p>")
    assert locked("<div class='locked'></div>")
    assert not locked("<script>var told = 'samo za pretplatnike';</script>")
    assert not locked("")


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("everywhere:\n  line: [x]\n", "pages.yaml:2:3:", "did you mean 'lines'?"),
        ("sites:\n- domain: lajmi\n", "pages.yaml:2:3:", "write the host without www"),
        ("sites:\n- domain: a.test\n- domain: a.test\n", "pages.yaml:3:3:", "put both into one"),
        ("sites:\n- domain: a.test\n  body: ['div[']\n", "pages.yaml:3:10:", "no CSS selector"),
        ("everywhere:\n  lines: [ab]\n", "pages.yaml:2:11:", "at least four characters"),
        ("everywhere:\n  lines: more\n", "pages.yaml:2:10:", "write a list"),
        ("everywhere: [a]\n", "pages.yaml:1:13:", "write key: value pairs"),
        ("everywhere:\n  paywall: ['']\n", "pages.yaml:2:13:", "take the item out"),
    ],
)
def test_faults_name_their_place_and_what_to_write(text: str, place: str, told: str) -> None:
    with pytest.raises(Faulty) as failed:
        loads(text, "pages.yaml")
    assert str(failed.value).startswith(place)
    assert told in str(failed.value)


def test_the_marks_of_the_pack_are_in_order_and_a_pack_needs_none(tmp_path: Path) -> None:
    known = load_sites(PACK)
    assert known.of("https://www.slobodnaevropa.org/a/1.html") is not known.everywhere
    assert load_sites(tmp_path).everywhere.without_lines("Read more: x") == "Read more: x"
