"""What changed between two texts of one article, and whether it means anything. Pure.

Compared are folded words, so that case, punctuation, blanks, diacritics and script are no change; paragraphs that moved
are none either. A changed word is a corrected slip, and no change, where it is long, begins alike and differs by a
letter or two (`is_slip`), unless it is a name or a month; words that were only joined or split are none, nor are
function words that came or went, unless they negate. Lines that only say when a page was updated are left out.
Everything else is told: headline, numbers, paragraphs.

Left out on purpose: whether a change is news. That is the alerter's to say, by its rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, Indel

from services.extractor.metadata.visible import says_when_updated
from shared.events import Difference, Reworded
from shared.text.fold import fold_text
from shared.text.languages import Language, language

MOST_TOLD = 10
"""Paragraphs told of each kind; a text rewritten from the ground up is seen as that, and need not travel twice."""
LONGEST_TOLD = 300
"""Characters told of a paragraph: what an excerpt may have."""
MOST_NUMBERS = 40
MOST_COMPARED, MOST_PAIRED = 400, 50
"""Paragraphs compared, of a longer text the rest counts as one; paragraphs of one place that are looked at in pairs."""
LONGEST_COMPARED, LONGEST_ALIKE = 20_000, 2_000
"""Characters of a paragraph that are compared, and that say whether two are alike: what keeps a hostile page cheap."""
ALIKE = 50.0
"""Paragraphs at least so alike (per cent, rapidfuzz ratio of folded texts) are the same one, changed."""
SHORTEST = 5
"""A paragraph of fewer words, and no number, that comes or goes is a crosshead or a credit: no change of the text."""
FEW_WORDS = 12
"""A line that says when a page was updated has at most so many words."""
_WORD = re.compile(r"[^\W_]+(?:[.,:]\d+)*")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class _Passage:
    """A headline or paragraph: as written, its folded words, and those of them that are written like names."""

    text: str
    words: tuple[str, ...]
    names: frozenset[str]

    @property
    def key(self) -> str:
        return " ".join(self.words)

    @property
    def look(self) -> str:
        return self.key[:LONGEST_ALIKE]


@dataclass(slots=True)
class _Found:
    gone: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    changed: list[Reworded] = field(default_factory=list)
    numbers_gone: list[str] = field(default_factory=list)
    numbers_new: list[str] = field(default_factory=list)


def difference(before: tuple[str, str], now: tuple[str, str], code: str) -> Difference | None:
    """What the headline and text of `now` changed of those of `before`; None where it means nothing. `code` is the
    macro language."""
    known, found = language(code), _Found()
    headline = headline_changed(before[0], now[0], code)
    if headline is not None:
        _numbers(_passage(before[0]).words, _passage(now[0]).words, found)
    withdrawn, restored = bool(before[1]) and not now[1], bool(now[1]) and not before[1]
    if not (withdrawn or restored):
        _compare(paragraphs(before[1]), paragraphs(now[1]), found, known)
    if not (headline or withdrawn or restored or found.gone or found.new or found.changed):
        return None
    more = sum(max(0, len(one) - MOST_TOLD) for one in (found.gone, found.new, found.changed))
    return Difference(
        headline=headline, numbers_gone=_only(found.numbers_gone, found.numbers_new),
        numbers_new=_only(found.numbers_new, found.numbers_gone), paragraphs_gone=_told(found.gone),
        paragraphs_new=_told(found.new), paragraphs_changed=tuple(found.changed[:MOST_TOLD]), more=more,
        withdrawn=withdrawn, restored=restored,
    )  # fmt: skip


def headline_changed(before: str, now: str, code: str) -> Reworded | None:
    """A headline that says something else; None where one of the two is not known."""
    if not before or not now or not _means(_passage(before), _passage(now), language(code)):
        return None
    return Reworded(before=before, now=now)


def paragraphs(text: str) -> list[str]:
    """The paragraphs that say something."""
    lines = [line for line in text.split("\n") if line.strip() and not _is_stamp(line)]
    return [*lines[: MOST_COMPARED - 1], " ".join(lines[MOST_COMPARED - 1 :])] if len(lines) >= MOST_COMPARED else lines


def _is_stamp(line: str) -> bool:
    return len(line) < 200 and len(line.split()) <= FEW_WORDS and says_when_updated(line)


def _passage(text: str) -> _Passage:
    written = _WORD.findall(text[:LONGEST_COMPARED])
    folded = tuple(fold_text(word) for word in written)
    named = frozenset(fold for word, fold in zip(written, folded, strict=True) if word[:1].isupper())
    return _Passage(text, folded, named)


def _compare(before: Sequence[str], now: Sequence[str], found: _Found, known: Language | None) -> None:
    """Fill `found` with the paragraphs that are in one of the two only, those alike taken for one that changed."""
    old, new = [_passage(one) for one in before], [_passage(one) for one in now]
    keys = [one.key for one in old], [one.key for one in new]
    moved = set(keys[0]) & set(keys[1])
    for a, b, c, d in _turns(*keys):
        gone = [one for one in old[a:b] if one.key not in moved]
        came = [one for one in new[c:d] if one.key not in moved]
        for one, other in _pairs(gone, came):
            _settle(one, other, found, known)


def _turns(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """The places where two sequences differ: from and to in each, between what is common in both."""
    a = c = 0
    for one in Indel.opcodes(old, new):
        if one.tag != "equal":
            continue
        if one.src_start > a or one.dest_start > c:
            yield a, one.src_start, c, one.dest_start
        a, c = one.src_end, one.dest_end
    if a < len(old) or c < len(new):
        yield a, len(old), c, len(new)


def _pairs(gone: Sequence[_Passage], came: Sequence[_Passage]) -> Iterator[tuple[_Passage, _Passage]]:
    """Each paragraph with the one it became, in order; with nothing where there is none."""
    left = list(came[:MOST_PAIRED])
    for one in gone[:MOST_PAIRED]:
        alike = [fuzz.ratio(one.look, other.look) for other in left]
        best = max(alike, default=0.0)
        yield one, left.pop(alike.index(best)) if best >= ALIKE else _NOTHING
    yield from ((one, _NOTHING) for one in gone[MOST_PAIRED:])
    yield from ((_NOTHING, other) for other in (*left, *came[MOST_PAIRED:]))


def _settle(old: _Passage, new: _Passage, found: _Found, known: Language | None) -> None:
    if old is _NOTHING or new is _NOTHING:
        there = old.words or new.words
        if len(there) < SHORTEST and not _DIGIT.search("".join(there)):
            return
        (found.new if old is _NOTHING else found.gone).append((new if old is _NOTHING else old).text)
    elif _means(old, new, known):
        found.changed.append(Reworded(before=_cut(old.text), now=_cut(new.text)))
    else:
        return
    _numbers(old.words, new.words, found)


def _numbers(old: Sequence[str], new: Sequence[str], found: _Found) -> None:
    found.numbers_gone += [word for word in old if _DIGIT.search(word) and word not in new]
    found.numbers_new += [word for word in new if _DIGIT.search(word) and word not in old]


def _means(old: _Passage, new: _Passage, known: Language | None) -> bool:
    """Whether other words say other things, and not the same ones better spelt."""
    if old.words == new.words:
        return False
    names = old.names | new.names
    turns = _turns(old.words, new.words)
    return any(_says_other(old.words[a:b], new.words[c:d], names, known) for a, b, c, d in turns)


def _says_other(old: Sequence[str], new: Sequence[str], names: frozenset[str], known: Language | None) -> bool:
    if "".join(old) == "".join(new):
        return False
    if len(old) == len(new):
        firm = names | (frozenset(known.months) if known is not None else frozenset())
        pairs = zip(old, new, strict=True)
        return not all(one == two or (not firm & {one, two} and is_slip(one, two)) for one, two in pairs)
    light = known.stop_words - known.negations if known is not None else frozenset[str]()
    return any(word not in light or _DIGIT.search(word) for word in (*old, *new))


def is_slip(one: str, two: str) -> bool:
    """Whether one folded word is the other misspelt: it begins alike and differs by one letter of six, two of ten
    (optimal string alignment, so that two letters changed over count as one), and no number. Shorter words that differ
    by a letter are mostly two words (rise and rose, June and July)."""
    if one[:1] != two[:1] or _DIGIT.search(one + two):
        return False
    longest = max(len(one), len(two))
    most = 0 if longest < 6 else 1 if longest < 10 else 2
    return OSA.distance(one, two, score_cutoff=most) <= most


def _only(these: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(dict.fromkeys(one for one in these if one not in known))[:MOST_NUMBERS]


def _told(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(_cut(one) for one in found[:MOST_TOLD])


_NOTHING = _Passage("", (), frozenset())


def _cut(paragraph: str) -> str:
    return paragraph if len(paragraph) <= LONGEST_TOLD else paragraph[: LONGEST_TOLD - 1].rstrip() + "…"
