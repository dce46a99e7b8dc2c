"""What is kept of a request and its answer: bounded, cleaned, nothing secret."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.exchange import (
    KEPT_CHARACTERS,
    LONGEST_VALUE,
    MASKED,
    MOST_HEADERS,
    answer_kept,
    cleaned,
    excerpt,
    request_kept,
)

SENT = {
    "content-type": "application/cloudevents+json", "webhook-id": "m1", "webhook-timestamp": "1795424400",
    "webhook-signature": "v1,c2VjcmV0 v1a,b3RoZXI=",
}  # fmt: skip


def test_a_signature_is_masked_and_what_identifies_stays() -> None:
    kept = msgspec.json.decode(request_kept(SENT, b"12345"))
    assert kept == {"bytes": 5, "headers": {**SENT, "webhook-signature": MASKED}}


def test_an_answer_keeps_no_cookie_or_token() -> None:
    headers = {
        "Set-Cookie": "s=1",
        "X-Auth-Token": "t",
        "X-Api-Key": "k",
        "Retry-After": "5",
        "Server": "a\x00b\u202ec",
    }
    kept = msgspec.json.decode(answer_kept(headers))["headers"]
    assert kept == {
        "set-cookie": MASKED, "x-auth-token": MASKED, "x-api-key": MASKED, "retry-after": "5", "server": "a b c",
    }  # fmt: skip


def test_an_answer_that_echoes_the_request_shows_no_signature() -> None:
    shown = excerpt("you sent v1,c2VjcmV0 and v1a,b3RoZXI=\r\n", SENT)
    assert shown == f"you sent {MASKED} and {MASKED}  "


@given(headers=st.dictionaries(st.text(max_size=600), st.text(max_size=600), max_size=60), body=st.text())
def test_whatever_comes_is_bounded_and_printable(headers: dict[str, str], body: str) -> None:
    kept = msgspec.json.decode(answer_kept(headers))["headers"]
    assert len(kept) <= MOST_HEADERS
    assert all(len(value) <= LONGEST_VALUE and value.replace("\xa0", " ").isprintable() for value in kept.values())
    assert len(excerpt(body, SENT)) <= KEPT_CHARACTERS and cleaned(body).isprintable()
