"""Which language a text is in: the macro language that matching uses, and for display the variety and the script.

py3langid decides on title, lead and the first 1,000 characters. Cyrillic is then checked by letters that only one
language has (ћ ђ Serbian, ѓ ќ Macedonian, ї є Ukrainian, ъ as a vowel Bulgarian, ъ before я е ю Russian). Serbian,
Croatian, Bosnian and Montenegrin are one macro language, `hbs`; no library tells them apart (17 to 24 of 40 titles), so
the variety is counted out by marker words, and the outlet's own language breaks ties. A language that is none of ours
keeps its own code; a text too short or too unclear to tell has the outlet's language at low confidence, or `und`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

from shared.events import Language

SAMPLE = 1_000
"""Characters of the body that are looked at."""
SHORTEST = 20
"""Letters below which a text says nothing about its language."""
UNCLEAR = 0.5
"""Probability below which the outlet's language is believed instead."""

HBS = {"sr": "sr", "hr": "hr", "bs": "bs", "cnr": "cnr", "me": "cnr", "sh": "", "hbs": "", "mo": ""}
"""Codes that mean the macro language `hbs`, and the variety each says."""

_ONLY = {"hbs": frozenset("ћђ"), "mk": frozenset("ѓќ")}
_BULGARIAN, _EAST_SLAVIC = frozenset("ъюящь"), frozenset("ыэёіїєґў")
_UKRAINIAN, _NOT_UKRAINIAN = frozenset("їєґ"), frozenset("ыэёъўјљњџ")
_HARD_SIGN = re.compile("ъ(?=[еёюя])")
"""Where Russian writes ъ; in Bulgarian it is a vowel and hardly ever stands before another."""
_PRIOR = 1.5
"""Weight of the outlet's own variety, in markers: breaks ties, loses against two clear markers."""


class Identifier(Protocol):
    """A statistical language identifier."""

    def classify(self, text: str) -> tuple[str, float]:
        """The code of a language and its probability."""
        ...


