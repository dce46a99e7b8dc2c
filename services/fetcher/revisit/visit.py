"""One visit to a page that was had before: a conditional request, and exactly one outcome. Never raises for what a
server does but HostPaused.

A page whose place says 410, or twice in a row 404 or the way to the front page, was withdrawn; that is told with an
empty body. Whether another body is another text is the extractor's to say: many pages differ at every look.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from services.fetcher.manners.ask import Forbidden, Request, Verdict, insist
from services.fetcher.metrics import VisitOutcome
from services.fetcher.pages.fetch import ACCEPT, Fetcher, fetched
from services.fetcher.poll.policy import treatment
from services.fetcher.poll.validators import kept
from services.fetcher.revisit.plan import GONE_AFTER
from services.fetcher.revisit.row import Revisit
from services.fetcher.sources import Source
from services.fetcher.store import Item, Pause
from shared import ids
from shared.events import Ledger, PageFetched
from shared.http import FailureKind, HttpFailure, Response

GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Visited:
    """What came of a visit: `row` has the validators and the hash as they are to be kept."""

    outcome: VisitOutcome
    row: Revisit
    event: PageFetched | None = None
    wish: timedelta = timedelta()
    pause: Pause | None = None
    detail: str = ""


def hash_of(body: bytes) -> str:
    """By which bodies are compared."""
    return hashlib.blake2b(body, digest_size=20).hexdigest()


async def visit(fetcher: Fetcher, row: Revisit, item: Item, source: Source, now: datetime) -> Visited:
    """Ask for the page of `row` again; `now` is story time. Raises HostPaused."""
    verdict = await fetcher.verdict(item, source, source.spacing)
    if not verdict.allowed:
        return _denied(row, verdict, verdict.told)
    request = Request(
        url=item.url, headers={"accept": ACCEPT, **_conditions(row)}, limits=fetcher.limits, truncate=True,
        spacing=source.spacing, delay=verdict.delay, robots=fetcher.robots_for(source),
    )  # fmt: skip
    began = fetcher.real.now()
    try:
        response = await insist(fetcher.door, fetcher.pace, request)
    except Forbidden as forbidden:
        return _denied(row, forbidden.verdict, str(forbidden))
    except HttpFailure as failure:
        refused = failure.kind is FailureKind.REFUSED
        return Visited(VisitOutcome.REFUSED if refused else VisitOutcome.FAILED, row, detail=str(failure))
    ledger = Ledger(seen=began, fetched=fetcher.real.now())
    visited = _judge(fetcher, row, _Answer(item, source, response, ledger, now))
    return replace(visited, event=await fetcher.reserved(visited.event, source)) if visited.event else visited


def _denied(row: Revisit, verdict: Verdict, detail: str) -> Visited:
    outcome = VisitOutcome.ROBOTS_DENIED if verdict.reachable else VisitOutcome.FAILED
    return Visited(outcome, row, detail=detail)


@dataclass(frozen=True, slots=True)
class _Answer:
    item: Item
    source: Source
    response: Response
    ledger: Ledger
    now: datetime


def _conditions(row: Revisit) -> dict[str, str]:
    named = {"if-none-match": row.etag, "if-modified-since": row.last_modified}
    return {name: value for name, value in named.items() if value}


def _judge(fetcher: Fetcher, row: Revisit, answer: _Answer) -> Visited:
    response = answer.response
    if response.status == 304 and response.url == row.url and _conditions(row):
        return Visited(VisitOutcome.UNCHANGED, row)
    if response.status in GONE or _is_sent_home(response, answer.item.url):
        return _missing(row, answer)
    if 200 <= response.status < 300 and response.body:
        return _read(row, answer)
    found = treatment(response, fetcher.real.now())
    pause = fetcher.pace.pause(response.url, found.pause, answer.source.limits)
    forgotten = replace(row, etag=None, last_modified=None) if response.status == 304 else row
    detail = f"HTTP {response.status}"
    return Visited(VisitOutcome.FAILED, forgotten, wish=max(found.floor, found.pause), pause=pause, detail=detail)


def _read(row: Revisit, answer: _Answer) -> Visited:
    response, body_hash = answer.response, hash_of(answer.response.body)
    now = replace(row, body_hash=body_hash, etag=kept(response, "etag"), last_modified=kept(response, "last-modified"))
    if response.url != row.url:  # validators belong to the address that gave them
        now = replace(now, etag=None, last_modified=None)
    if body_hash == row.body_hash:
        return Visited(VisitOutcome.SAME, now)
    return Visited(VisitOutcome.CHANGED, now, _again(row, answer, fetched(answer.item, response, answer.ledger)))


def _missing(row: Revisit, answer: _Answer) -> Visited:
    response = answer.response
    detail = f"HTTP {response.status}" if response.status in GONE else "sent to the front page"
    if response.status != 410 and row.missing + 1 < GONE_AFTER:
        return Visited(VisitOutcome.MISSING, row, detail=detail)
    gone = fetched(answer.item, response, answer.ledger)
    gone = msgspec.structs.replace(gone, id=ids.page(row.entry_id, b""), status=410, body=b"", final_url=row.url)
    return Visited(VisitOutcome.WITHDRAWN, row, _again(row, answer, gone), detail=detail)


def _again(row: Revisit, answer: _Answer, page: PageFetched) -> PageFetched:
    """The event of a further visit: observed now, of an article that is known by its id."""
    return msgspec.structs.replace(page, observed=answer.now, revisit=row.tries + 1, article_id=row.article_id)


def _is_sent_home(response: Response, asked: str) -> bool:
    return _is_front(response.url) and not _is_front(asked)


def _is_front(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query
