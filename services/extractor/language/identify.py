"""The language of an article from four kinds of evidence, and how sure that is.

The model's probabilities are taken in logarithms; to each language's are added the words and letters that speak for it,
a head start for those that news here is written in, and one for the outlet's own. A language that is none of ours keeps
its own code. A text of a word or two has the outlet's language at low confidence, or `und`.

The weights are from a search by hand over 700 titles of sixteen languages (`make bench BENCH=language`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

from services.extractor.language import letters, words
from services.extractor.language.codes import HBS, base, macro
from services.extractor.language.model import Identifier
from services.extractor.language.script import script_of
from services.extractor.language.variety import variety_of
from shared.events import Language
from shared.text.fold import Folded
from shared.text.languages import languages

SAMPLE = 1_000
"""Characters of the body that are looked at."""
SHORTEST = 8
"""Letters below which a text says nothing about its language."""
WORDS, LETTERS = 2.0, 0.8
"""What words and letters weigh against the model."""
OURS, OTHERS, RARE = 1.0, 0.0, -2.0
"""The head start of languages with a file, of other languages with newspapers in the region's reach, of all else."""
OUTLET = 0.8
"""The head start of the outlet's own language."""
WITHOUT_NAMES = 15
"""Characters of words in small letters that say something by themselves."""
LONG, CERTAIN = 600, 0.999
"""Characters and probability from which names can turn nothing any more, and are not looked at apart."""
LEAST = 1e-6
"""The probability that a language has at least, so that a word can speak for it."""

_OTHERS = frozenset({
    "es", "pt", "nl", "sv", "no", "nb", "nn", "da", "fi", "cs", "sk", "et", "lv", "lt", "be", "ar", "he", "fa", "hy",
    "ka", "az", "zh", "ja", "ko", "ca", "eu", "hi", "ur", "vi", "id",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for each language: the model's probability, words and letters, and the language of the outlet."""

    sample: str
    script: str
    outlet: str
    by_model: Mapping[str, float]
    by_words: Mapping[str, float]
    by_letters: Mapping[str, float]

    def scores(self) -> dict[str, float]:
        """The score of each language, as a logarithm: the sum of its parts, in one go for all."""
        spoken = macro(self.outlet) if self.outlet else ""
        return {
            code: log(max(probability, LEAST)) + WORDS * self.by_words.get(code, 0.0)
            + LETTERS * self.by_letters.get(code, 0.0) + _head_start(code) + (OUTLET if code == spoken else 0.0)
            for code, probability in self.by_model.items()
        }  # fmt: skip

    def parts(self, code: str) -> tuple[tuple[str, float], ...]:
        """What the score of a language is the sum of, by name."""
        return (
            ("model", log(max(self.by_model[code], LEAST))),
            ("words", WORDS * self.by_words.get(code, 0.0)),
            ("letters", LETTERS * self.by_letters.get(code, 0.0)),
            ("head start", _head_start(code)),
            ("outlet", OUTLET if self.outlet and code == macro(self.outlet) else 0.0),
        )


def identify(identifier: Identifier, title: str, lead: str, text: str, outlet: str = "") -> Language:
    """The language of an article. `outlet` is the language its source is listed with, "" when unknown."""
    evidence = evidence_of(identifier, title, lead, text, outlet)
    if not evidence.by_model:
        return _by_outlet(outlet, evidence.script)
    scores = evidence.scores()
    winner = max(scores, key=lambda code: scores[code])
    confidence = 1 / sum(exp(score - scores[winner]) for score in scores.values())
    variety = variety_of(evidence.sample, evidence.script, outlet) if winner == "hbs" else ""
    by_model = max(evidence.by_model, key=lambda code: evidence.by_model[code])
    origin = "py3langid" if winner == by_model else "words and letters"
    return Language(
        macro=winner, variety=variety, script=evidence.script, confidence=round(confidence, 3), origin=origin
    )


def evidence_of(identifier: Identifier, title: str, lead: str, text: str, outlet: str) -> Evidence:
    """What speaks for each language; nothing where there are too few letters to speak."""
    sample = "\n".join(part for part in (title, lead, text[:SAMPLE]) if part)
    script = script_of(sample)
    if sum(map(str.isalpha, sample)) < SHORTEST:
        return Evidence(sample, script, outlet, {}, {}, {})
    return Evidence(
        sample, script, outlet, _by_model(identifier, sample), words.spoken_for(Folded(sample), script),
        letters.spoken_for(sample),
    )  # fmt: skip


def _by_model(identifier: Identifier, sample: str) -> dict[str, float]:
    """The probability of each macro language: the geometric mean of what all words say and what those without names
    say, as far as enough are left (a title about Vučić and Gašić may be English)."""
    whole = _merged(identifier, sample)
    if len(sample) >= LONG and max(whole.values()) >= CERTAIN:
        return whole
    small = " ".join(word for word in sample.split() if not word[0].isupper()) if not sample.isupper() else ""
    if len(small) < WITHOUT_NAMES:
        return whole
    nameless = _merged(identifier, small)
    return {code: sqrt(probability * nameless[code]) for code, probability in whole.items()}


def _merged(identifier: Identifier, text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for code, probability in identifier.rank(text):
        found[macro(code)] = found.get(macro(code), 0.0) + probability
    return found


def _head_start(code: str) -> float:
    if code in languages():
        return OURS
    return OTHERS if code in _OTHERS else RARE


def _by_outlet(outlet: str, script: str) -> Language:
    if not outlet:
        return Language(macro="und", script=script, confidence=0.0, origin="")
    variety = HBS.get(base(outlet), "")
    return Language(macro=macro(outlet), variety=variety, script=script, confidence=0.3, origin="outlet")
