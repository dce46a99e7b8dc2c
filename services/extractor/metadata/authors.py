"""Who wrote: names of persons only, out of JSON-LD, meta elements, the feed and the byline that a reader sees.

What is written around names goes ("By", "Piše:", offices behind a comma, addresses); agencies, outlets, desks and
users of the publishing system are no persons. Whether a person exists nobody is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from services.extractor.metadata.agency import is_agency
from services.extractor.metadata.head import Metadata, texts_of
from services.extractor.metadata.moments import month_of
from services.extractor.metadata.outlet import Outlet
from services.extractor.metadata.titles import plain
from services.extractor.reading import Candidate
from shared.events import Entry
from shared.text.fold import fold_text

MOST = 8
LONGEST = 60
MOST_WORDS = 5
SURE = {"jsonld": 0.95, "meta": 0.9, "feed": 0.85, "seen": 0.6}

_SAYS = re.compile(
    r"^\W*(?:(?:written |reported |story |text |foto |photo )?by|piše|pise|pišu|napisala?|autor(?:ka|ica|i|zy|e|ii?)?|"
    r"author(?:s)?|пише|пишува|автор(?:ка|и)?|tekst|текст|text|од|von|par|nga|shkruan|autori|di|de|από|του|szerző|írta|"
    r"yazan|opracowa(?:ł|ła)|napsal[a]?|redaktor|reporter|novinar(?:ka)?|новинар(?:ка)?|avtor(?:ica)?|от|от:|"
    r"γράφει(?: ο| η)?|scris de|de către|a cura di|raportoi)\b[\s:.,–-]*(?=\S)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"(?<=[^\W\d_]{3})\.\s+|"
    r"\s*(?:[,;/|•·]|\s[–—-]\s|\s(?:and|und|et|e|y|i|и|та|dhe|in|ja|oraz|ve|και|és|si|și|&)\s)\s*"
)
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+|www\.\S+|(?<!\w)@\w+|\([^)]*\)|\b\d[\d.:/-]*\b")
_WORD = re.compile(r"(?:d'|D'|O'|Mc|Mac|al-|el-|De|Di|La|Le|Van)?[^\W\d_][^\W\d_'’.-]*(?:['’.-]?[^\W\d_]*)*\.?$")
_SMALL = frozenset({
    "de", "da", "di", "du", "del", "della", "der", "den", "des", "van", "von", "vom", "zu", "ten", "ter", "la", "le",
    "el", "al", "bin", "ibn", "dos", "das", "e", "y", "i", "af", "och",
})  # fmt: skip
"""Words inside names that are written small."""
_ARTICLES = frozenset({"the", "der", "die", "das", "les", "sobre", "about", "über", "o"})
"""Small words that no person's name begins with."""
_DESKS = re.compile(
    r"(?:redak|redac|redaz|uredni|szerkeszt|saopst|agenc|agjenci|dopisni)\w*|(?:admin|administrator|newsroom|desk|staff|"
    r"editor|editors|editorial|bureau|team|press|service|news|vesti|vijesti|lajme|novosti|portal|haber|merkezi|online|"
    r"media|user|guest|anonymous|office|magazine|radio|tv|video|group|daily|weekly|times|today|contributors?|kolegij|"
    r"correspondents?|reporters?|writers|onlajn|internet|izvor|sajt|www)\.?$"
)
"""Folded words that stand in bylines and in no person's name; the first row are beginnings."""

_OFFICES = re.compile(r"(?:writer|reporter|correspondent|editor|analyst|novinar|novinarka|gazetar)$")
"""Last words of an office behind a name ("AP Auto Writer"); with two words they may be a surname."""


def authors_of(head: Metadata, entry: Entry, outlet: Outlet) -> tuple[tuple[str, ...], str, tuple[Candidate, ...]]:
    """The authors, where they were found, and all that was offered."""
    places = (
        ("jsonld", texts_of(head.article.get("author")) or texts_of(head.article.get("creator"))),
        ("meta", _meta(head)),
        ("feed", entry.authors),
        ("seen", next((one for one in zip(head.bylines) if persons(one, outlet)), ())),
    )
    found = [(origin, names) for origin, texts in places if (names := persons(texts, outlet))]
    listed = tuple(Candidate("authors", origin, ", ".join(names), SURE[origin]) for origin, names in found)
    return (found[0][1], found[0][0], listed) if found else ((), "", ())


def credits_of(head: Metadata, entry: Entry) -> tuple[str, ...]:
    """Everything that stands where authors stand, agencies too."""
    told = (*texts_of(head.article.get("author")), *_meta(head), *entry.authors, *head.bylines[:4])
    return tuple(dict.fromkeys(text for text in map(plain, told) if text))


def persons(texts: Iterable[str], outlet: Outlet) -> tuple[str, ...]:
    """The names of persons in texts that stand where an author stands, in order."""
    names = (name for text in texts for name in _names(plain(text)))
    return tuple(dict.fromkeys(name for name in names if _is_person(name, outlet)))[:MOST]


def _meta(head: Metadata) -> tuple[str, ...]:
    keys = ("author", "article:author", "byl", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator")
    return tuple(text for key in keys for text in head.meta.get(key, ()))


def _names(text: str) -> Iterator[str]:
    for piece in _BETWEEN.split(_ADDRESS.sub(" ", text)):
        name = _SAYS.sub("", " ".join(piece.split()).strip(" .,:;|/–—-"))
        name = name.strip(" .,:;|/–—-") if not re.search(r"\b\w\.$", name) else name
        yield _cased(name)


def _cased(name: str) -> str:
    """A name written in capitals, as one writes it; initials stay."""
    if not name.isupper() or len(name.replace(".", "")) <= 3:
        return name
    return " ".join(word if len(word.strip(".")) < 2 else word.title() for word in name.split())


def _is_person(name: str, outlet: Outlet) -> bool:
    words = name.split()
    if not 2 <= len(words) <= MOST_WORDS or len(name) > LONGEST or outlet.is_named(name) or is_agency(name):
        return False
    if any(_DESKS.match(word) for word in fold_text(name).split()):
        return False
    if words[0].lower() in _ARTICLES or any(month_of(word) for word in fold_text(name).split()[2:]):
        return False
    if is_agency(words[0]) or (len(words) > 2 and _OFFICES.match(fold_text(words[-1]))):
        return False
    large = [word for word in words if word.lower() not in _SMALL]
    return len(large) >= 2 and all(word[0].isupper() and _WORD.match(word) for word in large)
