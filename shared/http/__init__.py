"""The one door to the outside: every request this project makes goes through `Door`.

`Door.request` answers with a `Response` whose body is decoded and bounded, or raises `HttpFailure` with one of a closed
set of kinds. It dials only what the `Guard` lets through, checks every redirect again, ends at a total deadline
whatever the server trickles, sends no cookies, no Referer and no credentials of its own, and reads no environment.

The parts: `guard` (addresses), `transport` (httpx's interface over aiohttp), `decode` (bounded decoding).

httpx's client is not used, only its types and its transport interface: the client costs about a quarter more CPU a
request, keeps cookies, and reads the body of a redirect when asked to follow it (docs/decisions/0003).

Left out on purpose: retries and pacing (policies of the services), caching, streaming to the caller (no body here is
larger than its limit), HTTP/2, proxies.
"""

from __future__ import annotations

import asyncio
import functools
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from types import TracebackType
from typing import Self

import structlog

from shared.http.decode import BadEncoding, Body, read_codings
from shared.http.guard import Guard, Refused, httpx
from shared.http.transport import AddressRefused, NameNotFound, Resolver, Stopwatch, TlsFailed, Transport

__all__ = [
    "Door",
    "FailureKind",
    "Guard",
    "Hop",
    "HttpFailure",
    "Limits",
    "Resolver",
    "Response",
    "Timings",
]

ACCEPT_ENCODING = "gzip, deflate, br, zstd"

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The codes that name another place for the same thing (RFC 9110 section 15.4)."""

SECRET = re.compile(r"cookie|webhook-|.*(auth|token|secret|api-?key|signature)")
"""Header names, in lower case, that say who is asking or prove who wrote: never carried to another origin."""

CONTENT_FIELDS = frozenset({"content-length", "content-type", "content-encoding", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes; `body` counts decoded bytes, `total` runs over all redirects to the last byte."""

    connect: float = 5.0
    total: float = 30.0
    body: int = 5_000_000
    redirects: int = 5
    encodings: int = 2


class FailureKind(StrEnum):
    """Why there is no answer; closed, fit for a metric label."""

    REFUSED = "refused"
    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    RESET = "reset"


class HttpFailure(Exception):
    """There is no usable answer; `url` is the hop that failed, `detail` is for people, `status` is what that hop had
    answered before its body failed, if it got that far."""

    def __init__(self, kind: FailureKind, url: str, detail: str, status: int | None = None) -> None:
        super().__init__(kind, url, detail)
        self.kind = kind
        self.url = url
        self.detail = detail
        self.status = status

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail} ({self.url})"


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect that was followed: its status and the absolute address it led to."""

    status: int
    location: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds. All but `total` belong to the last hop, and are None on a reused connection or a cached name."""

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None
    total: float


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer; `headers` compares names without case, `address` is the remote IP. `onward` is where a
    redirect leads that was not followed because the caller's `within` said no; its own body is not read."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    hops: tuple[Hop, ...]
    truncated: bool
    address: str | None
    timings: Timings
    onward: str | None = None


