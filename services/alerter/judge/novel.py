"""Novel terms: a term family that this watch has never met before, confirmed by independent sources, told once.

New is measured against the watch's own history in event time, never against the world: history (back-fill and replay)
only makes terms known. A new family stays young for a while; it is told when enough independent witnesses use it within
the time allowed (copies and one agency count once, and so does whoever repeats the same sentence; an official site
alone suffices) and when it is distinctive: it stands in titles, leads or quotation marks, near the watch's concepts, in
several languages, and ordinary news does not use it. The longer the history in which it was never met, the less beside
its novelty is asked of it. Nested and overlapping phrases of one article are one term: the most telling is told, the
others rest with it. A family that nobody used for long may come back: that is told apart from one never seen.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from services.alerter.judge.families import number, per_million
from services.alerter.judge.figures import FIGURE
from services.alerter.judge.memory import WAITING, Family, Memory, Sighting, Standing
from services.alerter.judge.reading import Reading
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.terms import NAME, THING, Term
from shared.text.fold import fold_text

ENOUGH, ENOUGH_COLD = 3.0, 7.0
"""Points a term needs to be told, with a warm history and with a cold one, where everything is new; see `points`. Tuned
on the demo world and on simulated streams (`make bench BENCH=novelty`)."""
ENOUGH_BESIDE = 3.5
"""A phrase of a concept and an ordinary word: any word beside "army" in two titles is new there."""
FEWEST, A_POINT = 1.0, 3.0
"""The least points of a rare word, and by what each more makes it unlikelier to be chance."""
BUDGET = 0.15
"""Rare words a day that may be told by chance: they are ordinary, and only happen to be met twice."""
PACE = 0.005
"""Weight of one article in the pace of a watch: it follows about the last 200."""
LISTED = 1.0
"""Points of a document or an alliance that the pack lists: whoever listed it says that it matters."""
STALE = timedelta(days=7)
"""How far `last` of a known family may lag behind: it is written once a week, not with every article."""
LONGEST_PLAIN = 2
"""Words of a phrase; three in a row that two outlets share without marks are mostly taken from somewhere."""
COVER = 0.6
"""A phrase in at least this share of a word's sightings is what the word is known by."""
MOST_SIGHTINGS = 40
"""Sightings of a family that was not told: whatever so many articles use without its standing out is no news."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule asks of a new term. `returning` None: a family that was known is never told again. `history` is the
    look-back: what was used before that only is new."""

    sources: int = 2
    within: timedelta = timedelta(hours=6)
    young_for: timedelta = timedelta(hours=24)
    returning: timedelta | None = None
    history: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Novel:
    """A confirmed new family with its sightings inside the confirming window, by time, and the keys of families that
    rest with it. `last_seen` is given for one that comes back; `within` says that a word of it was told before, so that
    it is no term by itself but news of that one."""

    term: Term
    sightings: tuple[Sighting, ...]
    witnesses: tuple[str, ...]
    points: float
    absorbed: tuple[str, ...] = ()
    last_seen: datetime | None = None
    within: bool = False

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it was seen in, in the order of their first use."""
        return tuple(dict.fromkeys(one.language for one in self.sightings))

    @property
    def together(self) -> tuple[str, ...]:
        """The keys of the families that are told with it: what rests with it, and its rare words."""
        return tuple(dict.fromkeys(key for key in (*self.absorbed, *self.term.rare) if key != self.term.key))


@dataclass(frozen=True, slots=True)
class Met:
    """What an article brought: families that wait for confirmation and were seen in it now, and families told already
    that it turns out to have used first."""

    young: list[Term] = field(default_factory=list)
    earlier: list[Term] = field(default_factory=list)


def remember(memory: Memory, reading: Reading, found: Mapping[int, Term], copy_group: str, rule: Terms) -> Met:
    """Enter the families of an article into memory."""
    met = Met()
    words = phrases = 0
    for term in found.values():
        family = memory.families.get(term.number)
        if family is None or _is_forgotten(family, reading.moment, rule):
            words += term.words == 1 and bool(term.rare)
            phrases += term.words > 1 and is_candidate(term)
            standing = Standing.YOUNG if reading.live and is_candidate(term) else Standing.KNOWN
            family = Family(reading.moment, standing, reading.moment)
            memory.put_family(term.number, family)
        elif family.standing in WAITING:
            _met_again(memory, reading, term, family, rule)
        elif _met_known(memory, reading, term, family, rule):
            met.earlier.append(term)
        if family.standing in WAITING and reading.live and is_candidate(term):
            memory.put_sighting(term.number, _sighting(memory, reading, term, copy_group))
            met.young.append(term)
    _keep_pace(memory, reading, words, phrases)
    return met


def _is_forgotten(family: Family, moment: datetime, rule: Terms) -> bool:
    """Whether a family was used before the look-back only; `last` may lag behind."""
    return family.standing is Standing.KNOWN and rule.returning is None and moment - family.last > rule.history + STALE


def _met_again(memory: Memory, reading: Reading, term: Term, family: Family, rule: Terms) -> None:
    """A family that waits: it may have waited too long, be everywhere by now, or have been used before."""
    seen = _recent(memory, term, reading.moment, rule)
    back = family.standing is Standing.BACK
    begun = seen[0].moment if back and seen else family.first
    earlier = reading.moment < begun
    over = reading.moment - begun > rule.young_for or len(seen) >= MOST_SIGHTINGS
    if over or (earlier and not reading.live):
        family.standing, family.last = Standing.KNOWN, reading.moment
        memory.drop_sightings(term.number)
    family.first = min(family.first, reading.moment)
    if over or earlier:
        memory.put_family(term.number, family)


def _recent(memory: Memory, term: Term, moment: datetime, rule: Terms) -> list[Sighting]:
    """The sightings of a waiting family that still count, by time. Older ones may be in memory or not."""
    oldest = (memory.watermark or moment) - rule.young_for
    found = (one for one in memory.sightings.get(term.number, {}).values() if one.moment >= oldest)
    return sorted(found, key=lambda one: (one.moment, one.article_id))


def _met_known(memory: Memory, reading: Reading, term: Term, family: Family, rule: Terms) -> bool:
    """A family that is known: it may come back after a long time. True if it was told and turns out to have been used
    earlier."""
    if reading.moment < family.first:
        family.first = reading.moment
        memory.put_family(term.number, family)
        return family.standing is Standing.TOLD
    if rule.returning is not None and reading.live and reading.moment - family.last > rule.returning:
        family.standing = Standing.BACK if is_candidate(term) else Standing.KNOWN
        family.last = family.last if family.standing is Standing.BACK else reading.moment
        memory.put_family(term.number, family)
    elif reading.moment - family.last > STALE:
        family.last = reading.moment
        memory.put_family(term.number, family)
    return False


def is_candidate(term: Term) -> bool:
    """Whether a family may ever be told: a word only if no background list knows it; a phrase of ordinary words, a
    listed name or a number only where it stands out, so that a text's depths do not fill the memory."""
    if term.words == 1:
        return bool(term.rare) or "+" in term.key
    standing_out = term.title or term.lead or term.scare or term.near or term.capital
    if term.key.startswith((NAME, FIGURE)):
        return term.title or term.lead
    return standing_out or bool(term.rare) or all(part.startswith("=") for part in term.parts)


