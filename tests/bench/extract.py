"""Extraction: how well the text of a page is found beside each extractor alone, what it costs, and what workers need.

On the real pages of the data folder (`WIREWATCH_DATA_SETS`, see `_standalone`): body F1 over 4-grams of words as the
article-extraction benchmark defines it (precision and recall averaged over pages), for ours, for every voter alone and
for trafilatura's own modes in the same run, also in halves of the pages; the share of pages that went to a vote; pages
a second and core; the pool with one worker and with two as the median of paired rounds; and the memory of the largest
of two workers after 20,000 documents without recycling. Without the folder only the throughput on a page written here
is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from trafilatura import bare_extraction
from trafilatura.utils import load_html

from services.extractor.body import choose, voters
from services.extractor.body.charset import decode
from services.extractor.body.site import load_sites
from services.extractor.entities.recognise import load_gazetteer
from services.extractor.language import load_identifier
from services.extractor.read import Tools, read
from services.extractor.reading import Answer, Reading
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared.events import PageFetched
from tests.bench._standalone import DATA, real_pages
from tests.fakes.pages import html, page

PACK = Path("deploy/packs/alliance").resolve()
ROUNDS = 3
IN_FLIGHT = 4
LONG_RUN = 20_000
GOALS = {
    "f1": ("at least", 0.968),
    "empty": ("at most", 0),
    "pages_per_second_and_core": ("at least", 35),
    "speed_up": ("at least", 1.6),
    "worker_mb_after_20000": ("at most", 400),
}
_WORD = re.compile(r"\w+")

Labelled = Sequence[tuple[PageFetched, str]]
Figures = dict[str, float | str]


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


def labelled_pages() -> list[tuple[PageFetched, str]]:
    """The labelled pages with their true texts, in the order of their files."""
    path = DATA / "pages" / "ground-truth.json"
    if not path.exists():
        return []
    labels = json.loads(path.read_text(encoding="utf-8"))
    names = sorted(entry.name.removesuffix(".html.gz") for entry in (DATA / "pages" / "html").glob("*.html.gz"))
    bodies = zip(names, real_pages(), strict=True)
    return [(page(body, url=labels[name]["url"]), labels[name]["articleBody"]) for name, body in bodies]


def _default(tree: Any, **how: Any) -> str:
    document: Any = bare_extraction(tree, include_comments=False, **how)
    return document.text or "" if document is not None else ""


ALONE: dict[str, Callable[[Any, str], str]] = {
    "trafilatura": lambda tree, page: _default(tree),
    "trafilatura_precision": lambda tree, page: _default(tree, favor_precision=True),
    "voter_precise": lambda tree, page: voters.precise(tree),
    "voter_balanced": lambda tree, page: voters.balanced(tree),
    "voter_readability": lambda tree, page: voters.readability(tree),
    "voter_wide": lambda tree, page: voters.wide(page),
    "body_alone": lambda tree, page: choose.full_text(tree, page, {}).text,
}


def quality(labelled: Labelled) -> Figures:
    """F1 and cost of the whole reading, in this process."""
    tools = Tools(load_identifier(), load_gazetteer(PACK), sites=load_sites(PACK))
    read(labelled[0][0], tools)
    started = time.process_time()
    answers = [read(one, tools) for one, _ in labelled]
    seconds = (time.process_time() - started) / len(labelled)
    pairs = [(_text(answer), true) for answer, (_, true) in zip(answers, labelled, strict=True)]
    f1, precision, recall = score(pairs)
    methods = Counter(answer.methods.get("text", "") for answer in answers if isinstance(answer, Reading))
    voted = sum(number for method, number in methods.items() if method.startswith("vote"))
    return {
        "pages": len(labelled), "f1": round(f1, 4), "precision": round(precision, 4), "recall": round(recall, 4),
        "f1_even_pages": round(score(pairs[::2])[0], 4), "f1_odd_pages": round(score(pairs[1::2])[0], 4),
        "empty": sum(not found for found, _ in pairs), "share_voted": round(voted / len(labelled), 3),
        "ms_per_page": round(1000 * seconds, 1), "pages_per_second_and_core": round(1 / seconds, 1),
    }  # fmt: skip


def _text(answer: Answer) -> str:
    return answer.text if isinstance(answer, Reading) else ""


def alone(labelled: Labelled) -> Figures:
    """F1, and milliseconds with parsing, of every extractor by itself."""
    figures: Figures = {}
    for name, extract in ALONE.items():
        started = time.process_time()
        texts = [_of(extract, decode(one.body).text) for one, _ in labelled]
        spent = time.process_time() - started
        pairs = [(text, true) for text, (_, true) in zip(texts, labelled, strict=True)]
        figures[f"f1_{name}"] = round(score(pairs)[0], 4)
        figures[f"ms_{name}"] = round(1000 * spent / len(labelled), 1)
    return figures


def _of(extract: Callable[[Any, str], str], text: str) -> str:
    return extract(load_html(text), text)


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


async def memory(pages: Sequence[PageFetched]) -> Figures:
    """MiB of the largest of two workers, early and after a long run without recycling."""
    readers = Readers(Plan(PACK, 1024, 60), workers=2, deadline=timedelta(seconds=60), recycle=0, largest_mb=1 << 20)
    await readers.start()
    await _through(readers, pages[:50], 2)
    early = readers.largest_resident_mb
    for _ in range(-(-LONG_RUN // len(pages))):
        await _through(readers, pages, 2)
    late = readers.largest_resident_mb
    await readers.close()
    return {"worker_mb_after_50": early, f"worker_mb_after_{LONG_RUN}": late}


async def run() -> Figures:
    """The figures, and their table."""
    labelled = labelled_pages()
    pages = [one for one, _ in labelled] or [page(html(title=f"Number {number}")) for number in range(400)]
    figures: Figures = quality(labelled) | alone(labelled) if labelled else {"pages": 0, "note": "no labelled pages"}
    rounds = [(await throughput(pages, 1), await throughput(pages, 2)) for _ in range(ROUNDS)]
    figures |= {
        "pages_per_second_1_worker": round(statistics.median(one for one, _ in rounds), 1),
        "pages_per_second_2_workers": round(statistics.median(two for _, two in rounds), 1),
        "speed_up": round(statistics.median(two / one for one, two in rounds), 2),
    }
    figures |= await memory(pages)
    for name, value in figures.items():
        print(f"{name:>28}  {value}")
    return figures
