"""The local web site of the demo: every outlet under its own host name, feeds and pages as of the story clock.

It answers conditional requests as good publishers do, states dates in the way each outlet has chosen, and surrounds the
articles with the navigation and teasers that real pages have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC
from email.utils import format_datetime
from html import escape

from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.standalone.world import Outlet, Story
from shared.clock import Clock

FEED_TYPES = {
    "rss": "application/rss+xml", "atom": "application/atom+xml", "json": "application/feed+json",
    "sitemap": "application/xml", "listing": "text/html; charset=utf-8",
}  # fmt: skip


def site_app(outlets: Sequence[Outlet], clock: Clock) -> ASGIApp:
    """One application for all outlets, told apart by the Host header. Plain ASGI: the demo's machine has better things
    to do than a framework's rounds for some thousand requests."""
    by_host = {outlet.host: outlet for outlet in outlets}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        outlet = by_host.get(request.headers.get("host", "").partition(":")[0])
        found = Response("no such outlet", 404) if outlet is None else _answer(outlet, request.url.path, request, clock)
        await found(scope, receive, send)

    return app


def _answer(outlet: Outlet, path: str, request: Request, clock: Clock) -> Response:
    out = outlet.out(clock.now())
    base = f"http://{request.headers['host']}"
    if path == "/robots.txt":
        return Response("User-agent: *\nAllow: /\n", media_type="text/plain")
    if path == outlet.feed_path:
        return _conditional(_feed(outlet, out, base), FEED_TYPES[outlet.feed], request)
    for story in out:
        if story.path == path:
            return _conditional(_page(outlet, story, out, base), "text/html; charset=utf-8", request)
    return Response("not found", 404)


def _conditional(body: str, media_type: str, request: Request) -> Response:
    data = body.encode()
    etag = f'"{hashlib.blake2b(data, digest_size=8).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"etag": etag})
    return Response(data, media_type=media_type, headers={"etag": etag})


def _feed(outlet: Outlet, out: Sequence[Story], base: str) -> str:
    kinds = {"rss": _rss, "atom": _atom, "json": _json_feed, "sitemap": _sitemap, "listing": _listing}
    return kinds[outlet.feed](outlet, out, base)


def _rss(outlet: Outlet, out: Sequence[Story], base: str) -> str:
    items = "".join(
        f"<item><title>{escape(story.title)}</title><link>{base}{story.path}?utm_source=rss</link>"
        f'<guid isPermaLink="false">{outlet.id}:{story.id}</guid><description>{escape(story.lead)}</description>'
        f"<category>{escape(story.section)}</category>"
        f"<pubDate>{format_datetime(story.published)}</pubDate></item>"
        for story in out
    )
    head = f"<title>{escape(outlet.name)}</title><link>{base}/</link><language>{outlet.language}</language>"
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'


def _atom(outlet: Outlet, out: Sequence[Story], base: str) -> str:
    entries = "".join(
        f"<entry><title>{escape(story.title)}</title><link href='{base}{story.path}'/>"
        f"<id>tag:{outlet.host},2025:{story.id}</id><published>{story.published.isoformat()}</published>"
        f"<updated>{story.published.isoformat()}</updated><summary>{escape(story.lead)}</summary></entry>"
        for story in out
    )
    updated = out[0].published.isoformat() if out else "2025-01-01T00:00:00Z"
    head = f"<title>{escape(outlet.name)}</title><id>tag:{outlet.host},2025:feed</id><updated>{updated}</updated>"
    namespace = "http://www.w3.org/2005/Atom"
    return f'<?xml version="1.0" encoding="UTF-8"?><feed xmlns="{namespace}">{head}{entries}</feed>'


def _json_feed(outlet: Outlet, out: Sequence[Story], base: str) -> str:
    items = [
        {"id": f"{outlet.id}:{story.id}", "url": base + story.path, "title": story.title, "summary": story.lead,
         "date_published": story.published.isoformat()}
        for story in out
    ]  # fmt: skip
    head = {"version": "https://jsonfeed.org/version/1.1", "title": outlet.name, "home_page_url": base + "/"}
    return json.dumps({**head, "language": outlet.language, "items": items}, ensure_ascii=False)


def _sitemap(outlet: Outlet, out: Sequence[Story], base: str) -> str:
    about = f"<n:name>{escape(outlet.name)}</n:name><n:language>{outlet.language}</n:language>"
    places = "".join(
        f"<url><loc>{base}{story.path}</loc><n:news><n:publication>{about}</n:publication>"
        f"<n:publication_date>{story.published.isoformat()}</n:publication_date>"
        f"<n:title>{escape(story.title)}</n:title></n:news></url>"
        for story in out
    )
    spaces = (
        'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"'
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {spaces}>{places}</urlset>'


def _listing(outlet: Outlet, out: Sequence[Story], base: str) -> str:
    items = "".join(
        f"<article class='item'><h2><a href='{story.path}'>{escape(story.title)}</a></h2>"
        f"<p>{escape(story.lead)}</p><time datetime='{story.published.isoformat()}'></time></article>"
        for story in out
    )
    head = f"<meta charset='utf-8'><title>{escape(outlet.name)}</title><base href='{base}/'>"
    return f"<!doctype html><html lang='{outlet.language}'><head>{head}</head><body><main>{items}</main></body></html>"


def _page(outlet: Outlet, story: Story, out: Sequence[Story], base: str) -> str:
    teasers = [other for other in out if other.id != story.id][:4]
    body = "".join(f"<p>{escape(text)}</p>" for text in (story.lead, *story.paragraphs))
    aside = "".join(f"<li><a href='{base}{other.path}'>{escape(other.title)}</a></li>" for other in teasers)
    return (
        f"<!doctype html><html lang='{outlet.language}'><head><meta charset='utf-8'>"
        f"<title>{escape(story.title)}{escape(outlet.title_suffix)}</title>"
        f"<link rel='canonical' href='{base}{story.path}'>"
        f"<meta name='description' content='{escape(story.lead, quote=True)}'>"
        f"<meta property='og:title' content='{escape(story.title, quote=True)}'>"
        f"{_date_head(outlet, story)}</head><body>"
        f"<header><nav><a href='/'>{escape(outlet.name)}</a> <a href='/sport'>Sport</a></nav></header><main><article>"
        f"<h1>{escape(story.title)}</h1>"
        f"<div class='meta'>{escape(story.author)} {_date_body(outlet, story)}</div>{body}"
        f"{_credit(story)}</article></main><aside><ul>{aside}</ul></aside>"
        f"<footer>&copy; {escape(outlet.name)}</footer></body></html>"
    )


def _credit(story: Story) -> str:
    return f"<p class='source'>({escape(story.agency)})</p>" if story.agency else ""


def _date_head(outlet: Outlet, story: Story) -> str:
    stated = story.published.isoformat()
    if outlet.dates == "meta":
        return f"<meta property='article:published_time' content='{stated}'>"
    if outlet.dates == "jsonld":
        facts = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": story.title,
                 "datePublished": stated,
                 "author": {"@type": "Person", "name": story.author or outlet.name}}  # fmt: skip
        return f"<script type='application/ld+json'>{json.dumps(facts, ensure_ascii=False)}</script>"
    return ""


def _date_body(outlet: Outlet, story: Story) -> str:
    if outlet.dates != "time":
        return ""
    shown = story.published.astimezone(UTC).strftime("%d.%m.%Y")
    return f"<time datetime='{story.published.isoformat()}'>{shown}</time>"