def _sighting(memory: Memory, reading: Reading, term: Term, copy_group: str) -> Sighting:
    article = reading.article
    return Sighting(
        reading.moment, article.article_id, copy_group, article.source.id, article.source.name, article.source.official,
        article.language.macro, term.form, term.key, term.title, term.lead, term.scare, term.near,
        term.sentence, memory.documents,
    )  # fmt: skip


class Pace(msgspec.Struct, frozen=True, omit_defaults=True):
    """How fast a watch meets new rare words and phrases: how many an article, and days between articles; `last` is the
    latest."""

    words: float = 0.0
    phrases: float = 0.0
    days: float = 0.0
    last: datetime | None = None


PACES = ShelfSpec("pace", Pace, None)


def _keep_pace(memory: Memory, reading: Reading, words: int, phrases: int) -> None:
    """Count an article into the pace."""
    shelf = memory.shelf(PACES)
    pace = shelf.get("") or Pace(float(words), float(phrases))
    gap = (reading.moment - pace.last).total_seconds() / 86_400 if pace.last else 0.0
    now = Pace(
        pace.words + PACE * (words - pace.words), pace.phrases + PACE * (phrases - pace.phrases),
        pace.days + PACE * (min(max(gap, 0.0), 1.0) - pace.days), max(reading.moment, pace.last or reading.moment),
    )  # fmt: skip
    shelf.put("", reading.moment, now)


