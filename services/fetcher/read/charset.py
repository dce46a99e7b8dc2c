"""Bytes to text where a feed is not simply UTF-8, or says it is and lies.

The order: byte order mark; UTF-16 and UTF-32 by their zero bytes; strict UTF-8 where that is declared or nothing is;
the declared character set; the one of the HTTP header; UTF-8 that is damaged in a few places; a guess from the bytes.
A label that cannot be true (utf-16 over single bytes) is not believed.

Sources: XML 1.0 appendix F (detection), the WHATWG Encoding Standard (latin1 is windows-1252, gb2312 is gb18030).

Left out on purpose: the rules of RFC 3023 that set ASCII for text/xml, which no publisher means.
"""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding

HEAD = 1_024
GUESSED = 65_536
"""Bytes that a guess looks at."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
BARE = (
    (b"\x00\x00\x00<", "utf-32-be"), (b"<\x00\x00\x00", "utf-32-le"), (b"\x00<\x00", "utf-16-be"),
    (b"<\x00", "utf-16-le"), (b"Lo\xa7\x94", "cp037"),
)  # fmt: skip
"""How a document begins that has no mark."""

MEANT = {
    "iso-8859-1": "windows-1252", "latin-1": "windows-1252", "latin1": "windows-1252", "us-ascii": "windows-1252",
    "ascii": "windows-1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949", "iso-8859-9": "windows-1254", "tis-620": "windows-874",
}  # fmt: skip
WIDE = ("utf-16", "utf16", "utf-32", "utf32", "ucs-2", "ucs-4", "iso-10646", "csunicode", "csucs4", "u16", "u32")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']\s*([A-Za-z0-9._:-]{1,40})""")
_ELEMENT = re.compile(rb"<(?:[a-z0-9]+:)?(?:rss|feed|rdf|channel|urlset|sitemapindex|html)[\s>]", re.IGNORECASE)


def declared(body: bytes) -> str:
    """The character set of the XML declaration in small letters, "" without one."""
    match = _DECLARED.search(body[:HEAD])
    if match is not None and _ELEMENT.search(body, 0, match.start()):
        return ""  # it is quoted in a text
    return match[1].decode("ascii").lower() if match else ""


def is_plain(body: bytes) -> bool:
    """Whether `body` claims to be UTF-8 (or nothing at all), without a mark: the parser may read it as it is."""
    return body[:1] in b"< \t\r\n" and b"\x00" not in body[:4] and declared(body) in ("", "utf-8", "utf8")


def decode(body: bytes, charset: str = "") -> str:
    """The text of `body`; `charset` is that of the HTTP header. Never raises: what cannot be read is U+FFFD."""
    known = _known(body)
    if known:
        return body.decode(known, "replace")
    stated = declared(body)
    for name in dict.fromkeys((stated or "utf-8", charset.lower(), "utf-8")):
        text = _strictly(body, name)
        if text is not None:
            return text
    return _damaged(body) or body.decode(_guess(body), "replace")


def _known(body: bytes) -> str:
    marked = next((name for mark, name in MARKS if body.startswith(mark)), "")
    return marked or next((name for start, name in BARE if body.startswith(start)), "")


def _strictly(body: bytes, name: str) -> str | None:
    if not name or name.startswith(WIDE):
        return None
    try:
        return body.decode(MEANT.get(name, name))
    except (UnicodeDecodeError, LookupError):
        return None


def _damaged(body: bytes) -> str | None:
    """The text as UTF-8 where nine in ten of its characters outside ASCII are."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(text) - bad - sum(map(len, re.findall(r"[\x00-\x7f]+", text)))
    return text if good > 9 * bad else None


def _guess(body: bytes) -> str:
    name = detect_encoding(body[:GUESSED]) or "windows-1252"
    try:
        codecs.lookup(name)
    except LookupError:
        return "windows-1252"
    return "windows-1252" if name.lower() in ("utf-8", "ascii") else name
