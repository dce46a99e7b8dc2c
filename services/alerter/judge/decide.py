"""Deciding one article: into memory, into its story, and what is to be told of it. Pure: no SQL, no clock.

The same function judges live, after a restart and in a back-test; with the same memory and the same article it always
gives the same alerts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.alerter.judge import copies, first_seen, match_alert, reaction, story, topic, wording
from services.alerter.judge.first_seen import Novel
from services.alerter.judge.memory import Acted, Member, Memory, Told
from services.alerter.judge.metrics import CANDIDATES, COPIES, STORIES, SUPPRESSED, Suppressed
from services.alerter.judge.reaction import Statement
from services.alerter.judge.reading import Reading, Sentence
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.story import Story
from services.alerter.judge.terms import Term, spread
from services.alerter.judge.topic import Topic
from services.alerter.rules import Rule, WatchRules
from shared import ids
from shared.events import AlertKind, AlertRaised, AlertState, Hit, Novelty, Reaction, Span

HOUR = timedelta(hours=1)
SHOWN_HITS = 20
"""Spans an alert carries: enough to mark the text, bounded for a text that repeats itself."""
LEARNT_AT = 20
"""Documents of history from which each tenfold lowers the points a new term needs by one: the more was searched in
vain, the more novelty itself says."""
SEVERITIES = {"comment": "info"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article belongs: among whose copies, to which event, to which story of the watch."""

    story: Story
    copy_group: str
    topic_id: str
    is_copy: bool


@dataclass(frozen=True, slots=True)
class Case:
    """An article on trial: what was read, where it belongs, and by which rules it is judged."""

    memory: Memory
    reading: Reading
    rules: WatchRules
    settings: JudgeSettings
    story: Story
    copy_group: str
    is_copy: bool


def decide(
    memory: Memory, reading: Reading, found: Mapping[int, Term], rules: WatchRules, settings: JudgeSettings
) -> list[AlertRaised]:
    """Remember the article and give the alerts it causes: none unless it is live."""
    place = placed(memory, reading, settings)
    case = Case(memory, reading, rules, settings, place.story, place.copy_group, place.is_copy)
    novel = _terms(case, found)
    alerts = _match(case) if reading.live else []
    alerts += [_first_seen(case, rule, one) for rule, one in novel]
    return alerts + _reactions(case)


def placed(memory: Memory, reading: Reading, settings: JudgeSettings) -> Place:
    """The article in its copy group, topic and story; a new version of a known article stays where it was."""
    article = reading.article
    known = memory.members.get(article.article_id)
    if known is not None and known.story_id in memory.stories:
        return Place(memory.stories[known.story_id], known.copy_group, known.topic_id, is_copy=False)
    memory.count(reading.moment)
    packed = copies.pack(copies.shingles(reading.folded_words))
    original = memory.copies.original(packed, reading.moment - settings.copy_window)
    group = original.group if original else article.article_id
    home = _story_of(memory, reading, settings, original)
    event = _topic_of(memory, reading, original)
    memory.put_copy(copies.Printed(article.article_id, group, reading.moment, packed))
    memory.put_member(
        Member(article.article_id, home.id, group, article.source.id, reading.agency, article.language.macro,
               reading.moment, reading.live, event.id)
    )  # fmt: skip
    COPIES.inc(original is not None)
    return Place(home, group, event.id, is_copy=original is not None)


def _story_of(memory: Memory, reading: Reading, settings: JudgeSettings, original: copies.Printed | None) -> Story:
    features = story.features(reading)
    placed = memory.members.get(original.article_id) if original else None
    place = memory.stories.get(placed.story_id) if placed else None
    if place is None:
        place = story.find(memory.open_stories(settings.story_memory), features, reading.moment)
    if place is None:
        place = story.opened(memory.watch_id, reading)
        STORIES.inc()
    story.grow(place, reading, features, original.group if original else reading.article.article_id)
    memory.put_story(place)
    return place


def _topic_of(memory: Memory, reading: Reading, original: copies.Printed | None) -> Topic:
    """A copy goes where its original went, as long as that topic is open."""
    mine = topic.traits(reading)
    placed = memory.members.get(original.article_id) if original else None
    known = memory.topics[placed.topic_id] if placed and placed.topic_id in memory.topics else None
    found = known or memory.topic_for(mine, reading.moment) or topic.opened(memory.watch_id, reading, reading.moment)
    memory.join_topic(found, mine, reading.moment)
    return found


