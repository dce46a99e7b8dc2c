"""Which words between marks are somebody's speech, and in which form.

No speech are fewer than three words (irony, a name), and titles: of a newspaper, a film, a so-called something. Speech
is *direct* where the marks hold all that is said, *mixed* where they end a sentence of the reporter's.
"""

from __future__ import annotations

from services.extractor.quotes.view import NOUNS_CAPITAL, Place, View, starts_with

FEWEST_WORDS = 3
LONGEST_NAME = 4
"""Words of a name between marks."""
_SMALL = 3
"""Letters of words that have no capital in titles either."""
TITLED_WITHIN = 3
"""Words between what kind of work it is and its title."""
DIRECT, MIXED, INDIRECT, HEADLINE = "direct", "mixed", "indirect", "headline"
_OPENING = " \t\u00a0„“”«»\"'‘’‚(–—-"


def is_speech(view: View, place: Place) -> bool:
    """Whether a stretch between marks is speech."""
    if view.count(place) < FEWEST_WORDS or _is_all_capital(view, place) or _is_name(view, place):
        return False
    line = max(view.text.rfind("\n", 0, place.start) + 1, place.start - 40)
    before = [view.words[at] for at in view.within(line, place.start)]
    works, behind = view.quoting.works, view.quoting.works_after
    if works and before and _is_title(view, [one.folded for one in before], place):
        return False
    after = view.within(place.end, place.end + 15)
    return not (behind and after and starts_with(view.words[after[0]].folded, behind))


def _is_name(view: View, place: Place) -> bool:
    """Whether few words begin with a capital in the midst of a sentence, where nothing introduces speech: in
    "Partnership for peace"."""
    if view.count(place) > LONGEST_NAME or not view.text[place.start].isupper() or view.code in NOUNS_CAPITAL:
        return False
    before = view.text[max(0, place.start - 3) : place.start].rstrip(_OPENING)
    return before[-1:].isalnum() and view.text[place.end - 1].isalnum()


def _is_all_capital(view: View, place: Place) -> bool:
    """Whether every longer word has a capital, as in titles of works, where not all the text has."""
    long = [one for at in view.within(place.start, place.end) if len((one := view.words[at]).folded) > _SMALL]
    return len(long) > 1 and all(one.capital for one in long) and not view.is_headline_case


def _is_title(view: View, before: list[str], place: Place) -> bool:
    """The word right before the mark names a work; or one some words before, where the title begins with a capital."""
    works = view.quoting.works
    if starts_with(before[-1], works):
        return not view.text[: place.start].rstrip(_OPENING).endswith(":")
    gap = view.text[max(0, place.start - 40) : place.start].rstrip(_OPENING)
    plain = not set(gap) & set(",.:;") and view.text[place.start].isupper()
    return plain and any(starts_with(one, works) for one in before[-TITLED_WITHIN:])


def form_of(view: View, place: Place, since: int) -> str:
    """`direct` or `mixed`. `since` is where the quotation before ended: what follows it goes on."""
    first = view.text[place.start : place.start + 1]
    sentence = view.sentence_at(max(0, place.start - 1))
    begin = view.sentences[sentence].start if sentence >= 0 else 0
    before = view.text[begin : place.start].rstrip(_OPENING)
    if not first.islower() or not before.strip(_OPENING) or before.endswith(":") or since > begin:
        return DIRECT
    return MIXED
