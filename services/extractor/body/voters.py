"""The extractors that have a say in what the running text is, each a function from a page to a text.

Four of three families, measured on 181 news pages (milliseconds of one core, F1 over 4-grams; see docs/decisions):

* `precise`: trafilatura, few rules and favouring precision: 14 ms, 0.944. It finds nothing on five pages.
* `balanced`: trafilatura, few rules: 15 ms, 0.962.
* `readability`: the fork of Readability that trafilatura keeps and tests: 7 ms, 0.924. The separate package is better
  alone (25 ms, 0.959), and the vote with it came to the same.
* `wide`: resiliparse, another family: 3 ms, 0.917; it hardly misses anything (recall 0.98) and takes much in.

Left out on purpose: trafilatura's comparison with its own fallbacks (24 ms; the vote does it, for one page in nine),
its metadata (a third more time, days only), newspaper4k (slow, a package of its own for each of some languages),
justext and boilerpy3 (0.81 and 0.86; the vote was no better with them).
"""

from __future__ import annotations

import logging
from copy import deepcopy
from typing import Any

from lxml.etree import tostring
from resiliparse.extract.html2text import extract_plain_text
from trafilatura import bare_extraction
from trafilatura.external import try_readability

from services.extractor.body.clean import clean
from services.extractor.body.plain import cheap_text

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it warns of every page without a text


def precise(tree: Any) -> str:
    """Trafilatura's first choice, its strict rules. The tree is left as it was."""
    return _trafilatura(tree, fast=True, favor_precision=True)


def balanced(tree: Any) -> str:
    """Trafilatura's first choice, its usual rules."""
    return _trafilatura(tree, fast=True)


def thorough(tree: Any) -> str:
    """Trafilatura with all its fallbacks: for a page on which nothing else found anything."""
    return _trafilatura(tree)


def readability(tree: Any) -> str:
    """The element that Readability scores best, as text."""
    try:
        best = try_readability(deepcopy(tree))  # it takes apart what it is given
    except Exception:  # noqa: BLE001 - a parser fed with other people's pages; whatever it trips over, others may not
        return ""
    return plain_text(best)


def plain_text(element: Any) -> str:
    """The text of an element, a line a block."""
    html = tostring(element, encoding="unicode", method="html")
    text = extract_plain_text(html, preserve_formatting=True, alt_texts=False, list_bullets=False, links=False)
    return clean(text)


def wide(page: str) -> str:
    """Everything that resiliparse does not take for furniture."""
    return clean(cheap_text(page))


def _trafilatura(tree: Any, *, fast: bool = False, favor_precision: bool = False) -> str:
    try:
        document: Any = bare_extraction(tree, include_comments=False, fast=fast, favor_precision=favor_precision)
    except Exception:  # noqa: BLE001 - as above
        return ""
    return clean(document.text or "") if document is not None else ""