def _terms(case: Case, found: Mapping[int, Term]) -> list[tuple[Rule, Novel]]:
    """Remember every family; the new ones that this article confirms, for the first rule that asks for them."""
    rules = case.rules.of(AlertKind.FIRST_SEEN)
    wanted = _wanted(rules[0] if rules else None, case.settings)
    young = first_seen.remember(case.memory, case.reading, found, case.copy_group, wanted)
    CANDIDATES.inc(len(young))
    if not rules or not case.reading.live:
        return []
    confirmed = first_seen.confirmed(case.memory, case.reading, young, wanted, _enough(case))
    for one in confirmed:
        first_seen.settle(case.memory, one)
    return [(rules[0], one) for one in confirmed]


def _wanted(rule: Rule | None, settings: JudgeSettings) -> first_seen.Terms:
    sources = rule.sources if rule and rule.sources else settings.confirm_sources
    within = rule.within if rule and rule.within else settings.confirm_within
    return first_seen.Terms(sources, within, settings.young_for)


def _is_warm(case: Case) -> bool:
    days = case.settings.warm_for.total_seconds() / 86_400
    return case.memory.is_warm(case.reading.moment, documents=case.settings.warm_documents, days=days)


def _enough(case: Case) -> float:
    if not _is_warm(case):
        return first_seen.ENOUGH_COLD
    learnt = math.log10(max(1.0, case.memory.documents / LEARNT_AT / 10))
    return first_seen.ENOUGH - min(1.0, max(0.0, learnt))


def _match(case: Case) -> list[AlertRaised]:
    return [alert for rule in case.rules.of(AlertKind.MATCH) if (alert := _match_by(case, rule)) is not None]


def _match_by(case: Case, rule: Rule) -> AlertRaised | None:
    cooldown = rule.cooldown if rule.cooldown is not None else case.settings.update_cooldown
    change = match_alert.story_change(case.memory, case.story, case.reading, rule, cooldown)
    if change is None:
        SUPPRESSED.labels(rule.kind.value, (Suppressed.COPY if case.is_copy else Suppressed.TOLD_BEFORE).value).inc()
        return None
    headline, reason = wording.of_story(change, case.reading.article.title)
    return _alert(
        case, rule, change.told.alert_id, headline, reason, state=change.state, revision=change.told.revision,
        sentence=None, hits=case.reading.match.hits[:SHOWN_HITS], sources=change.sources,
    )  # fmt: skip


def _first_seen(case: Case, rule: Rule, novel: Novel) -> AlertRaised:
    """A new term by itself, or in the hour's roll-up when enough were told."""
    most = rule.per_hour if rule.per_hour is not None else case.settings.new_terms_per_hour
    if _told_this_hour(case) >= most:
        SUPPRESSED.labels(rule.kind.value, Suppressed.ROLLED_UP.value).inc()
        return _roll_up(case, rule, novel)
    name = ids.alert(case.memory.watch_id, rule.id, novel.term.key)
    case.memory.put_told(Told(name, case.story.id, rule.kind.value, 0, case.reading.moment, terms=(novel.term.key,)))
    warming = not _is_warm(case)
    documents = max(0, case.memory.documents - len({one.article_id for one in novel.sightings}))
    headline, reason = wording.of_term(novel, novel.sightings[0].moment, documents, warming=warming)
    return _alert(
        case, rule, name, headline, reason, sentence=_sentence_of(case, novel.term), hits=(_hit(novel.term),),
        sources=len(novel.witnesses), novelty=_novelty(case, novel, documents, warming=warming),
    )  # fmt: skip


def _told_this_hour(case: Case) -> int:
    told = (one for one in case.memory.told.values() if one.kind == AlertKind.FIRST_SEEN.value)
    return sum(abs(case.reading.moment - one.told) < HOUR and len(one.terms) == 1 for one in told)


def _roll_up(case: Case, rule: Rule, novel: Novel) -> AlertRaised:
    hour = case.reading.moment.replace(minute=0, second=0, microsecond=0)
    name = ids.alert(case.memory.watch_id, rule.id, "roll-up", hour.isoformat())
    before = case.memory.told.get(name)
    terms = (*(before.terms if before else ("",)), novel.sightings[0].form)
    revision = before.revision + 1 if before else 0
    case.memory.put_told(Told(name, case.story.id, rule.kind.value, revision, case.reading.moment, terms=terms))
    shown = ", ".join(f"“{one}”" for one in terms[-6:] if one)
    count = wording.count(len(terms) - 1, "more new term")
    state = AlertState.UPDATE if before else AlertState.OPEN
    return _alert(
        case, rule, name, f"{count} in this story: {shown}", "Told together: the limit of new terms an hour",
        state=state, revision=revision, sentence=_sentence_of(case, novel.term), hits=(_hit(novel.term),),
        sources=len(novel.witnesses),
    )  # fmt: skip


