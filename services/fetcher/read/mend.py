"""Repairs of a feed's markup, so that the XML parser loses nothing of its text.

What stands before the root (warnings of PHP, a declaration, a document type) is dropped; entities that a document
declares itself are kept where they are a short plain text, so that a bomb of nested ones is never built; HTML's named
entities become characters; a stray `&` or `<` is escaped; characters that XML forbids are dropped. CDATA sections and
comments stay as they are.

Left out on purpose: tags that do not match (the parser's recovery, and feedparser after it).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from html.entities import html5
from typing import Any

from lxml import etree

LONGEST_ENTITY = 64
MOST_ENTITIES = 256
"""Bounds of what a document may declare: longer and more are no typing aid."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ROOT = re.compile(r"<(?:[a-z0-9]+:)?(?:rss|feed|rdf|channel|urlset|sitemapindex)[\s>/]", re.IGNORECASE)
_DECLARATION = re.compile(
    r"""<!ENTITY\s+([A-Za-z][\w.-]*)\s+(?:"([^"&<%]*|&\#\w{1,8};)"|'([^'&<%]*|&\#\w{1,8};)')\s*>"""
)
_WORK = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<(?![A-Za-z_/!?])"
    r"|&(?:(#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][\w.-]{0,31});)?",
    re.DOTALL,
)
_KEPT = frozenset({"lt", "gt", "amp", "quot", "apos"})

HARMLESS = frozenset(
    getattr(etree.ErrorTypes, name)
    for name in ("NS_ERR_XML_NAMESPACE", "NS_ERR_UNDEFINED_NAMESPACE", "NS_ERR_QNAME", "NS_ERR_ATTRIBUTE_REDEFINED",
                 "NS_ERR_COLON", "NS_ERR_EMPTY", "WAR_NS_URI", "WAR_NS_URI_RELATIVE", "WAR_NS_COLUMN",
                 "WAR_UNKNOWN_VERSION", "WAR_LANG_VALUE", "WAR_SPACE_VALUE", "ERR_DOCUMENT_END",
                 "ERR_UNSUPPORTED_ENCODING", "ERR_RESERVED_XML_NAME")
)  # fmt: skip
"""Mistakes the parser tells of that cost no text of an entry."""


def tree(document: bytes) -> tuple[Any, set[int]]:
    """The root of a document in UTF-8 (None where there is none), and the kinds of mistakes that may have cost text."""
    parser = etree.XMLParser(
        encoding="utf-8", recover=True, resolve_entities=False, no_network=True, collect_ids=False, load_dtd=False
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None, {0}
    return root, {error.type for error in parser.error_log} - HARMLESS


def cut(text: str) -> tuple[str, dict[str, str]]:
    """The document from its root element on, without forbidden characters, and the entities it declares."""
    root = _ROOT.search(text)
    start = root.start() if root else 0
    return _FORBIDDEN.sub("", text[start:]), _declared(text[:start]) if "<!ENTITY" in text[:start] else {}


def mend(text: str, entities: Mapping[str, str]) -> str:
    """Markup with its references and stray characters in order."""
    return _WORK.sub(lambda match: _mended(match, entities), text)


def _declared(head: str) -> dict[str, str]:
    """The entities that are a short text or one character."""
    found: dict[str, str] = {}
    for name, double, single in _DECLARATION.findall(head)[:MOST_ENTITIES]:
        value = html.unescape(double or single)
        if len(value) <= LONGEST_ENTITY:
            found.setdefault(name, value)
    return found


def _mended(match: re.Match[str], entities: Mapping[str, str]) -> str:
    piece, name = match[0], match[1]
    if piece[0] == "<":
        return piece if len(piece) > 1 else "&lt;"
    if name is None:
        return "&amp;"
    if name in _KEPT:
        return piece
    if name[0] == "#":
        character: str | None = html.unescape(piece)
    else:
        character = entities.get(name) or html5.get(f"{name};")
    if character is None:  # nobody's entity: as it is written
        return "&amp;" + piece[1:]
    return html.escape(_FORBIDDEN.sub("", character))
