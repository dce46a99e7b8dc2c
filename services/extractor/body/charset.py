"""Bytes to text: which encoding a page is in.

Strict UTF-8 goes before what the server or the page claims: text in a single-byte encoding is practically never valid
UTF-8, while servers that label everything `iso-8859-1` or `windows-1250` are common. A byte order mark goes before all.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import cast

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

HEAD_BYTES = 4096
"""Where a declaration is looked for. HTML asks for the first 1,024 bytes; real pages put comments and styles before."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(rb"<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_MOSTLY_UTF8 = 0.02
"""Broken characters per character outside ASCII up to which a page is UTF-8 with a fault, not another encoding."""
_BY_LANGUAGE = {"bg": "windows-1251", "mk": "windows-1251", "sr": "windows-1250", "hr": "windows-1250",
                "bs": "windows-1250", "sl": "windows-1250", "sq": "windows-1252"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page as text, the encoding it was in and how that was known."""

    text: str
    encoding: str
    method: str


def decode(body: bytes, content_type: str = "", language: str = "") -> Decoded:
    """`body` as text. `language` is the outlet's, the last resort where nothing else says. Never fails."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return Decoded(body[len(mark) :].decode(encoding, "replace"), encoding, "bom")
    strict = _strict_utf8(body)
    if strict is not None:
        return Decoded(strict, "utf-8", "utf8")
    return _claimed(body, content_type) or _lenient_utf8(body) or _guessed(body, language)


def _strict_utf8(body: bytes) -> str | None:
    # not final: a page that was cut at its size limit may end in the middle of a character
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return None


def _claimed(body: bytes, content_type: str) -> Decoded | None:
    declared = _DECLARED.search(body, 0, HEAD_BYTES)
    claims = (("header", _HEADER.search(content_type)), ("declaration", declared))
    for method, found in claims:
        if found is None:
            continue
        label = found[1].decode("ascii", "replace") if isinstance(found[1], bytes) else found[1]
        encoding = _known(label)
        if encoding and encoding not in ("utf-8", "utf-16-le", "utf-16-be"):  # the bytes already said no to those
            return Decoded(body.decode(encoding, "replace"), encoding, method)
    return None


def _known(label: str) -> str:
    try:
        return codecs.lookup(cast("str", map_encoding_to_html5(label)) or label).name
    except LookupError:
        return ""


def _lenient_utf8(body: bytes) -> Decoded | None:
    text = body.decode("utf-8", "replace")
    foreign = len(text) - sum(1 for one in text if one < "\x80")
    broken = text.count("\ufffd")
    return Decoded(text, "utf-8", "utf8_with_faults") if broken <= max(1, foreign * _MOSTLY_UTF8) else None


def _guessed(body: bytes, language: str) -> Decoded:
    guess = _known(str(detect_encoding(body, max_len=131_072, html5_compatible=True) or ""))
    if guess and guess not in ("cp1252", "utf-8"):
        return Decoded(body.decode(guess, "replace"), guess, "detected")
    encoding = _BY_LANGUAGE.get(language.split("-", maxsplit=1)[0], "windows-1252")
    return Decoded(body.decode(encoding, "replace"), encoding, "language")
