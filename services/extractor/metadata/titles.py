"""Headline and lead: the publisher's own words, without the outlet's name, markup and "read more"."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from services.extractor.body.clean import clean
from services.extractor.metadata.head import Metadata, text_of
from shared.events import Entry, Source
from shared.text.fold import fold_text

LONGEST_TITLE = 500
LONGEST_LEAD = 1_000

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
    """A text and where it came from."""

    text: str
    origin: str = ""


def title(head: Metadata, entry: Entry, source: Source, heading: str = "") -> Chosen:
    """The headline: the feed's unless it was cut off, else the page's (see `page_title`)."""
    fed = without_outlet(plain(entry.title), source)
    page = page_title(head, source, heading)
    if fed and not (_CUT.search(fed) and page.text):
        return Chosen(fed[:LONGEST_TITLE], "feed")
    return page if page.text else Chosen(fed[:LONGEST_TITLE], "feed" if fed else "")


def page_title(head: Metadata, source: Source, heading: str = "") -> Chosen:
    """The headline as the page itself gives it: JSON-LD, Open Graph, `<title>`, first heading."""
    candidates = (
        ("jsonld", text_of(head.article.get("headline"))),
        ("og", head.first("og:title", "twitter:title")),
        ("title", head.title),
        ("heading", heading),
    )
    for origin, text in candidates:
        cleaned = without_outlet(plain(text), source)
        if cleaned:
            return Chosen(cleaned[:LONGEST_TITLE], origin)
    return Chosen("")


def lead(head: Metadata, entry: Entry, headline: str, text: str) -> Chosen:
    """The standfirst: the feed's summary, the page's description, else the first paragraph of the text."""
    candidates = (
        ("feed", entry.summary),
        ("jsonld", text_of(head.article.get("description"))),
        ("meta", head.first("og:description", "description", "twitter:description")),
        ("text", text.partition("\n")[0]),
    )
    for origin, candidate in candidates:
        cleaned = _READ_MORE.sub("", plain(candidate)).strip()
        if len(cleaned) > LONGEST_LEAD:  # a feed that puts the whole text into the summary
            cleaned = cleaned.partition("\n")[0][:LONGEST_LEAD]
        if cleaned and _bare(cleaned) != _bare(headline):
            return Chosen(" ".join(cleaned.split()), origin)
    return Chosen("")


def plain(text: str) -> str:
    """Text without markup: entities resolved (twice where a feed escaped twice), breaks kept as newlines."""
    if "<" in text or "&" in text:
        text = html.unescape(html.unescape(_BREAK.sub("\n", text)))
        text = _TAG.sub(" ", _BREAK.sub("\n", text))
    return clean(text)


def without_outlet(text: str, source: Source) -> str:
    """`text` without the outlet's name before or after a separator; never without everything."""
    names = {_bare(name) for name in (source.name, source.domain, source.domain.split(".")[0], source.id) if name}
    pieces = list(_SEPARATOR.finditer(text))
    if pieces and _bare(text[pieces[-1].end() :]) in names:
        text = text[: pieces[-1].start()]
    elif pieces and _bare(text[: pieces[0].start()]) in names:
        text = text[pieces[0].end() :]
    return " ".join(text.split())


def _bare(text: str) -> str:
    return "".join(one for one in fold_text(text) if one.isalnum())
