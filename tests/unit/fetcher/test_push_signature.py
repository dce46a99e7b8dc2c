"""Signatures of pushes."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.push.receive import is_signed

SECRET, BODY = "s" * 43, "<rss>Вест</rss>".encode()


def made(method: str, body: bytes = BODY, secret: str = SECRET) -> str:
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


@pytest.mark.parametrize("method", ["sha256", "sha384", "sha512"])
def test_good_signatures(method: str) -> None:
    assert is_signed(made(method), SECRET, BODY, sha1=False)
    assert is_signed(f" {method}={made(method).partition('=')[2].upper()} ", SECRET, BODY, sha1=False)


def test_sha1_counts_only_where_the_operator_says_so() -> None:
    assert not is_signed(made("sha1"), SECRET, BODY, sha1=False)
    assert is_signed(made("sha1"), SECRET, BODY, sha1=True)


@pytest.mark.parametrize(
    "header",
    ["", "sha256=", "sha256", made("md5"), made("sha256")[:-1], made("sha256", BODY + b" "), made("sha256", secret="x"),
     "SHA256=" + made("sha256").partition("=")[2], "sha256=ж", "sha3_256=00", "blake2b=00", "new=00"],
)  # fmt: skip
def test_bad_signatures(header: str) -> None:
    assert not is_signed(header, SECRET, BODY, sha1=True)


@given(st.text(max_size=100), st.binary(max_size=50))
def test_no_header_raises(header: str, body: bytes) -> None:
    assert not is_signed(header, SECRET, body, sha1=True)
