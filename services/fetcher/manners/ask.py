"""One request with all its redirects: every registered domain on the way is asked as politely as the first.

A redirect inside the domain is followed in the same turn. One that leads to another domain ends the turn there: the
other domain must be ours to ask (`domains`), its robots.txt must allow the place, where robots apply to this kind of
request, and a turn of its own is waited for, with the general distance. No turn is held while another is waited for, so
that two domains that lead to each other do not wait in a ring. The deadline counts what all turns took together; the
waits between them come on top.

Where another process holds the domain, nothing is sent there: `LedElsewhere` says where the way leads, and the caller
hands it over (pages) or asks for the domain and tries again later (`insist`).

Left out on purpose: remembering where redirects lead (`poll.redirects` does, after a quarantine).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from services.fetcher.manners.domains import HeldElsewhere
from services.fetcher.manners.pace import HostPaused, Pace
from services.fetcher.manners.tally import Asks
from shared.http import FailureKind, Hop, HttpFailure, Limits, Response
from shared.urls import registered_domain


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a page may be fetched; `reachable` is False when nobody can say for now."""

    allowed: bool
    reachable: bool = True
    delay: timedelta | None = None

    @property
    def told(self) -> str:
        """Why a page may not be fetched."""
        return "robots.txt" if self.reachable else "robots.txt cannot be had"


class Permits(Protocol):
    """Who says what robots may fetch (`robots.Robots`)."""

    async def verdict(self, url: str, spacing: timedelta | None = None) -> Verdict:
        """Whether `url` may be fetched. Raises HostPaused and DatabaseUnavailable."""
        ...

    def allows_at_once(self, url: str) -> bool:
        """Whether the file at hand allows it; False where that would have to be asked for first."""
        ...


class LedElsewhere(HeldElsewhere):
    """A redirect leads to `url`, on a domain that another process holds: nothing was sent there. `hops` is how many
    redirects led to it, `left` when to look again."""

    def __init__(self, left: timedelta, url: str, hops: int) -> None:
        super().__init__(left)
        self.url = url
        self.hops = hops


class Forbidden(Exception):
    """robots.txt does not allow the place that a redirect leads to: nothing was sent there."""

    def __init__(self, verdict: Verdict, url: str) -> None:
        super().__init__(verdict, url)
        self.verdict = verdict
        self.url = url

    def __str__(self) -> str:
        return f"{self.verdict.told} ({self.url})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. `limits` go over all redirects, `hops` were made before; `spacing` and `delay` as for a turn;
    `robots` judges redirects (None: they need no judging; the first address is the caller's to judge); `home` is an
    address on the domain that the caller holds, where that is not the domain of `url`."""

    url: str
    headers: Mapping[str, str]
    limits: Limits
    truncate: bool = False
    spacing: timedelta | None = None
    delay: timedelta | None = None
    robots: Permits | None = None
    home: str = ""
    hops: int = 0


async def ask(door: Asks, pace: Pace, request: Request) -> Response:
    """The answer of the last hop. Raises HttpFailure, HostPaused (LedElsewhere among them), Forbidden and
    DatabaseUnavailable."""
    way: tuple[Hop, ...] = ()
    if request.home and registered_domain(request.home) != registered_domain(request.url):
        await _hold(pace, request.url, request.hops)
    while True:
        response = await _ask_domain(door, pace, request)
        if response.onward is None:
            return replace(response, hops=(*way, *response.hops))
        way = (*way, *response.hops, Hop(response.status, response.onward))
        request = await _onward(pace, request, response, response.onward)


async def insist(door: Asks, pace: Pace, request: Request) -> Response:
    """`ask`, for what no other process can finish: one that holds a domain on the way is asked to hand it over, and the
    next try will find it here. Raises what `ask` raises."""
    try:
        return await ask(door, pace, request)
    except LedElsewhere as led:
        await pace.wish(led.url)
        raise


async def _ask_domain(door: Asks, pace: Pace, request: Request) -> Response:
    limits = replace(request.limits, redirects=request.limits.redirects - request.hops)
    async with pace.turn(request.url, spacing=request.spacing, delay=request.delay) as still:
        return await door.get(
            request.url, headers=request.headers, limits=limits, truncate=request.truncate,
            within=partial(_stays, request), still=still,
        )  # fmt: skip


def _stays(request: Request, target: str) -> bool:
    """Whether a redirect is followed in the same turn. What is no web address goes on to be refused by the door."""
    if urlsplit(target).scheme not in ("http", "https"):
        return True
    same = registered_domain(target) == registered_domain(request.url)
    return same and (request.robots is None or request.robots.allows_at_once(target))


async def _onward(pace: Pace, request: Request, response: Response, target: str) -> Request:
    """The request that a redirect out of the turn leads to."""
    hops = request.hops + len(response.hops) + 1
    limits = replace(request.limits, total=request.limits.total - response.timings.total)
    if hops > limits.redirects:
        detail = f"more than {limits.redirects} redirects"
        raise HttpFailure(FailureKind.TOO_MANY_REDIRECTS, response.url, detail)
    if limits.total <= 0:
        raise HttpFailure(FailureKind.TIMEOUT, target, "no time left for where a redirect leads")
    spacing = request.spacing if registered_domain(target) == registered_domain(request.url) else None
    await _hold(pace, target, hops)
    delay = await permitted(request.robots, target, spacing) if request.robots else None
    return replace(request, url=target, limits=limits, hops=hops, spacing=spacing, delay=delay)


async def _hold(pace: Pace, url: str, hops: int) -> None:
    try:
        await pace.hold(url)
    except HostPaused as held:
        raise LedElsewhere(held.left, url, hops) from held


async def permitted(robots: Permits, url: str, spacing: timedelta | None) -> timedelta | None:
    """The crawl-delay that robots.txt asks for. Raises Forbidden where it does not allow `url`."""
    verdict = await robots.verdict(url, spacing)
    if not verdict.allowed:
        raise Forbidden(verdict, url)
    return verdict.delay
