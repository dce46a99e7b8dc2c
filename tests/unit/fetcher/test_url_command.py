"""`wirewatch url`: one row an address, in the order given, whatever was given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.fetcher.manners.robots_rules import parse
from services.fetcher.url_command import told
from shared.http import Guard
from shared.urls import canonical, registered_domain
from tests.fakes.command import Done, command

KEYS = ["url", "canonical", "domain", "allowed", "reason", "robots"]
ROBOTS = "User-agent: *\nDisallow: /private\n\nUser-agent: foobot\nDisallow: /\nAllow: /news\n"


def ran(*words: str, given: bytes = b"", **env: str) -> Done:
    return command("url", *words, env={"WIREWATCH_DATA": "/nowhere", **env}, given=given)


def rows(*words: str, given: bytes = b"", **env: str) -> list[dict[str, Any]]:
    done = ran("--json", *words, given=given, **env)
    assert (done.code, done.errors) == (0, "")
    found = json.loads(done.out)
    assert isinstance(found, list)
    assert all(list(row) == KEYS for row in found)
    return found


def test_a_good_address() -> None:
    (row,) = rows("HTTP://www.B92.net:80/info/../vesti/?utm_source=rss&id=7#top")
    assert row == {
        "url": "HTTP://www.B92.net:80/info/../vesti/?utm_source=rss&id=7#top",
        "canonical": "https://b92.net/vesti?id=7",
        "domain": "b92.net",
        "allowed": True,
        "reason": "",
        "robots": None,
    }


DOMAINS = [
    ("https://a.b.example.co.uk/x", "example.co.uk"),
    ("https://вести.срб/пут", "xn--b1agj9af.xn--90a3ac"),
    ("https://xn--b1agj9af.xn--90a3ac/x", "xn--b1agj9af.xn--90a3ac"),
    ("http://EXAMPLE.com./", "example.com"),
    ("http://8.8.8.8/x", "8.8.8.8"),
    ("http://[2606:4700:4700::1111]/", "2606:4700:4700::1111"),
    ("http://a.blogspot.com/", "a.blogspot.com"),
]


@pytest.mark.parametrize(("address", "domain"), DOMAINS)
def test_registered_domains(address: str, domain: str) -> None:
    (row,) = rows(address)
    assert (row["domain"], row["allowed"]) == (domain, True)


ODD = [
    ("", "absolute"),
    ("   ", "absolute"),
    ("x", "absolute"),
    ("example.com/a", "absolute"),
    ("//example.com/a", "absolute"),
    ("mailto:a@example.com", "absolute"),
    ("javascript:alert(1)", "absolute"),
    ("http://", "host"),
    ("http:///a", "host"),
    ("http://?a", "host"),
    ("ftp://example.com/", "scheme"),
    ("file:///etc/passwd", "scheme"),
    (" https://example.com/", "absolute"),
    ("http://user@example.com/", "user name"),
    ("http://user:word@example.com/", "user name"),
    ("http://8.8.8.8@127.0.0.1/", "user name"),
    ("http://example.com\\@127.0.0.1/", "backslash"),
    ("http:\\\\example.com\\", "backslash"),
    ("http://example.com/a\tb", "control"),
    ("http://example.com/\x00", "control"),
    ("http://example.com/\x1b[31m", "control"),
    ("http://example.com/\x7f", "control"),
    ("http://exa mple.com/", "space"),
    ("http://example.com:0/", "port"),
    ("http://example.com:22/", "port"),
    ("http://example.com:99999/", "port"),
    ("http://example.com:http/", "not a valid"),
    ("http://[::1/", "not a valid"),
    ("http://[::1]x/", "not a valid"),
    ("http://[nonsense]/", "not a valid"),
    ("http://[::1]/", "outside global unicast"),
    ("http://[fe80::1%25eth0]/", "zone"),
    ("http://[fe80::1%eth0]/", "zone"),
    ("http://[::ffff:127.0.0.1]/", "loopback"),
    ("http://[64:ff9b::7f00:1]/", "loopback"),
    ("http://[2002:7f00:1::]/", "6to4"),
    ("http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "Teredo"),
    ("http://127.0.0.1/", "loopback"),
    ("http://127.1/", "unusual"),
    ("http://0x7f000001/", "unusual"),
    ("http://2130706433/", "unusual"),
    ("http://0177.0.0.1/", "IPv4"),
    ("http://10.0.0.1/", "private"),
    ("http://169.254.169.254/latest/", "metadata"),
    ("http://localhost/", "loopback"),
    ("http://a.localhost./", "loopback"),
    ("http://１２７.0.0.1/", "not a valid"),
    ("http://loc%61lhost/", "encoded"),
    ("http://a..b/", "host name"),
    ("http://.../", "host name"),
    (f"http://{'a' * 64}.example.com/", "not a valid"),
    ("http://example.com/" + "a" * 3_000, "too long"),
    ("\ufffd", "absolute"),
]


def test_a_bad_address_is_a_row_with_a_plain_reason() -> None:
    found = rows("--", *(address for address, _ in ODD))
    assert [row["url"] for row in found] == [address for address, _ in ODD]
    for row, (_, reason) in zip(found, ODD, strict=True):
        assert row["allowed"] is False
        assert reason in row["reason"], row
        assert "\n" not in row["reason"]


def test_networks_that_are_opened_are_open_here_too() -> None:
    (row,) = rows("http://127.0.0.1:8080/", WIREWATCH_ALLOW_NETWORKS="127.0.0.0/8")
    assert row["allowed"]


# -- standard input -------------------------------------------------------------------------------------------------


def test_lines_come_in_the_place_of_the_hyphen() -> None:
    found = rows("https://a.test/", "-", "https://d.test/", given=b"https://b.test/\r\nhttps://c.test/")
    assert [row["url"] for row in found] == [f"https://{name}.test/" for name in "abcd"]


@pytest.mark.parametrize("given", [b"", b"\n", b"\n \r\n\t\n"])
def test_empty_lines_are_no_addresses(given: bytes) -> None:
    assert rows("-", given=given) == []


def test_strange_bytes_are_rows() -> None:
    given = b"\xef\xbb\xbfhttps://a.test/\n\xff\xfe\n\x00\nhttps://b.test/\xe2\x80\xa8x\nhttps://c.test/\x0bx\n#\n"
    found = rows("-", given=given)
    assert [row["url"] for row in found] == [
        "https://a.test/", "��", "\x00", "https://b.test/\u2028x", "https://c.test/\x0bx", "#",
    ]  # fmt: skip
    assert [row["allowed"] for row in found] == [True, False, False, True, False, False]


def test_ten_thousand_lines() -> None:
    lines = [f"https://outlet{number % 700}.example/news/{number}?utm_source=x" for number in range(10_000)]
    found = rows("-", given="\n".join(lines).encode())
    assert [row["url"] for row in found] == lines
    assert all(row["allowed"] for row in found)


# -- robots -----------------------------------------------------------------------------------------------------------


def test_robots(tmp_path: Path) -> None:
    path = tmp_path / "robots.txt"
    path.write_bytes(ROBOTS.encode())
    addresses = ["https://e.org/news/1", "https://e.org/private/1", "https://e.org/", "https://e.org/robots.txt", "x"]
    assert [row["robots"] for row in rows(*addresses, "--robots", str(path))] == [True, False, True, True, False]
    mine = rows(*addresses, "--robots", str(path), "--agent", "FooBot/1.0")
    assert [row["robots"] for row in mine] == [True, False, False, True, False]
    other = rows(*addresses, "--robots", str(path), "--agent", "foo")
    assert [row["robots"] for row in other] == [True, False, True, True, False]
    (row,) = rows("http://127.0.0.1/news", "--robots", str(path))
    assert (row["allowed"], row["robots"]) == (False, True), "two questions, two answers"


def test_a_robots_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = ran("https://e.org/", "--robots", str(tmp_path / "none.txt"), "--json")
    assert done.code == 2
    assert "none.txt: cannot be read" in done.errors and done.errors.count("\n") == 1


# -- names ------------------------------------------------------------------------------------------------------------


def test_names_are_looked_up_only_when_asked() -> None:
    found = rows("http://nowhere.invalid/", "http://127.0.0.1/", "http://8.8.8.8/", "--resolve")
    assert [row["allowed"] for row in found] == [False, False, True]
    assert "no address" in found[0]["reason"] and "loopback" in found[1]["reason"]
    assert rows("http://nowhere.invalid/")[0]["allowed"]


# -- for people -------------------------------------------------------------------------------------------------------


def test_people_get_a_table_without_control_characters() -> None:
    done = ran("https://example.org/[bold]a", "http://e.org/\x1b[2J", "http://127.1/")
    assert done.code == 0
    assert "[bold]a" in done.out and "unusual spelling" in done.out
    assert "\x1b[2J" not in done.out and "\\x1b[2J" in done.out


def test_without_an_address_there_is_nothing_to_tell() -> None:
    done = ran("--json")
    assert done.code == 2 and "URL" in done.errors


# -- laws -------------------------------------------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.text(max_size=80),
    st.tuples(st.sampled_from(["http://", "https://", "http:", "//", "ftp://"]), st.text(max_size=60)).map("".join),
    st.text(alphabet="http:/[]@%\\.1a?#xF \u0660\uff10", max_size=40).map(lambda text: "http://" + text),
    st.text(st.characters(categories=["Cs", "Lu", "P"]), max_size=20).map(lambda text: "http://e.org/" + text),
)


@given(HOSTILE)
@example("http://.0.\xa0")
def test_every_text_gets_a_row(text: str) -> None:
    row = told(text, Guard(), parse(ROBOTS, "foobot"))
    assert row.allowed is (row.reason == "")
    assert not row.allowed or (row.canonical and row.domain)
    assert row.canonical == canonical(row.canonical)
    assert row.domain == registered_domain(row.domain)
