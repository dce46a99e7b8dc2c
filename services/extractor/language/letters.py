"""What letters say of a language: those that few alphabets have.

Only words in small letters are looked at: names keep their letters wherever they are written (Vučić in an English
title). Letters of the Cyrillic alphabets decide between neighbours more surely than any model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

CYRILLIC = {
    "ћђ": "hbs", "ѓќѕ": "mk", "јљњџ": "hbs mk", "йьюя": "bg ru uk be", "щ": "bg ru uk", "ыэё": "ru be", "їєґ": "uk",
    "і": "uk be", "ў": "be", "ъ": "bg",
}  # fmt: skip
LATIN = {
    "ë": "sq", "ățşș": "ro", "őű": "hu", "ğı": "tr", "łąęż": "pl", "ß": "de", "čšž": "hbs sl cs sk", "đ": "hbs",
    "ć": "hbs pl", "řěů": "cs", "ľĺŕ": "sk", "ñ": "es", "ãõ": "pt", "åø": "no da sv", "ö": "de hu tr sv fi et",
    "ü": "de hu tr et", "ä": "de sv fi et sk", "ç": "sq fr tr pt", "èêà": "fr it", "ş": "tr ro", "ì": "it", "œ": "fr",
}  # fmt: skip
_SIGN_BEFORE_VOWEL = re.compile("ъ(?=[еёюя])")
"""Where Russian writes ъ; in Bulgarian it is a vowel and hardly ever stands before another."""
_WORD = re.compile(r"[^\W\d_]+")
MOST = 3
"""Different letters that count: one word may repeat its own."""


def _known() -> Mapping[str, frozenset[str]]:
    table = {**CYRILLIC, **LATIN}
    return {letter: frozenset(codes.split()) for letters, codes in table.items() for letter in letters}


KNOWN = _known()
_CYRILLIC_LETTERS = frozenset("".join(CYRILLIC))


def spoken_for(text: str) -> dict[str, float]:
    """How many telling letters each language has in `text`, from 0 to 3; Cyrillic ones count twice. Languages that
    lack a Cyrillic letter of the text lose as much."""
    found = _telling(text)
    scores: dict[str, float] = {}
    for letter in found:
        weight = 2.0 if letter in _CYRILLIC_LETTERS else 1.0
        for code in KNOWN[letter]:
            scores[code] = scores.get(code, 0.0) + weight
    return scores


def _telling(text: str) -> list[str]:
    """The telling letters of the words in small letters, those of the fewest alphabets first."""
    small = text.lower() if text.isupper() else " ".join(word for word in _WORD.findall(text) if word[0].islower())
    seen = KNOWN.keys() & set(_russian(small))
    return sorted(seen, key=lambda letter: (len(KNOWN[letter]), letter))[:MOST]


def _russian(small: str) -> str:
    """The text with ё for every ъ, where each stands before a vowel."""
    signs = small.count("ъ")
    return small.replace("ъ", "ё") if signs and signs == len(_SIGN_BEFORE_VOWEL.findall(small)) else small
