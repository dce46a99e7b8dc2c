"""httpx's public transport interface over aiohttp's connection pool, with the guard at the dialled address.

httpx's own pool serves 70 requests a second over 100 origins, aiohttp's over ten thousand; the ready-made bridge
rewrites percent-escapes and hides why a connection failed. This one passes addresses through as they are, gives raw
headers and raw bodies, follows nothing, decodes nothing, keeps no cookies, reads no environment, and says precisely
what went wrong by the classes below, which are httpx's own or subclasses of them.

The guard acts twice: `GuardedResolver` drops forbidden answers, so that the good addresses of a mixed answer are
still tried, and `open_socket` judges each address about to be dialled, which covers literals, cached names and
redirects. Times are taken by a stopwatch in a context variable, since aiohttp looks names up in a task of its own.

Left out on purpose: HTTP/2 (one request per origin gains nothing), proxies, Unix sockets.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import aiohttp
import aiohttp.abc
import yarl

from shared.errors import was_lost
from shared.http.guard import Guard, Refused, httpx

FIELD_BYTES = 65_536
"""Longest header field taken: Content-Security-Policy of real outlets passes aiohttp's default of 8 KB."""

HEADER_FIELDS = 256
"""Most header fields taken: sites behind several caches pass aiohttp's default of 128."""

READ_BUFFER = 65_536

LOOKUPS = 32
"""Names looked up at once; threads of our own, so that a dead name server starves no other work of the process."""

KEEP_ALIVE_SECONDS = 15.0
"""As aiohttp does; below the 60 s after which common servers drop a connection."""


class AddressRefused(httpx.ConnectError):
    """The guard refused the address that was about to be dialled."""


class NameNotFound(httpx.ConnectError):
    """The name has no address, or no name server answered."""


class TlsFailed(httpx.ConnectError):
    """The handshake failed: certificate, name, or protocol."""


class Resolver(Protocol):
    """Finds the numeric addresses of a name."""

    async def resolve(self, host: str) -> Sequence[str]:
        """All addresses, best first; raises `OSError` when there are none."""


@dataclass(slots=True)
class Stopwatch:
    """When the stages of one exchange began, on the monotonic clock; None where a stage did not happen. `still` is
    asked before every address that is dialled and before the request is written: what it raises ends the exchange."""

    sent: float
    still: Callable[[], None] | None = None
    dns: float | None = None
    dialled: float | None = None
    handshake: float | None = None
    connected: float | None = None
    answered: float | None = None


STOPWATCH: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


class SystemResolver:
    """The system's resolver (`getaddrinfo`) on a few threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")

    async def resolve(self, host: str) -> Sequence[str]:
        """All addresses in the order of RFC 6724; raises `socket.gaierror`."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Lets running look-ups end by themselves: nobody waits for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(aiohttp.abc.AbstractResolver):
    """aiohttp's view of a resolver: only addresses the guard lets through."""

    def __init__(self, resolver: Resolver, guard: Guard) -> None:
        self._resolver = resolver
        self._guard = guard

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  (aiohttp's signature; all families are tried)
    ) -> list[aiohttp.abc.ResolveResult]:
        """All good addresses; raises `Refused` when there are only bad ones, `OSError` when there are none."""
        started = time.monotonic()
        addresses = await self._resolver.resolve(host)
        _note_lookup(started)
        if not addresses:
            raise OSError(f"{host} has no address")
        reasons = [self._guard.check_address(address) for address in addresses]
        good = [address for address, reason in zip(addresses, reasons, strict=True) if reason is None]
        if not good:
            raise Refused(f"{host} leads to a refused address: {reasons[0]}")
        return [_resolved(host, address, port) for address in good]

    async def close(self) -> None:
        """The resolver below belongs to the transport."""


class TimedContext(ssl.SSLContext):
    """A TLS context that notes when a handshake begins, which aiohttp does not tell apart from connecting."""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """As the standard library's; called once at the start of a handshake."""
        watch = STOPWATCH.get()
        if watch is not None:
            watch.handshake = time.monotonic()
        return super().wrap_bio(*args, **kwargs)


class AskingRequest(aiohttp.ClientRequest):
    """Asks once more whether it may, when a connection stands and nothing was written to it yet: looking a name up,
    dialling and waiting for a place in the pool took time, and the process may have been stopped meanwhile."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """As aiohttp does it; a connection that nothing may be written to is closed."""
        _ask_again()
        return await super().send(conn)


class PeerResponse(aiohttp.ClientResponse):
    """Remembers the remote address: a short answer gives its connection back before anybody can ask."""

    peer: str | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Notes the address, then reads status and headers."""
        name = connection.transport.get_extra_info("peername") if connection.transport else None
        self.peer = str(name[0]) if name else None
        return await super().start(connection)


class RawStream(httpx.AsyncByteStream):
    """The body as it comes off the wire. An iterator rather than a generator: leaving early costs no clean-up task."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise translated(error) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Gives the connection back if the body was read to its end, else closes it: nothing more is read."""
        self._response.release()