class Door:
    """A pool of connections and the rules for using them. Make one a process, close it at the end."""

    def __init__(
        self,
        *,
        user_agent: str,
        guard: Guard,
        resolver: Resolver | None = None,
        limits: Limits = Limits(),
        connections: int = 100,
        keep_alive: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`connections` bounds open connections over all origins; `tls` replaces the usual trusted authorities."""
        self.guard = guard
        self._limits = limits
        self._defaults = {"user-agent": user_agent, "accept": "*/*", "accept-encoding": ACCEPT_ENCODING}
        self._transport = Transport(
            guard=guard, resolver=resolver, connections=connections, keep_alive=keep_alive, tls=tls
        )
        if guard.allow_networks:
            _warn_opened(guard.allow_networks)

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        limits: Limits | None = None,
        follow: bool = True,
        truncate: bool = False,
        within: Callable[[str], bool] | None = None,
        still: Callable[[], None] | None = None,
    ) -> Response:
        """`request` with the method GET."""
        return await self.request(
            "GET", url, headers=headers, content=content, limits=limits, follow=follow, truncate=truncate,
            within=within, still=still,
        )  # fmt: skip

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        limits: Limits | None = None,
        follow: bool = True,
        truncate: bool = False,
        within: Callable[[str], bool] | None = None,
        still: Callable[[], None] | None = None,
    ) -> Response:
        """The answer of the last hop, any status. Raises `HttpFailure`, what `still` raises, and nothing else.

        `follow=False` gives a redirect back as it is. `truncate=True` gives the first `limits.body` decoded bytes of
        a larger body instead of failing. Of redirects only those are followed whose absolute target `within` says yes
        to; another one comes back as it is, with `onward`. `still` is called right before every address is dialled and
        right before every request is written to its connection: it raises where there may be none any more.
        """
        bounds = limits or self._limits
        started = time.monotonic()
        trip = _Trip(
            method=method.upper(), url=url, headers=self._merged(headers), content=content, within=within, still=still
        )
        try:
            async with asyncio.timeout(bounds.total):
                return await self._travel(trip, bounds, follow=follow, truncate=truncate, started=started)
        except TimeoutError as error:
            detail = f"no complete answer within {bounds.total:g} s"
            raise HttpFailure(FailureKind.TIMEOUT, trip.url, detail, trip.status) from error

    async def aclose(self) -> None:
        """Closes all connections; the door cannot be used after."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _merged(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        return self._defaults | {name.lower(): value for name, value in (headers or {}).items()}

    async def _travel(self, trip: _Trip, limits: Limits, *, follow: bool, truncate: bool, started: float) -> Response:
        while True:
            with _failures(trip):
                response = await self._send(trip, limits)
                trip.status = response.status_code
                try:
                    place = response.headers.get("location") if response.status_code in REDIRECTS else None
                    if not follow or place is None:
                        body, cut = await _collect(response, limits, truncate=truncate)
                        return _facts(response, trip, body, cut, started)
                    if not trip.may_go(place):
                        return replace(_facts(response, trip, b"", False, started), onward=_joined(trip.url, place))
                finally:
                    await response.aclose()  # a redirect's own body is never read
                trip.turn(response.status_code, place, limits)

    async def _send(self, trip: _Trip, limits: Limits) -> httpx.Response:
        request = httpx.Request(
            trip.method,
            self.guard.accept(trip.url),
            headers=[(name.encode(), value.encode()) for name, value in trip.headers.items()],
            content=trip.content,
            extensions={"timeout": {"connect": limits.connect}, "still": trip.still},
        )
        trip.url = str(request.url)
        trip.visit()
        return await self._transport.handle_async_request(request)


@dataclass(slots=True)
class _Trip:
    """Where a request has got to: the next thing to send, and the way there."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None
    hops: list[Hop] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    status: int | None = None
    within: Callable[[str], bool] | None = None
    still: Callable[[], None] | None = None

    def may_go(self, place: str) -> bool:
        """Whether the caller wants this redirect followed."""
        return self.within is None or self.within(_joined(self.url, place))

    def visit(self) -> None:
        """Raises `HttpFailure` on a place already asked: without cookies it will answer the same again."""
        if (self.method, self.url) in self.seen:
            raise HttpFailure(FailureKind.TOO_MANY_REDIRECTS, self.url, "redirect loop")
        self.seen.add((self.method, self.url))

    def turn(self, status: int, place: str, limits: Limits) -> None:
        """Points the trip to where a redirect leads; raises `HttpFailure` at one hop too many."""
        if len(self.hops) >= limits.redirects:
            detail = f"more than {limits.redirects} redirects"
            raise HttpFailure(FailureKind.TOO_MANY_REDIRECTS, self.url, detail)
        target = _joined(self.url, place)
        if _origin(target) != _origin(self.url):
            self.headers = {name: value for name, value in self.headers.items() if not SECRET.match(name)}
        if _becomes_get(status, self.method):
            self.method, self.content = "GET", None
            self.headers = {name: value for name, value in self.headers.items() if name not in CONTENT_FIELDS}
        self.hops.append(Hop(status, target))
        self.url, self.status = target, None


async def _collect(response: httpx.Response, limits: Limits, *, truncate: bool) -> tuple[bytes, bool]:
    """The decoded body and whether it was cut; raises `BadEncoding`, `_TooLarge` and httpx's transport errors."""
    codings = read_codings(response.headers.get_list("content-encoding"))
    if not truncate and not codings and _announced(response) > limits.body:
        raise _TooLarge(f"{_announced(response)} bytes announced, at most {limits.body}")
    body = Body(codings, limit=limits.body, most_codings=limits.encodings)
    async for chunk in response.aiter_raw():
        body.feed(chunk)
        if body.full:
            break
    if not body.full:
        body.finish()
    elif not truncate:
        raise _TooLarge(f"more than {limits.body} bytes")
    return body.value(), body.full


class _TooLarge(Exception):
    """The body passes its limit."""


KINDS: tuple[tuple[type[Exception], FailureKind], ...] = (
    (Refused, FailureKind.REFUSED),
    (AddressRefused, FailureKind.REFUSED),
    (NameNotFound, FailureKind.RESOLVE),
    (TlsFailed, FailureKind.TLS),
    (httpx.TimeoutException, FailureKind.TIMEOUT),
    (httpx.ConnectError, FailureKind.CONNECT),
    (httpx.NetworkError, FailureKind.RESET),
    (httpx.TransportError, FailureKind.PROTOCOL),
    (UnicodeError, FailureKind.PROTOCOL),
    (_TooLarge, FailureKind.TOO_LARGE),
    (BadEncoding, FailureKind.BAD_ENCODING),
)
"""In this order: httpx's classes are subclasses of one another."""


@contextmanager
def _failures(trip: _Trip) -> Iterator[None]:
    """Everything expected becomes an `HttpFailure`; anything else is a defect of ours and passes."""
    try:
        yield
    except tuple(known for known, _ in KINDS) as error:
        kind = next(kind for known, kind in KINDS if isinstance(error, known))
        raise HttpFailure(kind, trip.url, str(error) or type(error).__name__, trip.status) from error


def _facts(response: httpx.Response, trip: _Trip, body: bytes, cut: bool, started: float) -> Response:
    return Response(
        status=response.status_code,
        url=trip.url,
        headers=response.headers,
        body=body,
        hops=tuple(trip.hops),
        truncated=cut,
        address=response.extensions["address"],
        timings=_timings(response.extensions["stopwatch"], started),
    )


def _timings(watch: Stopwatch, started: float) -> Timings:
    return Timings(
        dns=watch.dns,
        connect=_between(watch.dialled, watch.handshake or watch.connected),
        tls=_between(watch.handshake, watch.connected),
        first_byte=_between(watch.sent, watch.answered),
        total=time.monotonic() - started,
    )


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else end - start


def _announced(response: httpx.Response) -> int:
    """Content-Length, or 0 where it is absent or no number."""
    value: str = response.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0


def _joined(base: str, place: str) -> str:
    """A Location against the address that sent it (RFC 9110 section 10.2.2); raises `Refused` before any is guessed."""
    if "\\" in place:
        raise Refused("backslash in a redirect")
    try:
        return str(httpx.URL(base).join(place.strip()))
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(f"not a valid redirect: {error}") from error


def _origin(url: str) -> tuple[str, str, int | None]:
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host, parsed.port


def _becomes_get(status: int, method: str) -> bool:
    """303 asks for GET; after 301 and 302 a POST becomes one, as everybody does it (RFC 9110 section 15.4)."""
    if status == 303:
        return method != "HEAD"
    return status in {301, 302} and method == "POST"


@functools.cache
def _warn_opened(networks: tuple[IPv4Network | IPv6Network, ...]) -> None:
    """Once a process, at the start: whoever reads the log knows that private addresses can be reached."""
    structlog.get_logger().warning("private_networks_opened", networks=[str(network) for network in networks])
