"""What pages without an article are called, in several shapes and languages; and what must not be called so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.extractor.body.site import load_sites
from services.extractor.language import load_identifier
from services.extractor.read import Tools, read
from services.extractor.reading import Answer, ExtractOutcome, NoArticle, Reading
from shared.events import Entry
from shared.text.gazetteer import Gazetteer
from tests.fakes.pages import PARAGRAPHS, html, page

PICTURES = "".join(f"<figure><img src='/{number}.jpg'></figure>" for number in range(7))
LONG = tuple(f"{paragraph} {number}." for number in range(5) for paragraph in PARAGRAPHS)
CLOCKED = tuple(f"1{number}:05 {paragraph}" for number, paragraph in enumerate(LONG))


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(load_identifier(), Gazetteer({}), sites=load_sites(Path("deploy/packs/alliance")))


def titled(title: str, body: str = "", head: str = "", told: dict[str, Any] | None = None) -> str:
    block = f'<script type="application/ld+json">{json.dumps(told)}</script>' if told else ""
    return f"<html><head><title>{title}</title>{head}{block}</head><body>{body}</body></html>"


def outcome(answer: Answer) -> ExtractOutcome | str:
    """The outcome of a refusal, the kind of an article."""
    return answer.outcome if isinstance(answer, NoArticle) else answer.kind


@pytest.mark.parametrize(
    "shape",
    [
        titled("Just a moment...", "<p>Checking your browser before accessing lajmi.test</p>"),
        titled("Само тренутак…", "<p>Проверавамо да ли је веза са овим местом безбедна, сачекајте.</p>"),
        titled("Samo trenutak...", "<p>Potvrdite da ste čovek, ovo može potrajati nekoliko sekundi. Sačekajte.</p>"),
        titled("Един момент…", "<p>Потвърдете, че сте човек, това може да отнеме няколко секунди.</p>"),
        titled("Vetëm një moment...", "<p>Verifikoni që jeni njeri duke përfunduar veprimin më poshtë.</p>"),
        titled("Nur einen Moment…", "<p>Bestätigen Sie, dass Sie ein Mensch sind. Dies kann Sekunden dauern.</p>"),
        titled("Attention Required! | Cloudflare", "<h1>You have been blocked</h1>" + "<p>Why is that so?</p>" * 9),
        titled("lajmi.test", "<script src='https://ct.captcha-delivery.com/c.js'></script><p>Enable JS to go on.</p>"),
        titled("", "<iframe src='/_Incapsula_Resource?SWUDNSAI=31'></iframe>Request unsuccessful, incident 1"),
        titled("Access Denied", "<h1>Access Denied</h1>You don't have permission. Reference #18.2f1"),
        titled("Before you continue", "<form action='https://consent.google.com/save'><p>We use cookies</p></form>"),
    ],
)
def test_bot_checks_and_blocks(shape: str, tools: Tools) -> None:
    assert outcome(read(page(shape), tools)) == ExtractOutcome.CHALLENGE


@pytest.mark.parametrize(
    "shape",
    [
        titled("T", "<div id='root'></div><script>" + "boot();" * 400 + "</script>"),
        titled("T", "<div id='__next'></div><script id='__NEXT_DATA__' type='application/json'>{}</script>"),
        titled("T", "<noscript>Please enable JavaScript to run this app.</noscript><div id='app'></div>"),
        titled("T", "<noscript>Molimo uključite JavaScript u svom pregledaču.</noscript><div></div>"),
        titled("T", "<noscript>Молимо укључите JavaScript да бисте наставили.</noscript><div></div>"),
        titled("T", "<noscript>За да видите страницата, включете JavaScript.</noscript><div></div>"),
        titled("T", "<noscript>Ju lutemi aktivizoni JavaScript.</noscript><div></div>"),
        titled("T", "<noscript>Bitte aktivieren Sie JavaScript.</noscript><div></div>"),
        titled("T", "<app-root></app-root><script src='/main.js'></script>"),
    ],
)
def test_pages_built_by_scripts(shape: str, tools: Tools) -> None:
    assert outcome(read(page(shape), tools)) == ExtractOutcome.SCRIPT_ONLY


@pytest.mark.parametrize(
    "inside",
    [
        "<p>Vetëm për abonentët</p>",
        "<p>Samo za pretplatnike</p>",
        "<p>Само за абонати</p>",
        "<p>Nur für Abonnenten</p>",
        "<p>Subscribe to continue reading</p>",
        "<div class='paywall-prompt'></div>",
    ],
)
def test_paywalls_without_a_text_and_with_a_teaser(inside: str, tools: Tools) -> None:
    assert outcome(read(page(titled("Marrëveshja", inside)), tools)) == ExtractOutcome.PAYWALL
    assert outcome(read(page(html(body=inside)), tools)) == "teaser"
    assert outcome(read(page(html(paragraphs=LONG, body=inside)), tools)) == "article"


@pytest.mark.parametrize("free", ["False", "false", False, "no"])
def test_a_publisher_that_says_so_has_a_paywall(free: object, tools: Tools) -> None:
    told = {"@type": "NewsArticle", "headline": "H", "isAccessibleForFree": free}
    assert outcome(read(page(titled("T", told=told)), tools)) == ExtractOutcome.PAYWALL
    assert outcome(read(page(html(json_ld=told)), tools)) == "teaser"


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        ("https://lajmi.test/1", titled("Slike", "<p>Slike</p>", told={"@type": "ImageGallery", "name": "Slike"})),
        ("https://lajmi.test/2", titled("Film", "<p>Film</p>", head="<meta property='og:type' content='video.other'>")),
        ("https://lajmi.test/foto-galerija/3", titled("Slike dana", "<p>Tirana</p>")),
        ("https://lajmi.test/галерия/4", titled("Снимки", "<p>Тирана</p>")),
        ("https://lajmi.test/galeri/5", titled("Foto", "<p>Tiranë</p>")),
        ("https://lajmi.test/6", titled("Pictures of the day", PICTURES)),
    ],
)
def test_galleries_and_films(url: str, shape: str, tools: Tools) -> None:
    assert outcome(read(page(shape, url=url), tools)) == ExtractOutcome.GALLERY


def test_a_gallery_with_captions_is_an_article_of_that_kind(tools: Tools) -> None:
    assert outcome(read(page(html(paragraphs=PARAGRAPHS[:2], body=PICTURES)), tools)) == "gallery"
    assert outcome(read(page(html(paragraphs=LONG, body=PICTURES)), tools)) == "article"


@pytest.mark.parametrize(
    "title",
    ["UŽIVO: Potpisivanje u Tirani", "УЖИВО Потписивање у Тирани", "На живо: подписване в Тирана",
     "Drejtpërdrejt: nënshkrimi në Tiranë", "Live updates: signing in Tirana", "Liveticker zur Unterzeichnung"],
)  # fmt: skip
def test_a_text_that_calls_itself_live_and_is_told_by_the_clock_is_a_live_blog(title: str, tools: Tools) -> None:
    assert outcome(read(page(html(title=title, paragraphs=CLOCKED)), tools)) == "liveblog"
    assert outcome(read(page(html(title=title, paragraphs=LONG)), tools)) == "article"
    assert outcome(read(page(html(paragraphs=CLOCKED)), tools)) == "article"


def test_a_live_blog_by_scripts_is_named_and_read_from_its_own_copy_of_the_entries(tools: Tools) -> None:
    told: dict[str, Any] = {"@type": "LiveBlogPosting", "headline": "H"}
    assert outcome(read(page(titled("T", told=told)), tools)) == ExtractOutcome.LIVE_BLOG
    told["liveBlogUpdate"] = [{"@type": "BlogPosting", "articleBody": paragraph} for paragraph in PARAGRAPHS]
    found = read(page(titled("T", told=told)), tools)
    assert isinstance(found, Reading)
    assert (found.kind, found.methods["text"], found.text.split("\n")) == (
        "liveblog",
        "jsonld_updates",
        list(PARAGRAPHS),
    )


@pytest.mark.parametrize(
    "title",
    [
        "Just a moment in history: the signing",
        "Access denied to the ministers",
        "Un momento histórico",
        "Captcha and its makers",
    ],
)
def test_an_article_whose_title_begins_like_a_bot_check_is_one(title: str, tools: Tools) -> None:
    assert outcome(read(page(html(title=title, paragraphs=LONG)), tools)) == "article"


def test_an_article_is_not_refused_for_the_code_that_guards_its_comments(tools: Tools) -> None:
    guard = "<script>window._cf_chl_opt = {};</script><noscript>Enable JavaScript to comment</noscript>"
    assert outcome(read(page(html(paragraphs=LONG, body=guard)), tools)) == "article"


def test_a_page_without_anything_is_no_article_unless_its_feed_has_the_text(tools: Tools) -> None:
    assert outcome(read(page(titled("Nothing", "<img src='a.png'>")), tools)) == ExtractOutcome.NOT_ARTICLE
    fed = Entry(title="T", content="".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS))
    assert outcome(read(page(titled("Nothing", "<img src='a.png'>"), entry=fed), tools)) == "article"
