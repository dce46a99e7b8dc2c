"""What frequent words say of a language: the stop words, months and common words of the language files.

Words are folded, so a text without diacritics says as much as one with them. A word that several languages have says
little of each: its weight is shared among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from math import sqrt

from shared.text.fold import Folded
from shared.text.languages import Language, languages

STOP_WORD, COMMON_WORD = 1.0, 0.6
"""What a word says for a language that has it alone."""
_SHORTEST = 2
"""Letters below which a word says nothing: e, i and a are words of half the languages."""


def spoken_for(folded: Folded, script: str) -> dict[str, float]:
    """The weight of each language's words in a text, against the square root of how many there are, as the model's
    probabilities are tempered. Only languages written in `script` have any."""
    words = folded.words.split()
    known = _known(script)
    scores: dict[str, float] = {}
    for word in words:
        for code, weight in known.get(word, ()):
            scores[code] = scores.get(code, 0.0) + weight
    return {code: score / sqrt(len(words)) for code, score in scores.items()}


@cache
def _known(script: str) -> Mapping[str, tuple[tuple[str, float], ...]]:
    weights: dict[str, dict[str, float]] = {}
    for one in languages().values():
        if script in one.scripts:
            for word, weight in _words(one):
                of_word = weights.setdefault(word, {})
                of_word[one.code] = max(weight, of_word.get(one.code, 0.0))
    return {
        word: tuple((code, weight / len(codes)) for code, weight in codes.items()) for word, codes in weights.items()
    }


def _words(one: Language) -> Iterable[tuple[str, float]]:
    lists = ((one.stop_words, STOP_WORD), (one.months, COMMON_WORD), (one.background, COMMON_WORD))
    return ((word, weight) for words, weight in lists for word in words if len(word) >= _SHORTEST)