def enough(memory: Memory, term: Term, window: Sequence[Sighting], witnesses: int, *, warm: bool) -> float:
    """The points that a term needs, met by so many witnesses in this window.

    A rare word needs the fewer the less probable it is that it is an ordinary one that happens to come up again: what
    was first met after N articles comes in about one of N (Good and Turing), so within W articles with probability
    1 - exp(-W/N), and there are as many such words to try as the watch meets a day. A phrase needs `ENOUGH` however
    much was read, since most pairs of ordinary words have never met before; one without quotation marks and without a
    concept of the glossary needs as many more as chance would explain, one with a concept in part a little more.
    """
    if not warm:
        return ENOUGH_COLD
    word = term.words == 1 and bool(term.rare)
    if not word and (term.scare or all(part.startswith(("=", THING, NAME, FIGURE)) for part in term.parts)):
        return ENOUGH
    if not word and any(part.startswith("=") for part in term.parts):
        return ENOUGH_BESIDE
    since = memory.documents - window[0].document + 1
    mean = since / max(1, window[0].document)
    pace = memory.shelf(PACES).get("") or Pace()
    tried = (pace.words if word else pace.phrases) / max(pace.days, 1e-4)
    chance = FEWEST + math.log(max(tried * _tail(mean, witnesses - 1) / BUDGET, 1e-9), A_POINT)
    return min(ENOUGH, max(FEWEST, chance)) if word else max(ENOUGH, chance)


def _tail(mean: float, count: int) -> float:
    """Probability of at least `count` where `mean` are expected (Poisson)."""
    below = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(count))
    return max(0.0, 1.0 - below)


def confirmed(
    memory: Memory, reading: Reading, young: Sequence[Term], rule: Terms, *, warm: bool, sources: int | None = None
) -> list[Novel]:
    """The families this article confirms, the most telling first, each with the families that rest with it. With
    `sources` another number of witnesses than the rule's.

    Which family is named depends on the order of articles; which are told, by themselves or together, does not: what is
    confirmed is always told, with another one of its article, or later as news of a word told before.
    """
    asked = replace(rule, sources=sources or rule.sources)
    found = [one for term in young if (one := _confirm(memory, term, reading.moment, asked, warm=warm)) is not None]
    found.sort(key=lambda one: (_is_covered(one, found), -one.points, -one.term.words, one.term.key))
    told = _chained([one for one in found if not _rests_on_told(memory, one.term)])
    return [*told, *(replace(one, within=True) for one in found if _rests_on_told(memory, one.term))]


def _confirm(memory: Memory, term: Term, moment: datetime, rule: Terms, *, warm: bool) -> Novel | None:
    """The best window of the allowed length that holds this article's sighting, if it holds witnesses enough."""
    every = memory.sightings.get(term.number, {}).values()
    if len(every) < rule.sources and not any(one.official for one in every):
        return None
    seen = _recent(memory, term, moment, rule)
    if not _can_be_enough(memory, term, seen, rule, warm=warm):
        return None
    best: Novel | None = None
    for first in seen:
        if first.moment > moment or moment - first.moment > rule.within:
            continue
        window = tuple(one for one in seen if first.moment <= one.moment <= first.moment + rule.within)
        novel = _weigh(memory, term, window, rule, warm=warm)
        if novel is not None and (best is None or novel.points > best.points):
            best = novel
    return best


def _can_be_enough(memory: Memory, term: Term, every: Collection[Sighting], rule: Terms, *, warm: bool) -> bool:
    """Whether all sightings together would do: no window of them can be worth more. Rules out nearly every term."""
    if len(every) < rule.sources and not any(one.official for one in every):
        return False
    least = ENOUGH_COLD if not warm else FEWEST if term.words == 1 and term.rare else ENOUGH
    if points(term, every, len(every)) < least or (not warm and term.key.startswith((NAME, FIGURE))):
        return False
    return len({memory.origin(one.copy_group) for one in every}) >= rule.sources or any(one.official for one in every)


