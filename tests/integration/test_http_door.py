"""The door against real servers on loopback: what it dials, what it follows, and what it survives."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import socket
import ssl
import sys
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import brotli
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.http import Door, FailureKind, Guard, Hop, HttpFailure, Limits, _warn_opened
from tests.fakes.origins import Names, origin, path_of, reply, says

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LOOPBACK = Guard((IPv4Network("127.0.0.0/8"),))
AGENT = "Wirewatch/test (+https://example.org/bot)"
MEGABYTE = 1_000_000
BOMB = 300 * MEGABYTE


@contextlib.asynccontextmanager
async def door(guard: Guard = LOOPBACK, **settings: object) -> AsyncIterator[Door]:
    async with Door(user_agent=AGENT, guard=guard, **settings) as opened:  # type: ignore[arg-type]
        yield opened


async def failure(made: Door, url: str, **wishes: object) -> HttpFailure:
    with pytest.raises(HttpFailure) as caught:
        await made.request("GET", url, **wishes)  # type: ignore[arg-type]
    return caught.value


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


# -- the guard ----------------------------------------------------------------------------------------------------

HOSTS = """
127.0.0.1 127.1 127.0.1 0x7f000001 0x7f.0.0.1 0x7F.1 0177.0.0.1 017700000001 2130706433 127.0.0.1. 127.255.255.254
１２７.0.0.1 127。0。0。1 ①②⑦.0.0.1 0.0.0.0 0 0x0 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
[0:0:0:0:0:ffff:7f00:1] [::127.0.0.1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1]
[2002:7f00:1::] [2002:7f00:0001:0:0:0:0:1] [2001:0:4136:e378:8000:63bf:80ff:fffe] [fe80::1%25lo] [::1%25lo] [::1%lo]
[fe80::1] [fec0::1] [fc00::1] [fd00:ec2::254] [ff02::1] [2001:db8::1] [3fff::1] [100::1] [5f00::1] 10.0.0.1 172.16.0.1
192.168.0.1 169.254.169.254 [::ffff:169.254.169.254] [64:ff9b::a9fe:a9fe] 100.64.0.1 100.100.100.200 168.63.129.16
192.0.0.8 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 localhost
LOCALHOST localhost. a.localhost ｌocalhost loc%61lhost %31%32%37.0.0.1 127%2e0.0.1 user@127.0.0.1 user:word@127.0.0.1
8.8.8.8@127.0.0.1 127.0.0.1\\@8.8.8.8 8.8.8.8\\@127.0.0.1 plain.test mapped.test six.test tunnel.test translated.test
teredo.test zone.test short.test nothing-good.test
"""
SPELLINGS = HOSTS.split()

WHOLE = [
    "http:127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "http:\\\\127.0.0.1:{port}\\",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1 :{port}/",
    "ftp://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "file://127.0.0.1:{port}/etc/passwd",
    "http://[127.0.0.1]:{port}/",
    "http://[::1:{port}/",
    "http://127.0.0.1:{port}@8.8.8.8:0/",
]

NAMES = {
    "plain.test": [["127.0.0.1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "six.test": [["::1"]],
    "tunnel.test": [["2002:7f00:1::"]],
    "translated.test": [["64:ff9b::7f00:1"]],
    "teredo.test": [["2001:0:4136:e378:8000:63bf:80ff:fffe"]],
    "zone.test": [["fe80::1%lo"]],
    "short.test": [["127.1"]],
    "nothing-good.test": [["10.0.0.1", "127.0.0.1", "::1", "169.254.169.254"]],
}


FORMS = [f"http://{spelling}:{{port}}/" for spelling in SPELLINGS] + WHOLE


@pytest.mark.parametrize("form", FORMS)
async def test_no_spelling_of_a_private_address_is_dialled(form: str) -> None:
    async with contextlib.AsyncExitStack() as opened:
        four = await opened.enter_async_context(origin(says(reply(b"secret"))))
        servers = [four]
        if has_ipv6():
            six = origin(says(reply(b"secret")), host="::1", port=four.port)
            servers.append(await opened.enter_async_context(six))
        made = await opened.enter_async_context(door(Guard(), resolver=Names(dict(NAMES))))
        refusal = await failure(made, form.format(port=four.port))
        assert refusal.kind is FailureKind.REFUSED
        assert [server.connections for server in servers] == [0] * len(servers)


def test_there_are_enough_spellings() -> None:
    assert len(set(FORMS)) == len(FORMS) >= 90


async def test_an_allowed_network_is_dialled_with_one_warning_in_the_log() -> None:
    _warn_opened.cache_clear()
    with structlog.testing.capture_logs() as lines:
        async with origin(says(reply(b"hi"))) as here, door() as made, door():
            response = await made.get(here.url())
    assert (response.body, response.address) == (b"hi", "127.0.0.1")
    assert lines == [{"event": "private_networks_opened", "log_level": "warning", "networks": ["127.0.0.0/8"]}]


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
async def test_ipv6_is_dialled_where_allowed() -> None:
    async with origin(says(reply(b"hi")), host="::1") as here, door(Guard((ip_network("::1/128"),))) as made:
        response = await made.get(f"http://[::1]:{here.port}/")
    assert response.address == "::1"


async def test_a_name_that_changes_its_answer_after_the_check_reaches_nothing() -> None:
    names = Names({"rebind.test": [["127.0.0.2"], ["127.0.0.1"]]})
    guard = Guard((ip_network("127.0.0.2/32"),))
    async with (
        origin(says(reply(b"public")), host="127.0.0.2") as public,
        origin(says(reply(b"secret")), port=public.port) as private,
        door(guard, resolver=names) as first,
        door(guard, resolver=names) as second,
    ):
        url = public.url(host="rebind.test")
        assert guard.check_url(url) is None
        assert (await first.get(url)).address == "127.0.0.2"
        assert (await failure(second, url)).kind is FailureKind.REFUSED
        assert (public.connections, private.connections) == (1, 0)


async def test_bad_addresses_of_a_mixed_answer_are_skipped_and_all_good_ones_tried() -> None:
    names = Names({"mixed.test": [["10.0.0.1", "127.0.0.1", "127.0.0.3", "127.0.0.2"]]})
    guard = Guard((ip_network("127.0.0.2/31"),))
    async with (
        origin(says(reply(b"public")), host="127.0.0.2") as public,
        origin(says(reply(b"secret")), port=public.port) as private,
        door(guard, resolver=names) as made,
    ):
        response = await made.get(public.url(host="mixed.test"))
        assert (response.body, response.address, private.connections) == (b"public", "127.0.0.2", 0)


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "http://private.test:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://2130706433:{port}/",
        "http://user@127.0.0.1:{port}/",
        "\\\\127.0.0.1:{port}\\",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/_x",
        "http://[::1",
        "http://127.0.0.2:22/",
    ],
)
async def test_redirects_are_checked_like_any_address(place: str) -> None:
    names = Names({"private.test": [["127.0.0.1"]]})
    async with origin(says(reply(b"secret"))) as private:
        answer = says(reply(status="302 Found", location=place.format(port=private.port)))
        async with (
            origin(answer, host="127.0.0.2") as public,
            door(Guard((ip_network("127.0.0.2/32"),)), resolver=names) as made,
        ):
            refusal = await failure(made, public.url(host="127.0.0.2"))
            assert refusal.kind is FailureKind.REFUSED
            assert (public.connections, private.connections) == (1, 0)


async def test_no_spelling_of_a_private_address_is_dialled_behind_a_redirect() -> None:
    async with origin(says(reply(b"secret"))) as private:

        async def answer(head: str, writer: asyncio.StreamWriter) -> None:
            number = path_of(head)[1:]
            if not number.isdigit():  # what is no address is a path here
                writer.write(reply(status="404 Not Found"))
                return
            place = FORMS[int(number)].format(port=private.port)
            writer.write(reply(status="302 Found", location=place.encode().decode("latin-1")))

        async with (
            origin(answer, host="127.0.0.2") as public,
            door(Guard((ip_network("127.0.0.2/32"),)), resolver=Names(dict(NAMES))) as made,
        ):
            kinds = dict[str, FailureKind]()
            stayed = list[tuple[int, str | None]]()
            for number, form in enumerate(FORMS):
                try:
                    response = await made.get(public.url(f"/{number}", host="127.0.0.2"))
                    stayed.append((response.status, response.address))
                except HttpFailure as refusal:
                    kinds[form] = refusal.kind
            assert private.connections == 0
            assert len(stayed) < 5 and set(stayed) == {(404, "127.0.0.2")}
            assert set(kinds.values()) == {FailureKind.REFUSED}


# -- what goes over the wire --------------------------------------------------------------------------------------


async def test_sends_what_it_should_and_nothing_more() -> None:
    cookie = reply(b"x", set_cookie="id=1; Path=/")
    async with origin(says(cookie)) as here, door() as made:
        await made.get(here.url("/a"))
        await made.get(here.url("/b"), headers={"If-None-Match": 'W/"é-gzip"', "Accept": "text/html"})
    names = {line.partition(":")[0].lower() for line in here.heads[0].split("\r\n")[1:] if line}
    assert names == {"host", "user-agent", "accept", "accept-encoding"}
    assert here.header("user-agent") == AGENT
    assert here.header("accept-encoding") == "gzip, deflate, br, zstd"
    assert here.header("accept") == "text/html"
    assert here.header("cookie") is None
    assert (here.header("if-none-match") or "").encode("latin-1").decode() == 'W/"é-gzip"'


async def test_reads_no_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with origin(says(reply(b"direct"))) as here, origin(says(reply(b"proxy"))) as proxy, door() as made:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert (await made.get(here.url())).body == b"direct"
        assert proxy.connections == 0


@pytest.mark.parametrize(
    "target",
    ["/a%2Cb%7Ec%2fd", "/sig?x=%2B%20+&y=%c3%a9|z,~", "/%zz/100%", "/a//b;c=d", "/p?u=http://x/?y", "/%D0%92?%D0%B6"],
)
async def test_percent_escapes_arrive_byte_for_byte(target: str) -> None:
    async with origin(says(reply())) as here, door() as made:
        response = await made.get(here.url(target))
    assert path_of(here.heads[0]) == target
    assert response.url.endswith(target)


async def test_letters_outside_ascii_are_escaped_as_utf8() -> None:
    async with origin(says(reply())) as here, door() as made:
        await made.get(here.url("/пут?ж=š"))
    assert path_of(here.heads[0]) == "/%D0%BF%D1%83%D1%82?%D0%B6=%C5%A1"


async def test_a_body_is_posted_as_given() -> None:
    async with origin(says(reply(b"", status="204 No Content"))) as here, door() as made:
        response = await made.request("POST", here.url(), content=b"{}", headers={"webhook-id": "m1"}, follow=False)
    assert response.status == 204
    assert here.header("content-length") == "2"
    assert here.header("webhook-id") == "m1"


async def test_header_injection_is_a_failure_not_a_request() -> None:
    async with origin(says(reply())) as here, door() as made:
        broken = await failure(made, here.url(), headers={"If-None-Match": '"a"\r\nX-Evil: 1'})
        assert broken.kind is FailureKind.PROTOCOL
        assert here.heads == []


async def test_304_keeps_its_headers_and_has_no_body() -> None:
    data = reply(status="304 Not Modified", etag='"v2"', content_encoding="gzip", content_length="1234")
    async with origin(says(data)) as here, door() as made:
        response = await made.get(here.url(), headers={"If-None-Match": '"v1"'})
    assert (response.status, response.body, response.headers["ETag"]) == (304, b"", '"v2"')
    assert response.headers["eTAG"] == response.headers.get("etag")


async def test_a_head_request_has_headers_of_a_body_but_none() -> None:
    data = reply(content_encoding="gzip", content_length="999999999")
    async with origin(says(data)) as here, door() as made:
        assert (await made.request("HEAD", here.url(), truncate=True)).body == b""


async def test_times_are_given_for_what_happened() -> None:
    names = Names({"outlet.test": [["127.0.0.1"]]})
    async with origin(says(reply(b"one"))) as here, door(resolver=names) as made:
        times = (await made.get(here.url(host="outlet.test"))).timings
    assert None not in (times.dns, times.connect, times.first_byte)
    assert times.tls is None
    assert (times.first_byte or 0) <= times.total


@pytest.mark.parametrize(("keep_alive", "connections"), [(True, 1), (False, 3)])
async def test_connections_are_kept_when_asked(keep_alive: bool, connections: int) -> None:
    kept = says(reply(b"ok").replace(b"connection: close", b"x: y"))
    async with origin(kept, again=True) as here, door(keep_alive=keep_alive) as made:
        responses = [await made.get(here.url()) for _ in range(3)]
    assert here.connections == connections
    assert responses[2].address == "127.0.0.1"
    assert (responses[2].timings.connect is None) is keep_alive


# -- redirects ----------------------------------------------------------------------------------------------------


async def test_relative_and_absolute_redirects_are_followed_by_hand() -> None:
    places = {
        "/feed/old?x=1": ("301 Moved Permanently", "../new%2C/feed"),
        "/new%2C/feed": ("302 Found", "?page=2"),
        "/new%2C/feed?page=2": ("307 Temporary Redirect", "//127.0.0.1:{port}/вест"),
    }

    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        status, place = places.get(path_of(head), ("", ""))
        data = reply(b"moved", status=status, location="PLACE") if status else reply(b"arrived")
        writer.write(data.replace(b"PLACE", place.format(port=here.port).encode()))

    async with origin(answer) as here, door() as made:
        response = await made.get(here.url("/feed/old?x=1"))
    assert response.body == b"arrived"
    assert response.url == here.url("/%D0%B2%D0%B5%D1%81%D1%82")
    assert response.hops == (
        Hop(301, here.url("/new%2C/feed")),
        Hop(302, here.url("/new%2C/feed?page=2")),
        Hop(307, here.url("/%D0%B2%D0%B5%D1%81%D1%82")),
    )


async def test_redirects_are_given_back_when_not_followed() -> None:
    away = says(reply(b"over there", status="308 Permanent Redirect", location="/x"))
    async with origin(away) as here, door() as made:
        response = await made.get(here.url(), follow=False)
    assert (response.status, response.headers["location"], response.hops) == (308, "/x", ())
    assert (response.body, here.connections) == (b"over there", 1)


async def test_a_redirect_without_a_place_is_an_answer() -> None:
    async with origin(says(reply(b"?", status="302 Found"))) as here, door() as made:
        assert (await made.get(here.url())).status == 302


async def test_loops_end_at_the_first_place_seen_again() -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(status="302 Found", location="/b" if path_of(head) == "/a" else "/a"))

    async with origin(answer) as here, door() as made:
        assert (await failure(made, here.url("/a"))).kind is FailureKind.TOO_MANY_REDIRECTS
        assert len(here.heads) == 2


async def test_endless_redirects_end_at_the_limit() -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(status="302 Found", location=path_of(head) + "x"))

    async with origin(answer) as here, door() as made:
        assert (await failure(made, here.url("/"))).kind is FailureKind.TOO_MANY_REDIRECTS
        assert len(here.heads) == 1 + Limits().redirects


@pytest.mark.parametrize(
    ("status", "method", "kept"),
    [
        ("301 Moved", "GET", False),
        ("302 Found", "GET", False),
        ("303 See Other", "GET", False),
        ("307 Temporary", "POST", True),
        ("308 Permanent", "POST", True),
    ],
)
async def test_the_method_after_a_redirect_is_the_one_of_the_rfc(status: str, method: str, kept: bool) -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(status=status, location="/b") if path_of(head) == "/a" else reply())

    async with origin(answer) as here, door() as made:
        await made.request("POST", here.url("/a"), content=b"{}", headers={"Content-Type": "application/json"})
    assert here.heads[1].startswith(f"{method} /b ")
    assert (here.header("content-type") is not None) is kept
    assert (here.header("content-length") == "2") is kept


async def test_secrets_stay_at_their_origin() -> None:
    secrets = {
        "Authorization": "Bearer x",
        "Cookie": "a=b",
        "Webhook-Signature": "v1,x",
        "webhook-id": "m",
        "X-Api-Key": "k",
        "X-Auth-Token": "t",
        "X-Hub-Signature-256": "s",
        "If-None-Match": '"v"',
    }
    async with origin(says(reply())) as other:

        async def answer(head: str, writer: asyncio.StreamWriter) -> None:
            writer.write(reply(status="302 Found", location="/b" if path_of(head) == "/a" else other.url()))

        async with origin(answer) as here, door() as made:
            await made.get(here.url("/a"), headers=secrets)
    for name, value in secrets.items():
        assert here.header(name.lower(), request=1) == value
    assert [name for name in secrets if other.header(name.lower())] == ["If-None-Match"]
    assert other.header("referer") is None


# -- failures -----------------------------------------------------------------------------------------------------


async def test_every_failure_has_its_kind() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with door(resolver=Names({"empty.test": [[]]})) as made:
        assert (await failure(made, f"http://127.0.0.1:{port}/")).kind is FailureKind.CONNECT
        assert (await failure(made, "http://nowhere.test/")).kind is FailureKind.RESOLVE
        assert (await failure(made, "http://empty.test/")).kind is FailureKind.RESOLVE


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", FailureKind.RESET),
        (b"HTTP/1.1 200", FailureKind.RESET),
        (b"HTTP/1.1 200 OK\r\nX: y\r\n", FailureKind.RESET),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", FailureKind.PROTOCOL),
        (b"HTTP/1.1 abc OK\r\n\r\n", FailureKind.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", FailureKind.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000 + b"\r\n", FailureKind.PROTOCOL),
        (reply(b"short", content_length="500"), FailureKind.RESET),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx", FailureKind.PROTOCOL),
        (CHUNKED + b"5\r\nhello\r\n", FailureKind.RESET),
        (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", FailureKind.PROTOCOL),
        (reply(b"<p>plain</p>", content_encoding="gzip"), FailureKind.BAD_ENCODING),
        (reply(gzip.compress(b"x" * 9_000, mtime=0)[:-9], content_encoding="gzip"), FailureKind.BAD_ENCODING),
        (reply(b"x", content_encoding="compress"), FailureKind.BAD_ENCODING),
        (reply(b"x", content_encoding="gzip, gzip, gzip"), FailureKind.BAD_ENCODING),
        (reply(b"x", content_length="999999999"), FailureKind.TOO_LARGE),
        (CHUNKED + b"600000\r\n" + b"x" * 0x600000, FailureKind.TOO_LARGE),
    ],
)
async def test_lying_and_broken_servers(data: bytes, kind: FailureKind) -> None:
    async with origin(says(data)) as here, door() as made:
        caught = await failure(made, here.url("/x"))
    assert (caught.kind, caught.url) == (kind, here.url("/x"))
    assert caught.detail


async def test_a_reset_in_the_middle_of_a_body() -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"x" * 1_000, content_length="100000"))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    async with origin(answer) as here, door() as made:
        assert (await failure(made, here.url())).kind is FailureKind.RESET


async def test_more_than_announced_never_becomes_the_next_answer() -> None:
    """Bytes past Content-Length are how answers are smuggled (RFC 9112 section 11.1): the connection is lost."""
    smuggled = reply(b"12345") + reply(b"forged")
    longer = says(reply(b"12345EXTRA", content_length="5", connection="keep-alive"))
    async with origin(longer) as here, door() as made:
        assert (await failure(made, here.url())).kind is FailureKind.PROTOCOL
    async with origin(says(smuggled.replace(b"close", b"keep-alive"))) as here, door() as made:
        for _ in range(3):
            assert (await made.get(here.url())).body == b"12345"


async def test_large_headers_of_real_sites_pass() -> None:
    async with origin(says(reply(b"ok", content_security_policy="x" * 20_000))) as here, door() as made:
        assert (await made.get(here.url())).body == b"ok"


async def trickle(start: bytes, drop: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(start)
    for _ in range(3_000):
        writer.write(drop)
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (reply(content_length="100000"), b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (reply(gzip.compress(b"x", mtime=0)[:10], content_length="100000", content_encoding="gzip"), b"\x00"),
    ],
)
async def test_a_trickle_ends_at_the_deadline(start: bytes, drop: bytes) -> None:
    async with origin(lambda _, writer: trickle(start, drop, writer)) as here, door() as made:
        began = time.monotonic()
        caught = await failure(made, here.url(), limits=Limits(total=0.6))
        spent = time.monotonic() - began
    assert caught.kind in {FailureKind.TIMEOUT, FailureKind.BAD_ENCODING, FailureKind.PROTOCOL}
    assert spent < 20  # a trickle lasts a minute


async def test_the_deadline_runs_over_all_redirects() -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(reply(status="302 Found", location=path_of(head) + "x"))

    async with origin(answer) as here, door() as made:
        limits = Limits(total=0.7, redirects=100)
        assert (await failure(made, here.url(), limits=limits)).kind is FailureKind.TIMEOUT
    assert len(here.heads) <= 3


async def test_a_resolver_that_never_answers_ends_at_the_deadline() -> None:
    class Never:
        async def resolve(self, host: str) -> list[str]:
            await asyncio.Event().wait()
            return []

    async with door(resolver=Never()) as made:
        assert (await failure(made, "http://slow.test/", limits=Limits(total=0.3))).kind is FailureKind.TIMEOUT


async def test_cancelling_is_not_a_failure() -> None:
    async with origin(lambda _, writer: trickle(b"", b"", writer)) as here, door() as made:
        task = asyncio.create_task(made.get(here.url()))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_truncate_gives_the_first_bytes_of_a_large_body() -> None:
    text = b"0123456789" * 1_000
    async with origin(says(reply(gzip.compress(text), content_encoding="gzip"))) as here, door() as made:
        cut = await made.get(here.url(), limits=Limits(body=1_234), truncate=True)
        whole = await made.get(here.url(), limits=Limits(body=10_000), truncate=True)
    assert (cut.body, cut.truncated) == (text[:1_234], True)
    assert (whole.body, whole.truncated) == (text, False)


# -- bombs --------------------------------------------------------------------------------------------------------


def squeezed(coding: str) -> bytes:
    """300 MB of zeros in one coding, made a megabyte at a time."""
    piece = b"\0" * MEGABYTE
    if coding == "gzip":
        deflate = zlib.compressobj(level=9, wbits=31)
        return b"".join([*(deflate.compress(piece) for _ in range(BOMB // MEGABYTE)), deflate.flush()])
    if coding == "br":
        squeeze = brotli.Compressor(quality=5, lgwin=23)
        return b"".join([*(squeeze.process(piece) for _ in range(BOMB // MEGABYTE)), squeeze.finish()])
    pack = zstd.ZstdCompressor(level=3)
    return b"".join([*(pack.compress(piece) for _ in range(BOMB // MEGABYTE)), pack.flush()])


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    made = {coding: squeezed(coding) for coding in ("gzip", "br", "zstd")}
    return made | {
        "gzip, gzip": gzip.compress(made["gzip"]),
        "gzip, br": brotli.compress(made["gzip"], quality=5),
        "br, zstd": zstd.compress(made["br"]),
        "zstd, gzip": gzip.compress(made["zstd"]),
    }


def resident(field: str) -> int:
    """Bytes of resident memory: now (`VmRSS`) or at most since the last reset (`VmHWM`)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


