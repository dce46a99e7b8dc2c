"""Words for the reader, and the rules they come from."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from services.alerter.judge import wording
from services.alerter.judge.reading import Reading
from services.alerter.rules import parse_rules
from shared.events import AlertKind
from tests.fakes.small import small


def test_an_excerpt_is_short_and_ends_at_a_word() -> None:
    shown = wording.excerpt(Reading(small("Savez", "reč " * 200)), None)
    assert len(shown) <= 300
    assert shown.endswith("reč…")


def test_an_excerpt_is_of_one_paragraph() -> None:
    assert wording.excerpt(Reading(small("Savez", "Prvi red.\nDrugi red.")), None) == "Prvi red."


def test_a_publisher_says_how_much_is_shown() -> None:
    match = small("Savez", "Prva rečenica je duga. " * 20)
    for told, longest in (("max-snippet:60", 60), ("max-snippet:5", 0), ("nosnippet", 0)):
        article = msgspec.structs.replace(match.article, reservations=(told,))
        reading = Reading(msgspec.structs.replace(match, article=article))
        shown = wording.excerpt(reading, None), wording.quotation(reading, "Ovo je izjava ministra. " * 10)
        assert all(len(one) <= longest for one in shown) and all(bool(one) is bool(longest) for one in shown)


def test_time_is_told_as_one_would_say_it() -> None:
    lengths = (timedelta(seconds=5), timedelta(minutes=12), timedelta(hours=3))
    assert [wording.lasted(one) for one in lengths] == ["at once", "after 12 min", "after 3 h"]


def test_languages_by_name() -> None:
    assert wording.names(("en", "sq", "xx")) == "English, Albanian, xx"


RULES = """
title: The watch
alerts:
  - {kind: match, id: any, cooldown: 45m}
  - {kind: first_seen, id: new, sources: 3, within: 2h, severity: notice}
  - kind: actor_reaction
    id: belgrade
    actor: {side: serbia}
    act: {classes: [warn, say]}
    confidence: 0.7
  - {kind: something_newer, id: later}
"""


def test_the_rules_of_a_watch_are_read() -> None:
    rules = parse_rules("w", 4, RULES)
    assert (rules.title, rules.version, len(rules.rules)) == ("The watch", 4, 3)
    new = rules.of(AlertKind.FIRST_SEEN)[0]
    assert (new.sources, new.within, new.severity) == (3, timedelta(hours=2), "notice")
    reaction = rules.of(AlertKind.REACTION)[0]
    assert (reaction.side, reaction.acts, reaction.confidence) == ("serbia", ("warn", "comment"), 0.7)


def test_a_watch_without_alerts_asks_for_none() -> None:
    assert parse_rules("w", 1, "id: w").rules == ()
