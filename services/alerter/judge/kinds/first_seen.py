"""first_seen: a term new to this watch, told when enough independent sources use it (`novel` decides). More than a rule
allows in an hour go into one roll-up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from services.alerter.judge import novel, wording
from services.alerter.judge.case import Case, Draft, Hour
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.metrics import CANDIDATES, SUPPRESSED, Suppressed
from services.alerter.judge.novel import Novel
from services.alerter.judge.reading import Sentence
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.terms import NAME, Term, spread
from services.alerter.judge.timers import TIMERS, Timer, set_timer
from services.alerter.rules import Rule, WatchRules
from shared import ids
from shared.events import AlertKind, AlertState, ArticleReference, Hit, Novelty, Span


class Hourly(msgspec.Struct, frozen=True):
    """How many new terms were told singly in an hour."""

    told: int


class Counted(msgspec.Struct, frozen=True):
    """How many articles of a day the watch has met."""

    articles: int


class Unsure(msgspec.Struct, frozen=True):
    """What is noted of a term told unconfirmed, for the time when its confirmation has run out."""

    form: str
    key: str
    number: int
    source: str
    article: ArticleReference
    story: tuple[str, str]


HOURS = ShelfSpec("new-terms", Hourly, timedelta(days=2))
DOCUMENTS = ShelfSpec("documents", Counted, None)
_UNSURE = msgspec.json.Decoder(Unsure)


def judged(case: Case) -> Iterable[Draft]:
    """Remember every family; the new ones that this article confirms, for the first rule that asks for them."""
    rules = case.rules.of(AlertKind.FIRST_SEEN)
    wanted = _wanted(case, rules[0] if rules else None)
    if not case.again:
        _count(case)
    met = novel.remember(case.memory, case.reading, case.found.terms, case.copy_group, wanted)
    CANDIDATES.inc(len(met.young))
    if not rules:
        return []
    corrections = [draft for term in met.earlier for draft in _correction(case, rules[0], term)]
    return corrections if not case.reading.live else [*corrections, *_new(case, rules[0], met.young, wanted)]


def _new(case: Case, rule: Rule, young: list[Term], wanted: novel.Terms) -> Iterable[Draft]:
    warm = _is_warm(case)
    young = [term for term in young if not _is_followed(case, term)]
    confirmed = novel.confirmed(case.memory, case.reading, young, wanted, warm=warm)
    drafts = [draft for one in confirmed if one.within for draft in _within(case, rule, one)]
    for one in confirmed:
        novel.settle(case.memory, one)
    told = [one for one in confirmed if not one.within and _is_told(case, rule, one)]
    singly, beyond = _capped(case, rule, [one for one in confirmed if not one.within and one not in told])
    drafts += [_draft(case, rule, one) for one in (*told, *singly)]
    if rule.unconfirmed:
        waiting = [term for term in young if term.number in case.memory.sightings]
        first = novel.confirmed(case.memory, case.reading, waiting, wanted, warm=warm, sources=1)
        fresh, more = _capped(case, rule, [one for one in first if not one.within and not _is_told(case, rule, one)])
        drafts += [_unsure(case, rule, one, wanted) for one in fresh]
        beyond += more
    return [*drafts, *_roll_up(case, rule, beyond)]


def _wanted(case: Case, rule: Rule | None) -> novel.Terms:
    sources = rule.sources if rule and rule.sources else case.settings.confirm_sources
    within = rule.within if rule and rule.within else case.settings.confirm_within
    returning = rule.returning if rule else None
    return novel.Terms(sources, within, waiting_for(case.rules, case.settings), returning, _look_back(case, rule))


def waiting_for(rules: WatchRules, settings: JudgeSettings) -> timedelta:
    """How long a new term of a watch may wait for its confirmation, and its sightings are kept."""
    told = rules.of(AlertKind.FIRST_SEEN)
    return max([settings.young_for, *(rule.within or settings.confirm_within for rule in told)])


def _look_back(case: Case, rule: Rule | None) -> timedelta:
    """How far back a term is looked for: no farther than families are kept."""
    return min(rule.history or case.settings.history, case.settings.history) if rule else case.settings.history


def _is_warm(case: Case) -> bool:
    days = case.settings.warm_for.total_seconds() / 86_400
    return case.memory.is_warm(case.reading.moment, documents=case.settings.warm_documents, days=days)


def _is_followed(case: Case, term: Term) -> bool:
    """Whether a listed name is of a side whose reactions the watch tells: what they do says that they are there."""
    if not term.key.startswith(NAME):
        return False
    sides = {rule.side for rule in case.rules.of(AlertKind.REACTION)}
    name = term.key.removeprefix(NAME)
    return any(one.side in sides or "" in sides for one in case.reading.article.entities if one.entity_id == name)


def _capped(case: Case, rule: Rule, new: Sequence[Novel]) -> tuple[list[Novel], list[Novel]]:
    """Those that are told by themselves, and those for the roll-up since enough were told in this hour."""
    most = rule.per_hour if rule.per_hour is not None else case.settings.new_terms_per_hour
    shelf, hour = case.memory.shelf(HOURS), _hour(case).isoformat()
    before = shelf.get(hour)
    told = before.told if before else 0
    left = max(0, most - told)
    singly, beyond = list(new[:left]), list(new[left:])
    if singly:
        shelf.put(hour, case.moment, Hourly(told + len(singly)))
    SUPPRESSED.labels(rule.kind.value, Suppressed.ROLLED_UP.value).inc(len(beyond))
    return singly, beyond


def _hour(case: Case) -> datetime:
    return case.moment.replace(minute=0, second=0, microsecond=0)


def _about(one: Novel) -> tuple[str, ...]:
    """A term; one that comes back, with the day it did."""
    if one.last_seen is None:
        return (one.term.key,)
    return (one.term.key, "back", one.sightings[0].moment.date().isoformat())


def _draft(case: Case, rule: Rule, one: Novel) -> Draft:
    warming = not _is_warm(case)
    documents = max(0, _searched(case, rule) - len({seen.article_id for seen in one.sightings}))
    headline, reason = wording.of_term(one, one.sightings[0].moment, documents, warming=warming)
    return Draft(
        rule, _about(one), headline, reason, sentence=_sentence_of(case, one.term), hits=(_hit(one.term),),
        sources=len(one.witnesses), terms=(one.term.key, *one.together),
        novelty=_novelty(case, rule, one, documents, warming=warming),
        facts=frozenset({f"term {one.term.key}", "confirmed"}),
        extra={"confirmed": True} if rule.unconfirmed else {},
    )  # fmt: skip


def _within(case: Case, rule: Rule, one: Novel) -> Iterable[Draft]:
    """A phrase around a word that was told: the alert of that word is brought up to date."""
    words = set(one.term.rare)
    terms = (each for each in case.memory.told.values() if each.kind == AlertKind.FIRST_SEEN)
    told = (each for each in terms if words.intersection(each.terms))
    known = max(told, key=lambda each: (each.told, each.alert_id), default=None)
    if known is not None:
        drafted = _draft(case, rule, one)
        yield replace(drafted, name=known.alert_id, headline=wording.of_phrase(one),
                      terms=tuple(dict.fromkeys((*known.terms, *drafted.terms))))  # fmt: skip


def _is_told(case: Case, rule: Rule, one: Novel) -> bool:
    return ids.alert(case.memory.watch_id, rule.id, *_about(one)) in case.memory.told


def _unsure(case: Case, rule: Rule, one: Novel, wanted: novel.Terms) -> Draft:
    """A term that one witness used: told at once where the rule wants that, resolved if nobody confirms it in time."""
    first = one.sightings[0]
    noted = Unsure(
        first.form, one.term.key, one.term.number, first.source_name or first.source_id,
        msgspec.structs.replace(wording.reference(case.reading, None), excerpt=""),
        (case.story.id, case.story.headline),
    )  # fmt: skip
    timer = Timer(AlertKind.FIRST_SEEN.value, rule.id, "+".join(_about(one)), msgspec.json.encode(noted).decode())
    set_timer(case.memory.shelf(TIMERS), first.moment + wanted.within, timer)
    drafted = _draft(case, rule, one)
    return replace(
        drafted, reason=f"First used by {noted.source}; not confirmed yet", extra={"confirmed": False},
        facts=frozenset({f"term {one.term.key}"}),
        novelty=msgspec.structs.replace(drafted.novelty, confirmed=None) if drafted.novelty else None,
    )  # fmt: skip


def due(hour: Hour, timer: Timer) -> Iterable[Draft]:
    """The time to confirm a term has run out: resolve what was told of it, unless it was confirmed."""
    noted = _UNSURE.decode(timer.note)
    rule = next((one for one in hour.rules.of(AlertKind.FIRST_SEEN) if one.id == timer.rule_id), None)
    told = hour.memory.told.get(ids.alert(hour.memory.watch_id, timer.rule_id, noted.key))
    if rule is None or told is None or "confirmed" in told.facts or told.resolved:
        return []
    headline, reason = wording.of_unconfirmed(noted.form, noted.source, rule.within or hour.settings.confirm_within)
    return [
        Draft(rule, (noted.key,), headline, reason, state=AlertState.RESOLVED, extra={"confirmed": False},
              article=noted.article, story=noted.story, facts=frozenset(told.facts), terms=told.terms)
    ]  # fmt: skip


def _correction(case: Case, rule: Rule, term: Term) -> Iterable[Draft]:
    """A late article used a term before whoever was told to be the first."""
    name = ids.alert(case.memory.watch_id, rule.id, term.key)
    told = case.memory.told.get(name)
    if told is None or told.revision < 0:
        return
    proof = _earlier(case, rule, term)
    headline, reason = wording.of_earlier(term.form, proof.first_source, case.moment)
    first = {"first_seen": case.moment.isoformat(), "first_source": proof.first_source,
             "first_article": proof.first_article}  # fmt: skip
    yield Draft(
        rule, (term.key,), headline, reason, state=AlertState.CORRECTION, severity="info", extra=first, novelty=proof,
        sentence=_sentence_of(case, term), hits=(_hit(term),), terms=told.terms, facts=frozenset(told.facts),
    )  # fmt: skip


def _earlier(case: Case, rule: Rule, term: Term) -> Novelty:
    """The proof of a correction: the use that is the first of all known now."""
    article = case.reading.article
    return Novelty(
        family=term.key, forms=(term.form,), languages=(article.language.macro,), first_seen=case.moment,
        first_article=article.article_id, first_source=article.source.name or article.source.id,
        documents_searched=max(0, _searched(case, rule) - 1), searched_since=_searched_since(case, rule),
        background_per_million=novel.rate(term, article.language.macro),
    )  # fmt: skip


def _roll_up(case: Case, rule: Rule, beyond: Sequence[Novel]) -> Iterator[Draft]:
    """What is beyond the limit of the hour, in one alert. A term that waits is met again and again, and told once."""
    about = ("roll-up", _hour(case).isoformat())
    before = case.memory.told.get(ids.alert(case.memory.watch_id, rule.id, *about))
    known = before.terms if before else ("",)
    new = [one for one in beyond if one.sightings[0].form not in known]
    if not new:
        return
    terms = (*known, *(one.sightings[0].form for one in new))
    shown = ", ".join(f"“{one}”" for one in terms[-6:] if one)
    count = wording.count(len(terms) - 1, "more new term")
    yield Draft(
        rule, about, f"{count} in this story: {shown}", "Told together: the limit of new terms an hour",
        sentence=_sentence_of(case, new[0].term), hits=tuple(_hit(one.term) for one in new),
        sources=len(new[0].witnesses), terms=terms, gathers=True,
    )  # fmt: skip


def _count(case: Case) -> None:
    """Count an article by its day."""
    shelf, day = case.memory.shelf(DOCUMENTS), case.moment.date().isoformat()
    before = shelf.get(day)
    if before is None:
        oldest = (case.moment - case.settings.history).date().isoformat()
        for gone in [one for one in shelf if one < oldest]:
            shelf.drop(gone)
    shelf.put(day, case.moment, Counted(before.articles + 1 if before else 1))


def _searched(case: Case, rule: Rule) -> int:
    """The articles in which a term was looked for, by whole days."""
    first = (case.moment - _look_back(case, rule)).date().isoformat()
    return sum(one.articles for day, _, one in case.memory.shelf(DOCUMENTS).items() if day >= first)


def _searched_since(case: Case, rule: Rule) -> datetime | None:
    """How far back a term was looked for: to the first article, within the look-back."""
    since = case.memory.since
    return max(since, case.moment - _look_back(case, rule)) if since else None


def _novelty(case: Case, rule: Rule, one: Novel, documents: int, *, warming: bool) -> Novelty:
    first = one.sightings[0]
    return Novelty(
        family=one.term.key, together=one.together, forms=spread(seen.form for seen in one.sightings),
        languages=one.languages,
        first_seen=first.moment, first_article=first.article_id, first_source=first.source_name or first.source_id,
        confirmed=case.reading.moment, witnesses=one.witnesses, documents_searched=documents,
        searched_since=_searched_since(case, rule), earlier_hits=int(one.last_seen is not None),
        last_seen=one.last_seen,
        background_per_million=novel.rate(one.term, case.reading.article.language.macro), warming=warming,
    )  # fmt: skip


def _hit(term: Term) -> Hit:
    return Hit(concept="new_term", term=term.key, span=Span(field=term.field, start=term.start, end=term.end,
                                                            surface=term.form))  # fmt: skip


def _sentence_of(case: Case, term: Term) -> Sentence | None:
    sentences = (one for one in case.reading.sentences if one.field == term.field)
    return next((one for one in sentences if one.start <= term.start < one.end), None)


KIND = Kind(AlertKind.FIRST_SEEN, judged, due, (HOURS, DOCUMENTS, novel.PACES))
