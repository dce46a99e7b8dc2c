"""Many saved pages through the workers, to one line of JSON each, in the order given.

Every line of a batch gives one line, broken ones too: `outcome` is how the page ended, `bad_line` for a line that is no
JSON object with an `html_path`, `unreadable` for a file that is not there, `deadline`, `worker_died`, `memory` or
`defect` for a page that could not be read. Pages are read in worker processes with the service's deadline, so that none
stops the others. Left out on purpose: fetching; a batch is of pages that are had already.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from services.extractor.reading import Answer, NoArticle
from shared.errors import Misconfigured, Rejected
from shared.events import Language, PageFetched

LARGEST = 64 * 1024 * 1024
"""Bytes of an unpacked page or line that are read."""
WINDOW = 64
"""Pages that are waited for at most, so that one that is slow holds its place and not the others."""
BROKEN = frozenset({"bad_line", "unreadable", "deadline", "worker_died", "memory", "defect"})
"""Outcomes after which a batch ends with exit code 1."""
_GZIP = b"\x1f\x8b"


class Reader(Protocol):
    """What reads pages."""

    async def read(self, page: PageFetched) -> Answer:
        """The article on a page. Raises Rejected, and RuntimeError for a defect."""
        ...


Make = Callable[[bytes, Mapping[str, Any]], PageFetched]
"""A page out of its bytes and the line that told of it."""


def unpacked(path: Path) -> bytes:
    """The bytes of a file, unpacked where they are gzip, whatever its name says. Raises OSError and zlib.error."""
    packed = path.read_bytes()
    if not packed.startswith(_GZIP):
        return packed
    with gzip.open(path) as stream:
        return stream.read(LARGEST)


def lines(path: Path) -> list[str]:
    """The lines of a batch that are not empty. Raises Misconfigured when it cannot be read."""
    try:
        text = unpacked(path) if path.stat().st_size < LARGEST else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise Misconfigured(f"{path}: {error}") from error
    return [line for line in text.decode("utf-8", "replace").split("\n") if line.strip()]


async def run(
    path: Path, reader: Reader, make: Make, progress: Callable[[int, int], None]
) -> AsyncIterator[dict[str, Any]]:
    """The rows of a whole batch, in its order, as they come."""
    done = 0
    todo, waiting = lines(path), deque[asyncio.Task[dict[str, Any]]]()
    for line in todo:
        if len(waiting) >= WINDOW:
            yield await waiting.popleft()
            done += 1
            progress(done, len(todo))
        waiting.append(asyncio.create_task(_row(line, path.parent, reader, make)))
    while waiting:
        yield await waiting.popleft()
        done += 1
        progress(done, len(todo))


async def _row(line: str, folder: Path, reader: Reader, make: Make) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        return row(None, "bad_line", str(error))
    if not isinstance(told, dict) or not isinstance(told.get("html_path"), str):
        return row(told.get("id") if isinstance(told, dict) else None, "bad_line", "no html_path")
    try:
        page = make(await asyncio.to_thread(unpacked, folder / told["html_path"]), told)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        return row(told.get("id"), "unreadable", str(error))
    return await read(told.get("id"), page, reader)


async def read(name: Any, page: PageFetched, reader: Reader) -> dict[str, Any]:
    """The row of one page."""
    try:
        answer = await reader.read(page)
    except Rejected as rejected:
        return row(name, rejected.reason, str(rejected))
    except RuntimeError as error:
        return row(name, "defect", str(error)[-400:])
    return row(name, "extracted", answer=answer)


def row(name: Any, outcome: str, detail: str = "", answer: Answer | None = None) -> dict[str, Any]:
    """A line of the output: the same keys whatever the outcome, null where there is nothing."""
    empty: dict[str, Any] = dict.fromkeys(
        ("title", "text", "published", "modified", "language", "canonical_url", "authors", "entities", "quotes")
    )
    if isinstance(answer, NoArticle):
        outcome, detail = str(answer.outcome), answer.detail
    offered = {"candidates": msgspec.to_builtins(answer.candidates)} if answer is not None and answer.candidates else {}
    if answer is None or isinstance(answer, NoArticle):
        return {"id": name, "outcome": outcome, **empty, "detail": detail, **offered}
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    stated: dict[str, str] = answer.stated
    return {
        "id": name, "outcome": outcome, "title": answer.title, "text": answer.text,
        "published": stated.get("published"), "modified": stated.get("modified"), "language": code_of(answer.language),
        "canonical_url": answer.canonical_url, "authors": list(answer.authors), "entities": plain.get("entities", []),
        "quotes": plain.get("quotes", []), "lead": answer.lead, "section": answer.section, "image": answer.image,
        "agency": answer.agency, "kind": answer.kind, "language_details": plain["language"],
        "reservations": list(answer.reservations), "methods": answer.methods, "confidence": answer.confidence,
        **offered,
    }  # fmt: skip


def code_of(language: Language) -> str:
    """The code that a reader expects: the variety (sr, hr, bs, cnr) where it is told, else the language or group."""
    return language.variety or language.macro
