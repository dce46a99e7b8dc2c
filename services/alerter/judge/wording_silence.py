"""Wording of silences: headline and reason in plain words."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.alerter.judge.silent import COUNTRY, LANGUAGE, Silence
from services.alerter.judge.wording import count, length_of, names, shortened


def of_silence(one: Silence, story: str, lasting: timedelta, others: int, clusters: int) -> tuple[str, str]:
    """A silence that was found: who, of what, and why it is one."""
    headline = f"{who(one)} of: {shortened(story, 110)}"
    told = f"{count(others, 'other source')} told of it in {count(clusters, 'independent article')}"
    usual = (
        f"about {one.expected:.0f} were to be expected of them"
        if one.since is not None
        else "it never told of this watch, most sources of its language do"
    )
    read = f"read without fault, {count(one.published, 'article')} on other matters"
    return headline, f"Nothing for {length_of(lasting)} while {told}; {usual}; {read}"


def who(one: Silence) -> str:
    """The subject of the headline and what it does."""
    if one.kind not in (LANGUAGE, COUNTRY):
        return f"{one.label} says nothing"
    group = f"in {names((one.name,))}" if one.kind == LANGUAGE else f"from {one.name}"
    if len(one.members) + len(one.unread) >= one.of:
        return f"Sources {group} say nothing"
    return f"{len(one.members)} of {one.of} sources {group} say nothing"


def of_speech(label: str, since: datetime | None, now: datetime, title: str) -> tuple[str, str]:
    """A silence that was broken."""
    lasted = f"after {length_of(now - since)}" if since is not None else "for the first time"
    return f"No longer silent, {label}: {shortened(title, 110)}", f"Told of it again {lasted}"


def of_quiet(label: str, story: str) -> tuple[str, str]:
    """A silence that ended because the others fell silent, too."""
    return f"No longer silent alone, {label}: {shortened(story, 110)}", "Nobody tells of it any more"
