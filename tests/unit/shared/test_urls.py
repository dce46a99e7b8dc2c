"""One article, one canonical address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.urls import canonical, registered_domain

SAME = [
    ("http://Example.COM:80/a/b/", "https://example.com/a/b"),
    ("https://www.example.com/a?utm_source=rss&utm_medium=x&id=7#top", "https://example.com/a?id=7"),
    ("https://m.example.com/a", "https://example.com/a"),
    ("https://amp.example.com/a", "https://example.com/a"),
    ("https://example.com/a/amp/", "https://example.com/a"),
    ("https://example.com/amp/a", "https://example.com/a"),
    ("https://example.com/a.amp.html", "https://example.com/a.html"),
    ("https://example.com/a?amp", "https://example.com/a"),
    ("https://example.com/a?outputType=amp", "https://example.com/a"),
    ("https://www.google.com/amp/s/www.example.com/a/amp/", "https://example.com/a"),
    ("https://example-com.cdn.ampproject.org/c/s/example.com/a?x=1", "https://example.com/a?x=1"),
    ("https://example.com/%7euser/%c4%87", "https://example.com/~user/%C4%87"),
    ("https://example.com/ć", "https://example.com/%C4%87"),
    ("https://example.com/a//b/../c/./d", "https://example.com/a/c/d"),
    ("https://example.com/a?b=2&a=1", "https://example.com/a?a=1&b=2"),
    ("https://example.com/a?rss=1", "https://example.com/a"),
    ("https://example.com/a?source=rss", "https://example.com/a"),
    ("https://example.com/a?", "https://example.com/a"),
    ("https://example.com", "https://example.com"),
    ("https://example.com/", "https://example.com"),
    ("https://example.com./a", "https://example.com/a"),
    ("https://пример.срб/вест", "https://xn--e1afmkfd.xn--90a3ac/%D0%B2%D0%B5%D1%81%D1%82"),
    ("https://example.com/a?fbclid=abc&gclid=d", "https://example.com/a"),
    (" https://user:word@example.com/a ", "https://example.com/a"),
]

KEPT = [
    "https://example.com/a?id=7",
    "https://example.com/a?source=beta",
    "https://example.com/a?m=politika",
    "https://example.com/camp",
    "https://example.com/ampere",
    "http://example.com:8080/a",
    "https://vesti.example.com/a",
    "https://m.co/a",
    "https://[2001:db8::1]/a",
]


@pytest.mark.parametrize(("given_url", "wanted"), SAME)
def test_forms_of_one_article_are_one(given_url: str, wanted: str) -> None:
    assert canonical(given_url) == wanted


@pytest.mark.parametrize("url", KEPT)
def test_what_says_which_article_stays(url: str) -> None:
    assert canonical(url) == url


@pytest.mark.parametrize(
    "url", ["", "mailto:a@b.c", "ftp://a.b/c", "//a.b/c", "a/b", "http://", "http://[::1", "http://a:99999/"]
)
def test_no_address_is_no_identity(url: str) -> None:
    assert canonical(url) == ""


@given(st.text(max_size=60), st.text(max_size=40), st.sampled_from(["http", "https"]))
def test_again_changes_nothing(path: str, query: str, scheme: str) -> None:
    once = canonical(f"{scheme}://www.example.com/{path}?{query}")
    assert canonical(once) == once


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("www.b92.net", "b92.net"),
        ("https://vesti.rts.co.rs/a", "rts.co.rs"),
        ("balkandispatch.test", "balkandispatch.test"),
        ("a.b.balkandispatch.test", "balkandispatch.test"),
        ("http://127.0.0.1:8000/a", "127.0.0.1"),
        ("one.blogspot.com", "one.blogspot.com"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_registered_domain(host: str, wanted: str) -> None:
    assert registered_domain(host) == wanted
