"""match: one alert per story. It opens with the first live article and is brought up to date on material change only:
a new language, or twice as many independent sources as were told, and never inside the cooldown. History counts for
what is new (its languages are known), not for how many stand behind the story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.alerter.judge.memory import Memory, Told
from services.alerter.judge.reading import Reading
from services.alerter.judge.story import Story
from services.alerter.rules import Rule
from shared import ids
from shared.events import AlertKind, AlertState

GROWN = 2
"""A story has grown when this many times the independent sources last told stand behind it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a telling of a story says; `told` is what memory keeps of it."""

    state: AlertState
    told: Told
    languages: tuple[str, ...]
    new_languages: tuple[str, ...]
    sources: int
    background: int


def story_change(memory: Memory, story: Story, reading: Reading, rule: Rule, cooldown: timedelta) -> Change | None:
    """What is to be told of a story after this article, or None."""
    name = ids.alert(memory.watch_id, rule.id, story.id)
    before = memory.told.get(name)
    languages = tuple(sorted(story.profile.languages))
    sources = memory.origins(story.profile.live_groups)
    if before is None:
        return _change(memory, name, story, reading, AlertState.OPEN, 0, languages, languages, sources)
    new = tuple(one for one in languages if one not in before.languages)
    if not new and sources < GROWN * before.sources:
        return None
    if reading.moment - before.told < cooldown:
        return None
    return _change(memory, name, story, reading, AlertState.UPDATE, before.revision + 1, languages, new, sources)


def _change(  # noqa: PLR0917 - one call site, and the names say which is which
    memory: Memory, name: str, story: Story, reading: Reading, state: AlertState, revision: int,
    languages: tuple[str, ...], new: tuple[str, ...], sources: int,
) -> Change:  # fmt: skip
    kind = AlertKind.MATCH.value
    told = Told(name, story.id, kind, revision, reading.moment, languages, sources)
    memory.put_told(told)
    return Change(state, told, languages, new, sources, story.profile.articles - len(story.profile.live_groups))
