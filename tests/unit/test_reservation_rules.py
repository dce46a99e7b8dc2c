"""Rules of tdmrep.json: which addresses a site reserves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.manners.reservations import LARGEST, MOST_RULES, is_reserved, parse

RULES = [
    {"location": "/", "tdm-reservation": 1},
    {"location": "/free/*", "tdm-reservation": 0},
    {"location": "/free/*.pdf$", "tdm-reservation": 1, "tdm-policy": "https://a.test/policy.json"},
    {"location": "/same", "tdm-reservation": 0},
    {"location": "/same", "tdm-reservation": 1},
    {"location": "/čudo", "tdm-reservation": "0"},
    {"location": "relative", "tdm-reservation": 0},
    {"location": "/said-nothing"},
    {"location": 5, "tdm-reservation": 0},
    "no rule",
]


@pytest.mark.parametrize(
    ("path", "reserved"),
    [
        ("/news/1", True), ("/", True), ("/free/1", False), ("/free/a.pdf", True), ("/free/a.pdf?x", False),
        ("/same", True), ("/%C4%8Dudo/1", False), ("/said-nothing", True), ("/freedom", True),
    ],
)  # fmt: skip
def test_the_longest_rule_counts(path: str, reserved: bool) -> None:
    assert is_reserved(parse(json.dumps(RULES).encode()), f"https://a.test{path}") is reserved


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b"[]", b"null", b"[1]", b"[" * LARGEST, b'[{"location": "/"}]'],
)
def test_what_is_no_list_of_rules_reserves_nothing(body: bytes) -> None:
    assert not is_reserved(parse(body), "https://a.test/1")


def test_a_rule_alone_and_a_byte_order_mark_are_understood() -> None:
    assert is_reserved(parse(b'\xef\xbb\xbf{"location": "/", "tdm-reservation": 1}'), "https://a.test/1")


def test_rules_are_bounded() -> None:
    many = [{"location": f"/{number}", "tdm-reservation": 1} for number in range(2 * MOST_RULES)]
    assert len(parse(json.dumps(many).encode())) == MOST_RULES


@given(st.binary(max_size=200))
def test_no_file_is_too_strange(body: bytes) -> None:
    is_reserved(parse(body), "https://a.test/1")
