"""match: one alert per story. It opens with the first live article and is brought up to date on material change only:
a new language, or twice as many independent sources as were told. History counts for what is new (its languages are
known), not for how many stand behind the story. When the story has been silent for long the alert is resolved."""

from __future__ import annotations

from collections.abc import Iterable

from services.alerter.judge import wording
from services.alerter.judge.case import SHOWN_HITS, Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.memory import Told
from services.alerter.judge.metrics import SUPPRESSED, Suppressed
from services.alerter.judge.reading import TEXT, Reading
from services.alerter.judge.story import NUMBER
from services.alerter.judge.wording import Change
from services.alerter.rules import Rule
from shared import ids
from shared.events import AlertKind, AlertState, Span

GROWN = 2
"""A story has grown when this many times the independent sources last told stand behind it."""


def judged(case: Case) -> Iterable[Draft]:
    """The opening or growth of the article's story, for every rule that asks."""
    rules = case.rules.of(AlertKind.MATCH) if case.reading.live else ()
    return [draft for rule in rules if (draft := _draft(case, rule)) is not None]


def _draft(case: Case, rule: Rule) -> Draft | None:
    told = case.memory.told.get(ids.alert(case.memory.watch_id, rule.id, case.story.id))
    change = story_change(case, told)
    if change is None or (told and not rule.updates and not change.back):
        SUPPRESSED.labels(rule.kind.value, (Suppressed.COPY if case.is_copy else Suppressed.TOLD_BEFORE).value).inc()
        return None
    headline, reason = wording.of_story(change, case.reading.article.title)
    return Draft(
        rule, (case.story.id,), headline, reason, state=change.state, facts=facts(case),
        hits=case.reading.match.hits[:SHOWN_HITS], sources=change.sources, languages=change.languages,
        resolve=rule.resolve or case.settings.resolve_after,
    )  # fmt: skip


def story_change(case: Case, told: Told | None) -> Change | None:
    """What is to be told of the story after this article, or None."""
    profile = case.story.profile
    languages = tuple(sorted(profile.languages))
    sources = case.memory.origins(profile.live_groups)
    background = profile.articles - len(profile.live_groups)
    if told is None or told.resolved:
        return Change(AlertState.OPEN, languages, languages, sources, background, back=told is not None)
    new = tuple(one for one in languages if one not in told.languages)
    if not new and sources < GROWN * told.sources:
        return None
    return Change(AlertState.UPDATE, languages, new, sources, background)


def facts(case: Case) -> frozenset[str]:
    """What may go through a cooldown: actors, places and numbers of title and lead, and who stands behind the text."""
    reading = case.reading
    named = {f"entity {one.entity_id}" for one in reading.article.entities if _is_leading(reading, one.span)}
    start = reading.article.title + "\n" + (reading.article.lead or reading.article.text[:400])
    numbers = {f"number {found}" for found in NUMBER.findall(start)}
    return frozenset(named | numbers | {f"source {case.memory.origin(case.copy_group)}"})


def _is_leading(reading: Reading, span: Span) -> bool:
    return span.field != TEXT or (not reading.lead and span.start < reading.lead_end)


KIND = Kind(AlertKind.MATCH, judged)
