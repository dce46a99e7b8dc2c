"""Wording: alerts in plain words for the terminal, the console and a subscriber. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.alerter.judge.novel import Novel
from services.alerter.judge.reaction import Statement
from services.alerter.judge.reading import Reading, Sentence
from services.alerter.judge.story import Story
from services.alerter.judge.terms import spread
from shared.events import AlertState, ArticleReference
from shared.reservations import longest_snippet
from shared.text.languages import language

EXCERPT = 300
"""Characters of an article that an alert may carry (promise 14 of the design)."""
SHORTEST_CUT = 20
"""Where less than this is left of a longer text, nothing is shown."""
DOING = {
    "condemn": "condemns it", "demand": "makes a demand", "threaten": "threatens", "warn": "warns",
    "protest": "protests formally", "mobilise": "announces arms, exercises or allies", "reject": "rejects it",
    "welcome": "welcomes it", "comment": "comments",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """What a telling of a story says. `background` are articles of history; `back` says that it had come to rest."""

    state: AlertState
    languages: tuple[str, ...]
    new_languages: tuple[str, ...]
    sources: int
    background: int
    back: bool = False


def reference(reading: Reading, sentence: Sentence | None) -> ArticleReference:
    """What an alert shows of the article, with an excerpt from `sentence` on."""
    article = reading.article
    return ArticleReference(
        id=article.article_id, version=article.id, url=article.url, title=article.title, source=article.source,
        language=article.language, published=article.published, observed=article.observed,
        excerpt=excerpt(reading, sentence),
    )  # fmt: skip


def excerpt(reading: Reading, sentence: Sentence | None) -> str:
    """At most 300 characters, fewer where the publisher says so: from the sentence on, or the lead, ending at a
    word."""
    text = reading.field(sentence.field)[sentence.start :] if sentence else reading.article.lead or reading.article.text
    return shortened(text.split("\n", 1)[0], longest_snippet(reading.article.reservations, EXCERPT))


def quotation(reading: Reading, words: str) -> str:
    """What an alert shows of somebody's words: as much as an excerpt."""
    return shortened(words, longest_snippet(reading.article.reservations, EXCERPT))


def shortened(text: str, limit: int) -> str:
    """`text` cut at a word so that it fits, an ellipsis included."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    if limit < SHORTEST_CUT:
        return ""
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:–-") + "…"


def names(codes: tuple[str, ...]) -> str:
    """Languages by name."""
    return ", ".join(known.name if (known := language(code)) else code for code in codes)


def count(number: int, thing: str) -> str:
    """`1 source`, `2 sources`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def lasted(length: timedelta) -> str:
    """A length of time as one would say it."""
    minutes = round(length.total_seconds() / 60)
    if minutes < 1:
        return "at once"
    if minutes < 90:
        return f"after {minutes} min"
    return f"after {round(minutes / 60)} h"


def of_story(change: Change, title: str) -> tuple[str, str]:
    """Headline and reason of a story's opening or growth."""
    sources = count(change.sources, "independent source")
    if change.state is AlertState.OPEN:
        known = f", known from {count(change.background, 'earlier article')}" if change.background > 0 else ""
        opens = "A story of this watch is back" if change.back else "A story of this watch opens"
        return shortened(title, 160), f"{opens}{known}: {sources} so far"
    grown = f"{sources}, {count(len(change.languages), 'language')}"
    if change.new_languages:
        return f"Now also in {names(change.new_languages)}: {shortened(title, 120)}", f"The story spreads: {grown}"
    return f"The story grows: {shortened(title, 120)}", f"Twice as many stand behind it as were last told: {grown}"


def of_rest(headline: str, after: timedelta, story: Story | None) -> tuple[str, str]:
    """Headline and reason of an alert that came to rest."""
    articles = f" after {count(story.profile.articles, 'article')}" if story else ""
    return f"At rest: {shortened(headline, 150)}", f"Nothing more was told of it for {length_of(after)}{articles}"


def of_second(title: str, first: str, second: str, between: timedelta) -> tuple[str, str]:
    """Headline and reason of a second independent witness."""
    return f"Second source: {shortened(title, 140)}", f"{second} tells it, too, {behind(between, first)}"


