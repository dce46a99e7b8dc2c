"""One poll of a source: a conditional request, and exactly one outcome.

The rules stand in files of their own, as functions over the source's state and the response: what is sent back
(`validators`), where to ask (`redirects`), when not to believe a 304 (`audit`), what an answer without a feed means
(`policy`), whether a bot wall answered (`walls`), how a body is read (`reading`).

GET alone, one address, no cookies, no Referer, nothing added to the query; the rest of the headers is the door's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.fetcher.manners.ask import Forbidden, Permits, Request, insist, permitted
from services.fetcher.manners.pace import Pace
from services.fetcher.manners.tally import Asks
from services.fetcher.plan.schedule import freshness
from services.fetcher.poll import audit, layout, policy, redirects, validators
from services.fetcher.poll.children import ChildState
from services.fetcher.poll.walls import is_page, wall_of
from services.fetcher.push.offer import Offer, offered
from services.fetcher.read.parse import Damage, Feed, Unusable
from services.fetcher.read.reading import limits_for, read_body
from services.fetcher.sources import Source
from services.fetcher.store import Pause, SourceState
from shared.clock import Clock
from shared.events import CheckOutcome
from shared.http import FailureKind, HttpFailure, Limits, Response

ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"

WORKED = frozenset({CheckOutcome.FRESH, CheckOutcome.UNCHANGED, CheckOutcome.NOT_MODIFIED, CheckOutcome.EMPTY})
"""Outcomes that end a row of failures."""

GOOD = WORKED - {CheckOutcome.EMPTY}
"""Outcomes after which the address is known to serve this feed."""

FAILURES = {
    FailureKind.REFUSED: CheckOutcome.REFUSED,
    FailureKind.TOO_LARGE: CheckOutcome.TOO_LARGE,
    FailureKind.BAD_ENCODING: CheckOutcome.BROKEN,
}
"""Failures of the door that are not simply `unreachable`."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the address, the conditions sent, and whether they are left out to audit the server."""

    url: str
    conditions: Mapping[str, str] = field(default_factory=dict)
    audit: bool = False


