"""Undoing content codings: every coding, every way of cutting it up, every way of lying."""

from __future__ import annotations

import gzip
import sys
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.decode import MEMBERS, PIECE, SLACK, BadEncoding, Body, read_codings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = ("Kosova, Shqipëria dhe Kroacia nënshkruan deklaratën. Србија реагује. " * 3_000).encode()


def bare_deflate(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(data) + squeeze.flush()


CODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstd.compress,
}


def decoded(codings: list[str], data: bytes, *, limit: int = 10_000_000, step: int = 65_536) -> Body:
    body = Body(codings, limit=limit, most_codings=2)
    for start in range(0, len(data), step):
        body.feed(data[start : start + step])
        if body.full:
            return body
    body.finish()
    return body


@pytest.mark.parametrize("step", [1, 7, 1_000, 10_000_000])
@pytest.mark.parametrize("coding", CODERS)
def test_every_coding_in_pieces_of_any_size(coding: str, step: int) -> None:
    body = decoded([coding], CODERS[coding](TEXT), step=step)
    assert body.value() == TEXT
    assert not body.full


@pytest.mark.parametrize("step", [1, 10_000_000])
def test_deflate_without_its_wrapper(step: int) -> None:
    assert decoded(["deflate"], bare_deflate(TEXT), step=step).value() == TEXT


@pytest.mark.parametrize("outer", CODERS)
@pytest.mark.parametrize("inner", CODERS)
def test_two_codings_are_undone_last_first(inner: str, outer: str) -> None:
    assert decoded([inner, outer], CODERS[outer](CODERS[inner](TEXT))).value() == TEXT


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
@pytest.mark.parametrize("coding", CODERS)
def test_sizes_around_a_piece(coding: str, size: int) -> None:
    assert decoded([coding], CODERS[coding](b"\0" * size)).value() == b"\0" * size
    assert decoded(["deflate"], bare_deflate(b"\0" * size)).value() == b"\0" * size


@given(st.binary(max_size=5_000), st.sampled_from(list(CODERS)), st.integers(1, 600))
def test_any_bytes_come_back(data: bytes, coding: str, step: int) -> None:
    assert decoded([coding], CODERS[coding](data), step=step).value() == data


def test_no_bytes_at_all_are_an_empty_body_whatever_the_header_says() -> None:
    for codings in (["gzip"], ["br"], ["unheard-of"], ["gzip"] * 5):
        assert decoded(codings, b"").value() == b""


@pytest.mark.parametrize("step", [1, 20, 10_000_000])
def test_members_and_frames_are_joined(step: int) -> None:
    assert decoded(["gzip"], gzip.compress(b"one") + gzip.compress(b"two"), step=step).value() == b"onetwo"
    assert decoded(["zstd"], zstd.compress(b"one") + zstd.compress(b"two"), step=step).value() == b"onetwo"


@pytest.mark.parametrize("padding", [b"\0" * 512, b"garbage"])
def test_padding_after_the_end_is_dropped(padding: bytes) -> None:
    for coding in ("gzip", "deflate"):
        for step in (1, 10_000_000):
            assert decoded([coding], CODERS[coding](TEXT) + padding, step=step).value() == TEXT


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_endless_tiny_members_are_refused(coding: str) -> None:
    with pytest.raises(BadEncoding, match=str(MEMBERS)):
        decoded([coding], CODERS[coding](b"") * (MEMBERS + 1))


@pytest.mark.parametrize("coding", CODERS)
def test_an_early_end_is_an_error(coding: str) -> None:
    whole = CODERS[coding](TEXT)
    for cut in (1, len(whole) // 2, len(whole) - 1):
        with pytest.raises(BadEncoding, match="ends early"):
            decoded([coding], whole[:cut])


@pytest.mark.parametrize("coding", CODERS)
def test_a_plain_body_under_a_coding_is_an_error(coding: str) -> None:
    with pytest.raises(BadEncoding):
        decoded([coding], b"<!doctype html><p>not compressed at all</p>" * 20)


def test_unknown_and_too_many_codings_are_errors() -> None:
    with pytest.raises(BadEncoding, match="unknown"):
        decoded(["compress"], b"x")
    with pytest.raises(BadEncoding, match="stacked"):
        decoded(["gzip"] * 3, b"x")


def test_the_limit_counts_decoded_bytes_exactly() -> None:
    exact = decoded(["gzip"], gzip.compress(TEXT), limit=len(TEXT))
    assert (exact.full, exact.value()) == (False, TEXT)
    cut = decoded(["gzip"], gzip.compress(TEXT), limit=len(TEXT) - 1)
    assert (cut.full, cut.value()) == (True, TEXT[:-1])
    plain = decoded([], TEXT, limit=100, step=64)
    assert (plain.full, plain.value()) == (True, TEXT[:100])


def test_a_layer_in_between_may_not_grow_without_end() -> None:
    """A gzip file whose name field is gigabytes long never yields a byte: the layer before it is what grows."""
    nothing = b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"a" * 3_000_000
    body = decoded(["gzip", "zstd"], zstd.compress(nothing), limit=1_000)
    assert body.full
    assert body.value() == b""


def test_bytes_off_the_wire_are_bounded_even_when_they_decode_to_nothing() -> None:
    skippable = b"\x50\x2a\x4d\x18" + (1 << 24).to_bytes(4, "little") + b"\0" * (1 << 24)
    body = Body(["zstd"], limit=1_000, most_codings=2)
    fed = 0
    while not body.full:
        body.feed(skippable[fed : fed + 1_000])
        fed += 1_000
    assert fed <= 1_000 + SLACK + 1_000


def test_header_values_are_split_and_plain_ones_dropped() -> None:
    assert read_codings(["gzip, BR", " zstd "]) == ["gzip", "br", "zstd"]
    assert read_codings(["identity", "", "none, utf-8"]) == []


def test_a_window_larger_than_senders_may_ask_for_is_an_error() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.compression_level: 3}
    squeeze = zstd.ZstdCompressor(options=options)
    data = squeeze.compress(b"\0" * 20_000_000) + squeeze.flush()
    with pytest.raises(BadEncoding, match="zstd"):
        decoded(["zstd"], data, limit=30_000_000)


def test_the_same_bound_holds_for_br() -> None:
    for bits, good in ((22, True), (23, True), (24, False)):
        squeeze = brotli.Compressor(quality=5, lgwin=bits)
        data = squeeze.process(b"\0" * 20_000_000) + squeeze.finish()
        if good:
            assert len(decoded(["br"], data, limit=30_000_000).value()) == 20_000_000
        else:
            with pytest.raises(BadEncoding, match="window"):
                decoded(["br"], data, limit=30_000_000)
