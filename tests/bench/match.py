"""Matching: 4 KB articles against 100 and 10,000 watches on one core, next to evaluating every watch naively.

Synthetic words over a Zipf-like vocabulary, half of the articles in Cyrillic and half in Latin with diacritics. Every
watch asks for two concepts near each other and a third anywhere. Each article holds the rarest word of more than twenty
watches, all words of some of them but too far apart, and satisfies two. Time is that of the processor, so that other
work on the machine counts less; folding, automaton, conditions and score are in it, explanations are not.

Goals: 5,000 articles a second with 100 watches, 1,000 with 10,000 watches and at least 200,000 forms, p99 under 10 ms,
build under 1 s, at most 300 MB.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import quantiles
from time import thread_time

from services.alerter.match.article import Article
from services.alerter.match.compile import Engine, build
from services.alerter.match.evaluate import Reading
from services.alerter.match.match import read
from services.alerter.watch import AnyOf, Concept, Near, Score, Status, Watch, Weighed, Word
from shared import events
from shared.text.inflect import inflections
from shared.text.terms import Term, parse
from tests.bench._standalone import printed, resident_mb

SIZES = (100, 10_000)
ARTICLES, LENGTH, NAIVE, ROUNDS = 400, 4096, 20, 3
PLANTED, COMPLETE, SATISFIED = 24, 6, 2
"""Watches whose rarest word is planted in an article, those of which all are (too far apart), those that match."""
GROUPS, COMMON = (2, 2, 1, 1), 4000
"""Terms of the four concepts of a watch, and words that no watch asks for."""
SYLLABLES = [c + v for c in "bcčćdfghjklmnprsštvzž" for v in "aeiou"]
LETTERS = dict(zip("abcčćdefghijklmnoprsštuvzž", "абцчћдефгхијклмнопрсштувзж", strict=True))
CYRILLIC = str.maketrans(LETTERS | {latin.upper(): letter.upper() for latin, letter in LETTERS.items()})
ENDINGS = ("", "a", "u", "om", "e", "i", "ovi")
_NOW = datetime(2025, 3, 18, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """Watches, articles, and how many surface forms the watches know."""

    watches: Sequence[Watch]
    articles: Sequence[events.ArticleExtracted]
    forms: int


def made_world(size: int, seed: int = 1) -> World:
    """A world of `size` watches."""
    dice = random.Random(f"{size} {seed}")
    stems = iter(_stems(dice, size * sum(GROUPS) + COMMON))
    common = [next(stems) for _ in range(COMMON)]
    words = [[[next(stems) for _ in range(count)] for count in GROUPS] for _ in range(size)]
    watches = [_watch(number, groups) for number, groups in enumerate(words)]
    articles = [_article(number, dice, common, words) for number in range(ARTICLES)]
    forms = size * sum(GROUPS) * len(inflections().endings("noun_c", "hbs"))
    return World(watches, articles, forms)


def _stems(dice: random.Random, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(dice.choices(SYLLABLES, k=dice.choice((2, 3, 3, 4)))) + dice.choice("bdgklmnprstvz")] = None
    return list(found)


def _watch(number: int, groups: list[list[str]]) -> Watch:
    first, second, third, fourth = (AnyOf(tuple(Word(_term(stem)) for stem in group)) for group in groups)
    concepts = {
        "pair": Weighed("pair", Near(6, (first, second), 2), 2.0),
        "third": Weighed("third", third, 1.0),
        "out": Weighed("out", fourth, 0.0),
    }
    return Watch(
        id=f"w{number:05}", title="", status=Status.ACTIVE, languages=("hbs",), concepts=concepts,
        require=(Concept("pair"), Concept("third")), exclude=(Concept("out"),), score=Score(threshold=2.0), alerts=(),
    )  # fmt: skip


def _term(stem: str) -> Term:
    return parse(f"{stem}~noun_c")


def _article(
    number: int, dice: random.Random, common: list[str], words: list[list[list[str]]]
) -> events.ArticleExtracted:
    """A text of common words with every group of the planted watches far apart and of the satisfied ones together."""
    chosen = dice.sample(range(len(words)), min(len(words), PLANTED + SATISFIED))
    text = [_form(dice, common[min(int(dice.paretovariate(0.8)) - 1, len(common) - 1)]) for _ in range(560)]
    for number_of, at in enumerate(chosen[SATISFIED:]):
        third, *pair = words[at][2], words[at][0], words[at][1]
        for group, low in zip((third, *pair)[: 3 if number_of < COMPLETE else 1], (0, 180, 360), strict=False):
            text[dice.randrange(low, low + 100)] = _form(dice, dice.choice(group))
    for place, at in zip((120, 300), chosen, strict=False):
        first, second, third, _ = words[at]
        text[place : place + 5] = [_form(dice, one[0]) for one in (first, second, third)]
    body = _sentences(text)[:LENGTH]
    return events.ArticleExtracted(
        id=f"v{number}", observed=_NOW, article_id=f"a{number}", url="", canonical_url="", title="Naslov",
        source=events.Source(id="o", name="O"), text=body.translate(CYRILLIC) if number % 2 else body,
        language=events.Language(macro="hbs"),
    )  # fmt: skip


def _form(dice: random.Random, stem: str) -> str:
    return stem + dice.choice(ENDINGS)


def _sentences(words: list[str]) -> str:
    return ". ".join(" ".join(words[at : at + 18]).capitalize() for at in range(0, len(words), 18))


def naive(engine: Engine, article: events.ArticleExtracted) -> frozenset[str]:
    """Every watch evaluated, no index: what equal results are compared with."""
    ready = Article(article, engine)
    return frozenset(one.id for one in engine.watches if Reading(one, ready).matched())


def matched(engine: Engine, article: events.ArticleExtracted) -> tuple[frozenset[str], int]:
    """The matching watches by the production path, and how many were candidates."""
    readings = read(article, engine)
    return frozenset(one.watch.id for one in readings if one.matched()), len(readings)


def reached(engine: Engine, article: events.ArticleExtracted) -> int:
    """How many watches the index names for an article."""
    return len(engine.reached(Article(article, engine).anchors()))


async def run() -> dict[str, float | str]:
    """Both sizes."""
    figures: dict[str, float | str] = {}
    for size in SIZES:
        figures |= {f"watches_{size}_{name}": value for name, value in measured(size).items()}
    printed(f"{ARTICLES} articles of {LENGTH} characters, one core", figures)
    return figures


def measured(size: int) -> dict[str, float | str]:
    """Build, match, compare."""
    before = resident_mb()
    world = made_world(size)
    gc.collect()
    made, started = resident_mb(), thread_time()
    engine = build(world.watches)
    built = thread_time() - started
    changed = [replace(world.watches[0], title="Another title"), *world.watches[1:]]
    started = thread_time()
    build(changed, engine)
    reloaded = thread_time() - started
    rates, seconds = [], list[float]()
    for _ in range(ROUNDS):
        seconds = [_timed(engine, article) for article in world.articles]
        rates.append(len(seconds) / sum(seconds))
    answers = [matched(engine, article) for article in world.articles]
    started = thread_time()
    unequal = sum(naive(engine, one) != answers[at][0] for at, one in enumerate(world.articles[:NAIVE]))
    slow = NAIVE / (thread_time() - started)
    return {
        "forms": world.forms,
        "articles_per_cpu_second": round(max(rates), 1),
        "p99_ms": round(quantiles(seconds, n=100)[98] * 1000, 2),
        "naive_articles_per_cpu_second": round(slow, 1),
        "unequal_to_naive": unequal,
        "candidates": round(sum(reached(engine, one) for one in world.articles) / len(answers), 1),
        "evaluated": round(sum(count for _, count in answers) / len(answers), 1),
        "matches": round(sum(len(found) for found, _ in answers) / len(answers), 2),
        "build_seconds": round(built, 2),
        "reload_seconds": round(reloaded, 2),
        "resident_mb": round(resident_mb() - before, 1),
        "resident_mb_of_input": round(made - before, 1),
    }


def _timed(engine: Engine, article: events.ArticleExtracted) -> float:
    started = thread_time()
    matched(engine, article)
    return thread_time() - started
