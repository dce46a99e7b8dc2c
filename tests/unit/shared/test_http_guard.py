"""Which spellings and addresses the guard refuses, without any network."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.guard import BAD_PORTS, Guard, Refused
from shared.http.transport import open_socket

GUARD = Guard()
LOOPBACK = Guard((IPv4Network("127.0.0.0/8"),))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com:8443/a%2Cb?q=%7E|#top",
        "HTTP://EXAMPLE.COM/",
        "http://example.com./",
        "https://вести.срб/пут",
        "http://a_b.example.com/with space",
        "http://8.8.8.8/",
        "http://[2606:4700:4700::1111]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[64:ff9b::8.8.8.8]/",
        "http://example.com/?next=http://user@127.0.0.1/",
        "http://example.com#@127.0.0.1/",
        "http://localhost.example.com/",
        "http://3com.com/",
    ],
)
def test_lets_ordinary_addresses_through(url: str) -> None:
    assert GUARD.check_url(url) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("gopher://example.com/", "scheme"),
        ("javascript:alert(1)", "absolute"),
        ("data:text/html,x", "absolute"),
        ("//example.com/", "absolute"),
        ("", "absolute"),
        ("http:///x", "host"),
        ("http:/example.com", "absolute"),
        ("http://user@example.com/", "user name"),
        ("http://user:password@example.com/", "user name"),
        ("http://@example.com/", "user name"),
        ("http://example.com\\@127.0.0.1/", "backslash"),
        ("http:\\\\example.com", "backslash"),
        ("http://example.com/\r\nHost: x", "control"),
        ("http://exa\tmple.com/", "control"),
        ("http://exa mple.com/", "space"),
        ("http://loc%61lhost/", "encoded"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://example.com:0/", "port 0"),
        ("http://example.com:22/", "port 22"),
        ("http://example.com:65536/", "port 65536"),
        ("http://example.com:port/", "not a valid"),
        ("http://[::1/", "not a valid"),
        ("http://a..b/", "host name"),
        (f"http://{'a' * 64}.test/", "host name"),
        (f"http://{'a.' * 130}test/", "host name"),
        ("http://2130706433/", "unusual"),
        ("http://0x7f000001/", "unusual"),
        ("http://127.1/", "unusual"),
        ("http://0x7f.0.0.1/", "unusual"),
        ("http://8.8.8.8./", "unusual"),
        ("http://1.2.3.4.5/", "unusual"),
        ("http://example.com.0x/", "unusual"),
        ("http://127。0。0。1/", "loopback"),
        ("http://localhost/", "loopback"),
        ("http://a.LOCALHOST./", "loopback"),
        ("http://[::ffff:169.254.169.254]/", "metadata"),
        ("http://[64:ff9b::a9fe:a9fe]/", "metadata"),
        ("http://[2002:7f00:1::]/", "carrying 127.0.0.1"),
        ("http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "carrying 127.0.0.1"),
    ],
)
def test_refuses_and_says_why(url: str, reason: str) -> None:
    assert reason in (GUARD.check_url(url) or "let through")


PRIVATE = """0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.255 168.63.129.16
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.1.1
    192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 100::1
    2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002::1 2002:808:808:: 2620:4f:8000::1 3fff::1 4000::1 5f00::1
    fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 2606:4700::1%eth0 fec0::1 ff02::1 127.1 2130706433 0177.0.0.1
    localhost"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_refuses_addresses_that_are_not_publishers(address: str) -> None:
    assert GUARD.check_address(address) is not None


PUBLIC = """1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 192.0.1.1 198.17.0.1 198.20.0.1
    223.255.255.255 168.63.129.17 2606:4700::1 2a00:1450::1 2001:4860:4860::8888 ::ffff:1.1.1.1 64:ff9b::1.1.1.1"""


@pytest.mark.parametrize("address", PUBLIC.split())
def test_lets_public_neighbours_of_the_ranges_through(address: str) -> None:
    assert GUARD.check_address(address) is None


@given(st.ip_addresses(v=4))
def test_no_private_address_passes_in_any_embedding(address: IPv4Address) -> None:
    """What the table refuses plain is refused mapped and translated, and the other way round."""
    plain = GUARD.check_address(str(address)) is None
    number = int(address)
    assert (GUARD.check_address(str(IPv6Address(0xFFFF << 32 | number))) is None) is plain
    assert (GUARD.check_address(str(IPv6Address(0x64_FF9B << 96 | number))) is None) is plain
    assert GUARD.check_address(str(IPv6Address(0x2002 << 112 | number << 80))) is not None
    assert not plain or address.is_global


@given(st.ip_addresses(v=6))
def test_ipv6_passes_only_where_python_agrees(address: IPv6Address) -> None:
    if GUARD.check_address(str(address)) is None:
        assert address.is_global or address.ipv4_mapped is not None


def test_allowed_networks_open_just_themselves() -> None:
    assert LOOPBACK.check_url("http://127.0.0.1:8080/") is None
    assert LOOPBACK.check_url("http://localhost:8080/") is None
    assert LOOPBACK.check_url("http://[::ffff:127.0.0.1]/") is None
    assert LOOPBACK.check_url("http://127.1/") is not None
    assert LOOPBACK.check_url("http://user@127.0.0.1/") is not None
    assert LOOPBACK.check_url("http://[::1]/") is not None
    assert LOOPBACK.check_address("64:ff9b::127.0.0.1") is not None
    assert LOOPBACK.check_address("10.0.0.1") is not None


def test_an_ipv6_network_can_be_opened() -> None:
    guard = Guard((IPv6Network("fd00::/8"), ip_network("::1/128")))
    assert guard.check_address("fd12::1") is None
    assert guard.check_url("http://[::1]:8080/") is None
    assert guard.check_address("fe80::1") is not None


def test_ports_of_the_web_are_not_on_the_list_of_bad_ones() -> None:
    assert BAD_PORTS.isdisjoint({80, 443, 3000, 8000, 8008, 8080, 8081, 8443, 8888, 9443})


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "fe80::1"])
def test_the_dialled_address_is_judged_whatever_led_to_it(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(Refused):
        open_socket(GUARD, (family, socket.SOCK_STREAM, 0, "", (address, 80)))
