"""Somebody's words: text between quotation marks of any language, and headlines of the form "Name: statement".

The speaker is a person, institution or capital that stands beside the quotation in a form that can be a subject
(Vučića and Kurtin never spoke) and not behind a preposition. A reporting verb beside it makes that surer; its absence
does not rule the speaker out, since no list of verbs is complete. Failing both, the speaker of the quotation just
before goes on, or after a bare "rekao je" the person named last, both with low confidence. Nobody is an answer too.

Left out on purpose: indirect speech.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.events import Mention, Quote, Span
from shared.text.fold import fold_text
from shared.text.languages import Language, language

MOST = 60
"""Quotations kept of one article."""
FEWEST_WORDS = 3
"""Fewer words between marks are a name or irony."""
NEAR = 200
"""Characters before and after a quotation in which its speaker is looked for."""
CARRIED = 2
"""Paragraphs for which a speaker goes on without being named again."""

BACK = 300
"""Characters before a quotation in which the subject of a bare "rekao je" was last named."""
BARE_WORDS = 3
"""A verb among so few words has no subject of its own: "rekao je", "deklaroi ai", "he said"."""

SURE_VERB, SURE_COLON, SURE_NEAR, SURE_BARE, SURE_CARRIED = 0.9, 0.8, 0.6, 0.45, 0.35
_SPEAKERS = frozenset({"person", "org", "metonym", "state", "alliance"})
_LONGEST = 1_500
_MARKS = re.compile(
    rf"„([^„“”\"\n]{{3,{_LONGEST}}})(?:[“”\"]|(?=\n|$))|“([^“”„\n]{{3,{_LONGEST}}})(?:[”“]|(?=\n|$))|"
    rf"«([^«»\n]{{3,{_LONGEST}}})»|»([^«»\n]{{3,{_LONGEST}}})«|(?<!\w)\"([^\"\n]{{3,{_LONGEST}}})\"(?!\w)|"
    rf"”([^“”„\n]{{3,{_LONGEST}}})”|‚([^‚‘’\n]{{3,{_LONGEST}}})[‘’]"
)
_HEADLINE = re.compile(r"^(?P<who>[^:\n]{2,70}):\s+(?P<what>\S.{8,})$")
_TITLED = re.compile(
    r"(?:list|dnevnik|gazet[ae]|vesnik|vestnik|film|knjig[aei]|izlozb[aei]|serij[aei]|takozvan\w+|tzv|newspaper|book|"
    r"so-called|projekat|projekt|operacij[aei]|roman|emisij[aei]|predstav[aei]|libri|i ashtuquajtur\w*)\W*$"
)
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[.!?…][\"'“”„»«’‘)\]]*\s")


@dataclass(frozen=True, slots=True)
class _Place:
    """A stretch of a field."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Speaker:
    mention: Mention
    verb: str
    confidence: float


def quotes_in(fields: Sequence[tuple[str, str]], code: str, entities: Sequence[Mention]) -> tuple[Quote, ...]:
    """The quotations in named fields, in order. `entities` are the mentions found in those fields."""
    spoken = language(code)
    found: list[Quote] = []
    for name, text in fields:
        candidates = [one for one in entities if one.span.field == name and one.kind in _SPEAKERS and one.subject]
        direct = _direct(name, text, candidates, spoken)
        found += _headline(text, candidates, direct) if name == "title" else direct
    return tuple(found[:MOST])


def _direct(name: str, text: str, candidates: list[Mention], spoken: Language | None) -> list[Quote]:
    places = [_inside(match) for match in _MARKS.finditer(text)]
    places = [place for place in places if _is_speech(text, place)]
    found: list[Quote] = []
    last: tuple[_Speaker, int] | None = None
    for at, place in enumerate(places):
        before = places[at - 1].end if at else 0
        after = places[at + 1].start if at + 1 < len(places) else len(text)
        speaker = _speaker(text, place, _Place(before, after), candidates, spoken)
        speaker = speaker or _unnamed(text, place, _after(text, place, after), candidates, spoken)
        if speaker is not None:
            last = (speaker, place.end)
        elif last is not None and text.count("\n", last[1], place.start) < CARRIED:
            speaker = _Speaker(last[0].mention, "", SURE_CARRIED)
        found.append(_quote(name, text, place, "direct", speaker))
    return found


def _headline(text: str, candidates: list[Mention], direct: list[Quote]) -> list[Quote]:
    match = _HEADLINE.match(text)
    who = [one for one in candidates if match is not None and one.span.end <= match.end("who")]
    if match is None or not who or direct:
        return direct
    named = min(who, key=lambda one: match.end("who") - one.span.end)
    if match.end("who") - named.span.end > 3:
        return direct
    place = _Place(match.start("what"), match.end("what"))
    return [_quote("title", text, place, "headline", _Speaker(named, "", SURE_COLON))]


