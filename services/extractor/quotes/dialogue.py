"""Speech without quotation marks that the layout shows: lines that begin with a dash, and turns of an interview.

– What is said – said X – and goes on. A dash or a comma before a verb of saying ends what is said; without such a verb
a line with a dash is an item of a list. In an interview a line begins with a name and a colon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from services.extractor.quotes.actors import Actor, Cast
from services.extractor.quotes.evidence import SURE_COLON, Speaker
from services.extractor.quotes.speech import FEWEST_WORDS
from services.extractor.quotes.view import Place, View

OPENS_WITHIN = 3
"""Words of a stretch between dashes within which the verb of saying stands that makes it an attribution."""
MOST_LINES = 400
_DASHED = re.compile(r"^[ \t]*[–—-] ?(?=[^\W\d_])[^\n]{8,1500}", re.MULTILINE)
_PARTS = re.compile(r"\s*[,.!?…]?\s[–—-]\s|,\s")
_TURN = re.compile(r"^(?P<who>[^:\n]{2,60}):\s+(?P<what>[^\s„“«\"][^\n]{8,})$", re.MULTILINE)


def dashed(view: View) -> Iterator[Place]:
    """What is said in lines that begin with a dash."""
    for number, line in enumerate(_DASHED.finditer(view.text)):
        if number >= MOST_LINES:
            return
        parts = list(_split(view, line))
        if any(is_told for _, is_told in parts[1:]):
            yield from _spoken(parts)


def _split(view: View, line: re.Match[str]) -> Iterator[tuple[Place, bool]]:
    """The stretches between dashes and commas of a line, each with whether it is an attribution; that goes on behind a
    comma."""
    text, start, told, comma = view.text, line.start(), False, False
    while not text[start].isalnum():
        start += 1
    for gap in _PARTS.finditer(text, start, line.end()):
        told = _tells(view, start, gap.start()) or (told and comma)
        yield Place(start, gap.start()), told
        start, comma = gap.end(), gap[0] == ", "
    yield Place(start, line.end()), _tells(view, start, line.end()) or (told and comma)


def _tells(view: View, start: int, end: int) -> bool:
    near = view.within(start, end)[:OPENS_WITHIN]
    return any(view.words[at].act for at in near) and not view.text[start].isupper()


def _spoken(parts: Sequence[tuple[Place, bool]]) -> Iterator[Place]:
    """What is no attribution, joined where only commas part it."""
    run: list[Place] = []
    for place, is_told in [*parts, (Place(0, 0), True)]:
        if not is_told:
            run.append(place)
        elif run:
            yield Place(run[0].start, run[-1].end)
            run = []


def turns(view: View, people: Cast) -> Iterator[tuple[Place, Speaker]]:
    """The turns of an interview in a text: a line that begins with a name and a colon."""
    for number, line in enumerate(_TURN.finditer(view.text)):
        if number >= MOST_LINES:
            return
        able = [one for one in people.within(line.start(), line.end("who")) if one.subject and _can_answer(one)]
        place = Place(line.start("what"), line.end("what"))
        whole = len(view.within(line.start(), line.end("who")))
        if able and whole <= _LONGEST_NAME and view.count(place) >= FEWEST_WORDS:
            yield place, Speaker(able[-1], "", SURE_COLON, "turn of an interview")


def _can_answer(actor: Actor) -> bool:
    return actor.human or actor.kind == "org"


_LONGEST_NAME = 6
"""Words of a name with its office before a colon."""
