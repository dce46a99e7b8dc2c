"""Which news agency a text comes from, and where that is said: the byline, the dateline, the credit at the end, or a
sentence that credits it ("kako prenosi Tanjug").

Many outlets print one agency's text; who counts independent voices has to know. A name in the running text is no
credit ("Vučić told Reuters"), so only places and verbs that credit are looked at. The names are `agencies.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import msgspec
import yaml

from shared.errors import Misconfigured

HEAD = 160
"""Characters of a text within which a dateline stands."""
TAIL = 200
"""Characters at the end within which a credit stands."""
OPENING, CLOSING = 600, 300
"""Characters at both ends of a text within which a sentence credits an agency."""
SURE = {"byline": 0.95, "dateline": 0.95, "credit": 0.9, "body": 0.75}
"""How sure each place is."""


class Agency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agency's names; `capital` when they are also words, and count with a capital letter only."""

    names: tuple[str, ...]
    capital: bool = False


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: agencies by id, and the words that credit them, parted by blanks."""

    agencies: dict[str, Agency]
    verbs: str
    between: str
    sources: str
    endings: str


@dataclass(frozen=True, slots=True)
class Credit:
    """An agency and where it is credited: `byline`, `dateline`, `credit` or `body`; `surface` is what stands there."""

    agency: str = ""
    where: str = ""
    surface: str = ""

    @property
    def sure(self) -> float:
        """How sure that is."""
        return SURE.get(self.where, 0.0)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """What is searched, made of the names; the keys of `known` are names in small letters."""

    byline: re.Pattern[str]
    dateline: re.Pattern[str]
    credit: re.Pattern[str]
    body: re.Pattern[str]
    whole: re.Pattern[str]
    known: dict[str, str]


def credited(authors: Iterable[str], text: str) -> Credit:
    """The agency a text is credited to; empty when none is."""
    return next(credits_in(authors, text), Credit())


def credits_in(authors: Iterable[str], text: str) -> Iterator[Credit]:
    """Every credit of a text, the surest place first; a later one is only looked for when it is asked for."""
    patterns = _patterns()
    for author in authors:
        if len(author) <= HEAD:
            yield from _credit("byline", patterns.byline.search(author))
    yield from _credit("dateline", patterns.dateline.search(text[:HEAD]))
    yield from _credit("credit", patterns.credit.search(text[-TAIL:].rstrip()))
    yield from _credit("body", patterns.body.search(text[:OPENING]) or patterns.body.search(text[-CLOSING:]))


def _credit(where: str, match: re.Match[str] | None) -> Iterator[Credit]:
    agency = _named(match)
    if agency and match is not None:
        yield Credit(agency, where, " ".join(match[0].split()))


def is_agency(name: str) -> bool:
    """Whether a name is that of an agency."""
    return _named(_patterns().whole.fullmatch(name.strip())) != ""


def table_of(text: str, place: str = "agencies.yaml") -> Table:
    """The table in a YAML text. Raises Misconfigured with the place of what is wrong."""
    try:
        return msgspec.convert(yaml.safe_load(text), Table)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise Misconfigured(f"{place}: {error}") from error


_WORD = r"[^\W\d_]+"


@cache
def _patterns() -> _Patterns:
    text = resources.files(__package__).joinpath("agencies.yaml").read_text(encoding="utf-8")
    table = table_of(text)
    known = {name.casefold(): key for key, one in table.agencies.items() for name in one.names}
    names = _any(sorted(known, key=len, reverse=True))
    verbs, says = _any(table.verbs.split()), _any(table.sources.split())
    between = rf"(?:(?:{_any(['news agency', *table.between.split()])}) )?"
    ending = rf"(?:['’-]?(?:{_any(table.endings.split())}))?"

    def one(mark: str, then: str = "") -> str:
        return rf"(?<![\w.-])(?P<n{mark}>{names}){then}(?![\w-])"

    def made(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.IGNORECASE)

    return _Patterns(
        byline=made(
            rf"^\W*(?:(?:agency|agencija|агенција|agjencia|by) |{_WORD}\s+)?{one('1')}(?:\s*[/,|–-].*|\W*)$|"
            rf"(?:[/,|;(]|\s[–-]\s|\s(?:i|and|dhe|и)\s)\s*(?:the )?{one('2')}\W*$"
        ),
        dateline=made(
            rf"^[^\n]{{0,60}}?[(/\[]\s*{one('1')}[^\n)/\]]{{0,40}}[)/\]](?=[\s\S]{{20}})|"
            rf"^[^\n.!?]{{0,50}}?[,–—-]\s*{one('2')}\s*[.:,–—-]|"
            rf"^{one('3')}\s*[:–—-]"
        ),
        credit=made(
            rf"[(/\[]\s*{one('1')}[^\n()/\[\]]{{0,40}}[)/\]]?\W*$|"
            rf"(?:{says})\s*[:–-]\s*{one('2')}[^\n]{{0,40}}$|"
            rf"(?:^|\n)\W*{one('3')}\W*$"
        ),
        body=made(rf"\b(?:{verbs}) {between}{one('1', ending)}|{one('2')}(?:'s|’s)? (?:je |ka |е |има )?(?:{verbs})\b"),
        whole=made(rf"(?:the )?{one('1')}(?:/{_WORD})?"),
        known=known | {f"*{key}": "capital" for key, agency in table.agencies.items() if agency.capital},
    )


def _any(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, words))


def _named(match: re.Match[str] | None) -> str:
    """The agency of a match: a name that is also a word counts with a capital letter only."""
    surface = next((name for name in match.groupdict().values() if name), "") if match is not None else ""
    known = _patterns().known
    key = known.get(surface.casefold(), "")
    return key if key and (f"*{key}" not in known or surface[0].isupper()) else ""
