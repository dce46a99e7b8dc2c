"""The speaker of a quotation in marks, by the evidence around it.

In its sentence: what follows it ("…", said X), what introduces it (X said: "…"), a name beside it without any verb.
Then a bare verb or a pronoun, which mean whoever was named last; the subject of the sentence before a quotation that
is one by itself; and whoever spoke just before. A verb whose subject is nobody known ends the search: nobody is an
answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.extractor.quotes.actors import NOBODY, Actor, Cast
from services.extractor.quotes.evidence import (
    BACK,
    BARE_WORDS,
    SURE_BARE,
    SURE_CARRIED,
    SURE_COLON,
    SURE_NEAR,
    SURE_SENTENCE,
    SURE_VERB,
    Speaker,
    Told,
    doer,
    is_impersonal,
    lacks_subject,
    last_person,
    named,
)
from services.extractor.quotes.speech import MIXED
from services.extractor.quotes.view import Place, View

NEAR = 200
"""Characters before and after a quotation in which its speaker is looked for."""
CARRIED = 2
"""Paragraphs for which a speaker goes on without being named again."""
ATTRIBUTED_WITHIN = 5
"""Words before the verb that follows a quotation."""
_ENDS = (".", "!", "?", "…")
_AROUND = " \t\u00a0„“”«»‹›\"'‘’‚"


@dataclass(frozen=True, slots=True)
class Said:
    """A quotation between the ones before and after it: none of what belongs to those is evidence for it."""

    place: Place
    form: str
    since: int
    until: int


@dataclass(slots=True)
class Last:
    """Who spoke last and where that ended."""

    speaker: Speaker | None = None
    end: int = 0


def speaker_of(view: View, said: Said, people: Cast, last: Last) -> Speaker | None:
    """Who said it, None when nothing tells."""
    before, after = _before(view, said), _after(view, said)
    introduced = said.form == MIXED or view.text[before.start : before.end].rstrip(_AROUND).endswith(":")
    ways = (_introduced, _followed) if introduced else (_followed, _introduced)
    windows = (before, after) if introduced else (after, before)
    for way, window in zip(ways, windows, strict=True):
        found = way(view, window, people)
        if found is not None:
            return found
    return _bare(view, said, before, after, people) or _inferred(view, said, before, people, last)


def _after(view: View, said: Said) -> Place:
    """From the closing mark to the end of its sentence; nothing when the quotation itself ended the sentence."""
    text, end = view.text, said.place.end
    start = end
    while start < said.until and text[start] in _AROUND:
        start += 1
    inner = text[max(0, end - 1) : end + 2].rstrip(_AROUND)
    if inner[-1:] in _ENDS and text[start : start + 1].isupper() and not _says_so(view, start):
        return Place(start, start)
    line = text.find("\n", start)
    stop = min(said.until, start + NEAR, len(text) if line < 0 else line)
    return Place(start, max(start, _sentence_end(view, start, stop)))


def _says_so(view: View, start: int) -> bool:
    """Whether a name and a verb of saying follow at once: "…!" Rama said."""
    near = view.within(start, start + 60)[:ATTRIBUTED_WITHIN]
    return view.code == "en" and any(view.words[at].act for at in near)


def _sentence_end(view: View, start: int, stop: int) -> int:
    at = view.sentence_at(start)
    if at < 0 or view.sentences[at].end <= start:
        at += 1
    return min(stop, view.sentences[at].end) if at < len(view.sentences) else stop


def _before(view: View, said: Said) -> Place:
    """From the begin of the sentence, or the quotation before, to the opening mark."""
    stop = said.place.start
    while stop > said.since and view.text[stop - 1] in _AROUND + "\n":
        stop -= 1
    last = view.text[stop - 1 : stop]
    if last in _ENDS or (last != ":" and "\n" in view.text[stop : said.place.start]):
        return Place(stop, stop)
    at = view.sentence_at(max(0, stop - 1))
    start = view.sentences[at].start if at >= 0 else 0
    return Place(min(stop, max(start, said.since, stop - NEAR)), stop)


def _verbs(view: View, window: Place) -> list[int]:
    return [at for at in view.within(window.start, window.end) if view.words[at].act]


def _followed(view: View, window: Place, people: Cast) -> Speaker | None:
    """ "…", said X; "…", X on television."""
    inside, words = people.within(window.start, window.end), view.within(window.start, window.end)
    verbs = [
        at for at in _verbs(view, window) if not any(one.start <= view.words[at].start < one.end for one in inside)
    ]
    near = [at for at in verbs if at - words[0] <= ATTRIBUTED_WITHIN] if words else []
    if near:
        word = view.words[near[0]].folded
        actor = doer(view, near[0], words[0], words[-1], inside)
        if actor is not None:
            return named(view, Told(actor, word, SURE_VERB, "verb behind"), people)
        opens = len(view.within(window.start, view.words[near[0]].end)) <= BARE_WORDS
        if opens and not lacks_subject(view, near[0], words) and not is_impersonal(view, near[0]):
            return Speaker(None, word, 0.0, "verb behind, unnamed")
        return None
    able = [one for one in inside if one.subject]
    return named(view, Told(able[0], "", SURE_NEAR, "name behind"), people) if able else None


def _introduced(view: View, window: Place, people: Cast) -> Speaker | None:
    """X said: "…"; X called it "…"; X: "…"."""
    inside, words = people.within(window.start, window.end), view.within(window.start, window.end)
    able = [one for one in inside if one.subject]
    if not words:
        return None
    colon = view.text[window.start : window.end].rstrip(_AROUND).endswith(":")
    verbs = _verbs(view, window)
    if verbs:
        actor = doer(view, verbs[-1], words[0], words[-1], inside)
        if actor is not None:
            return named(view, Told(actor, view.words[verbs[-1]].folded, SURE_VERB, "verb before"), people)
        return Speaker(None, view.words[verbs[-1]].folded, 0.0, "verb before, unnamed") if inside and colon else None
    if not able:
        return None
    if colon:
        return named(view, Told(able[-1], "", SURE_COLON, "colon"), people)
    return named(view, Told(_subject(able), "", SURE_NEAR, "name before"), people)


def _subject(able: list[Actor]) -> Actor:
    """The first who is somebody, else the first."""
    return next((one for one in able if one.kind != NOBODY), able[0])


def _bare(view: View, said: Said, before: Place, after: Place, people: Cast) -> Speaker | None:
    """A verb without a subject of its own: whoever was spoken of last; nobody, where it is told of nobody."""
    for window in (after, before):
        verbs, words = _verbs(view, window), view.within(window.start, window.end)
        if verbs and is_impersonal(view, verbs[0]):
            return Speaker(None, view.words[verbs[0]].folded, 0.0, "verb of nobody") if window is after else None
        if verbs and (window is before or lacks_subject(view, verbs[0], words)):
            meant = last_person(view, people, said.place.start)
            word = view.words[verbs[0]].folded
            return Speaker(meant, word, SURE_BARE, "verb without a subject") if meant is not None else None
    return None


def _inferred(view: View, said: Said, before: Place, people: Cast, last: Last) -> Speaker | None:
    """Who spoke just before, or the subject of the sentence before a quotation that begins its own."""
    carried = last.speaker is not None and last.speaker.actor is not None
    near = view.text.count("\n", last.end, said.place.start) < CARRIED
    alone = not view.within(before.start, before.end)
    found = _sentence_before(view, said, people) if alone else None
    if found is not None:
        return found
    if carried and near and last.speaker is not None:
        return Speaker(last.speaker.actor, "", SURE_CARRIED, "goes on")
    return None


def _sentence_before(view: View, said: Said, people: Cast) -> Speaker | None:
    at = view.sentence_at(max(0, said.place.start - 1))
    at -= at >= 0 and view.sentences[at].end >= said.place.start - 1
    if at < 0 or said.place.start - view.sentences[at].end > BACK:
        return None
    start, end = max(view.sentences[at].start, said.since), view.sentences[at].end
    able = [one for one in people.within(start, max(start, end)) if one.subject]
    if not able or "\n" in view.text[end : said.place.start]:
        return None
    actor = next((one for one in able if one.human), able[0])
    return named(view, Told(actor, "", SURE_SENTENCE, "sentence before"), people)