def load_identifier() -> Identifier:
    """py3langid with all its languages: one restricted to ours could no longer say that a text is none of them."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return Prepared(identifier)


@dataclass(frozen=True, slots=True)
class Prepared:
    """py3langid behind the port: plain types, lower case (its model confuses capitals with other languages)."""

    model: Any

    def classify(self, text: str) -> tuple[str, float]:
        """The code of a language and its probability."""
        code, probability = self.model.classify(text.lower() if text.isupper() else text)
        return str(code), float(probability)


def identify(identifier: Identifier, title: str, lead: str, text: str, outlet: str = "") -> Language:
    """The language of an article. `outlet` is the language its source is listed with, "" when unknown."""
    sample = "\n".join(part for part in (title, lead, text[:SAMPLE]) if part)
    script = script_of(sample)
    if sum(map(str.isalpha, sample)) < SHORTEST:
        return _by_outlet(outlet, script)
    code, probability = identifier.classify(sample)
    macro = _by_letters(sample, script) or _macro(code)
    sure = macro == _macro(code)
    if probability < UNCLEAR and sure and outlet and _macro(outlet) != macro and code not in HBS:
        return _by_outlet(outlet, script)
    confidence = max(probability, 0.9) if not sure or macro == "hbs" else probability
    variety = variety_of(sample, script, outlet) if macro == "hbs" else ""
    origin = "py3langid" if sure else "letters"
    return Language(macro=macro, variety=variety, script=script, confidence=round(confidence, 3), origin=origin)


def script_of(text: str) -> str:
    """`Latn`, `Cyrl` or another script by what most letters are; "" without letters."""
    counts = Counter(_block(one) for one in text if one.isalpha())
    return counts.most_common(1)[0][0] if counts else ""


def variety_of(sample: str, script: str, outlet: str = "") -> str:
    """`sr`, `hr`, `bs`, `cnr`, or "" when neither markers nor the outlet tell."""
    prior = HBS.get(outlet.split("-", maxsplit=1)[0], "")
    if script == "Cyrl":
        return prior if prior in ("sr", "cnr", "bs") else "sr"
    scores = _marked(sample.lower())
    if prior:
        scores[prior] = scores.get(prior, 0.0) + _PRIOR
    best = max(scores.values(), default=0.0)
    winners = [variety for variety, score in scores.items() if score == best]
    return winners[0] if best > 0 and len(winners) == 1 else prior


def _by_outlet(outlet: str, script: str) -> Language:
    code = outlet.split("-", maxsplit=1)[0]
    variety = HBS.get(code, "")
    return Language(macro=_macro(code) if code else "und", variety=variety, script=script,
                    confidence=0.3 if code else 0.0, origin="outlet" if code else "")  # fmt: skip


def _macro(code: str) -> str:
    base = code.split("-", maxsplit=1)[0].lower()
    return "hbs" if base in HBS and base != "mo" else base


def _by_letters(sample: str, script: str) -> str:
    """What the letters alone prove, "" when nothing."""
    if script != "Cyrl":
        return ""
    letters = Counter(sample.lower())
    seen = {language: sum(letters[one] for one in own) for language, own in _ONLY.items()}
    winner = max(seen, key=lambda language: seen[language])
    if seen[winner] > sum(count for language, count in seen.items() if language != winner):
        return winner
    southern = sum(letters[one] for one in "јљњџ")
    return _eastern(sample.lower(), letters) if not southern else _bulgarian(letters, southern)


def _eastern(sample: str, letters: Counter[str]) -> str:
    """Ukrainian, Russian or Bulgarian among texts without a southern letter."""
    if any(letters[one] for one in _UKRAINIAN) and not any(letters[one] for one in _NOT_UKRAINIAN):
        return "uk"
    signs = len(_HARD_SIGN.findall(sample))
    if signs and signs == letters["ъ"]:
        return "ru" if not any(letters[one] for one in "іїєґў") else ""
    return _bulgarian(letters, 0)


def _bulgarian(letters: Counter[str], southern: int) -> str:
    bulgarian = sum(letters[one] for one in _BULGARIAN)
    east = any(letters[one] for one in _EAST_SLAVIC)
    return "bg" if letters["ъ"] and bulgarian > southern and not east else ""


def _block(letter: str) -> str:
    point = ord(letter)
    if point < 0x250 or 0x1E00 <= point < 0x1F00:
        return "Latn"
    if 0x400 <= point < 0x530:
        return "Cyrl"
    if 0x370 <= point < 0x400 or 0x1F00 <= point < 0x2000:
        return "Grek"
    return "Arab" if 0x600 <= point < 0x780 else "Zyyy"


# Marker words. A word shared with Macedonian or Slovene proves nothing and is left out; so are names.
_EKAVIAN = r"\b(?:re[čc]en\w*|vrem\w{1,4}|posle|pre|gde|uvek|ovde|ponedelj\w+|nedelj\w+|mesec\w*|mest\w+|svet\w*|bezbedn\w+|savet\w*|telo|vest\w*|sused\w*|stepen\w*|deo|ceo|dve|obe|cel[aiou]\w*|ve[šs]t\w*|zahtev\w*|uspe\w+|pobed\w+|sednic\w+|sporazumev\w*|izve[šs]t\w+|zapoved\w*|primen\w*|promen\w*|podel\w*|smen\w*|verov\w*|ocenj\w*|ocen\w*|re[šs]enj\w*|obezbed\w*|predse[dn]\w*)\b"  # noqa: E501 - one alternation is one list
_IJEKAVIAN = r"\b(?:vrijem\w*|vremen\w*|poslije|prije|gdje|uvijek|ovdje|ponedjelj\w+|nedjelj\w+|mjesec\w*|mjest\w+|svijet\w*|savjet\w*|tijel\w*|vijest\w*|susjed\w*|dio|cijel\w*|dvije|obje|zahtjev\w*|uspje\w+|pobjed\w+|sjednic\w+|izvje[šs]t\w+|zapovjed\w*|primjen\w*|promjen\w*|podjel\w*|smjen\w*|vjerov\w*|ocjen\w*|ocijen\w*|rje[šs]\w+|obezbijed\w*|predsjed\w+|vijeć\w*|lijep\w*|rijeka|rije[čc]\w*|mjer\w+|djelov\w*|sjever\w*)\b"  # noqa: E501
_CROATIAN = r"\b(?:siječn\w+|veljač\w+|ožuj\w+|travn\w+|svibn\w+|lipn\w+|srpn\w+|kolovoz\w*|rujn\w+|listopad\w*|studen(?:i|og|oga|om)|prosin\w+|tko|netko|nitko|tjed\w+|europ\w+|suradnj\w*|obran[aeiou]\w*|obramben\w+|općin\w+|izvješć\w*|priopć\w*|izvijestil\w+|glede|sigurnosn\w+|sigurnost\w*|povijes\w+|tisuć\w*|nogomet\w*|zrakoplov\w*|vlak\w*|kolodvor\w*|sveučili\w+|veleposlan\w+|vojarn\w+|prosvjed\w*|žurn\w+|rekao je kako|hrvatsk\w+ vlad\w+|nazočn\w*|uopće|također|saborsk\w+|ministarstv\w+ vanjskih i europskih|temeljem|suglas\w+)\b"  # noqa: E501
_SERBIAN = r"\b(?:januar\w*|februar\w*|mart(?:a|u)?|april\w*|jun(?:a|u)?|jul(?:a|u)?|avgust\w*|septemb[ar]\w*|oktob[ar]\w*|novemb[ar]\w*|decemb[ar]\w*|ko|neko|niko|evrop\w+|saradnj\w*|bezbedn\w+|saopšt\w+|saopst\w+|hiljad\w*|fudbal\w*|avion\w*|voz(?:om|ovi)?|takođe|opšt\w+|uopšte|istorij\w+|da li|opštin\w+|ambasad\w+|izvještaj\w*|izveštaj\w*|šta|odbran\w*)\b"  # noqa: E501
_BOSNIAN = r"\b(?:sedmic\w*|općin\w*|kazao|kazala|narednog|naredn\w+|historij\w*|kahv\w*|lahk\w*|mehk\w*|hljeb\w*|saopć\w+|također|općenit\w+|uposlenik\w*|bh\.?|bosansko\w*|federacij\w+ bih|entitet\w*|sarajevsk\w+|shodno)\b"  # noqa: E501
_MONTENEGRIN = r"\b(?:sjutra|nijes\w+|neđelj\w*|šjutra|predśed\w*|đe|ś\w+|ź\w+)\b"

_LISTS = {
    name: re.compile(pattern)
    for name, pattern in (
        ("ekavian", _EKAVIAN), ("ijekavian", _IJEKAVIAN), ("hr", _CROATIAN), ("sr", _SERBIAN), ("bs", _BOSNIAN),
        ("cnr", _MONTENEGRIN),
    )
}  # fmt: skip
_WEIGHTS: dict[str, dict[str, float]] = {
    "ekavian": {"sr": 1.0, "hr": -0.8, "bs": -0.8, "cnr": -0.8},
    "ijekavian": {"hr": 0.5, "bs": 0.5, "cnr": 0.5, "sr": -0.8},
    "hr": {"hr": 1.0, "bs": 0.1, "sr": -0.5, "cnr": -0.4},
    "sr": {"sr": 0.6, "bs": 0.45, "cnr": 0.4, "hr": -0.6},
    "bs": {"bs": 1.0, "hr": 0.1, "sr": -0.2, "cnr": -0.1},
    "cnr": {"cnr": 1.2},
}


def _marked(sample: str) -> dict[str, float]:
    """Each variety's sum of weighted markers; a marker counts at most three times, so that a topic decides nothing."""
    scores: dict[str, float] = {}
    for name, pattern in _LISTS.items():
        count = sum(min(3, times) for times in Counter(pattern.findall(sample)).values())
        for variety, weight in _WEIGHTS[name].items():
            scores[variety] = scores.get(variety, 0.0) + weight * count
    return scores
