"""Where publishers say that they push: Link headers as they come, and feeds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.push.offer import Offer, links, offered

BASE = "https://e.test/feed"
HUB, SELF = "https://hub.test/", "https://e.test/feed.xml"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('<https://hub.test/>; rel="hub", <https://e.test/feed.xml>; rel="self"', {"hub": HUB, "self": SELF}),
        ("<https://hub.test/>;rel=hub,<https://e.test/feed.xml>;rel=self", {"hub": HUB, "self": SELF}),
        ("<https://hub.test/>; REL=Hub", {"hub": HUB}),
        ('<https://hub.test/>; rel="preconnect  hub"', {"preconnect": HUB, "hub": HUB}),
        ('<https://a.test/>; title="a, \\"b\\""; rel=hub', {"hub": "https://a.test/"}),
        ('<https://a.test/>; title="x; rel=self"; rel=hub', {"hub": "https://a.test/"}),
        ("<https://a.test/>; rel=hub; rel=self", {"hub": "https://a.test/"}),
        ("<https://a.test/>; rel=hub, <https://b.test/>; rel=hub", {"hub": "https://a.test/"}),
        ('<https://a.test/>; rel=hub; anchor="/other"', {}),
        ("https://hub.test/; rel=hub", {}),
        ('<https://hub.test/>; rel="hub', {}),
        ("", {}),
    ],
)
def test_link_headers(header: str, found: dict[str, str]) -> None:
    assert links(header) == found


@given(st.text(max_size=300))
def test_any_header_is_read(header: str) -> None:
    assert all(relation == relation.lower() and relation for relation in links(header))


def test_headers_go_before_the_feed() -> None:
    header = {"link": "<https://other.test/>; rel=hub"}
    assert offered(header, hub=HUB, topic=SELF, base=BASE) == Offer("https://other.test/", SELF)
    assert offered({}, hub=HUB, topic=SELF, base=BASE) == Offer(HUB, SELF)


def test_addresses_are_absolute_and_a_topic_that_is_missing_is_the_address_asked() -> None:
    assert offered({"link": "</hub#x>; rel=hub"}, hub="", topic="", base=BASE) == Offer("https://e.test/hub", BASE)


NO_ADDRESSES = ("", "ftp://hub.test/", "mailto:a@b.test", "http://[", "https://h.test/a b", "javascript:1")


@pytest.mark.parametrize("hub", [*NO_ADDRESSES, "https://h.test/" + "x" * 3_000])
def test_what_is_no_address_is_no_offer(hub: str) -> None:
    assert offered({}, hub=hub, topic=SELF, base=BASE) is None
