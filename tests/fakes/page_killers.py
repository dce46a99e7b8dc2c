"""Reading functions that do to a worker what the body of the page says; run inside worker processes, by name."""

from __future__ import annotations

import os
import time
from typing import Any

from services.extractor.read import Tools, read, read_cheaply
from services.extractor.reading import Answer, ExtractOutcome, NoArticle
from shared.events import PageFetched


def full(page: PageFetched, tools: Tools) -> Answer:
    """The first reading: `die`, `spin`, `eat`, `fail` or nothing, as the first word of the body says."""
    _do(page.body.split(b" ")[0])
    return NoArticle(outcome=ExtractOutcome.NOT_ARTICLE, detail=f"full {os.getpid()}")


def cheap(page: PageFetched, tools: Tools) -> Answer:
    """The second reading: does what the second word says."""
    _do(page.body.split(b" ")[1])
    return NoArticle(outcome=ExtractOutcome.TOO_SHORT, detail=f"cheap {os.getpid()}")


def _do(word: bytes) -> None:
    actions: dict[bytes, Any] = {b"die": lambda: os._exit(9), b"spin": _spin, b"eat": _eat, b"fail": _fail}
    actions.get(word, lambda: None)()


def _spin() -> None:
    while True:
        time.sleep(0)


def _eat() -> None:
    held = [bytearray(64 * 1024 * 1024) for _ in range(64)]
    assert not held, "the memory limit did not hold"


def _fail() -> None:
    raise ZeroDivisionError("a defect of ours")


def full_or_die(page: PageFetched, tools: Tools) -> Answer:
    """The real first reading, unless the body begins with `die`."""
    _do(page.body[:3])
    return read(page, tools)


def cheap_or_die(page: PageFetched, tools: Tools) -> Answer:
    """The real second reading, unless the body begins with `die`."""
    _do(page.body[:3])
    return read_cheaply(page, tools)


def full_or_act(page: PageFetched, tools: Tools) -> Answer:
    """The real first reading, after what the first word of the body says."""
    _do(page.body.split(b" ", 1)[0])
    return read(page, tools)


def cheap_or_act(page: PageFetched, tools: Tools) -> Answer:
    """The real second reading, after what the second word of the body says."""
    _do(([*page.body.split(b" ", 2), b""])[1])
    return read_cheaply(page, tools)