def _weigh(memory: Memory, term: Term, window: tuple[Sighting, ...], rule: Terms, *, warm: bool) -> Novel | None:
    witnesses = _witnesses(memory, window)
    if len(witnesses) < rule.sources and not any(one.official for one in window):
        return None
    total = points(term, window, len(witnesses))
    if total < enough(memory, term, window, len(witnesses), warm=warm):
        return None
    family = memory.families.get(term.number)
    back = family.last if family is not None and family.standing is Standing.BACK else None
    return Novel(term, window, tuple(witnesses), total, last_seen=back)


def _witnesses(memory: Memory, window: Iterable[Sighting]) -> list[str]:
    """The names of the first of each independent witness, in order. Whoever repeats the sentence of another is none:
    it is a quotation, an agency's that nobody names, or boilerplate."""
    named: dict[str, str] = {}
    sentences: set[int] = set()
    for one in window:
        origin = memory.origin(one.copy_group)
        if origin not in named and (not one.sentence or one.sentence not in sentences):
            named[origin] = one.source_name or one.source_id
        sentences.add(one.sentence)
    return list(named.values())


def points(term: Term, window: Collection[Sighting], witnesses: int) -> float:
    """How distinctive a term is: prominence, marks around it, spread over languages and witnesses, rare words."""
    in_titles = len({one.copy_group for one in window if one.title})
    in_marks = len({one.copy_group for one in window if one.scare})
    total = min(in_titles, 2) * 1.0 + min(in_marks, 2) * 1.0
    total += 0.5 * any(one.lead for one in window) + 0.5 * any(one.near for one in window)
    total += 1.0 * (min(len({one.language for one in window}), 3) - 1)
    total += 0.25 * min(max(witnesses - 2, 0), 4)
    total += LISTED * term.key.startswith(THING)
    total += 1.0 * bool(term.rare) + 0.5 * sum(part.startswith("=") for part in term.parts[:2])
    total -= 1.0 * (term.words > LONGEST_PLAIN and not in_marks)
    return total - 1.0 * (not term.rare and not all(part.startswith("=") for part in term.parts))


def rate(term: Term, code: str) -> float:
    """How often the rarest of a form's words occurs in a million words of the language."""
    return min((per_million(fold_text(word), code) for word in term.form.split()), default=0.0)


def _rests_on_told(memory: Memory, term: Term) -> bool:
    """Whether a rare word of it was told already, alone or in another phrase."""
    told = (memory.families.get(number(word)) for word in term.rare)
    return term.words > 1 and any(family is not None and family.standing is Standing.TOLD for family in told)


def _is_covered(novel: Novel, others: Sequence[Novel]) -> bool:
    """Whether a single word is mostly met inside one new phrase: then the phrase is to be told, not the word."""
    if novel.term.words > 1:
        return False
    articles = {one.article_id for one in novel.sightings}
    phrases = [one for one in others if one.term.words > 1 and set(novel.term.parts) <= set(one.term.parts)]
    return any(
        len(articles & {one.article_id for one in other.sightings}) >= COVER * len(articles) for other in phrases
    )


def _chained(novel: Sequence[Novel]) -> list[Novel]:
    """One of all that overlap or share a word, the most telling, with the others at rest in it."""
    kept: list[Novel] = []
    for one in novel:
        at = next((at for at, other in enumerate(kept) if _touch(one.term, other.term)), None)
        if at is None:
            kept.append(one)
        else:
            kept[at] = replace(kept[at], absorbed=(*kept[at].absorbed, one.term.key, *one.term.rare))
    return kept


def _touch(one: Term, other: Term) -> bool:
    share = bool(set(one.parts) & set(other.parts))
    return share or (one.field == other.field and one.start <= other.end + 1 and other.start <= one.end + 1)


def settle(memory: Memory, novel: Novel) -> None:
    """The family was told: it, its rare words and what rests with it are never new again."""
    for one in map(number, (novel.term.key, *novel.together)):
        family = memory.families.get(one)
        first = family.first if family else novel.sightings[0].moment
        memory.put_family(one, Family(first, Standing.TOLD, novel.sightings[-1].moment))
        memory.drop_sightings(one)
