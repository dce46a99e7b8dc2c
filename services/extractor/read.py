"""Page to article: bytes in, a `Reading` out, or the name of what the page is instead. Pure; runs in a worker.

The order: is it HTML, how is it encoded, what does its head say, what is its text; then title, dates, language,
entities, quotations. Two ways of reading: in full, by several extractors, and cheaply for floods and for pages that
cost a worker its life (`plain`). Nothing here looks at the clock, the network or a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from trafilatura.utils import load_html

from services.extractor.body import verdict
from services.extractor.body.charset import Decoded, decode
from services.extractor.body.choose import Body, full_text, rescued, tidied
from services.extractor.body.clean import clean, without_title
from services.extractor.body.plain import cheap_text, has_monstrous_tag, is_flood, tamed
from services.extractor.body.signs import updates_of
from services.extractor.body.site import NONE as NO_SITES
from services.extractor.body.site import Site, Sites
from services.extractor.entities.model import Model, with_guesses
from services.extractor.entities.recognise import mentions, spans_of
from services.extractor.entities.unknown import unknown_names
from services.extractor.language import Identifier, identify
from services.extractor.metadata.address import address_of, image_of, is_article_still
from services.extractor.metadata.agency import credited
from services.extractor.metadata.authors import SURE as AUTHORS_SURE
from services.extractor.metadata.authors import authors_of, credits_of
from services.extractor.metadata.candidates import judged
from services.extractor.metadata.dates import weigh
from services.extractor.metadata.head import Metadata, collect, text_of
from services.extractor.metadata.outlet import outlet_of
from services.extractor.metadata.reservations import reservations
from services.extractor.metadata.titles import lead, page_title, plain, title
from services.extractor.quotes.find import quotes_in
from services.extractor.quotes.offices import Offices
from services.extractor.reading import Answer, ExtractOutcome, NoArticle, Reading
from services.extractor.withhold import withheld
from shared import ids
from shared.events import PageFetched
from shared.reservations import MINING
from shared.text.gazetteer import Gazetteer

MODIFIED_SURE = 0.9
"""How sure the time of a change is: machines write it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker loads once: the language identifier, the pack's entities, the shortest text of an article, the
    marks of sites, a model of names where one is set. `explain` keeps what was offered for each field."""

    identifier: Identifier
    gazetteer: Gazetteer
    shortest: int = 60
    sites: Sites = NO_SITES
    model: Model | None = None
    explain: bool = False


def read(page: PageFetched, tools: Tools) -> Answer:
    """Read a page in full; a flood is read cheaply at once."""
    return _read(page, tools, cheap=is_flood(page.body))


def read_explained(page: PageFetched, tools: Tools) -> Answer:
    """Read a page in full, with everything that was offered for its fields."""
    return read(page, replace(tools, explain=True))


def read_cheaply(page: PageFetched, tools: Tools) -> Answer:
    """Read a page the cheap way: less exact, bounded in time."""
    return _read(page, tools, cheap=True)


def _read(page: PageFetched, tools: Tools, *, cheap: bool) -> Answer:
    reason = verdict.not_html(page)
    if reason:
        return NoArticle(outcome=ExtractOutcome.NOT_HTML, detail=reason)
    decoded = decode(page.body, verdict.content_type(page), page.source.language)
    text = tamed(decoded.text) if cheap or has_monstrous_tag(page.body) else decoded.text
    tree = _parsed(text)
    head = collect(tree, page.final_url or page.url) if tree is not None else Metadata()
    elsewhere, reserved = _elsewhere(page, head), reservations(page, head)
    if elsewhere is not None:
        return elsewhere
    if MINING in reserved and not page.source.licensed:
        return withheld(page, head, reserved, tools.identifier, tools.gazetteer)
    parts = _Page(page, decoded, text, tree, head, tools.sites.of(page.final_url or page.url), cheap)
    body = _body(parts)
    refused = _refusal(parts, body, tools.shortest)
    return refused if refused is not None else _reading(parts, body, reserved, tools)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page taken apart. `source` is its markup; `cheap` that it is not to be searched again."""

    page: PageFetched
    decoded: Decoded
    source: str
    tree: Any
    head: Metadata
    site: Site
    cheap: bool

    @property
    def url(self) -> str:
        """Where the page was found in the end."""
        return self.page.final_url or self.page.url


def _parsed(text: str) -> Any:
    try:
        return load_html(text)
    except Exception:  # noqa: BLE001 - whatever a parser trips over in other people's markup, plain text is still there
        return None


def _body(parts: _Page) -> Body:
    copies = {
        "jsonld": plain(text_of_body(parts.head)),
        "jsonld_updates": plain(updates_of(parts.head)),
        "feed": plain(parts.page.entry.content),
    }
    if parts.cheap or parts.tree is None:
        return tidied(rescued(Body(clean(cheap_text(parts.source)), "resiliparse"), copies), parts.site)
    return full_text(parts.tree, parts.source, copies, parts.site)


def text_of_body(head: Metadata) -> str:
    """The JSON-LD copy of the text with its line breaks, "" without one."""
    copy = head.article.get("articleBody")
    return copy if isinstance(copy, str) else ""