def _inside(match: re.Match[str]) -> _Place:
    group = match.lastindex or 0
    return _Place(match.start(group), match.end(group))


def _is_speech(text: str, place: _Place) -> bool:
    if len(text[place.start : place.end].split()) < FEWEST_WORDS:
        return False
    return _TITLED.search(fold_text(text[max(0, place.start - 25) : place.start - 1])) is None


def _speaker(
    text: str, place: _Place, bounds: _Place, candidates: list[Mention], spoken: Language | None
) -> _Speaker | None:
    """The surest of what stands after and before the quotation; after wins a tie ("…", said X)."""
    after, before = _after(text, place, bounds.end), _before(text, place, bounds.start)
    found = [
        one
        for one in (
            _nearest(text, after, candidates, spoken, backwards=False),
            _nearest(text, before, candidates, spoken, backwards=True),
        )
        if one is not None
    ]
    return max(found, key=lambda one: one.confidence, default=None)


def _unnamed(
    text: str, place: _Place, after: _Place, candidates: list[Mention], spoken: Language | None
) -> _Speaker | None:
    """The last person named before a quotation that ends in a verb without a subject."""
    window = text[after.start : after.end]
    if spoken is None or len(_WORD.findall(window)) > BARE_WORDS or not (verb := _verb(window, spoken.code)):
        return None
    earlier = [one for one in candidates if place.start - BACK <= one.span.start and one.span.end < place.start]
    people = [one for one in earlier if one.kind == "person" and not _is_oblique(text, one, spoken)]
    return _Speaker(people[-1], verb, SURE_BARE) if people else None


def _after(text: str, place: _Place, limit: int) -> _Place:
    """From the closing mark to the end of its sentence; nothing when the quotation itself ended the sentence."""
    start = min(place.end + 1, len(text))
    if text[place.end - 1 : place.end] in (".", "!", "?", "…") and text[start : start + 2].lstrip()[:1].isupper():
        return _Place(start, start)
    line = text.find("\n", start)
    stop = min(limit, start + NEAR, len(text) if line < 0 else line)
    end = _SENTENCE_END.search(text, start, stop)
    return _Place(start, end.end() if end is not None else max(start, stop))


def _before(text: str, place: _Place, limit: int) -> _Place:
    """From the last end of a sentence, or the quotation before, to the opening mark."""
    stop = max(0, place.start - 1)
    start = max(limit, stop - NEAR, text.rfind("\n", 0, stop) + 1)
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start, stop)]
    return _Place(ends[-1] if ends else start, stop)


def _nearest(
    text: str, window: _Place, candidates: list[Mention], spoken: Language | None, *, backwards: bool
) -> _Speaker | None:
    inside = [one for one in candidates if window.start <= one.span.start and one.span.end <= window.end]
    inside = [one for one in inside if not _is_oblique(text, one, spoken)]
    if not inside:
        return None
    named = inside[-1] if backwards else inside[0]
    verb = _verb(text[window.start : window.end], spoken.code) if spoken is not None else ""
    if verb:
        return _Speaker(named, verb, SURE_VERB)
    colon = backwards and text[window.start : window.end].rstrip().endswith(":")
    return _Speaker(named, "", SURE_COLON if colon else SURE_NEAR)


def _is_oblique(text: str, mention: Mention, spoken: Language | None) -> bool:
    """Whether a preposition stands before the name: not a subject even where forms do not show it."""
    words = fold_text(text[max(0, mention.span.start - 20) : mention.span.start]).split()
    return spoken is not None and bool(words) and words[-1] in spoken.not_speakers_after


def _verb(window: str, code: str) -> str:
    stems, shortest, longest = _stems(code)
    words: list[str] = _WORD.findall(fold_text(window))
    for word in words:
        if any(word[:length] in stems for length in range(shortest, min(longest, len(word)) + 1)):
            return word
    return ""


@lru_cache(maxsize=64)
def _stems(code: str) -> tuple[frozenset[str], int, int]:
    spoken = language(code)
    stems = frozenset(verb.stem for verb in spoken.verbs) if spoken is not None else frozenset[str]()
    lengths = [len(stem) for stem in stems] or [1]
    return stems, min(lengths), max(lengths)


def _quote(name: str, text: str, place: _Place, kind: str, speaker: _Speaker | None) -> Quote:
    span = Span(field=name, start=place.start, end=place.end, surface=text[place.start : place.end])
    if speaker is None:
        return Quote(span=span, kind=kind)
    return Quote(span=span, kind=kind, speaker_id=speaker.mention.entity_id, speaker=speaker.mention.name,
                 verb=speaker.verb, confidence=speaker.confidence)  # fmt: skip
