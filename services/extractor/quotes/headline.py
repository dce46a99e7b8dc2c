"""The headline form: "Name: what is said", "Name on something: …", "what is said – Name"; several in one title.

Behind the name may stand a preposition or a verb of saying; anything else before the colon makes the title tell of the
name rather than quote it. What is said ends where a further sentence names its speaker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.extractor.quotes.actors import NOBODY, PRONOUN, STRANGER, Actor, Cast
from services.extractor.quotes.evidence import SURE_COLON, SURE_NEAR, SURE_UNSAID, Speaker
from services.extractor.quotes.speech import FEWEST_WORDS
from services.extractor.quotes.view import Place, View

LONGEST_NAME = 70
"""Characters before the colon."""
MOST = 4
"""Statements in one title."""
_PARTED = re.compile(r"\s[|;]\s|;\s")
_COLON = re.compile(r"\s?:\s+")
_DASH = re.compile(r"\s[–—-]\s")
_SPEAKING = frozenset({"person", "org", "metonym", "alliance", "office", STRANGER})
_LINE_END = " .\u00a0"


def headlines(view: View, people: Cast) -> Iterator[tuple[Place, Speaker]]:
    """The statements of a title."""
    start, parts = 0, []
    for gap in _PARTED.finditer(view.text):
        parts.append(Place(start, gap.start()))
        start = gap.end()
    for part in [*parts, Place(start, len(view.text))][:MOST]:
        found = _before_colon(view, part, people) or _behind_dash(view, part, people)
        if found is not None and view.count(found[0]) >= FEWEST_WORDS:
            yield found


def _before_colon(view: View, part: Place, people: Cast) -> tuple[Place, Speaker] | None:
    colon = _COLON.search(view.text, part.start, min(part.end, part.start + LONGEST_NAME + 3))
    if colon is None:
        return None
    able = [one for one in people.within(part.start, colon.start()) if one.subject and one.kind in _SPEAKING]
    actor = _introducing(view, Place(part.start, colon.start()), able)
    if actor is None:
        return None
    sure = SURE_UNSAID if actor.kind in {STRANGER, "metonym"} else SURE_COLON
    return Place(colon.end(), _end(view, actor, colon.end(), part.end, people)), Speaker(actor, "", sure, "headline")


def _introducing(view: View, who: Place, able: list[Actor]) -> Actor | None:
    """The actor whom a colon follows at once, or who opens the title before a preposition or a verb of saying."""
    if len(able) > 1 and _are_joined(view, able):
        return None
    if able and not view.within(able[-1].end, who.end):
        return able[-1]
    if not able or view.within(who.start, able[0].start)[2:]:
        return None
    after = view.within(able[0].end, who.end)
    word = view.words[after[0]]
    spoken = view.spoken
    prepositions = view.quoting.governing | (spoken.not_speakers_after if spoken is not None else frozenset())
    opens = bool(word.act) or word.folded in prepositions or (len(after) == 1 and not word.capital and able[0].human)
    return able[0] if opens else None


def _are_joined(view: View, able: list[Actor]) -> bool:
    """Two names before a colon are a subject to be told of."""
    between = [view.words[at].folded for at in view.within(able[-2].end, able[-1].start)]
    return len(between) <= 1 and all(one in view.quoting.joining for one in between)


def _end(view: View, actor: Actor, start: int, end: int, people: Cast) -> int:
    """Where a statement ends: before a further sentence that names its speaker."""
    again = [one for one in people.within(start, end) if one.name == actor.name and one.kind not in {NOBODY, PRONOUN}]
    at = view.sentence_at(again[0].start) if again else -1
    if at >= 0 and view.sentences[at].start > start:
        return view.sentences[at - 1].end if at > 0 else end
    return end


def _behind_dash(view: View, part: Place, people: Cast) -> tuple[Place, Speaker] | None:
    """What is said – Name."""
    gaps = list(_DASH.finditer(view.text, part.start, part.end))
    if not gaps:
        return None
    able = [one for one in people.within(gaps[-1].end(), part.end) if one.subject and one.kind in _SPEAKING]
    rest = view.text[able[0].end : part.end].strip(_LINE_END) if able else "-"
    if rest or view.within(gaps[-1].end(), able[0].start)[2:]:
        return None
    return Place(part.start, gaps[-1].start()), Speaker(able[0], "", SURE_NEAR, "headline, name behind")
