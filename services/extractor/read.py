"""Page to article: bytes in, a `Reading` out, or the name of what the page is instead. Pure; runs in a worker.

The order: is it HTML, how is it encoded, what does its head say, what is its text; then title, dates, language,
entities, quotations. Two ways of reading: in full, by several extractors, and cheaply for floods and for pages that
cost a worker its life (`plain`). Nothing here looks at the clock, the network or a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
from trafilatura.utils import load_html

from services.extractor import explain
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
from services.extractor.entities.unknown import Unknown, unknown_names
from services.extractor.language import Identifier, identify
from services.extractor.language.identify import evidence_of
from services.extractor.metadata.address import Address, address_of, image_of, is_article_still
from services.extractor.metadata.agency import Credit, credited, credits_in
from services.extractor.metadata.authors import SURE as AUTHORS_SURE
from services.extractor.metadata.authors import authors_of, credits_of
from services.extractor.metadata.candidates import judged
from services.extractor.metadata.dates import MODIFIED_SURE, Dates, weigh
from services.extractor.metadata.head import Metadata, collect
from services.extractor.metadata.outlet import outlet_of
from services.extractor.metadata.reservations import reservations
from services.extractor.metadata.section import section_of
from services.extractor.metadata.titles import Chosen, lead, page_title, plain, title
from services.extractor.quotes.find import quotes_in
from services.extractor.quotes.offices import Offices
from services.extractor.reading import Answer, Candidate, ExtractOutcome, NoArticle, Reading
from services.extractor.withhold import withheld
from shared import ids
from shared.events import Language, Mention, PageFetched, Quote
from shared.reservations import MINING
from shared.text.gazetteer import Gazetteer


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
    if refused is not None:
        return _refused(parts, body, refused, tools)
    return _reading(parts, body, reserved, tools)


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
    copies = _copies(parts)
    if parts.cheap or parts.tree is None:
        return tidied(rescued(Body(clean(cheap_text(parts.source)), "resiliparse"), copies), parts.site)
    return full_text(parts.tree, parts.source, copies, parts.site)


def _copies(parts: _Page) -> dict[str, str]:
    """The publisher's own copies of the text."""
    return {
        "jsonld": plain(text_of_body(parts.head)),
        "jsonld_updates": plain(updates_of(parts.head)),
        "feed": plain(parts.page.entry.content),
    }


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


