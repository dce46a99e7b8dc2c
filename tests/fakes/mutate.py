"""Real pages gone wrong: cut, doubled, shuffled, with tags and quotes that never close."""

from __future__ import annotations

import random
from collections.abc import Callable

LARGEST = 5_000_000
"""Bytes of a mutated page: what the fetcher lets through."""
_PIECES = (
    b"<",
    b">",
    b'"',
    b"<div>",
    b"</div>",
    b"<!--",
    b"-->",
    b"<script>",
    b"</p>",
    b"\x00",
    b"\xff\xfe",
    b"&#",
    b"<table>",
)


def mutated(page: bytes, chance: random.Random, times: int = 0) -> bytes:
    """`page` after some changes (by default 1 to 8), all drawn from `chance`."""
    for _ in range(times or chance.randrange(1, 9)):
        page = chance.choice(_CHANGES)(page, chance)[:LARGEST]
    return page


def _place(page: bytes, chance: random.Random) -> int:
    return chance.randrange(len(page) + 1)


def _cut(page: bytes, chance: random.Random) -> bytes:
    return page[: _place(page, chance)]


def _without_a_piece(page: bytes, chance: random.Random) -> bytes:
    start = _place(page, chance)
    return page[:start] + page[start + chance.randrange(1, 2_000) :]


def _repeated(page: bytes, chance: random.Random) -> bytes:
    start = _place(page, chance)
    piece = page[start : start + chance.randrange(1, 5_000)]
    return page[:start] + piece * chance.randrange(2, 200) + page[start:]


def _with_pieces(page: bytes, chance: random.Random) -> bytes:
    at = _place(page, chance)
    return page[:at] + chance.choice(_PIECES) * chance.choice((1, 1, 50, 3_000)) + page[at:]


def _with_other_bytes(page: bytes, chance: random.Random) -> bytes:
    changed = bytearray(page)
    for _ in range(min(len(page), chance.randrange(1, 500))):
        changed[chance.randrange(len(page))] = chance.randrange(256)
    return bytes(changed)


def _without_closing_tags(page: bytes, chance: random.Random) -> bytes:
    return page.replace(chance.choice((b"</div>", b"</p>", b"</script>", b"</a>", b"-->", b"</li>")), b"")


def _swapped(page: bytes, chance: random.Random) -> bytes:
    first, second = sorted((_place(page, chance), _place(page, chance)))
    return page[second:] + page[first:second] + page[:first]


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _without_a_piece, _repeated, _with_pieces, _with_other_bytes, _without_closing_tags, _swapped,
)  # fmt: skip
