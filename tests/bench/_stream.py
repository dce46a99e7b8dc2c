"""A simulated stream of matched articles with planted news words: what `novelty` is measured on.

The prose is made by a chain of words learnt from the demo's own articles, language by language, so that ordinary words
meet in pairs nobody has seen; a long tail of rare words comes on top, as in every language. Outlets of five languages
print agency items and each other's with light edits. Planted words appear from a moment on in articles of the story, in
several forms, in both scripts and all languages. Everything follows from the seed.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

import msgspec

from shared import ids
from shared.events import ArticleExtracted, ArticleMatched, Language, Mention, Mode, Published, Source
from shared.text.languages import language
from tests.fakes.judging import START
from tests.fakes.news import demo_articles, matched, mentions

LANGUAGES = ("en", "sq", "hr", "sr", "mk")
"""By variety; `sr` is written in Cyrillic."""
MACRO = {"hr": "hbs", "sr": "hbs"}
ENDINGS: Mapping[str, tuple[str, ...]] = {
    "en": ("", "s"), "sq": ("i", "it", "in", "e", "ve"), "hr": ("", "a", "u", "om", "i", "ima"),
    "sr": ("", "a", "u", "om", "i", "ima"), "mk": ("", "ot", "i", "ite"),
}  # fmt: skip
"""Endings of a masculine noun that the planted words and the rare ones take."""
CYRILLIC = str.maketrans(dict(zip("abvgdežzijklmnoprstufhcčš", "абвгдежзијклмнопрстуфхцчш", strict=True)))
AGENCIES = ("Tanjug", "Hina", "ATSH", "MIA", "Reuters")


@dataclass(frozen=True, slots=True)
class Config:
    """What a stream is made of. Articles are originals: with their copies there are `syndication` times as many."""

    seed: int = 1
    days: int = 14
    quiet_days: int = 4
    background: int = 2_000
    story: int = 420
    planted: int = 40
    use: float = 0.3
    active_hours: float = 36.0
    syndication: float = 3.0
    irrelevant_a_day: int = 20
    rare_words: float = 1.0
    vocabulary: int = 20_000
    outlets: int = 60
    late: float = 0.03
    backfilled: float = 0.02


@dataclass(frozen=True, slots=True)
class Planted:
    """A new word: its stem, and every form it is written in."""

    stem: str
    forms: frozenset[str]
    begins: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """An article in the order in which it is judged. `cluster` is its original; `planted` the stems it uses."""

    match: ArticleMatched
    cluster: int
    planted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream with what was planted in it."""

    config: Config
    planted: tuple[Planted, ...]
    items: tuple[Item, ...]


@dataclass(slots=True)
class _Text:
    """An original before it is printed."""

    code: str
    title: str
    paragraphs: list[str]
    moment: datetime
    story: bool
    planted: set[str] = field(default_factory=set)
    named: tuple[Mention, ...] = ()


@cache
def chains() -> dict[str, dict[str, tuple[str, ...]]]:
    """For every language which words follow which, learnt from the demo's articles; `` begins a sentence."""
    follow: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in demo_articles():
        spoken = one.article.language
        code = spoken.variety if (spoken.variety, spoken.script) != ("sr", "Latn") else "hr"
        if code not in LANGUAGES:
            continue
        for sentence in f"{one.article.title}. {one.article.text}".replace("\n", " ").split(". "):
            words = sentence.strip(" .").split()
            for before, word in zip(["", *words], [*words, ""], strict=True):
                follow[code][before].append(word)
    return {code: {word: tuple(after) for word, after in links.items()} for code, links in follow.items()}


def sentence(dice: random.Random, code: str) -> str:
    """Six to twenty words of the chain."""
    links, words = chains()[code], [""]
    length = dice.randint(6, 20)
    while len(words) <= length:
        word = dice.choice(links.get(words[-1]) or links[""])
        words.append(word or dice.choice(links[""]))
    return " ".join(words[1:])


def stem(dice: random.Random) -> str:
    """A stem of three or four syllables that no language has."""
    start = "".join(dice.choice("bdgklmnprtvz") + dice.choice("aeiou") for _ in range(dice.randint(2, 3)))
    return start + dice.choice("bdgklmnprtvz") + dice.choice("aeou") + dice.choice(("nt", "rd", "sk", "lt", "mb"))


def written(stem_: str, ending: str, code: str) -> str:
    """A form in the script of its language."""
    word = stem_ + ending
    return word.translate(CYRILLIC) if code in ("sr", "mk") else word


def stream(config: Config) -> Stream:
    """The whole stream, in the order of judging."""
    dice = random.Random(config.seed)
    live = timedelta(days=config.days - config.quiet_days)
    stems = [stem(dice) for _ in range(config.planted)]
    planted = tuple(
        Planted(name, frozenset(written(name, end, code) for code in LANGUAGES for end in ENDINGS[code]),
                START + timedelta(days=config.quiet_days) + live * 0.9 * (at + 0.5) / len(stems))
        for at, name in enumerate(stems)
    )  # fmt: skip
    tail = [stem(dice) for _ in range(config.vocabulary)]
    originals = [
        *_background(dice, config, tail),
        *_story(dice, config, tail, planted),
        *_irrelevant(dice, config, tail),
    ]
    originals.sort(key=lambda one: one.moment)
    items = [item for number, one in enumerate(originals) for item in _printed(dice, config, one, number)]
    items.sort(key=lambda item: (item.match.observed, item.match.article.article_id))
    return Stream(config, planted, tuple(items))