def _elsewhere(page: PageFetched, head: Metadata) -> NoArticle | None:
    """A further visit that led to something else: it makes no new article."""
    url = address_of(page, head).url
    if not page.article_id or ids.article(url) == page.article_id or is_article_still(page, url):
        return None
    return NoArticle(outcome=ExtractOutcome.ELSEWHERE, detail=url[:200])


def _refusal(parts: _Page, body: Body, shortest: int) -> NoArticle | None:
    checked = verdict.challenge(parts.source, parts.head, body.text)
    if checked is not None or len(body.text) >= shortest:
        return checked
    empty = verdict.without_text(parts.source, parts.head, parts.tree, parts.site, parts.url)
    named = not body.text or empty.outcome is not ExtractOutcome.NOT_ARTICLE
    return empty if named else NoArticle(outcome=ExtractOutcome.TOO_SHORT, detail=f"{len(body.text)} characters")


def _reading(parts: _Page, body: Body, reserved: tuple[str, ...], tools: Tools) -> Reading:
    page, head = parts.page, parts.head
    headline = title(head, page.entry, page.source)
    own_headline = page_title(head, page.source).text or headline.text
    text = without_title(without_title(body.text, headline.text), own_headline)
    standfirst = lead(head, page.entry, headline.text, text)
    address = address_of(page, head)
    dates = weigh(head, page, None if parts.cheap else parts.tree)
    language = identify(tools.identifier, headline.text, standfirst.text, text, page.source.language)
    authors, by, bylines = authors_of(head, page.entry, outlet_of(page.source, head, parts.url))
    credit = credited(credits_of(head, page.entry), text)
    fields = _fields(headline.text, standfirst.text, text)
    when = dates.published.at if dates.published is not None else page.observed
    listed = mentions(tools.gazetteer, fields, language.macro, when, page.source.country)
    entities = with_guesses(tools.model if not parts.cheap else None, fields, language.macro, listed)
    normalised = _normalised(own_headline, text)
    article_id = page.article_id or ids.article(address.url)
    methods = _present(
        encoding=f"{parts.decoded.encoding} {parts.decoded.method}",
        text=body.method,
        title=headline.origin,
        lead=standfirst.origin,
        canonical_url=address.origin,
        published=dates.note,
        modified=dates.modified_origin,
        language=language.origin,
        authors=by,
        agency=credit.where,
    )
    offered = (*headline.candidates, *standfirst.candidates, *address.candidates, *dates.candidates, *bylines)
    whys = {"title": headline.why, "lead": standfirst.why, "published": dates.why, "authors": "the first with names"}
    return Reading(
        article_id=article_id,
        version_id=ids.article_version(article_id, normalised),
        text_hash=ids.of("text", normalised),
        canonical_url=address.url,
        title=headline.text,
        lead=standfirst.text,
        text=text,
        section=_section(head, page),
        authors=authors,
        image=image_of(page, head),
        agency=credit.agency,
        language=language,
        kind=_kind(parts, text),
        published=dates.published,
        latest=dates.latest,
        modified=dates.modified,
        entities=entities,
        names=unknown_names(text, language.macro, spans_of(listed, "text")),
        quotes=quotes_in(fields, language.macro, entities, Offices(tools.gazetteer.entities, when.date())),
        reservations=reserved,
        headline=own_headline,
        methods=methods,
        confidence=_sure(
            title=headline.sure,
            lead=standfirst.sure,
            canonical_url=address.sure,
            published=dates.published.sure if dates.published is not None else 0.0,
            modified=MODIFIED_SURE if dates.modified is not None else 0.0,
            language=language.confidence,
            authors=AUTHORS_SURE.get(by, 0.0),
            agency=credit.sure,
        ),
        stated=dates.stated or {},
        candidates=judged(offered, methods, whys) if tools.explain else (),
    )


def _fields(headline: str, standfirst: str, text: str) -> tuple[tuple[str, str], ...]:
    """The fields to search, by name; a lead that opens the text would count everybody in it twice."""
    own_lead = standfirst if standfirst[:80] not in text[:1_000] else ""
    return tuple((name, part) for name, part in (("title", headline), ("lead", own_lead), ("text", text)) if part)


def _normalised(headline: str, text: str) -> str:
    """What decides whether a text is a new version: letters and order, not case and blanks."""
    return " ".join(headline.casefold().split()) + "\n" + " ".join(text.casefold().split())


def _section(head: Metadata, page: PageFetched) -> str:
    named = head.first("article:section") or text_of(head.article.get("articleSection"))
    return (named or next(iter(page.entry.categories), ""))[:100]


def _kind(parts: _Page, text: str) -> str:
    return verdict.kind_of(parts.head, text, tree=parts.tree, site=parts.site, url=parts.url)


def _sure(**fields: float) -> dict[str, float]:
    """Field to how sure it is; fields that were not found are left out."""
    return {name: round(sure, 2) for name, sure in fields.items() if sure}


def _present(**methods: str) -> dict[str, str]:
    """Field to how it was found; fields that were not found are left out."""
    return {name: method for name, method in methods.items() if method}
