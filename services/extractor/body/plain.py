"""The cheap way to read a page: for floods, and for pages that killed a worker.

A page is a *monster* when its bytes alone say that a full reading would take seconds: a flood of tags (more than
25,000; real pages: at most 8,093 of 738), of choices or of combining marks, or more than 2,000 attributes in one tag.
Measured: 100,000 attributes on one tag cost libxml2 13 s and resiliparse 42 s, dropping them costs 10 ms; 24,000
paragraphs cost trafilatura 10 s; 24,000 choices cost resiliparse 5 s; composing 800,000 marks takes minutes.

What is left is read by resiliparse, except where elements nest so deeply that its recursion would end the process;
there the tags are cut away by a regular expression. All of it is linear in the size of the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from resiliparse.extract.html2text import extract_plain_text

from services.extractor.body.clean import few_marks

MOST_TAGS = 25_000
MOST_ATTRIBUTES = 2_000
MOST_OPTIONS = 3_000
"""Entries of choice lists: resiliparse takes time that grows with the square of them; a list of all states has 250."""
MOST_MARKS = 20_000
"""Combining marks of the first block, in bytes that begin one: parsers compose them in quadratic time."""
LONGEST_TAG = 300_000
"""Bytes of one tag: 2 million words in a class cost seconds; 181 real pages stay below 44,000."""
DEEPEST = 2_000
"""Nesting given to resiliparse: 181 real pages stay below 500, its recursion broke between 20,000 and 50,000."""

_LONG = 2 * MOST_ATTRIBUTES
"""Bytes below which a tag cannot hold that many: an attribute has a letter and a blank."""
_LONG_PART = re.compile(rb"<([^<]{%d,})" % (_LONG + 1))
_INSIDE = re.compile(rb"[a-zA-Z](?:[^>\"']+|\"[^\"]*\"|'[^']*')*")
_QUOTED = re.compile(rb"\"[^\"]*\"|'[^']*'")
_MARKED = re.compile(rb"(?:\xcc[\x80-\xbf]|\xcd[\x80-\xaf]){64}")
_OPTION = re.compile(r"</?(?:option|optgroup)\b[^<>]*>", re.IGNORECASE)
_WHOLE_TAG = re.compile(r"<([a-zA-Z][\w:-]{0,40})(\s(?:[^<>\"']+|\"[^\"]*\"|'[^']*')*)")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr p li td tr th dd dt option".split()  # noqa: SIM905 - reads best as words
)
_MARKUP = re.compile(r"<!--|<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})[^<>]*>?")
_HIDDEN = frozenset(
    ["script", "style", "noscript", "template", "svg", "nav", "header", "footer", "aside", "form", "button"]
)
_BLOCK = frozenset(
    ["p", "div", "br", "li", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "section", "article", "blockquote", "td"]
)
_SHORTEST_LINE = 40
"""Characters from which a line counts as prose and not as a menu entry or a button."""


def is_monster(body: bytes) -> bool:
    """Whether the bytes alone say that reading this page as it is would take too long. About 0.3 ms a page."""
    return is_flood(body) or has_monstrous_tag(body)


def is_flood(body: bytes) -> bool:
    """Whether there is too much of something: tags, entries of choice lists, combining marks in a row."""
    if body.count(b"<") > MOST_TAGS or body.count(b"<option") > MOST_OPTIONS:
        return True
    return body.count(b"\xcc") + body.count(b"\xcd") > MOST_MARKS and bool(_MARKED.search(body))


def has_monstrous_tag(body: bytes) -> bool:
    """Whether a tag is too long, or has too many attributes; without them (`tamed`) the page may be read in full."""
    return any(_attributes(part[1]) > MOST_ATTRIBUTES for part in _LONG_PART.finditer(body))


def _attributes(part: bytes) -> int:
    """How many attributes the tag at the start of `part` has; 0 where no tag begins, too many where it never ends."""
    begin = part[: LONGEST_TAG + 2]
    tag = _INSIDE.match(begin)
    if tag is None:
        return 0
    endless = len(tag[0]) > LONGEST_TAG or (
        len(part) > LONGEST_TAG and begin[tag.end() : tag.end() + 1] in (b'"', b"'")
    )
    if endless:
        return MOST_ATTRIBUTES + 1
    return len(_QUOTED.sub(b"", tag[0]).split()) if len(tag[0]) > _LONG else 0


def tamed(page: str) -> str:
    """`page` without the attributes of monstrous tags, without choice lists and heaps of combining marks, so that any
    parser can take it."""
    few = few_marks(_OPTION.sub(" ", page))
    return _WHOLE_TAG.sub(lambda tag: f"<{tag[1]} " if len(tag[2]) > _LONG else tag[0], few)


def cheap_text(page: str) -> str:
    """The running text of a tamed page, a line a paragraph; less exact than the full reading."""
    if _depth(page) > DEEPEST:
        return _stripped(page)
    return extract_plain_text(
        page, main_content=True, preserve_formatting=True, alt_texts=False, list_bullets=False, links=False
    )


def _depth(page: str) -> int:
    """The deepest nesting, 0 where it cannot matter; elements that close themselves do not count."""
    if page.count("<") - page.count("</") <= DEEPEST:  # as many opening tags at most: no need to count levels
        return 0
    depth = deepest = 0
    for tag in _TAG.finditer(page):
        if tag[2].lower() in _VOID:
            continue
        depth = max(0, depth - 1) if tag[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _stripped(page: str) -> str:
    lines = "".join(_shown(page)).split("\n")
    texts = (" ".join(html.unescape(line).split()) for line in lines)
    return "\n".join(text for text in texts if len(text) >= _SHORTEST_LINE)


def _shown(page: str) -> Iterator[str]:
    """The pieces of `page` that are text, a line break for each block; one pass, whatever is left open."""
    hidden, position = "", 0
    while (tag := _MARKUP.search(page, position)) is not None:
        if not hidden:
            yield page[position : tag.start()]
        if tag[0] == "<!--":
            end = page.find("-->", tag.end())
            position = len(page) if end < 0 else end + 3
            continue
        position, name = tag.end(), tag[2].lower()
        hidden = _hidden_after(hidden, name, closing=bool(tag[1]))
        if name in _BLOCK:
            yield "\n"
    if not hidden:
        yield page[position:]


def _hidden_after(hidden: str, name: str, *, closing: bool) -> str:
    """The element whose end must come before text is shown again, after this tag."""
    if hidden:
        return "" if closing and name == hidden else hidden
    return name if name in _HIDDEN and not closing else ""
