"""Serbian, Croatian, Bosnian or Montenegrin: marker words counted out, the outlet's own variety breaking ties.

No library tells them apart (17 to 24 of 40 titles); half of all titles hold no marker, and then the honest answer is
the group. The lists are `markers.yaml`, matched in folded text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from services.extractor.language.codes import HBS, base
from shared.text.fold import fold_text

PRIOR = 1.5
"""Weight of the outlet's own variety, in markers: breaks ties, loses against two clear markers."""
MOST = 3
"""Times that a marker counts, so that a topic decides nothing."""
_MONTENEGRIN = re.compile(r"\b\w*[śź]\w*|\bđe(?:c|d|voj)?\w*")
"""Letters and sounds of the new spelling; folded they would be the common ones."""
_LETTERS = 1.2
_CYRILLIC = ("sr", "cnr", "bs")


@dataclass(frozen=True, slots=True)
class Markers:
    """Words and what each says of the varieties."""

    words: re.Pattern[str]
    says: dict[str, float]


def variety_of(sample: str, script: str, outlet: str = "") -> str:
    """`sr`, `hr`, `bs`, `cnr`, or "" when neither markers nor the outlet tell."""
    prior = HBS.get(base(outlet), "")
    if script == "Cyrl":
        return prior if prior in _CYRILLIC else "sr"
    scores = _marked(sample)
    if prior:
        scores[prior] = scores.get(prior, 0.0) + PRIOR
    best = max(scores.values(), default=0.0)
    winners = [variety for variety, score in scores.items() if score == best]
    return winners[0] if best > 0 and len(winners) == 1 else prior


def _marked(sample: str) -> dict[str, float]:
    """Each variety's sum of weighted markers."""
    scores: dict[str, float] = {}
    for says, words in marks_of(sample):
        for variety, weight in says.items():
            scores[variety] = round(scores.get(variety, 0.0) + weight * sum(words.values()), 6)
    return scores


def marks_of(sample: str) -> Iterator[tuple[Mapping[str, float], Mapping[str, int]]]:
    """What markers say of the varieties, each with the words that were found and how often they count."""
    folded = fold_text(sample)
    for markers in _all_markers():
        found = Counter(markers.words.findall(folded))
        if found:
            yield markers.says, {word: min(MOST, times) for word, times in found.items()}
    spelt = sorted(set(_MONTENEGRIN.findall(sample.lower())))[:MOST]
    if spelt:
        yield {"cnr": _LETTERS}, dict.fromkeys(spelt, 1)


@cache
def _all_markers() -> tuple[Markers, ...]:
    rows = yaml.safe_load(resources.files(__package__).joinpath("markers.yaml").read_text(encoding="utf-8"))
    return tuple(Markers(_pattern(row["words"].split()), dict(row["says"])) for row in rows)


def _pattern(words: list[str]) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(re.escape(word).replace(r"\*", r"\w*") for word in words) + r")\b")
