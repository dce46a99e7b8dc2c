"""Headline and lead: the publisher's own words, without the outlet's name, markup and "read more"."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.extractor.body.clean import clean
from services.extractor.metadata.head import Metadata, text_of
from services.extractor.metadata.outlet import Outlet, bared, outlet_of
from services.extractor.reading import Candidate
from shared.events import Entry, Source

LONGEST_TITLE = 500
LONGEST_LEAD = 1_000
SHORTEST = 12
"""Characters of a headline that a longer one is trimmed to."""
WEIGHTS = {"heading": 1.0, "jsonld": 1.0, "og": 0.9, "title": 0.7, "twitter": 0.4}
"""What each place counts for when they disagree."""
ORDER = ("heading", "jsonld", "og", "title", "twitter")
FED, CUT = 0.95, 0.5
"""How sure a feed's title is, and one that was cut off."""
LEAD_SURE = {"feed": 0.9, "jsonld": 0.9, "meta": 0.85, "text": 0.6}

_SEPARATOR = re.compile(r"\s+[-–—|•·»«:/]{1,2}\s+|\s*\|\s*|\s+::\s+")
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"<(?:br|/p|/div|/li)\b[^<>]*>", re.IGNORECASE)
_CUT = re.compile(r"(?:\s*(?:\.{3}|…|\[…\]|\[\.{3}\]|\[&hellip;\]))+\s*$")
_READ_MORE = re.compile(
    r"\s*(?:read more|continue reading|lexo (?:më shumë|më tej)|opširnije|pročitaj(?:te)? (?:više|još)|"
    r"прочитај(?:те)? (?:више|још|повеќе)|опширније|повече|прочетете повече|preberi več|več na|the post .{0,300} "
    r"(?:appeared first on|first appeared on) .{0,100}|postimi .{0,300} u shfaq .{0,100})[\s.…»>]*$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A text, where it came from, how sure that is, what else was offered, and why this won."""

    text: str
    origin: str = ""
    sure: float = 0.0
    candidates: tuple[Candidate, ...] = ()
    why: str = ""


def title(head: Metadata, entry: Entry, source: Source) -> Chosen:
    """The headline: the feed's unless it was cut off, else the page's (see `page_title`)."""
    fed = without_outlet(plain(entry.title), outlet_of(source))[:LONGEST_TITLE]
    page = page_title(head, source)
    told = (Candidate("title", "feed", fed, FED),) if fed else ()
    if fed and not (_CUT.search(fed) and page.text):
        return Chosen(fed, "feed", FED, (*told, *page.candidates), "the feed tells it")
    if page.text:
        return dataclasses.replace(page, candidates=(*told, *page.candidates))
    return Chosen(
        fed, "feed" if fed else "", CUT if fed else 0.0, told, "cut off, and the page has none" if fed else ""
    )


def page_title(head: Metadata, source: Source) -> Chosen:
    """The headline as the page itself gives it: what most of JSON-LD, Open Graph, `<title>` and headings agree on.

    Each place has a weight; equal texts add theirs up. A reader's heading wins a tie: the others are often written for
    search engines and networks. A place that says a heading and more beside a separator (a section, the outlet) counts
    for the heading."""
    offered = [(origin, cleaned) for origin, text in _offered(head, source) if (cleaned := text[:LONGEST_TITLE])]
    texts = [(origin, _trimmed(text, offered)) for origin, text in offered]
    votes: dict[str, float] = {}
    for origin, text in dict.fromkeys((origin, text) for origin, text in texts):
        votes[bared(text)] = votes.get(bared(text), 0.0) + WEIGHTS[origin]
    best = max(texts, key=lambda one: (votes[bared(one[1])], -ORDER.index(one[0])), default=None)
    if best is None:
        return Chosen("")
    total = sum(WEIGHTS[origin] for origin in dict.fromkeys(origin for origin, _ in texts))
    listed = tuple(Candidate("title", origin, text, round(votes[bared(text)] / total, 2)) for origin, text in texts)
    sure = round(min(1.0, votes[bared(best[1])] / total), 2)
    return Chosen(best[1], best[0], sure, listed, f"{votes[bared(best[1])]:.1f} of {total:.1f} votes")


def _offered(head: Metadata, source: Source) -> Iterator[tuple[str, str]]:
    outlet = outlet_of(source, head)
    places = [
        ("jsonld", text_of(head.article.get("headline")) or text_of(head.article.get("name"))),
        *(("heading", text) for text in head.headings),
        ("og", head.first("og:title")),
        ("title", head.title),
        ("twitter", head.first("twitter:title")),
    ]
    for origin, text in places:
        cleaned = without_outlet(plain(text), outlet)
        if cleaned and not _CUT.search(cleaned) and not (origin == "heading" and outlet.is_named(cleaned)):
            yield origin, cleaned


def _trimmed(text: str, offered: list[tuple[str, str]]) -> str:
    """A text without what stands before or after a shorter one of the page, beyond a separator."""
    pieces = list(_SEPARATOR.finditer(text))
    if not pieces:
        return text
    shorter = {bared(other): other for origin, other in offered if origin != "title" and len(other) >= SHORTEST}
    parts = [text[: one.start()] for one in pieces] + [text[one.end() :] for one in pieces]
    return next((shorter[bared(part)] for part in parts if bared(part) in shorter), text)


def lead(head: Metadata, entry: Entry, headline: str, text: str) -> Chosen:
    """The standfirst: the feed's summary, the page's description, else the first paragraph of the text."""
    candidates = (
        ("feed", entry.summary),
        ("jsonld", text_of(head.article.get("description"))),
        ("meta", head.first("og:description", "description", "twitter:description")),
        ("text", text.partition("\n")[0]),
    )
    offered = []
    for origin, candidate in candidates:
        cleaned = _READ_MORE.sub("", plain(candidate)).strip()
        if len(cleaned) > LONGEST_LEAD:  # a feed that puts the whole text into the summary
            cleaned = cleaned.partition("\n")[0][:LONGEST_LEAD]
        if cleaned and bared(cleaned) != bared(headline):
            offered.append(Candidate("lead", origin, " ".join(cleaned.split()), LEAD_SURE[origin]))
    if not offered:
        return Chosen("")
    return Chosen(offered[0].value, offered[0].origin, offered[0].sure, tuple(offered), "the first place that has one")


def plain(text: str) -> str:
    """Text without markup: entities resolved (twice where a feed escaped twice), breaks kept as newlines."""
    if "<" in text or "&" in text:
        text = html.unescape(html.unescape(_BREAK.sub("\n", text)))
        text = _TAG.sub(" ", _BREAK.sub("\n", text))
    return clean(text)


def without_outlet(text: str, outlet: Outlet) -> str:
    """`text` without the outlet's name before or after a separator; never without everything."""
    for _ in range(2):
        pieces = list(_SEPARATOR.finditer(text))
        if pieces and outlet.is_named(text[pieces[-1].end() :]):
            text = text[: pieces[-1].start()]
        elif pieces and outlet.is_named(text[: pieces[0].start()]):
            text = text[pieces[0].end() :]
    return " ".join(text.split())