class Transport(httpx.AsyncBaseTransport):
    """One pool of connections; open it inside a running loop by its first request."""

    def __init__(
        self,
        *,
        guard: Guard,
        resolver: Resolver | None = None,
        connections: int = 100,
        keep_alive: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._own = SystemResolver() if resolver is None else None
        self._resolver: Resolver = resolver or self._own or SystemResolver()
        self._connections = connections
        self._keep_alive = keep_alive
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Status, raw headers and an unread stream; raises httpx's transport errors and the three classes above."""
        watch = Stopwatch(sent=time.monotonic(), still=request.extensions.get("still"))
        token = STOPWATCH.set(watch)
        try:
            response = await self._exchange(request)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise translated(error) from error
        except RuntimeError as error:
            if not was_lost(error):
                raise
            raise httpx.ReadError(str(error)) from error
        finally:
            STOPWATCH.reset(token)
        watch.answered = time.monotonic()
        return _answer(response, watch)

    async def aclose(self) -> None:
        """Closes all connections; no request may follow."""
        if self._session is not None:
            await self._session.close()
        if self._own is not None:
            self._own.close()

    async def _exchange(self, request: httpx.Request) -> aiohttp.ClientResponse:
        session = self._session or self._open()
        content = await request.aread()
        return await session.request(
            request.method,
            yarl.URL(str(request.url), encoded=True),
            headers=request.headers.multi_items(),
            data=content or None,
            allow_redirects=False,
            timeout=_timeout(request),
        )

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._resolver, self._guard),
            socket_factory=functools.partial(open_socket, self._guard),
            ssl=self._tls or tls_context(),
            limit=self._connections,
            **_keeping(self._keep_alive),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            request_class=AskingRequest,
            response_class=PeerResponse,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            read_bufsize=READ_BUFFER,
            max_line_size=FIELD_BYTES,
            max_field_size=FIELD_BYTES,
            max_headers=HEADER_FIELDS,
            trace_configs=[_trace()],
        )
        return self._session


def open_socket(guard: Guard, target: Any) -> socket.socket:
    """A socket for an address tuple of `getaddrinfo`; raises `Refused`, whatever way led here, and what the stopwatch's
    `still` raises."""
    family, kind, protocol, _, address = target
    reason = guard.check_address(str(address[0]))
    if reason is not None:
        raise Refused(reason)
    _ask_again()
    watch = STOPWATCH.get()
    if watch is not None and watch.dialled is None:
        watch.dialled = time.monotonic()
    return socket.socket(family, kind, protocol)


@functools.cache
def tls_context() -> ssl.SSLContext:
    """The one context of the process (16 ms to build): the bundled authorities and those of the machine."""
    bundled = httpx.create_ssl_context(trust_env=False)
    context = TimedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags = bundled.verify_flags
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(cadata=b"".join(bundled.get_ca_certs(binary_form=True)))
    context.set_default_verify_paths()
    return context


def translated(error: Exception) -> httpx.TransportError:
    """An aiohttp or system error as the httpx class that says the same."""
    below = getattr(error, "os_error", None)
    if isinstance(error, Refused) or isinstance(below, Refused):
        return AddressRefused(str(below or error))
    for kind, made in TRANSLATIONS:
        if isinstance(error, kind):
            return made(_worded(error))
    return httpx.LocalProtocolError(_worded(error))


TRANSLATIONS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ClientConnectorDNSError, NameNotFound),
    (aiohttp.ClientConnectorCertificateError, TlsFailed),
    (aiohttp.ClientSSLError, TlsFailed),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.InvalidURL, AddressRefused),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.ReadError),
    (aiohttp.ClientConnectionError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (TimeoutError, httpx.ReadTimeout),
    (OSError, httpx.ReadError),
)
"""In this order: aiohttp's classes are subclasses of one another."""


def _worded(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _look_up(host: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def _ask_again() -> None:
    watch = STOPWATCH.get()
    if watch is not None and watch.still is not None:
        watch.still()


def _note_lookup(started: float) -> None:
    watch = STOPWATCH.get()
    if watch is not None:
        watch.dns = time.monotonic() - started


def _resolved(host: str, address: str, port: int) -> aiohttp.abc.ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return aiohttp.abc.ResolveResult(
        hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
    )


def _keeping(keep_alive: bool) -> dict[str, Any]:
    """aiohttp refuses a keep-alive time together with closing."""
    return {"keepalive_timeout": KEEP_ALIVE_SECONDS} if keep_alive else {"force_close": True}


def _timeout(request: httpx.Request) -> aiohttp.ClientTimeout:
    """httpx's time-outs as aiohttp's; the connect time covers dialling all addresses and the TLS handshake."""
    wanted = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        total=None, sock_connect=wanted.get("connect"), sock_read=wanted.get("read"), ceil_threshold=float("inf")
    )


def _trace() -> aiohttp.TraceConfig:
    """Notes when a new connection stands, TLS included."""

    async def connected(_: aiohttp.ClientSession, __: SimpleNamespace, ___: Any) -> None:
        watch = STOPWATCH.get()
        if watch is not None:
            watch.connected = time.monotonic()

    config = aiohttp.TraceConfig()
    config.on_connection_create_end.append(connected)
    return config


def _answer(response: aiohttp.ClientResponse, watch: Stopwatch) -> httpx.Response:
    return httpx.Response(
        response.status,
        headers=list(response.raw_headers),
        stream=RawStream(response),
        extensions={"address": getattr(response, "peer", None), "stopwatch": watch},
    )
