"""People on no list, told by name: two capitalised words and more that are no known name, and their surnames later on.

A capital at the beginning of a sentence says nothing, nor does one in a title that capitalises every word. A single
capitalised word is a name only beside a verb of saying.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.extractor.quotes.actors import STRANGER, Actor, is_governed
from services.extractor.quotes.view import NOT_SAID, NOUNS_CAPITAL, View
from shared.events import Mention

LONGEST_NAME, CAPITAL_NOUNS_NAME = 4, 2
"""Words of a name; where every noun has a capital, the last ones of a row."""
_OPENING = " \t\u00a0„“”«»\"'‘’‚(–—-"
_CLOSING = ("”", "“", "»", "«", '"')


def strangers_in(view: View, here: Sequence[Mention]) -> list[Actor]:
    """People on no list beside the mentions of a field, in order, each with whether they speak anywhere."""
    if view.is_headline_case:
        return []
    known = {at for one in here for at in view.within(one.span.start, one.span.end)}
    strangers = list(_strangers(view, known))
    voices = {one.name for one in strangers if one.subject and view.is_beside_verb(one.start, one.end)}
    return [replace(one, speaks=one.name in voices) for one in strangers]


def _strangers(view: View, known: set[int]) -> Iterator[Actor]:
    """Rows of capitalised words beside no `known` one; their surnames later on, and those beside a verb of saying."""
    surnames: dict[str, str] = {}
    done = 0
    for at, word in [(at, word) for at, word in enumerate(view.words) if word.capital]:
        if at < done:
            continue
        done = _row(view, at, known)
        actor = _stranger(view, at, done, known) if done - at > 1 else None
        if actor is not None:
            surnames[view.words[done - 1].folded] = actor.name
            yield actor
        elif done - at == 1 and (name := surnames.get(word.folded) or _surname(view, at)):
            yield Actor(word.start, word.end, "", name, STRANGER, not is_governed(view, word.start))


def _surname(view: View, at: int) -> str:
    """A capitalised word that can be no other than a name, beside a verb of saying: "…", Kennedy said."""
    word = view.words[at]
    if view.code in NOUNS_CAPITAL or len(word.folded) < 3 or word.act or _begins_sentence(view, at):
        return ""
    if view.quoting.oblique_names and word.folded.endswith(view.quoting.oblique_names):
        return ""
    around = view.words[max(0, at - 1) : at + 2]
    beside = [one for one in around if one.act and one.act not in NOT_SAID and one is not word]
    near = any(view.is_joined(one.end, word.start, 1) or view.is_joined(word.end, one.start, 1) for one in beside)
    return view.text[word.start : word.end] if near and not _is_everyday(view, word.folded) else ""


def _row(view: View, at: int, known: set[int]) -> int:
    """Where a row of capitalised words that begins at a word ends."""
    end = at
    while end < len(view.words) and end not in known and view.words[end].capital:
        if end > at and not _is_row(view, end):
            break
        end += 1
    return end


def _is_row(view: View, number: int) -> bool:
    """Whether a word goes on with the name that the word before belongs to; a point ends it unless it is an initial."""
    before, word = view.words[number - 1], view.words[number]
    gap = view.text[before.end : word.start]
    return _is_one_name(gap) or (gap == ". " and len(before.folded) == 1)


def _is_one_name(gap: str) -> bool:
    return gap in (" ", "-", "\u00a0")


def _stranger(view: View, at: int, end: int, known: set[int]) -> Actor | None:
    first = at
    while first < end - 1 and _is_common(view, first) and _opens_anything(view, first):
        first += 1
    first = max(first, end - (CAPITAL_NOUNS_NAME if view.code in NOUNS_CAPITAL else LONGEST_NAME))
    words = view.words[first:end]
    beside = {first - 1, end} & known
    if len(words) < 2 or len(words[-1].folded) < 2 or any(one.folded.isdigit() for one in words):
        return None
    start, stop = words[0].start, words[-1].end
    if beside and any(_is_beside(view, one, start, stop) for one in beside):
        return None
    oblique = words[-1].folded.endswith(view.quoting.oblique_names) if view.quoting.oblique_names else False
    return Actor(start, stop, "", view.text[start:stop], STRANGER, not oblique and not is_governed(view, start))


def _is_beside(view: View, number: int, start: int, end: int) -> bool:
    """Whether a known name touches a row: the row is a part of it that the list does not know."""
    word = view.words[number]
    gap = view.text[word.end : start] if word.end <= start else view.text[end : word.start]
    return word.capital and _is_one_name(gap)


def _is_common(view: View, number: int) -> bool:
    """Whether a capital says nothing, because the word begins a sentence or is one of every day."""
    word = view.words[number]
    return bool(word.act) or _is_everyday(view, word.folded)


def _is_everyday(view: View, folded: str) -> bool:
    spoken = view.spoken
    if spoken is None:
        return False
    small = folded in spoken.stop_words or folded in spoken.months or folded in view.quoting.adverbs
    return small or folded in spoken.background


def _opens_anything(view: View, at: int) -> bool:
    """Whether a word opens a sentence, or what follows a quotation."""
    before = view.text[max(0, view.words[at].start - 3) : view.words[at].start].rstrip()
    return before[-1:] in _CLOSING or _begins_sentence(view, at)


def _begins_sentence(view: View, at: int) -> bool:
    """Whether a capital shows nothing but that a sentence begins; behind a closed quotation it does."""
    before = view.text[max(0, view.words[at].start - 3) : view.words[at].start]
    if before.rstrip()[-1:] in _CLOSING and before.endswith(" "):
        return False
    sentence = view.sentence_at(view.words[at].start)
    return sentence < 0 or not view.text[view.sentences[sentence].start : view.words[at].start].strip(_OPENING)
