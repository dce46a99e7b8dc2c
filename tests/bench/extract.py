"""Extraction: pages a second with one and two workers, and how well the text is found.

On the real pages of the data folder (`WIREWATCH_DATA_SETS`, see `_standalone`): body F1 over 4-grams of words as the
article-extraction benchmark defines it (precision and recall averaged over pages), trafilatura alone in the same run
for comparison, and the pool's throughput as the median of paired rounds. Without the folder only the throughput on a
page written here is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from trafilatura import bare_extraction
from trafilatura.utils import load_html

from services.extractor.entities.recognise import load_gazetteer
from services.extractor.language import load_identifier
from services.extractor.read import Tools, read
from services.extractor.reading import Reading
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared.events import PageFetched
from tests.bench._standalone import DATA, real_pages
from tests.fakes.pages import html, page

PACK = Path("deploy/packs/alliance").resolve()
ROUNDS = 3
IN_FLIGHT = 4
_WORD = re.compile(r"\w+")


def score(pairs: Sequence[tuple[str, str]]) -> tuple[float, float, float]:
    """F1, precision and recall of (found, true) texts over 4-grams of words."""
    precisions, recalls = [], []
    for found, true in pairs:
        ours, theirs = _grams(found), _grams(true)
        shared = sum((ours & theirs).values())
        precisions.append(shared / max(1, sum(ours.values())))
        recalls.append(shared / max(1, sum(theirs.values())))
    precision, recall = statistics.fmean(precisions), statistics.fmean(recalls)
    return 2 * precision * recall / max(1e-9, precision + recall), precision, recall


def _grams(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    return Counter(tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3)))


def _truth() -> list[tuple[PageFetched, str]]:
    """The labelled pages with their true texts, in the order of their files."""
    path = DATA / "pages" / "ground-truth.json"
    if not path.exists():
        return []
    labels = json.loads(path.read_text(encoding="utf-8"))
    names = sorted(entry.name.removesuffix(".html.gz") for entry in (DATA / "pages" / "html").glob("*.html.gz"))
    bodies = zip(names, real_pages(), strict=True)
    return [(page(body, url=labels[name]["url"]), labels[name]["articleBody"]) for name, body in bodies]


def quality(labelled: Sequence[tuple[PageFetched, str]]) -> dict[str, float | str]:
    """F1 and cost of the whole reading beside trafilatura alone, in this process."""
    tools = Tools(load_identifier(), load_gazetteer(PACK))
    read(labelled[0][0], tools)
    started = time.process_time()
    answers = [read(one, tools) for one, _ in labelled]
    reading = time.process_time() - started
    started = time.process_time()
    alone = [_alone(one) for one, _ in labelled]
    bare = time.process_time() - started
    texts = [answer.text if isinstance(answer, Reading) else "" for answer in answers]
    f1, precision, recall = score(list(zip(texts, [true for _, true in labelled], strict=True)))
    bare_f1, _, _ = score(list(zip(alone, [true for _, true in labelled], strict=True)))
    return {
        "pages": len(labelled), "f1": round(f1, 4), "precision": round(precision, 4), "recall": round(recall, 4),
        "f1_trafilatura": round(bare_f1, 4), "empty": texts.count(""),
        "ms_per_page": round(1000 * reading / len(labelled), 2),
        "cost_ratio_to_trafilatura": round(reading / bare, 3),
        "dated_to_the_minute": sum(_to_the_minute(answer) for answer in answers),
        "dated": sum(isinstance(answer, Reading) and answer.published is not None for answer in answers),
    }  # fmt: skip


def _alone(one: PageFetched) -> str:
    document: Any = bare_extraction(load_html(one.body.decode("utf-8", "replace")), include_comments=False)
    return document.text if document is not None else ""


def _to_the_minute(answer: Any) -> bool:
    return isinstance(answer, Reading) and answer.methods.get("published", "day").split()[1:2] != ["day"]


async def throughput(pages: Sequence[PageFetched], workers: int) -> float:
    """Pages a second through a pool, everything warm."""
    readers = Readers(Plan(PACK, 1024, 60), workers=workers, deadline=timedelta(seconds=30), recycle=0)
    await readers.start()
    await _through(readers, pages[: 8 * workers], workers)
    started = time.perf_counter()
    await _through(readers, pages, workers)
    spent = time.perf_counter() - started
    await readers.close()
    return len(pages) / spent


async def _through(readers: Readers, pages: Sequence[PageFetched], workers: int) -> None:
    places = asyncio.Semaphore(IN_FLIGHT * workers)

    async def one(fetched: PageFetched) -> None:
        async with places:
            await readers.read(fetched)

    await asyncio.gather(*map(one, pages))


async def run() -> dict[str, float | str]:
    """The figures, and their table."""
    labelled = _truth()
    pages = [one for one, _ in labelled] or [page(html(title=f"Number {number}")) for number in range(400)]
    rounds = [(await throughput(pages, 1), await throughput(pages, 2)) for _ in range(ROUNDS)]
    figures: dict[str, float | str] = {
        "pages_per_second_1_worker": round(statistics.median(one for one, _ in rounds), 1),
        "pages_per_second_2_workers": round(statistics.median(two for _, two in rounds), 1),
        "speed_up": round(statistics.median(two / one for one, two in rounds), 2),
    }
    figures |= quality(labelled) if labelled else {"pages": 0, "note": "no labelled pages here"}
    for name, value in figures.items():
        print(f"{name:>28}  {value}")
    return figures
