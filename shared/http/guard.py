"""Which addresses may be dialled: one frozen table and two questions, asked of spellings and of dialled addresses.

`Guard.check_url` judges what is written, before anything is looked up; `Guard.check_address` judges the address that
is about to be dialled. The second is what protects: names change their answer between a check and its use (rebinding),
and a literal address never reaches a resolver. The first gives early, clear refusals to people who type addresses.

Python's `ipaddress` is not enough by itself: on 3.11 `is_global` is true for NAT64, 6to4, multicast, site-local and
several registry ranges. The table below is ours and `is_global` comes on top.

Left out on purpose: NAT64 with a prefix of the network's own (RFC 6052 allows any, so it cannot be told from an
ordinary address), and any list of good ports: outlets and receivers live on many.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx  # the one import of the client library: moving to its continuation changes this line

__all__ = ["Guard", "Refused", "httpx"]

Address = IPv4Address | IPv6Address

REFUSED_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this network (RFC 1122)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("100.64.0.0/10", "carrier-grade NAT (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("168.63.129.16/32", "virtual host of a cloud (Azure platform address)"),
        ("169.254.0.0/16", "link-local, cloud metadata (RFC 3927)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("192.31.196.0/24", "AS112 (RFC 7535)"),
        ("192.52.193.0/24", "AMT (RFC 7450)"),
        ("192.88.99.0/24", "6to4 relay (RFC 7526)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("192.175.48.0/24", "AS112 (RFC 7534)"),
        ("198.18.0.0/15", "benchmarking (RFC 2544)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved, broadcast (RFC 1112)"),
    )
)
"""IANA IPv4 special-purpose registry, multicast, and one cloud's host address that is formally public."""

REFUSED_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("2001::/32", "Teredo (RFC 4380)"),
        ("2001::/23", "protocol assignments (RFC 2928)"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("2002::/16", "6to4 (RFC 7526)"),
        ("2620:4f:8000::/48", "AS112 (RFC 7534)"),
        ("3fff::/20", "documentation (RFC 9637)"),
    )
)
"""What may not be dialled inside global unicast; outside of it nothing may (::1, fe80, fec0, fc00, ff00)."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only block IANA hands out for global use (RFC 4291 section 2.4, IANA IPv6 address space registry)."""

NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known prefix (RFC 6052): the last 32 bits are the IPv4 address a translator will dial."""

# fmt: off
BAD_PORTS = frozenset(
    (
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
        104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
        515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723,
        2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    )
)
# fmt: on
"""Ports of other protocols that a request could be smuggled into (WHATWG Fetch, section "Port blocking")."""

AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://([^/?#]*)")
CONTROLS = re.compile(r"[\x00-\x1f\x7f\\]")
NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")
DOTS = re.compile("[。．｡]")
"""The full stops IDNA maps to a dot (RFC 3490 section 3.1)."""


class Refused(OSError):
    """The guard said no; an `OSError`, so that a dialler goes on to the next address of a name."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules; `allow_networks` opens ranges that are otherwise closed (demo, canary, receivers on an intranet)."""

    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def check_url(self, url: str) -> str | None:
        """The reason why this address is refused without looking up any name, or None."""
        try:
            self.accept(url)
        except Refused as refusal:
            return str(refusal)
        return None

    def check_address(self, address: str) -> str | None:
        """The reason why this numeric address may not be dialled, or None."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return "not a numeric address"
        if isinstance(parsed, IPv6Address) and parsed.scope_id is not None:
            return "address with a zone"
        return self._judge(parsed)

    def accept(self, url: str) -> httpx.URL:
        """The address as it will be dialled; raises `Refused` with the reason."""
        return _accepted(self, url)

    def _check_parts(self, url: httpx.URL) -> None:
        if url.scheme not in {"http", "https"}:
            raise Refused(f"scheme {url.scheme!r} is neither http nor https")
        if url.port is not None and (url.port in BAD_PORTS or url.port > 65535):
            raise Refused(f"port {url.port} belongs to another protocol")
        reason = self._check_host(url.host)
        if reason is not None:
            raise Refused(reason)

    def _check_host(self, host: str) -> str | None:
        name = DOTS.sub(".", unicodedata.normalize("NFKC", host)).removesuffix(".").lower()
        if ":" in name:
            return self.check_address(name)
        labels = name.split(".")
        if not all(labels) or len(name) > 253 or any(len(label) > 63 for label in labels):
            return "not a valid host name"
        if NUMBER.fullmatch(labels[-1]):
            return self._check_number(name, host)
        return self._check_loopback_name() if labels[-1] == "localhost" else None

    def _check_number(self, name: str, host: str) -> str | None:
        """What ends in a number is an address (WHATWG URL, "ends in a number"); only the usual spelling is taken."""
        try:
            IPv4Address(name)
        except ValueError:
            return "unusual spelling of an IPv4 address"
        return self.check_address(name) or (None if host == name else "unusual spelling of an IPv4 address")

    def _check_loopback_name(self) -> str | None:
        """localhost and everything below it is loopback, whatever a resolver says (RFC 6761 section 6.3)."""
        reasons = [self.check_address("127.0.0.1"), self.check_address("::1")]
        return None if None in reasons else reasons[0]

    def _judge(self, address: Address) -> str | None:
        """An IPv4-mapped address is dialled as IPv4 by the system, so it is judged as that."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address in network for network in self.allow_networks):
            return None
        if isinstance(address, IPv4Address):
            return _judge_v4(address)
        return _judge_v6(address)


@functools.lru_cache(maxsize=4096)
def _accepted(guard: Guard, url: str) -> httpx.URL:
    """Depends on nothing but its arguments, and a receiver is asked again and again: a fifth of a request's CPU."""
    _check_spelling(url)
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(f"not a valid address: {error}") from error
    guard._check_parts(parsed)
    return parsed


def _check_spelling(url: str) -> None:
    """Refuses what parsers read differently: control characters, backslashes, user names, encoded hosts."""
    if CONTROLS.search(url):
        raise Refused("control character or backslash in the address")
    found = AUTHORITY.match(url)
    if found is None:
        raise Refused("not an absolute http or https address")
    authority = found.group(1)
    if "@" in authority:
        raise Refused("user name in the address")
    if "%" in authority or any(character.isspace() for character in authority):
        raise Refused("encoded character, space or zone in the host")


def _judge_v4(address: IPv4Address) -> str | None:
    for network, reason in REFUSED_V4:
        if address in network:
            return f"{address} is {reason}"
    return None if address.is_global else f"{address} is not global"


def _judge_v6(address: IPv6Address) -> str | None:
    """The well-known NAT64 prefix is as good as what it leads to: networks with IPv6 only reach IPv4 through it."""
    if address in NAT64:
        return _nested(address, _judge_v4(IPv4Address(int(address) & 0xFFFF_FFFF)))
    if address not in GLOBAL_UNICAST:
        return f"{address} is outside global unicast (RFC 4291)"
    for network, reason in REFUSED_V6:
        if address in network:
            return f"{address} is {reason}{_carried(address)}"
    return None if address.is_global else f"{address} is not global"


def _nested(address: IPv6Address, reason: str | None) -> str | None:
    return None if reason is None else f"{address} leads to {reason.replace(' is ', ', which is ', 1)}"


def _carried(address: IPv6Address) -> str:
    """The IPv4 address a tunnel address carries, for the reason shown; tunnels are refused whatever they carry.

    6to4 was retired by RFC 7526 and Teredo relays are gone: no publisher is lost, and one way around is closed.
    """
    embedded = address.sixtofour or (address.teredo[1] if address.teredo else None)
    return f", carrying {embedded}" if embedded is not None else ""