def of_crossing(
    title: str, kind: str, groups: tuple[str, str], outlets: tuple[str, str], lag: timedelta
) -> tuple[str, str]:
    """Headline and reason of an event's first telling in another language or country (from, to)."""
    here, there = (group_of(kind, one) for one in groups)
    headline = f"Crossed over from {here} to {there}: {shortened(title, 120)}"
    return headline, f"First in {there}: {outlets[1]}, {behind(lag, outlets[0])}"


def group_of(kind: str, group: str) -> str:
    """A language by its name, a country by its code."""
    return names((group,)) if kind == "language" else group


def behind(lag: timedelta, whom: str) -> str:
    """How long after somebody else."""
    minutes = round(lag.total_seconds() / 60)
    if minutes < 1:
        return f"at the same time as {whom}"
    return f"{minutes} min after {whom}" if minutes < 90 else f"{round(minutes / 60)} h after {whom}"


def of_first_there(title: str, outlet: str, moment: datetime, began_in: str) -> tuple[str, str]:
    """Headline and reason of a correction of who was first in a group, or of where an event began."""
    first = f"Began in {began_in} after all" if began_in else "First there after all"
    headline = f"{first}: {outlet}, {shortened(title, 110)}"
    return headline, f"It had it on {moment:%d %b %Y, %H:%M} UTC, and was met later"


EDITED = {
    "withdrawn": "Withdrawn", "restored": "Put back", "denial": "Denial added", "headline": "Headline changed",
    "number": "Number changed", "text": "Text changed",
}  # fmt: skip


def of_edit(
    what: tuple[str, ...], before: str, now: str, *, numbers: tuple[tuple[str, ...], tuple[str, ...]], tone: str
) -> tuple[str, str]:
    """Headline and reason of an edited article."""
    gone, new = numbers
    told = [EDITED[one].lower() for one in what]
    if tone:
        told.append(f"the headline is {tone}")
    if gone or new:
        told.append(f"numbers {', '.join(gone) or 'none'} → {', '.join(new) or 'none'}")
    was = f"; the headline was: {shortened(before, 120)}" if "headline" in what else ""
    shown = before if what[0] == "withdrawn" else now
    return f"{EDITED[what[0]]}: {shortened(shown, 130)}", f"The outlet edited it: {', '.join(told)}{was}"


def of_shift(
    group: tuple[str, str], old: str, new: str, shares: tuple[tuple[int, int], tuple[int, int]]
) -> tuple[str, str]:
    """Headline and reason of outlets that go over to another word."""
    who = f"Outlets {'in' if group[0] == 'language' else 'of'} {group_of(*group)}"
    (now, of_now), (before, of_before) = shares
    was = f"from “{old}” to “{new}”" if old else f"to “{new}”"
    led = f"“{new}” leads in {now} of the last {of_now} texts, before that in {before} of {of_before}"
    return f"{who} go over {was}", led


