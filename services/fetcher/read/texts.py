"""Texts of feeds as people read them: one line, no tags in a title, nothing that JSON and databases refuse.

Left out on purpose: making HTML safe. Bodies are handed on as they were served; whoever shows one has to escape it.
"""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import Any

LONGEST_CONTENT = 200_000
LONGEST_TEXT = 20_000
LONGEST_LINE = 2_048
"""Characters kept of a body, of a summary, and of titles, links and ids."""

NAMES = frozenset(
    """a abbr acronym b big blockquote br center cite code del dfn div em font h1 h2 h3 h4 h5 h6 hr i img ins kbd li
    mark nobr ol p pre q s samp script small span strike strong style sub sup time tt u ul var wbr""".split()  # noqa: SIM905 - a list of fifty short words reads best as words
)
"""Elements that titles are written with."""
VOID = frozenset({"br", "hr", "img", "wbr"})

_CONTROL = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r")
_LATIN = re.compile(b"\xc2[\x80-\x9f]")
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:]*)(?:\s[^<>]*)?/?>|<!--.*?-->", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_XML = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"))
_REFERENCE = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def line(value: Any) -> str:
    """One line of text, of bounded length; "" for what is no text or number."""
    if value.__class__ is not str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return ""
        value = str(value)
    text = " ".join(value.split())
    if not text.isprintable():
        text = " ".join(clean(text).split())
    return text if len(text) <= LONGEST_LINE else text[:LONGEST_LINE]


def title(value: Any, *, markup: bool | None = None) -> str:
    """A title without markup. `markup` says whether it is HTML; None lets the text tell, because titles are HTML in
    many feeds, whatever they declare: a closing tag or a reference says so, unless an element is nobody's."""
    text = line(value)
    if "<" in text and (looks_html(text) if markup is None else markup):
        text = line(_TAG.sub("", _HIDDEN.sub("", text)))
    return line(html.unescape(text)) if "&" in text and markup is not False else text


def body(value: Any, longest: int) -> str:
    """A longer text, trimmed and cut, without scripts and styles, which are no text."""
    if not isinstance(value, str):
        return ""
    text = value if len(value) < 2 * longest else value[: 2 * longest]
    if "<s" in text or "<S" in text:
        text = _HIDDEN.sub("", text)
    return (text if text.isprintable() else clean(text)).strip()[:longest]


def looks_html(text: str) -> bool:
    """Whether a text that does not say so is HTML: it closes an element, has a void one or a reference, and knows no
    other elements than those of a line of text."""
    names = [name.lower() for name in _TAG.findall(text) if name]
    if any(name not in NAMES for name in names):
        return False
    return "</" in text or any(name in VOID for name in names) or bool(_REFERENCE.search(text))


def clean(text: str) -> str:
    """Without control characters and lone surrogates, neither of which JSON and databases take (as bytes: ten times
    quicker than by pattern); windows-1252 that passed for Latin 1 is what it was meant as."""
    found = text.encode("utf-8", "ignore").translate(None, _CONTROL)
    return (_LATIN.sub(_meant, found) if b"\xc2" in found else found).decode("utf-8")


def _meant(match: re.Match[bytes]) -> bytes:
    return match[0][1:].decode("windows-1252", "ignore").encode()


def resolved(text: str) -> str:
    """XML text with its references resolved, also those of HTML, which feeds use without declaring them."""
    for name, character in _XML:
        text = text.replace(name, character) if name in text else text
    if "&#" in text or text.count("&") != text.count("&amp;"):
        text = _REFERENCE.sub(_character, text)
    return text.replace("&amp;", "&")


def _character(match: re.Match[str]) -> str:
    """`&amp;` stays for the last step; a name that is nobody's stays for good."""
    name = match[1]
    if name[0] == "#":
        return html.unescape(match[0])
    return match[0] if name == "amp" else html5.get(f"{name};", match[0])
