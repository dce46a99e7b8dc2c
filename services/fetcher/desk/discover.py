"""`wirewatch sources discover URL`: the feeds, sitemaps and listings of a site, the best first, each with a sample.

What is asked goes through the one door, with the same spacing as any poll; nothing is asked that robots.txt denies, and
nothing is published or kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from services.fetcher.desk.check import Checker, checker_on
from services.fetcher.desk.view import shown
from services.fetcher.manners.ask import Forbidden, Request, ask, permitted
from services.fetcher.manners.pace import HostPaused
from services.fetcher.poll import children
from services.fetcher.poll.poll import ACCEPT
from services.fetcher.read import candidates
from services.fetcher.read.candidates import Candidate, Tried
from services.fetcher.read.feed import Feed, Unusable
from services.fetcher.read.parse import parse_feed
from services.fetcher.read.read_listing import read_listing
from services.fetcher.read.read_sitemap import GZIP, LARGEST, looks_like_sitemap, read_sitemap
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import SourceKind
from shared import log
from shared.errors import Misconfigured
from shared.http import HttpFailure, Response
from shared.settings import CommonSettings, load
from shared.show import bars, show
from shared.urls import canonical

COLUMNS = ("kind", "url", "found_by", "entries", "newest", "language", "sample", "remark")
Progress = Callable[[int, int], None]
GUESSED = frozenset({"well-known", "anchor", "page"})


class Denied(Exception):
    """Nothing may or can be had from that address; the text says why."""


def discover(
    url: Annotated[str, typer.Argument(help="A page of the site; without https:// it is put before.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the feeds, sitemaps and listings of a site. Exit code 1 when there is none, 2 when URL is no address."""
    address = url if "://" in url else f"https://{url}"
    if not canonical(address):
        raise Misconfigured(f"{url!r} is no address: write one such as https://example.org/")
    common, settings = load(CommonSettings), load(FetcherSettings)
    log.configure(level="error", json=common.log_json)
    try:
        with bars() as bar:
            tried = asyncio.run(_found(common, settings, address, bar("addresses")))
    except Denied as denied:
        typer.echo(f"{address}: {denied}", err=True)
        raise typer.Exit(1) from denied
    rows = [_row(number, one) for number, one in enumerate(tried, 1)]
    show(rows if as_json else [_line(row) for row in rows], as_json=as_json, title=address)
    if not any(row["works"] for row in rows):
        raise typer.Exit(1)


def _row(number: int, one: Tried) -> dict[str, Any]:
    feed = one.feed or Feed(kind=one.candidate.kind)
    return {
        "rank": number, "kind": one.candidate.kind, "url": one.url, "found_by": one.candidate.found_by,
        "works": bool(feed.entries or feed.children), "title": feed.title, "language": feed.language,
        "entries": len(feed.entries), "sitemaps": len(feed.children), "newest": shown(candidates.newest(feed)),
        "sample": [{"title": entry.title, "link": entry.link, "published": shown(entry.published)}
                   for entry in candidates.sample(feed)],
        "remark": one.remark,
    }  # fmt: skip


def _line(row: dict[str, Any]) -> dict[str, Any]:
    sample = "\n".join(entry["title"] or entry["link"] for entry in row["sample"])
    return {name: sample if name == "sample" else row[name] for name in COLUMNS}


# -- looking -------------------------------------------------------------------------------------------------------


async def _found(common: CommonSettings, settings: FetcherSettings, url: str, progress: Progress) -> list[Tried]:
    async with checker_on(common, settings) as checker:
        looker = Looker(checker)
        page = await looker.get(url)
        own = _told(Candidate(url, SourceKind.FEED, "itself"), page.url, read_as(SourceKind.FEED, page))
        if own.feed is not None:
            return [await looker.deeper(own)]
        found = await looker.places(page)
        tried = [_listing(page)]
        for number, candidate in enumerate(found):
            progress(number, len(found))
            tried.append(await looker.look(candidate))
        return candidates.ranked(_worth(tried))


def _worth(tried: Iterable[Tried]) -> list[Tried]:
    """Without guesses that were wrong: a well-known address where nothing is, is no finding."""
    return [one for one in tried if one.feed is not None or one.candidate.found_by not in GUESSED]


def _listing(page: Response) -> Tried:
    found = read_listing(page.body, page.url)
    candidate = Candidate(page.url, SourceKind.LISTING, "page")
    return _told(candidate, page.url, found)


def _told(candidate: Candidate, url: str, found: Feed | Unusable) -> Tried:
    if isinstance(found, Unusable):
        return Tried(candidate, url, remark=found.detail)
    kind = SourceKind.SITEMAP if found.kind == "sitemap" else candidate.kind
    return Tried(replace(candidate, kind=kind), url, found)


def read_as(kind: SourceKind, response: Response) -> Feed | Unusable:
    """What a body is where a source of this kind is looked for: a feed may turn out to be a sitemap."""
    body = response.body
    if kind is SourceKind.SITEMAP or body.startswith(GZIP) or looks_like_sitemap(body):
        return read_sitemap(body)
    return parse_feed(body)


@dataclass(frozen=True, slots=True)
class Looker:
    """Asks for addresses as the fetcher would."""

    checker: Checker

    async def get(self, url: str) -> Response:
        """The page. Raises Denied."""
        poller = self.checker.poller
        robots, limits = self.checker.robots, replace(poller.limits, body=LARGEST)
        try:
            delay = await permitted(robots, url, None)
            request = Request(url=url, headers={"accept": ACCEPT}, limits=limits, delay=delay, robots=robots)
            response = await ask(poller.door, poller.pace, request)
        except Forbidden as forbidden:
            reachable = forbidden.verdict.reachable
            raise Denied("robots.txt denies it" if reachable else "its robots.txt cannot be had") from forbidden
        except HttpFailure as failure:
            raise Denied(f"{failure.kind}: {failure.detail}") from failure
        except HostPaused as pause:
            raise Denied(f"its host asked for a pause of {pause.left}") from pause
        if not 200 <= response.status < 300:
            raise Denied(f"HTTP {response.status}")
        return response

    async def places(self, page: Response) -> list[Candidate]:
        """Where to look, from the page and robots.txt."""
        lines = await self.checker.robots.sitemaps(page.url)
        found = [*candidates.of_page(page.body, page.url), *candidates.of_robots(lines)]
        return candidates.distinct([*found, *candidates.well_known(page.url, found)])

    async def look(self, candidate: Candidate) -> Tried:
        """One candidate."""
        try:
            response = await self.get(candidate.url)
        except Denied as denied:
            return Tried(candidate, candidate.url, remark=str(denied))
        return await self.deeper(_told(candidate, response.url, read_as(candidate.kind, response)))

    async def deeper(self, tried: Tried) -> Tried:
        """The same; for an index with what its most recent child lists."""
        feed = tried.feed
        if feed is None or not feed.children:
            return tried
        known = children.merged({}, feed.children, "", first=True)
        for child in children.to_ask(known.values(), self.checker.poller.real.now())[:1]:
            try:
                found = read_as(SourceKind.SITEMAP, await self.get(child.url))
            except Denied as denied:
                return replace(tried, remark=f"{child.url}: {denied}")
            if isinstance(found, Feed):
                feed = replace(feed, title=found.title, language=found.language, entries=found.entries)
        return replace(tried, feed=feed)