def of_burst(series: str, watch: str, seen: int, expected: float, length: timedelta) -> tuple[str, str]:
    """Headline and reason of a burst. `series` is `watch`, or a concept or entity by its id."""
    kind, _, name = series.partition(" ")
    about = f"“{watch}”" if not name else f"“{name.replace('_', ' ').replace('-', ' ')}” in “{shortened(watch, 60)}”"
    minutes = round(length.total_seconds() / 60)
    spell = f"{minutes} minutes" if minutes < 60 else count(minutes // 60, "hour")
    often = f"{expected:.1f}" if expected < 10 else f"{expected:.0f}"
    what = {"watch": "texts of their own", "concept": "texts with it", "entity": "texts that name it"}[kind]
    return f"Burst: {about}", f"{seen} independent {what} within {spell}, where {often} are usual"


def of_late(articles: int, first: datetime, last: datetime, titles: tuple[str, ...]) -> tuple[str, str]:
    """Headline and reason of the roll-up of what was met too late to be told."""
    headline = f"{count(articles, 'article')} found late, among them: {shortened(titles[0], 110)}"
    return headline, f"Published between {first:%d %b %H:%M} and {last:%d %b %H:%M} UTC and met more than a day later"


def of_merge(ended: str, into: str, evidence: Mapping[str, float]) -> tuple[str, str]:
    """Headline and reason of a merge."""
    shared_ = ", ".join(kind for kind, alike in evidence.items() if alike > 0)
    return f"One story: {shortened(ended, 70)} / {shortened(into, 70)}", f"Both tell of the same: they share {shared_}"


def of_split(opened: str, left: str, articles: int) -> tuple[str, str]:
    """Headline and reason of a split."""
    headline = f"A story of its own: {shortened(opened, 120)}"
    return headline, f"{count(articles, 'article')} had been taken for part of: {shortened(left, 120)}"


def of_undo(back: str, into: str, by: str) -> tuple[str, str]:
    """Headline and reason of a merge undone."""
    headline = f"Two stories again: {shortened(back, 65)} / {shortened(into, 65)}"
    return headline, f"Taken apart by {by or 'an operator'}"


def length_of(length: timedelta) -> str:
    """A length of time in hours or days."""
    hours = round(length.total_seconds() / 3600)
    return count(hours, "hour") if hours < 72 else count(round(hours / 24), "day")


def of_term(novel: Novel, first: datetime, documents: int, *, warming: bool) -> tuple[str, str]:
    """Headline and reason of a new term."""
    shown = novel.sightings[0]
    forms = [form for form in spread(one.form for one in novel.sightings) if form != shown.form][:3]
    also = f" (also {', '.join(forms)})" if forms else ""
    last = novel.sightings[-1].moment
    how = (
        "on an official site"
        if len(novel.witnesses) < 2
        else f"confirmed by {len(novel.witnesses)} independent sources {lasted(last - first)}"
    )
    searched = f"in none of {count(documents, 'earlier article')} of this watch"
    young = "; the watch is still learning" if warming else ""
    if novel.last_seen is not None:
        gone = f"last used on {novel.last_seen:%d %b %Y}, {length_of(first - novel.last_seen)} before"
        return f"Back in this story: “{shown.form}”{also}", f"Used again by {shown.source_name}, {how}; {gone}"
    return f"New in this story: “{shown.form}”{also}", f"First used by {shown.source_name}, {how}; {searched}{young}"


def of_phrase(novel: Novel) -> str:
    """Headline of a phrase around a word that was told."""
    return f"Now in a phrase: “{novel.sightings[0].form}”"


def of_unconfirmed(form: str, source: str, within: timedelta) -> tuple[str, str]:
    """Headline and reason when nobody confirmed a term."""
    return f"Not confirmed: “{form}”", f"Nobody but {source} used it within {length_of(within)}"


def of_earlier(form: str, source: str, moment: datetime) -> tuple[str, str]:
    """Headline and reason of a correction of who was first."""
    return f"Used earlier than was told: “{form}”", f"{source} used it on {moment:%d %b %Y, %H:%M} UTC"


def of_statement(
    one: Statement, *, first_of_actor: bool, source: str, was: tuple[str, datetime] | None = None
) -> tuple[str, str]:
    """Headline and reason of a reaction; `was` is the act and time of the opposite stance before."""
    doing = DOING.get(one.act, one.act)
    said = f": “{shortened(one.quote.span.surface, 160)}”" if one.quote else ""
    if was is not None:
        who, did = f"{one.actor.name}{office(one.actor.role)}", DOING.get(was[0], was[0])
        before = f"It was told on {was[1]:%d %b} of {who}: {did}"
        return f"{one.actor.name} changes sides: now {doing}", f"{before}. Now in {source}{said}"
    first = "First reaction in this story" if first_of_actor else "First time in this story"
    return f"{one.actor.name} {doing}", f"{first} by {one.actor.name}{office(one.actor.role)}, in {source}{said}"


def office(role: str) -> str:
    """An office as one would say it: a role names its country or body by an id (`minister of north-macedonia`)."""
    title, _, body = role.partition(" of ")
    if not title:
        return ""
    named = " ".join(word if word in SMALL else word.capitalize() for word in body.replace("-", " ").split())
    return f", {title} of {named}" if named else f", {title}"


SMALL = frozenset({"for", "of", "the", "and", "in"})