def _novelty(case: Case, novel: Novel, documents: int, *, warming: bool) -> Novelty:
    first = novel.sightings[0]
    return Novelty(
        family=novel.term.key, forms=spread(one.form for one in novel.sightings), languages=novel.languages,
        first_seen=first.moment, first_article=first.article_id, first_source=first.source_name or first.source_id,
        confirmed=case.reading.moment, witnesses=novel.witnesses, documents_searched=documents,
        searched_since=case.memory.since, earlier_hits=0,
        background_per_million=first_seen.rate(novel.term, case.reading.article.language.macro), warming=warming,
    )  # fmt: skip


def _hit(term: Term) -> Hit:
    return Hit(concept="new_term", term=term.key, span=Span(field=term.field, start=term.start, end=term.end,
                                                            surface=term.form))  # fmt: skip


def _sentence_of(case: Case, term: Term) -> Sentence | None:
    sentences = (one for one in case.reading.sentences if one.field == term.field)
    return next((one for one in sentences if one.start <= term.start < one.end), None)


def _reactions(case: Case) -> list[AlertRaised]:
    """First acts of actors in the story. History only makes them known."""
    alerts: list[AlertRaised] = []
    for rule in case.rules.of(AlertKind.REACTION):
        for one in reaction.reactions(case.reading, rule.side):
            alert = _reaction(case, rule, one)
            if alert is not None:
                alerts.append(alert)
    return alerts


def _reaction(case: Case, rule: Rule, one: Statement) -> AlertRaised | None:
    if rule.acts and one.act not in rule.acts:
        return None
    if one.confidence < rule.confidence:
        SUPPRESSED.labels(rule.kind.value, Suppressed.UNSURE.value).inc()
        return None
    key = (case.story.id, one.actor.entity_id, one.act)
    if key in case.memory.acted:
        SUPPRESSED.labels(rule.kind.value, Suppressed.TOLD_BEFORE.value).inc()
        return None
    first_of_actor = not any(known[:2] == key[:2] for known in case.memory.acted)
    case.memory.put_acted(Acted(*key, case.reading.moment, case.reading.article.article_id))
    return _reaction_alert(case, rule, one, first_of_actor=first_of_actor) if case.reading.live else None


def _reaction_alert(case: Case, rule: Rule, one: Statement, *, first_of_actor: bool) -> AlertRaised:
    name = ids.alert(case.memory.watch_id, rule.id, case.story.id, one.actor.entity_id, one.act)
    case.memory.put_told(Told(name, case.story.id, rule.kind.value, 0, case.reading.moment))
    source = case.reading.article.source.name or case.reading.article.source.id
    headline, reason = wording.of_statement(one, first_of_actor=first_of_actor, source=source)
    told = Reaction(
        actor_id=one.actor.entity_id, actor=one.actor.name, act=one.act, side=one.actor.side, office=one.actor.role,
        topic=one.topic, quote=wording.shortened(one.quote.span.surface, wording.EXCERPT) if one.quote else "",
        stance=one.stance, confidence=one.confidence,
    )  # fmt: skip
    hits = tuple(hit for hit in case.reading.match.hits if hit.span.field == one.sentence.field)[:SHOWN_HITS]
    return _alert(
        case, rule, name, headline, reason, sentence=one.sentence, hits=hits, reaction=told,
        extra={"first_of_actor": first_of_actor},
    )  # fmt: skip


def _alert(
    case: Case, rule: Rule, name: str, headline: str, reason: str, *, sentence: Sentence | None,
    hits: tuple[Hit, ...], state: AlertState = AlertState.OPEN, revision: int = 0, sources: int = 1,
    novelty: Novelty | None = None, reaction: Reaction | None = None, extra: dict[str, object] | None = None,
) -> AlertRaised:  # fmt: skip
    match = case.reading.match
    act = reaction.act if reaction else ""
    return AlertRaised(
        id=name, observed=match.observed, revision=revision, state=state, kind=rule.kind, rule_id=rule.id,
        watch_id=match.watch_id, watch_version=match.watch_version, watch_title=case.rules.title,
        story_id=case.story.id, story_headline=case.story.headline, severity=SEVERITIES.get(act, rule.severity),
        headline=headline, reason=reason, article=wording.reference(case.reading, sentence), hits=hits, why=match.why,
        novelty=novelty, reaction=reaction, independent_sources=sources, extra=dict(extra or {}), mode=match.mode,
        ledger=match.ledger,
    )  # fmt: skip
