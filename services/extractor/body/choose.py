"""The running text of a page: trafilatura first, and what helps where it finds nothing.

Trafilatura's precise mode was the best single choice on two public sets of news pages (F1 0.964 and 0.953 over
4-grams) and takes in the fewest teasers of other stories, which would be false matches here. Its metadata is left out:
it costs a third more time and its dates are days only. The publisher's own copies of the text (JSON-LD `articleBody`,
the feed's content) rescue a page that yields less than 60 % of them; as a first choice they made results worse.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from trafilatura import bare_extraction

from services.extractor.body.plain import cheap_text

RESCUE = 0.6
"""Share of the publisher's own copy of the text below which that copy is taken (measured neutral to good at 0.6)."""
SHORTEST_COPY = 250
"""Characters from which a publisher's copy counts as a text and not as a teaser."""
LONGEST = 200_000
"""Characters kept: ten times the longest article of 181; more is a list or an archive on one page."""

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BLANKS = re.compile(r"[^\S\n]+")
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it warns of every page without a text


@dataclass(frozen=True, slots=True)
class Body:
    """A text, paragraphs apart by newlines, and how it was found."""

    text: str
    method: str


def full_text(tree: Any, page: str, copies: dict[str, str]) -> Body:
    """The text of a parsed page; `copies` are the publisher's own texts by name. Empty when there is none."""
    found = _trafilatura(tree, precise=True) or _trafilatura(tree, precise=False)
    return rescued(found or Body(clean(cheap_text(page)), "resiliparse"), copies)


def rescued(found: Body, copies: dict[str, str]) -> Body:
    """`found`, or the first of the publisher's own copies that is much longer."""
    for name, copy in copies.items():
        text = clean(copy)
        if len(text) >= SHORTEST_COPY and len(found.text) < RESCUE * len(text):
            return Body(text, name)
    return found


def _trafilatura(tree: Any, *, precise: bool) -> Body | None:
    try:
        document: Any = bare_extraction(tree, include_comments=False, favor_precision=precise)
    except Exception:  # noqa: BLE001 - a parser fed with other people's pages; whatever it trips over, others may not
        return None
    text = clean(document.text or "") if document is not None else ""
    return Body(text, "trafilatura" if precise else "trafilatura_balanced") if text else None


def clean(text: str) -> str:
    """Composed, without invisible characters; one blank between words, one newline between paragraphs."""
    visible = _CONTROL.sub(" ", unicodedata.normalize("NFC", text).translate(_INVISIBLE))
    lines = (_BLANKS.sub(" ", line).strip() for line in visible[:LONGEST].split("\n"))
    return "\n".join(line for line in lines if line)


def without_title(text: str, title: str) -> str:
    """`text` without a first line that only repeats the title."""
    first, _, rest = text.partition("\n")
    return rest if rest and title and _bare(first) == _bare(title) else text


def _bare(line: str) -> str:
    return "".join(one for one in line.casefold() if one.isalnum())
