"""The vote on the running text: the output most similar to the others wins.

Similarity is the share of 4-grams of words that two texts have in common (Dice), as the article-extraction benchmark
compares texts; no label and no training is needed. Two things are not left to the count: a voter of another family
breaks ties, and two outputs that share nothing though a third holds both are two halves of one article.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SAME_STORY = 0.2
"""Similarity below which two outputs are different parts of a page."""
HELD = 0.8
"""Share of a part that the wide output must hold, for the part to be inside it."""
FILLS = 0.7
"""Share of the wide output that the two parts must fill, for it to be the article and not a page of teasers."""
_TIE = 0.25
"""Weight of the wide output in a vote: it decides between two against two. 0.1 to 0.5 gave the same texts."""
_WORD = re.compile(r"\w+")
_SIZE = 4

Grams = frozenset[tuple[str, ...]]


def grams(text: str) -> Grams:
    """The 4-grams of the words of `text`; of a shorter text its words as one."""
    words = _WORD.findall(text)
    if len(words) < _SIZE:
        return frozenset([tuple(words)]) if words else frozenset()
    return frozenset(zip(words, words[1:], words[2:], words[3:], strict=False))


def similar(one: Grams, other: Grams) -> float:
    """How alike two texts are, 0 to 1; nothing is like nothing at all."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def winner(ballots: Mapping[str, str], wide: str) -> str:
    """The name of the output most similar to the others; the first of equals. "" without any text."""
    votes = tallied(ballots, wide)
    return max(votes, key=lambda name: votes[name], default="")


def tallied(ballots: Mapping[str, str], wide: str) -> dict[str, float]:
    """How similar each output that is a text is to the others, summed up, and a little to the wide one."""
    outputs = {name: grams(text) for name, text in ballots.items() if text}
    anchor = grams(wide)

    def votes(name: str) -> float:
        others = sum(similar(outputs[name], one) for other, one in outputs.items() if other != name)
        return others + _TIE * similar(outputs[name], anchor)

    return {name: votes(name) for name in outputs}


def in_two_halves(one: str, other: str, wide: str) -> bool:
    """Whether `one` and `other` are different parts of the article that `wide` has whole: a box between two halves
    makes the strict extractors take only one of them."""
    first, second, whole = grams(one), grams(other), grams(wide)
    if not first or not second or not whole or similar(first, second) >= SAME_STORY:
        return False
    inside = all(len(part & whole) > HELD * len(part) for part in (first, second))
    return inside and len(first) + len(second) > FILLS * len(whole)