@dataclass(frozen=True, slots=True)
class Polled:
    """What came of a poll. `state` is the source's state with the validators as they are to be kept; `feed` is set
    when the body was read anew; `floor` is the server's wish for the time until the next poll; `pause` is to be kept;
    `wall` names the bot wall that answered, `page` says that a web page came with success in place of the feed, `offer`
    who pushes what is new; `children` are the sitemaps of an index as they are to be kept."""

    outcome: CheckOutcome
    state: SourceState
    detail: str = ""
    status: int | None = None
    feed: Feed | None = None
    base: str = ""
    offer: Offer | None = None
    floor: timedelta = timedelta()
    size: int = 0
    question: Question | None = None
    pause: Pause | None = None
    wall: str | None = None
    page: bool = False
    children: tuple[ChildState, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """A poll under way: whose, with which state, what is asked, and when (story time)."""

    source: Source
    state: SourceState
    asked: Question
    now: datetime


@dataclass(frozen=True, slots=True)
class Poller:
    """What polling needs. `limits` bound the request, the wait for a turn comes on top; `robots` says who judges where
    else a source of this kind leads (None: nobody; its own address is the caller's to judge)."""

    door: Asks
    pace: Pace
    real: Clock
    limits: Limits
    robots: Callable[[Source], Permits | None] = lambda _source: None

    async def poll(self, source: Source, state: SourceState, now: datetime) -> Polled:
        """Ask once, `now` in story time; twice where the weekly look at a moved source's own address fails. Raises
        HostPaused, and nothing for what a server does."""
        state = taken_over(source, state)
        visit = Visit(source, state, question(state, now), now)
        polled = await self._visit(visit)
        if state.moved and polled.outcome not in WORKED and visit.asked.url == state.url:
            return await self._visit(replace(visit, state=polled.state, asked=question(polled.state, now)))
        return polled

    async def _visit(self, visit: Visit) -> Polled:
        if visit.asked.audit:
            visit = replace(visit, state=replace(visit.state, audited=visit.now))
        try:
            response = await self._ask(visit)
            if response.status == 304 and visit.asked.conditions and response.url != visit.state.validated_url:
                visit = replace(visit, state=validators.forgotten(visit.state), asked=Question(visit.asked.url))
                response = await self._ask(visit)
        except Forbidden as forbidden:
            return _settled(visit, Polled(CheckOutcome.ROBOTS_DENIED, visit.state, detail=str(forbidden)), None)
        except HttpFailure as failure:
            outcome = FAILURES.get(failure.kind, CheckOutcome.UNREACHABLE)
            return _settled(visit, Polled(outcome, visit.state, detail=f"{failure.kind}: {failure.detail}"), None)
        return _settled(visit, await self._judge(visit, response), response)

    async def _ask(self, visit: Visit) -> Response:
        asked, source, robots = visit.asked, visit.source, self.robots(visit.source)
        if robots is not None and asked.url != source.url:
            await permitted(robots, asked.url, source.spacing)
        request = Request(
            url=asked.url, headers={"accept": ACCEPT, **asked.conditions}, limits=limits_for(source, self.limits),
            spacing=source.spacing, robots=robots, home=source.url,
        )  # fmt: skip
        return await insist(self.door, self.pace, request)

    async def _judge(self, visit: Visit, response: Response) -> Polled:
        if response.status == 304 and visit.asked.conditions:
            kept = validators.validated(visit.state, response, partly=True)
            kept = validators.heeded(kept, visit.asked.conditions, response)
            return Polled(CheckOutcome.NOT_MODIFIED, kept, status=304, floor=freshness(response.headers))
        if 200 <= response.status < 300:
            return await read_answer(visit, response)
        return self._refusal(visit, response)

    def _refusal(self, visit: Visit, response: Response) -> Polled:
        worked, wall = visit.state.last_worked, wall_of(response)
        lately = not wall and worked is not None and visit.now - worked <= policy.LATELY
        found = policy.treatment(response, self.real.now(), worked_lately=lately)
        return Polled(
            found.outcome, visit.state, detail=_told(f"HTTP {response.status}", wall), status=response.status,
            floor=found.floor, size=len(response.body), wall=wall,
            pause=self.pace.pause(response.url, found.pause, visit.source.limits),
        )  # fmt: skip


def question(state: SourceState, now: datetime) -> Question:
    """What to ask of a source in this state."""
    url = redirects.address_of(state, now)
    if audit.is_due(state, now):
        return Question(url, audit=True)
    return Question(url, {} if audit.is_distrusted(state, now) else validators.conditions(state))


def taken_over(source: Source, state: SourceState) -> SourceState:
    """The state of a source whose address was changed in the sources file: it begins anew, its history apart."""
    if state.url == source.url:
        return state
    return replace(redirects.stayed(validators.forgotten(state)), url=source.url, seeded=False, gone=0, hints=None,
                   shapes=None)  # fmt: skip


def _settled(visit: Visit, polled: Polled, response: Response | None) -> Polled:
    """With what the poll says of where the feed is."""
    state = polled.state
    if response is not None and polled.outcome in GOOD:
        state = redirects.sighted(state, visit.asked.url, response, visit.now)
    elif polled.outcome not in WORKED:
        state = redirects.failed_at(state, visit.asked.url, polled.outcome, visit.now)
    return replace(polled, state=state, question=visit.asked)


async def read_answer(visit: Visit, response: Response) -> Polled:
    """What a good answer says: the same as before, a feed, or something else."""
    state, body = visit.state, response.body
    body_hash = hashlib.blake2b(body, digest_size=20).hexdigest()
    same = body_hash == state.body_hash
    kept = validators.heeded(state, visit.asked.conditions, response, same_body=same)
    kept = replace(validators.validated(kept, response), last_read=visit.now)
    told = Polled(CheckOutcome.UNCHANGED, kept, status=response.status, floor=freshness(response.headers),
                  size=len(body))  # fmt: skip
    if same:
        return told
    content_type, shapes = response.headers.get("content-type", ""), layout.known(state.shapes)
    found = await read_body(visit.source, body, response.url, content_type, shapes)
    if isinstance(found, Unusable):
        outcome = CheckOutcome.NOT_A_FEED if found.damage is Damage.NOT_A_FEED else CheckOutcome.BROKEN
        wall = wall_of(response)
        detail, page = _told(found.detail, wall), is_page(body)
        return replace(told, outcome=outcome, state=state, detail=detail, wall=wall, page=page)
    outcome = CheckOutcome.FRESH if found.entries else CheckOutcome.EMPTY
    offer = offered(response.headers, hub=found.hub, topic=found.self_link, base=response.url)
    found, known, detail = layout.settled(found, state.shapes)
    kept = replace(kept, body_hash=body_hash, shapes=known)
    detail = f"{found.cut:,} entries beyond {len(found.entries):,} were left out" if found.cut else detail
    return replace(told, outcome=outcome, state=kept, feed=found, base=response.url, offer=offer, detail=detail)


def _told(detail: str, wall: str | None) -> str:
    return f"{detail}; bot wall: {wall}" if wall else detail
