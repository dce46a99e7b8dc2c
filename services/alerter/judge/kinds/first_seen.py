"""first_seen: a term new to this watch, told when enough independent sources use it (`novel` decides). More than a rule
allows in an hour go into one roll-up."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta

from services.alerter.judge import novel, wording
from services.alerter.judge.case import Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.metrics import CANDIDATES, SUPPRESSED, Suppressed
from services.alerter.judge.novel import Novel
from services.alerter.judge.reading import Sentence
from services.alerter.judge.terms import Term, spread
from services.alerter.rules import Rule
from shared import ids
from shared.events import AlertKind, Hit, Novelty, Span

HOUR = timedelta(hours=1)
LEARNT_AT = 20
"""Documents of history from which each tenfold lowers the points a new term needs by one: the more was searched in
vain, the more novelty itself says."""


def judged(case: Case) -> Iterable[Draft]:
    """Remember every family; the new ones that this article confirms, for the first rule that asks for them."""
    rules = case.rules.of(AlertKind.FIRST_SEEN)
    wanted = _wanted(case, rules[0] if rules else None)
    young = novel.remember(case.memory, case.reading, case.found, case.copy_group, wanted)
    CANDIDATES.inc(len(young))
    if not rules or not case.reading.live:
        return []
    confirmed = novel.confirmed(case.memory, case.reading, young, wanted, _enough(case))
    for one in confirmed:
        novel.settle(case.memory, one)
    return _drafts(case, rules[0], confirmed)


def _wanted(case: Case, rule: Rule | None) -> novel.Terms:
    sources = rule.sources if rule and rule.sources else case.settings.confirm_sources
    within = rule.within if rule and rule.within else case.settings.confirm_within
    return novel.Terms(sources, within, case.settings.young_for)


def _is_warm(case: Case) -> bool:
    days = case.settings.warm_for.total_seconds() / 86_400
    return case.memory.is_warm(case.reading.moment, documents=case.settings.warm_documents, days=days)


def _enough(case: Case) -> float:
    if not _is_warm(case):
        return novel.ENOUGH_COLD
    learnt = math.log10(max(1.0, case.memory.documents / LEARNT_AT / 10))
    return novel.ENOUGH - min(1.0, max(0.0, learnt))


def _drafts(case: Case, rule: Rule, confirmed: Iterable[Novel]) -> list[Draft]:
    """Each by itself, or in the hour's roll-up when enough were told."""
    most = rule.per_hour if rule.per_hour is not None else case.settings.new_terms_per_hour
    told = _told_this_hour(case)
    drafts: list[Draft] = []
    beyond: list[Novel] = []
    for one in confirmed:
        if told < most:
            told += 1
            drafts.append(_draft(case, rule, one))
        else:
            beyond.append(one)
            SUPPRESSED.labels(rule.kind.value, Suppressed.ROLLED_UP.value).inc()
    return [*drafts, *([_roll_up(case, rule, beyond)] if beyond else ())]


def _draft(case: Case, rule: Rule, one: Novel) -> Draft:
    warming = not _is_warm(case)
    documents = max(0, case.memory.documents - len({seen.article_id for seen in one.sightings}))
    headline, reason = wording.of_term(one, one.sightings[0].moment, documents, warming=warming)
    return Draft(
        rule, (one.term.key,), headline, reason, sentence=_sentence_of(case, one.term), hits=(_hit(one.term),),
        sources=len(one.witnesses), novelty=_novelty(case, one, documents, warming=warming), terms=(one.term.key,),
        facts=frozenset({f"term {one.term.key}"}),
    )  # fmt: skip


def _told_this_hour(case: Case) -> int:
    told = (one for one in case.memory.told.values() if one.kind == AlertKind.FIRST_SEEN.value)
    return sum(abs(case.reading.moment - one.told) < HOUR and len(one.terms) == 1 for one in told)


def _roll_up(case: Case, rule: Rule, beyond: list[Novel]) -> Draft:
    hour = case.reading.moment.replace(minute=0, second=0, microsecond=0)
    about = ("roll-up", hour.isoformat())
    before = case.memory.told.get(ids.alert(case.memory.watch_id, rule.id, *about))
    terms = (*(before.terms if before else ("",)), *(one.sightings[0].form for one in beyond))
    shown = ", ".join(f"“{one}”" for one in terms[-6:] if one)
    count = wording.count(len(terms) - 1, "more new term")
    return Draft(
        rule, about, f"{count} in this story: {shown}", "Told together: the limit of new terms an hour",
        sentence=_sentence_of(case, beyond[0].term), hits=tuple(_hit(one.term) for one in beyond),
        sources=len(beyond[0].witnesses), terms=terms, gathers=True,
    )  # fmt: skip


def _novelty(case: Case, one: Novel, documents: int, *, warming: bool) -> Novelty:
    first = one.sightings[0]
    return Novelty(
        family=one.term.key, forms=spread(seen.form for seen in one.sightings), languages=one.languages,
        first_seen=first.moment, first_article=first.article_id, first_source=first.source_name or first.source_id,
        confirmed=case.reading.moment, witnesses=one.witnesses, documents_searched=documents,
        searched_since=case.memory.since, earlier_hits=0,
        background_per_million=novel.rate(one.term, case.reading.article.language.macro), warming=warming,
    )  # fmt: skip


def _hit(term: Term) -> Hit:
    return Hit(concept="new_term", term=term.key, span=Span(field=term.field, start=term.start, end=term.end,
                                                            surface=term.form))  # fmt: skip


def _sentence_of(case: Case, term: Term) -> Sentence | None:
    sentences = (one for one in case.reading.sentences if one.field == term.field)
    return next((one for one in sentences if one.start <= term.start < one.end), None)


KIND = Kind(AlertKind.FIRST_SEEN, judged)