@contextlib.contextmanager
def growth(most: int) -> Iterator[None]:
    """Fails when resident memory ever rose by more than `most` bytes inside."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak (proc(5))
    before = resident("VmRSS")
    yield
    assert resident("VmHWM") - before <= most


linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from /proc")


@linux
@pytest.mark.parametrize("where", ["answer", "redirect", "truncated"])
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, gzip", "gzip, br", "br, zstd", "zstd, gzip"])
async def test_a_bomb_of_300_megabytes_costs_at_most_16(coding: str, where: str, bombs: dict[str, bytes]) -> None:
    bomb = reply(bombs[coding], content_encoding=coding)
    away = reply(bombs[coding], content_encoding=coding, status="302 Found", location="/safe")

    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        if path_of(head) == "/warm":
            writer.write(reply(b"warm"))
        elif path_of(head) == "/safe":
            writer.write(reply(b"safe"))
        else:
            writer.write(away if where == "redirect" else bomb)

    async with origin(answer) as here, door() as made:
        await made.get(here.url("/warm"))
        with growth(16 * MEGABYTE):
            if where == "redirect":
                assert (await made.get(here.url())).body == b"safe"
            elif where == "truncated":
                response = await made.get(here.url(), truncate=True)
                assert (len(response.body), response.truncated) == (Limits().body, True)
            else:
                assert (await failure(made, here.url())).kind is FailureKind.TOO_LARGE


# -- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `outlet.test` and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "outlet.test")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("outlet.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = built.public_bytes(serialization.Encoding.PEM)
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


OUTLET = {"outlet.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]}


async def test_tls_checks_the_name_that_was_asked_for(certified: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = certified
    async with origin(says(reply(b"secure")), tls=server) as here:
        async with door(resolver=Names(dict(OUTLET)), tls=client) as made:
            good = await made.get(here.url(host="outlet.test", scheme="https"))
            wrong = await failure(made, here.url(host="other.test", scheme="https"))
            literal = await failure(made, here.url(scheme="https"))
        async with door(resolver=Names(dict(OUTLET))) as made:
            stranger = await failure(made, here.url(host="outlet.test", scheme="https"))
    assert (good.body, good.address) == (b"secure", "127.0.0.1")
    assert good.timings.connect is not None
    assert [wrong.kind, literal.kind, stranger.kind] == [FailureKind.TLS] * 3


async def test_tls_against_a_plain_server_is_a_tls_failure() -> None:
    async with origin(says(b""), greeting=b"220 ready\r\n" * 20) as here, door() as made:
        assert (await failure(made, here.url(scheme="https"))).kind is FailureKind.TLS


async def test_from_https_to_http_no_secret_travels(certified: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = certified
    async with origin(says(reply(b"plain"))) as plain:
        away = says(reply(status="301 Moved", location=plain.url(host="outlet.test")))
        async with (
            origin(away, tls=server) as secure,
            door(resolver=Names(dict(OUTLET)), tls=client) as made,
        ):
            url = secure.url(host="outlet.test", scheme="https")
            response = await made.get(url, headers={"Authorization": "Bearer x"})
    assert response.body == b"plain"
    assert response.hops[0].location.startswith("http:")
    assert secure.header("authorization") == "Bearer x"
    assert plain.header("authorization") is None
