"""What speaks for a weak name and against any: evidence from the article around it.

A weak name (a surname many share, an office without its state) needs support: the entity's strong name anywhere in the
article, one of the entities it `needs`, a word of its `words` in the sentence, or an outlet of its `countries`. Another
person's first name before a surname blocks it (Dafina Kurti, Andrej Vučić), as do veto words in the sentence.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rapidfuzz import fuzz

from shared.text.entities import Entity, Name
from shared.text.fold import Folded, fold_word
from shared.text.languages import Language
from shared.text.segment import Piece, holder

LONGEST_WORD = 40
"""Characters looked at before a surname for another person's first name."""
SAME_FIRST_NAME = 80
"""Likeness (0 to 100) above which two first names are spellings of one: Aleksander, Aleksandar; not Marko, Mirko."""
PLACES = ("place", "metonym", "state")
FAR = 1 << 40
"""Further than any text is long."""


class Hit(Protocol):
    """Where a name was found."""

    @property
    def start(self) -> int:
        """Its folded start."""
        ...

    @property
    def end(self) -> int:
        """Its folded end."""
        ...

    @property
    def span(self) -> tuple[int, int]:
        """Its original start and end."""
        ...


class Candidate(Protocol):
    """A name found that may be meant."""

    @property
    def hit(self) -> Hit:
        """Where."""
        ...

    @property
    def entity(self) -> Entity:
        """Whose."""
        ...

    @property
    def name(self) -> Name:
        """Which."""
        ...


@dataclass
class Evidence:
    """What the whole article holds for and against its names: `sure` are the places of strong names by entity, `words`
    supporting (or veto) words by entity and sentence, `firsts` first names by their folded end, `beside` the
    ends of words that make another name of a place after them and the starts of those that do so before them."""

    folded: Folded
    sentences: Sequence[Piece]
    language: Language | None
    country: str
    sure: dict[str, list[int]] = field(default_factory=dict)
    words: set[tuple[str, bool, int]] = field(default_factory=set)
    firsts: dict[int, set[str]] = field(default_factory=dict)
    beside: set[tuple[bool, int]] = field(default_factory=set)

    def sentence(self, at: int) -> int:
        """The number of the sentence that holds an original position."""
        return holder(self.sentences, at)

    def last_sure(self, entity: str, at: int) -> tuple[bool, int]:
        """A key that is the greater, the later the entity's strong name stands before `at`; else the sooner after."""
        places = self.sure.get(entity, [])
        before = bisect_right(places, at)
        return (True, places[before - 1]) if before else (False, -places[0] if places else -FAR)


def blocked(one: Candidate, evidence: Evidence) -> bool:
    """Whether something in the sentence says that the name means something else."""
    at = evidence.sentence(one.hit.span[0])
    if one.entity.veto and (one.entity.id, True, at) in evidence.words:
        return True
    return namesake(one, evidence) or _part_of_a_name(one, evidence)


def namesake(one: Candidate, evidence: Evidence) -> bool:
    """Whether a known first name that is none of this person's stands right before the surname."""
    if one.entity.type != "person" or len(one.name.term.parts) > 1:
        return False
    start = one.hit.start
    before = evidence.firsts.get(start - 1, ()) if evidence.folded.text[start - 1 : start] == " " else ()
    return bool(before) and not any(_same(first, own) for first in before for own in one.entity.first_names)


def _part_of_a_name(one: Candidate, evidence: Evidence) -> bool:
    """Whether a place or a state is part of the name of a hotel, a street or a club."""
    if one.entity.type not in PLACES:
        return False
    before, after = (True, one.hit.start - 1), (False, one.hit.end + 1)
    return before in evidence.beside or after in evidence.beside


def _same(first: str, own: str) -> bool:
    return fuzz.ratio(first, own) > SAME_FIRST_NAME


def support(one: Candidate, evidence: Evidence) -> str:
    """What supports a weak name, "" when nothing does."""
    entity = one.entity
    if entity.type == "person" and _other_first_name(one, evidence):
        return ""
    if entity.id in evidence.sure:
        return "full name in the article"
    if one.name.linked:
        return ""
    if (entity.id, False, evidence.sentence(one.hit.span[0])) in evidence.words:
        return "supported by a word"
    if evidence.country and evidence.country in entity.countries:
        return "outlet's country"
    needed = next((need for need in entity.needs if need in evidence.sure), "")
    return f"supported by {needed}" if needed else ""


def _other_first_name(one: Candidate, evidence: Evidence) -> bool:
    """Whether a capitalised word that is no title, stop word or common word stands right before the surname."""
    start = one.hit.span[0]
    before = evidence.folded.original[max(0, start - LONGEST_WORD) : start]
    word = before.rstrip(" ").rsplit(None, 1)[-1:] if before.endswith(" ") else []
    if not word or not word[0].isalpha() or not word[0][0].isupper() or word[0].isupper():
        return False
    return not _common(fold_word(word[0]), evidence.language)


def _common(folded: str, spoken: Language | None) -> bool:
    if spoken is None:
        return False
    common = folded in spoken.stop_words or folded in spoken.background or folded[:-1] in spoken.background
    return common or any(folded.startswith(verb.stem) for verb in spoken.verbs)
