"""Findings: everything that is read off the text of an article before it meets the memory of its watch.

It is most of the work of judging and depends on the article and the rules alone, so it may be done in another process
(`readers`); what is found is the same wherever that was.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.alerter.judge import copies, story, topic
from services.alerter.judge.naming import Named, named
from services.alerter.judge.reaction import Statement, reactions
from services.alerter.judge.reading import Reading
from services.alerter.judge.story import Features
from services.alerter.judge.terms import Term, terms
from services.alerter.judge.topic import Traits
from services.alerter.judge.version import Version, version_of
from services.alerter.rules import WatchRules
from shared.events import AlertKind


class Findings(msgspec.Struct, frozen=True):
    """What was found in an article: its families by number, what it is compared by (with copies, stories, topics and
    its own earlier version), the positions taken in it by side, and what it calls the thing."""

    terms: dict[int, Term]
    shingles: bytes
    features: Features
    traits: Traits
    version: Version
    statements: Mapping[str, tuple[Statement, ...]] = {}
    named: tuple[Named, ...] = ()


def find(reading: Reading, rules: WatchRules) -> Findings:
    """Read an article for the rules of its watch."""
    sides = dict.fromkeys(rule.side for rule in rules.of(AlertKind.REACTION))
    wanted = dict.fromkeys(term for rule in rules.of(AlertKind.TERM_SHIFT) for term in rule.terms)
    return Findings(
        terms(reading), copies.pack(copies.shingles(reading.folded_words)), story.features(reading),
        topic.traits(reading), version_of(reading), {side: tuple(reactions(reading, side)) for side in sides},
        tuple(named(reading, tuple(wanted))),
    )  # fmt: skip