def _refused(parts: _Page, body: Body, refused: NoArticle, tools: Tools) -> NoArticle:
    if not tools.explain:
        return refused
    signs = verdict.signs_of(parts.source, parts.head, parts.tree, parts.site, parts.url)
    offered = (*explain.refusal(signs, body, refused, tools.shortest), *explain.body(body, _copies(parts)))
    return msgspec.structs.replace(refused, candidates=offered)


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of an article, and its text without what repeats its headlines. `headline` may be the feed's,
    `own_headline` is the page's; `authors` come with where they were found and what was offered."""

    headline: Chosen
    own_headline: str
    text: str
    standfirst: Chosen
    address: Address
    dates: Dates
    authors: tuple[tuple[str, ...], str, tuple[Candidate, ...]]
    credit: Credit

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The fields to search, by name."""
        return _fields(self.headline.text, self.standfirst.text, self.text)


@dataclass(frozen=True, slots=True)
class _Understood:
    """What is read out of the fields."""

    language: Language
    entities: tuple[Mention, ...]
    names: tuple[Unknown, ...]
    quotes: tuple[Quote, ...]


def _reading(parts: _Page, body: Body, reserved: tuple[str, ...], tools: Tools) -> Reading:
    told = _told(parts, body)
    reading = _assembled(parts, told, _understood(parts, told, tools), reserved, _methods(parts, body, told))
    if not tools.explain:
        return reading
    return msgspec.structs.replace(reading, candidates=_explained(parts, body, told, reading, tools))


def _told(parts: _Page, body: Body) -> _Told:
    page, head = parts.page, parts.head
    headline = title(head, page.entry, page.source)
    own_headline = page_title(head, page.source).text or headline.text
    text = without_title(without_title(body.text, headline.text), own_headline)
    return _Told(
        headline, own_headline, text, lead(head, page.entry, headline.text, text), address_of(page, head),
        weigh(head, page, None if parts.cheap else parts.tree),
        authors_of(head, page.entry, outlet_of(page.source, head, parts.url)),
        credited(credits_of(head, page.entry), text),
    )  # fmt: skip


def _understood(parts: _Page, told: _Told, tools: Tools) -> _Understood:
    page, fields = parts.page, told.fields
    language = identify(tools.identifier, told.headline.text, told.standfirst.text, told.text, page.source.language)
    when = told.dates.published.at if told.dates.published is not None else page.observed
    listed = mentions(tools.gazetteer, fields, language.macro, when, page.source.country)
    entities = with_guesses(tools.model if not parts.cheap else None, fields, language.macro, listed)
    quotes = quotes_in(fields, language.macro, entities, Offices(tools.gazetteer.entities, when.date()))
    return _Understood(language, entities, unknown_names(told.text, language.macro, spans_of(listed, "text")), quotes)


def _methods(parts: _Page, body: Body, told: _Told) -> dict[str, str]:
    return _present(
        encoding=f"{parts.decoded.encoding} {parts.decoded.method}", text=body.method, title=told.headline.origin,
        lead=told.standfirst.origin, canonical_url=told.address.origin, published=told.dates.note,
        modified=told.dates.modified_origin, authors=told.authors[1], agency=told.credit.where,
    )  # fmt: skip


def _confidence(told: _Told, language: Language) -> dict[str, float]:
    dates = told.dates
    return _sure(
        title=told.headline.sure, lead=told.standfirst.sure, canonical_url=told.address.sure,
        published=dates.published.sure if dates.published is not None else 0.0,
        modified=MODIFIED_SURE if dates.modified is not None else 0.0, language=language.confidence,
        authors=AUTHORS_SURE.get(told.authors[1], 0.0), agency=told.credit.sure,
    )  # fmt: skip


def _assembled(
    parts: _Page, told: _Told, understood: _Understood, reserved: tuple[str, ...], methods: dict[str, str]
) -> Reading:
    page, head, dates, language = parts.page, parts.head, told.dates, understood.language
    normalised = _normalised(told.own_headline, told.text)
    article_id = page.article_id or ids.article(told.address.url)
    return Reading(
        article_id=article_id, version_id=ids.article_version(article_id, normalised),
        text_hash=ids.of("text", normalised), canonical_url=told.address.url, title=told.headline.text,
        lead=told.standfirst.text, text=told.text, section=section_of(head, page.entry), authors=told.authors[0],
        image=image_of(page, head), agency=told.credit.agency, language=language, kind=_kind(parts, told.text),
        published=dates.published, latest=dates.latest, modified=dates.modified, entities=understood.entities,
        names=understood.names, quotes=understood.quotes, reservations=reserved, headline=told.own_headline,
        methods=methods | _present(language=language.origin), confidence=_confidence(told, language),
        stated=dates.stated or {},
    )  # fmt: skip


def _explained(parts: _Page, body: Body, told: _Told, found: Reading, tools: Tools) -> tuple[Candidate, ...]:
    """Everything that was offered for the fields, the winners marked."""
    page, head = parts.page, parts.head
    texts = (told.headline.text, told.standfirst.text, told.text)
    evidence = evidence_of(tools.identifier, *texts, page.source.language)
    kinds = verdict.kinds_of(head, told.text, tree=parts.tree, site=parts.site, url=parts.url)
    offered = (
        *told.headline.candidates, *told.standfirst.candidates, *told.address.candidates, *told.dates.candidates,
        *told.authors[2], *explain.agencies(credits_in(credits_of(head, page.entry), told.text)),
        *explain.languages(evidence, found.language), *explain.sections(head, page, found.section),
        *explain.images(head, found.image), *explain.kinds(kinds, found.kind), *explain.body(body, _copies(parts)),
    )  # fmt: skip
    claimed = told.address.origin != "fetched"
    whys = {
        "title": told.headline.why, "lead": told.standfirst.why, "authors": "the first with names",
        "canonical_url": "the first claim that can be true" if claimed else "no claim that can be true",
    }  # fmt: skip
    return judged(offered, found.methods, whys)


def _fields(headline: str, standfirst: str, text: str) -> tuple[tuple[str, str], ...]:
    """The fields to search, by name; a lead that opens the text would count everybody in it twice."""
    own_lead = standfirst if standfirst[:80] not in text[:1_000] else ""
    return tuple((name, part) for name, part in (("title", headline), ("lead", own_lead), ("text", text)) if part)


def _normalised(headline: str, text: str) -> str:
    """What decides whether a text is a new version: letters and order, not case and blanks."""
    return " ".join(headline.casefold().split()) + "\n" + " ".join(text.casefold().split())


def _kind(parts: _Page, text: str) -> str:
    return verdict.kind_of(parts.head, text, tree=parts.tree, site=parts.site, url=parts.url)


def _sure(**fields: float) -> dict[str, float]:
    """Field to how sure it is; fields that were not found are left out."""
    return {name: round(sure, 2) for name, sure in fields.items() if sure}


def _present(**methods: str) -> dict[str, str]:
    """Field to how it was found; fields that were not found are left out."""
    return {name: method for name, method in methods.items() if method}
