"""Which news agency a text comes from, and where that is said: the byline, the dateline, the credit at the end.

Many outlets print one agency's text; who counts independent voices has to know. A name in the running text is no
credit ("Vučić told Reuters"), so only places that credit are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

AGENCIES: dict[str, str] = {
    "tanjug": "tanjug|танјуг",
    "beta": "beta|бета",
    "fonet": "fonet|фонет",
    "hina": "hina|хина",
    "ata": "atsh|ata",
    "kosovapress": "kosovapress|kosova press",
    "mia": "mia|миа|мја",
    "bta": "bta|бта",
    "sta": "sta",
    "srna": "srna|срна",
    "fena": "fena|фена",
    "mina": "mina|мина",
    "anadolu": "anadolu(?: agency| ajansı| agencija)?|anadolija|анадолија|aa",
    "reuters": "reuters|rojters|ројтерс|reuter|ройтерс",
    "afp": "afp|афп|agence france-presse",
    "ap": "ap|ап|associated press|the associated press",
    "dpa": "dpa|дпа",
    "tass": "tass|тасс|tas|тас",
    "ria": "ria novosti|риа новости|ria|риа",
    "mti": "mti",
    "ansa": "ansa",
    "apa": "apa",
    "efe": "efe",
    "pa": "pa media",
    "kyodo": "kyodo",
    "xinhua": "xinhua|синхуа",
    "ukrinform": "ukrinform|укринформ",
}
"""Agency id to the names it is credited by, in the scripts and spellings of the watched languages."""

HEAD = 160
"""Characters of a text within which a dateline stands."""
TAIL = 200
"""Characters at the end within which a credit stands."""


def _one(mark: str) -> str:
    """A pattern for any agency; its groups carry `mark`, since a name may stand once in a pattern."""
    names = "|".join(f"(?P<{key}{mark}>{names})" for key, names in AGENCIES.items())
    return rf"(?<![\w.-])(?:{names})(?![\w-])"


_WORD = r"[^\W\d_]+"
_BYLINE = re.compile(
    rf"^\W*(?:{_WORD}\s+)?{_one('_1')}(?:\s*[/,|–-].*|\W*)$|"
    rf"(?:[/,|;]|\s[–-]\s)\s*(?:the )?{_one('_2')}\W*$",
    re.IGNORECASE,
)
_DATELINE = re.compile(
    rf"^[^\n]{{0,60}}?[(/\[]\s*{_one('_1')}[^\n)/\]]{{0,40}}[)/\]](?=[\s\S]{{20}})|"
    rf"^[^\n.!?]{{0,50}}?[,–—-]\s*{_one('_2')}\s*[.:,–—-]|"
    rf"^{_one('_3')}\s*[:–—-]",
    re.IGNORECASE,
)
_SAYS = "izvor|извор|burimi|source|vir|източник|izvori|author|autor"
_CREDIT = re.compile(
    rf"[(/\[]\s*{_one('_1')}[^\n()/\[\]]{{0,40}}[)/\]]?\W*$|"
    rf"(?:{_SAYS})\s*[:–-]\s*{_one('_2')}[^\n]{{0,40}}$|"
    rf"(?:^|\n)\W*{_one('_3')}\W*$",
    re.IGNORECASE,
)
_CAPITAL_ONLY = frozenset({"ap", "ata", "mia", "sta", "apa", "efe", "aa", "tas", "тас", "pa", "mina", "мина", "beta",
                           "бета", "миа", "ria", "риа", "ап"})  # fmt: skip
"""Names that are also words or first names: only with a capital letter."""


@dataclass(frozen=True, slots=True)
class Credit:
    """An agency and where it is credited: `byline`, `dateline` or `credit`."""

    agency: str = ""
    where: str = ""


def credited(authors: Iterable[str], text: str) -> Credit:
    """The agency a text is credited to; empty when none is."""
    for author in authors:
        found = _named(_BYLINE.search(author)) if len(author) <= HEAD else ""
        if found:
            return Credit(found, "byline")
    found = _named(_DATELINE.search(text[:HEAD]))
    if found:
        return Credit(found, "dateline")
    found = _named(_CREDIT.search(text[-TAIL:].rstrip()))
    return Credit(found, "credit") if found else Credit()


def _named(match: re.Match[str] | None) -> str:
    if match is None:
        return ""
    for key, surface in match.groupdict().items():
        if surface and (surface.casefold() not in _CAPITAL_ONLY or surface[0].isupper()):
            return key.rpartition("_")[0]
    return ""
