"""Judging for months: resident memory of the process and size of the database over a million matched articles.

One busy watch of the pack and three more, ten thousand matched articles a day. The articles are the demo's, each time
of another outlet and with a paragraph of words drawn from a large vocabulary, so that families go on being met; a third
are copies of a text of the last hours. Goal: at most 600 MB. Takes hours (`WIREWATCH_BENCH_ARTICLES` for fewer); a bar
shows how far it is.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.alerter import published
from services.alerter.judge.app import prepare
from services.alerter.judge.readers import Readers
from services.alerter.judge.settings import JudgeSettings
from services.alerter.load import loads
from services.alerter.match.compile import build
from services.alerter.match.match import decided, event_of
from shared import db, ids
from shared.db import Database, open_database
from shared.events import ArticleMatched, Mode
from shared.garbage import collect_rarely
from tests.bench._standalone import printed, resident_mb
from tests.fakes.judging import START, feed, judge_on
from tests.fakes.news import PACK, demo_articles, gazetteer

COUNT = int(os.environ.get("WIREWATCH_BENCH_ARTICLES", "1000000"))
SEED, A_DAY = 5, 10_000
VOCABULARY, WORDS, OUTLETS = 60_000, 40, 200
COPIED, AHEAD = 1 / 3, 200
LOOKS = 50
"""How often memory is looked at; one in five is told at the end."""
WATCHES = {"defence-alliance": 0.7, "second": 0.1, "third": 0.1, "fourth": 0.1}
"""Watches and their share of the articles: one owner with one watch that is much busier than all others."""
FILE = PACK / "watches" / "defence-alliance.yaml"
GOALS = {"resident_mb_at_end": ("at most", 600.0)}


def templates(text: str) -> list[ArticleMatched]:
    """The demo's matches."""
    engine = build([loads(text, FILE.name, gazetteer().entities)])
    return [event_of(one.article, verdict, START) for one in demo_articles()
            for verdict in decided(one.article, engine)[1]]  # fmt: skip


def vocabulary(dice: random.Random) -> list[str]:
    """Words that nobody knows, of two to five syllables."""
    syllables = [a + b for a in "bcdfghjklmnprstvz" for b in "aeiou"]
    return ["".join(dice.choices(syllables, k=dice.randint(2, 5))) for _ in range(VOCABULARY)]


def stream(matches: Sequence[ArticleMatched], count: int) -> Iterator[ArticleMatched]:
    """Articles in order of time."""
    dice = random.Random(SEED)
    words, step = vocabulary(dice), timedelta(days=1) / A_DAY
    recent: deque[ArticleMatched] = deque(maxlen=AHEAD)
    names, shares = list(WATCHES), list(WATCHES.values())
    for number in range(count):
        is_copy = bool(recent) and dice.random() < COPIED
        base = dice.choice(recent) if is_copy else dice.choice(matches)
        text = base.article.text if is_copy else f"{base.article.text}\n{drawn(dice, words)}"
        watch_id = base.watch_id if is_copy else dice.choices(names, shares)[0]
        made = again(base, number, watch_id, text, START + step * number, f"outlet-{dice.randrange(OUTLETS)}")
        recent.append(made)
        yield made


def drawn(dice: random.Random, words: Sequence[str]) -> str:
    """A paragraph; the rank of its words is distributed as in a language (Zipf)."""
    ranks = (int(len(words) ** dice.random()) - 1 for _ in range(WORDS))
    return " ".join(words[rank] for rank in ranks).capitalize() + "."


def again(
    base: ArticleMatched, number: int, watch_id: str, text: str, moment: datetime, source_id: str
) -> ArticleMatched:
    """A match of another article with this text."""
    article = base.article
    name = ids.of("bench", number)
    source = msgspec.structs.replace(article.source, id=source_id, name=source_id)
    published_ = msgspec.structs.replace(article.published, at=moment) if article.published else None
    article = msgspec.structs.replace(
        article, id=name, article_id=name, observed=moment, published=published_, source=source, text=text,
        url=f"https://{source_id}.test/{number}", mode=Mode.LIVE,
    )  # fmt: skip
    return msgspec.structs.replace(
        base, id=ids.of("bench match", number), watch_id=watch_id, observed=moment, article=article, mode=Mode.LIVE
    )


async def run() -> dict[str, float | str]:
    """Memory and database after each tenth, and at the end."""
    text = FILE.read_text(encoding="utf-8")
    figures: dict[str, float | str] = {"matches": COUNT, "days": COUNT / A_DAY}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        file = Path(name) / "judge.db"
        database = open_database(f"sqlite:///{file}")
        await db.migrate(database, "shared", Path(db.__file__).parent / "migrations")
        await prepare(database)
        for watch_id in WATCHES:
            own = text.replace("\nid: defence-alliance\n", f"\nid: {watch_id}\n")
            await published.publish(database, watch_id, own, START)
        figures |= await measured(database, file, templates(text))
        await database.close()
    printed("judging for months", figures)
    return figures


async def measured(database: Database, file: Path, matches: Sequence[ArticleMatched]) -> dict[str, float | str]:
    """Judge everything; what was resident and on disk after each tenth."""
    settings, figures, most = JudgeSettings(), dict[str, float | str](), 0.0
    readers, batch = Readers(settings.judge_readers), settings.judge_batch
    judge = judge_on(database, settings, readers)
    collect_rarely()
    waiting: list[ArticleMatched] = []
    started = perf_counter()
    with Progress(TextColumn("judged"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        bar = progress.add_task("judged", total=COUNT)
        for number, match in enumerate(stream(matches, COUNT), 1):
            waiting.append(match)
            if len(waiting) == batch or number == COUNT:
                await feed(judge, waiting, batch=batch)
                progress.advance(bar, len(waiting))
                waiting = []
            if number % (COUNT // LOOKS) == 0:
                most = max(most, now := round(resident_mb(os.getpid()), 1))
                print(f"{number}: {now} MB resident, {megabytes(file)} MB in SQL", flush=True)
            if number % (COUNT // 10) == 0:
                figures[f"resident_mb_after_{number}"] = now
                figures[f"database_mb_after_{number}"] = megabytes(file)
    seconds = perf_counter() - started
    await readers.close()
    return figures | {
        "resident_mb_at_end": round(resident_mb(os.getpid()), 1), "resident_mb_most": most,
        "database_mb_at_end": megabytes(file), "per_second": round(COUNT / seconds, 1),
    }  # fmt: skip


def megabytes(file: Path) -> float:
    """The size of the database with its log."""
    return round(sum(one.stat().st_size for one in file.parent.glob(f"{file.name}*")) / 1e6, 1)