def _background(dice: random.Random, config: Config, tail: Sequence[str]) -> Iterator[_Text]:
    for _ in range(config.background):
        yield _text(dice, config, tail, START + timedelta(days=config.days) * dice.random(), story=False)


def _story(dice: random.Random, config: Config, tail: Sequence[str], planted: Sequence[Planted]) -> Iterator[_Text]:
    begin, length = START + timedelta(days=config.quiet_days), timedelta(days=config.days - config.quiet_days)
    for _ in range(config.story):
        one = _text(dice, config, tail, begin + length * dice.random(), story=True)
        for word in planted:
            active = timedelta(hours=config.active_hours)
            if word.begins <= one.moment <= word.begins + active and dice.random() < config.use:
                _plant(dice, one, word.stem)
        yield one


def _irrelevant(dice: random.Random, config: Config, tail: Sequence[str]) -> Iterator[_Text]:
    """New words that live in one item and its copies only."""
    for at in range(config.irrelevant_a_day * config.days):
        moment = START + timedelta(days=config.days) * (at / (config.irrelevant_a_day * config.days))
        one = _text(dice, config, tail, moment, story=False)
        _plant(dice, one, stem(dice), times=3)
        one.planted.clear()
        yield one


def _text(dice: random.Random, config: Config, tail: Sequence[str], moment: datetime, *, story: bool) -> _Text:
    code = dice.choice(LANGUAGES)
    paragraphs = [". ".join(sentence(dice, code) for _ in range(dice.randint(2, 4))) + "." for _ in range(4)]
    one = _Text(code, sentence(dice, code), paragraphs, moment, story)
    for _ in range(int(dice.expovariate(1 / config.rare_words)) if config.rare_words else 0):
        rank = int(len(tail) ** dice.random()) - 1
        _insert(dice, one, written(tail[rank], dice.choice(ENDINGS[code]), code))
    return one


def _plant(dice: random.Random, one: _Text, name: str, *, times: int = 1) -> None:
    one.planted.add(name)
    for _ in range(times):
        _insert(dice, one, written(name, dice.choice(ENDINGS[one.code]), one.code), title=dice.random() < 0.15)


def _insert(dice: random.Random, one: _Text, word: str, *, title: bool = False) -> None:
    if title:
        one.title = _with(dice, one.title, word)
    else:
        at = 0 if dice.random() < 0.35 else dice.randrange(len(one.paragraphs))
        one.paragraphs[at] = _with(dice, one.paragraphs[at], word)


def _with(dice: random.Random, text: str, word: str) -> str:
    words = text.split(" ")
    words.insert(dice.randint(1, len(words)), word)
    return " ".join(words)


def _printed(dice: random.Random, config: Config, one: _Text, cluster: int) -> Iterator[Item]:
    """The original and its copies: another outlet, a sentence less, the agency named in half of them."""
    agency = dice.choice(AGENCIES) if dice.random() < 0.5 else ""
    code = MACRO.get(one.code, one.code)
    one.named = mentions(one.title, one.paragraphs[0], code, published=one.moment)  # the first paragraph is never cut
    copies = min(8, int(dice.expovariate(1 / (config.syndication - 1)) + 0.5)) if config.syndication > 1 else 0
    for number in range(1 + copies):
        moment = one.moment + timedelta(minutes=dice.uniform(3, 240) if number else 0)
        paragraphs = one.paragraphs if not number else _edited(dice, one.paragraphs)
        yield _item(dice, config, one, cluster, number, moment, paragraphs, agency if dice.random() < 0.5 else "")


def _edited(dice: random.Random, paragraphs: Sequence[str]) -> list[str]:
    kept = list(paragraphs)
    if dice.random() < 0.5:
        kept.pop(dice.randrange(1, len(kept)))
    return kept


def _item(
    dice: random.Random, config: Config, one: _Text, cluster: int, number: int, moment: datetime,
    paragraphs: Sequence[str], agency: str,
) -> Item:  # fmt: skip
    text = "\n".join(paragraphs)
    published, mode = moment, Mode.LIVE
    if dice.random() < config.late:
        moment += timedelta(hours=dice.uniform(1, 6))
    elif dice.random() < config.backfilled:
        moment, mode = moment + timedelta(days=2), Mode.BACKFILL
    name = ids.of("stream", config.seed, cluster, number)
    outlet = dice.randrange(config.outlets // len(LANGUAGES)) * len(LANGUAGES) + LANGUAGES.index(one.code)
    code = MACRO.get(one.code, one.code)
    article = ArticleExtracted(
        id=ids.article_version(name, text), observed=moment, article_id=name, url=f"https://o{outlet}.test/{name}",
        canonical_url=f"https://o{outlet}.test/{name}",
        source=Source(id=f"o{outlet}", name=f"Outlet {outlet}", country="", language=one.code), title=one.title,
        lead="", text=text, agency=agency,
        language=Language(macro=code, variety=one.code, script="Cyrl" if one.code in ("sr", "mk") else "Latn"),
        published=Published(at=published, origin="feed"), mode=mode,
        entities=one.named,
    )  # fmt: skip
    return Item(matched(article), cluster, frozenset(one.planted))


def replayed(items: Sequence[Item]) -> list[Item]:
    """The same articles again as a replay, under new ids of their matches, as after an index was built anew."""
    return [
        Item(msgspec.structs.replace(item.match, id=ids.of("again", item.match.id), mode=Mode.REPLAY), item.cluster)
        for item in items
    ]


assert all(language(MACRO.get(code, code)) for code in LANGUAGES)
