"""Documents that are made to cost a reader its time, its memory or its life; each a generator of bytes.

All are as large as the fetcher lets through or smaller (5 MB), most are what broken templates and hostile authors have
been seen to serve: floods of one element, nesting, endless tags, texts that are bad for one of the later steps.
"""

from __future__ import annotations

import random
from collections.abc import Callable

Make = Callable[[], bytes]
LARGEST = 5_000_000
_WORDS = ("ministers", "signed", "a", "declaration", "in", "Tirana", "Vučić", "said", "that", "Kosovo", "Београд")


def _page(inside: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head><title>Poison</title>{head}</head><body>{inside}</body></html>".encode()


def _article(inside: str) -> bytes:
    return _page(f"<article><h1>Poison</h1>{inside}</article>")


def _flood(piece: str, times: int) -> Make:
    return lambda: _article(piece * times)


def _nested(opening: str, closing: str, times: int) -> Make:
    return lambda: _article(opening * times + "text" + closing * times)


def _attributes() -> bytes:
    return _article("<div " + " ".join(f'data-a{number}="{number}"' for number in range(100_000)) + ">text</div>")


def _table() -> bytes:
    return _article("<table>" + "<tr><td>one</td><td>two</td></tr>" * 100_000 + "</table>")


def _script_ld(inside: str) -> bytes:
    return _page("<p>A short text.</p>", f'<script type="application/ld+json">{inside}</script>')


def _random_bytes() -> bytes:
    return b"<html><body>" + random.Random(1).randbytes(1_000_000) + b"</body></html>"


def _tag_soup() -> bytes:
    chance = random.Random(2)
    names = ["b", "i", "a", "table", "tr", "td", "p", "div", "form", "select", "font", "li", "svg", "math", "template"]
    tags = (f"<{chance.choice(['', '/'])}{chance.choice(names)}>{chance.choice('xyz ')}" for _ in range(20_000))
    return _article("".join(tags))


def _words(number: int) -> str:
    chance = random.Random(3)
    return " ".join(chance.choice(_WORDS) for _ in range(number))


POISON: dict[str, Make] = {
    "attributes": _attributes,
    "attributes_in_many_tags": _flood('<p a1="1" a2="2" a3="3" a4="4" a5="5" a6="6" a7="7" a8="8">x</p>', 20_000),
    "table": _table,
    "paragraphs": _flood("<p>A paragraph that says little.</p>", 60_000),
    "paragraphs_below_the_limit": _flood("<p>A paragraph that says little, but says it at length.</p>", 12_000),
    "links": _flood('<a href="/x">a link</a> ', 60_000),
    "links_below_the_limit": _flood('<li><a href="/x">a link to another story</a></li>', 6_000),
    "breaks": _flood("<br>", 200_000),
    "class_words": lambda: _article(f"<div class='{'word ' * 900_000}'>text</div>"),
    "one_paragraph": lambda: _article(f"<p>{_words(700_000)}</p>"),
    "one_word": lambda: _article(f"<p>{'a' * 4_900_000}</p>"),
    "one_sentence": lambda: _article(f"<p>{_words(30_000).replace('.', '')}</p>"),
    "deep_divisions": _nested("<div>", "</div>", 50_000),
    "deep_divisions_below_the_limit": _nested("<div>", "</div>", 1_900),
    "deep_tables": _nested("<table><tr><td>", "</td></tr></table>", 3_000),
    "deep_lists": _nested("<ul><li>", "</li></ul>", 5_000),
    "deep_quotes": _nested("<blockquote>", "</blockquote>", 8_000),
    "deep_spans_never_closed": _nested("<span>", "", 24_000),
    "formatting_never_closed": _nested("<b><i><a href='x'><font>", "", 6_000),
    "misnested_formatting": _flood("<b><i><p>x</b></i>", 6_000),
    "tag_soup": _tag_soup,
    "comment_never_closed": lambda: _article("<!-- " + "x - " * 1_000_000),
    "comments": _flood("<!--x-->", 24_000),
    "script": lambda: _page("<p>text</p><script>" + "x();" * 1_000_000 + "</script>"),
    "style_never_closed": lambda: _page("<style>" + "a{b:c}" * 700_000),
    "json_ld_deep": lambda: _script_ld('{"a":' * 100_000 + "1" + "}" * 100_000),
    "json_ld_deep_lists": lambda: _script_ld("[" * 400_000),
    "json_ld_nodes": lambda: _script_ld("[" + ",".join(['{"@type":"NewsArticle","headline":"x"}'] * 20_000) + "]"),
    "json_ld_long_text": lambda: _script_ld('{"@type":"NewsArticle","articleBody":"' + "word " * 190_000 + '"}'),
    "entities": _flood("&amp;&lt;&nbsp;", 300_000),
    "numeric_references": _flood("&#xFFFFFFFF;&#0;&#x110000;", 150_000),
    "zero_bytes": lambda: _article("\x00" * 3_000_000 + "<p>text</p>"),
    "random_bytes": _random_bytes,
    "utf16_without_a_mark": lambda: _article("<p>text of it</p>" * 2_000).decode().encode("utf-16-le"),
    "surrogates": lambda: _article("<p>text SURROGATE</p>").replace(b"SURROGATE", b"\xed\xa0\x80" * 100_000),
    "wrong_encoding_named": lambda: _page("<p>\u0160ta je potpisano</p>", '<meta charset="no-such-charset">'),
    "quotation_marks": lambda: _article("<p>" + "„“”«»\"' " * 40_000 + "</p>"),
    "quotations": lambda: _article("<p>" + "„Da“, rekao je Vučić. " * 9_000 + "</p>"),
    "quotation_never_closed": lambda: _article("<p>Vučić: „" + _words(30_000) + "</p>"),
    "capitals": lambda: _article("<p>" + "Ana Marković Petrović " * 9_000 + "</p>"),
    "names": lambda: _article("<p>" + "Vučić Kosovo Tirana Kurti Beograd " * 6_000 + "</p>"),
    "dots": lambda: _article("<p>" + "." * 190_000 + "</p>"),
    "short_sentences": lambda: _article("<p>" + "A. " * 60_000 + "</p>"),
    "blanks": lambda: _article("<p>a" + " \t\n" * 1_500_000 + "b</p>"),
    "combining_marks": lambda: _article("<p>" + "e" + "\u0301\u0327" * 400_000 + "</p>"),
    "directions": lambda: _article("<p>" + "\u202ea\u202c\u200f" * 150_000 + "</p>"),
    "ligatures": lambda: _article("<p>" + "\ufdfa" * 60_000 + "</p>"),
    "title": lambda: _page("<p>text</p>", f"<title>{'word ' * 900_000}</title>"),
    "title_of_separators": lambda: _page("<p>text</p>", f"<title>{' - ' * 60_000}</title>"),
    "metas": lambda: _page("<p>text</p>", '<meta name="author" content="A. Writer">' * 20_000),
    "meta_long": lambda: _page("<p>text</p>", '<meta name="author" content="' + "Ana, " * 900_000 + '">'),
    "times": _flood('<time datetime="2025-03-18T10:00:00Z">18.03.2025</time>', 10_000),
    "dates_in_text": lambda: _article("<p>" + "18.03.2025. u 10:00 " * 9_000 + "</p>"),
    "tag_never_closed": lambda: b"<html><body><p>text</p><div " + b'a="b" ' * 800_000,
    "quote_in_a_tag_never_closed": lambda: b'<html><body><p>text</p><div a="' + b"x> <p " * 800_000,
    "data_address": lambda: _article('<p>text</p><img src="data:image/png;base64,' + "A" * 4_000_000 + '">'),
    "addresses": _flood('<p><a href="http://[::1">x</a><img src="//[bad"></p>', 5_000),
    "canonical_long": lambda: _page("<p>text</p>", f"<link rel='canonical' href='https://lajmi.test/{'a' * 999_999}'>"),
    "options": lambda: _article("<select>" + "<option>one" * 24_000 + "</select>"),
    "svg": lambda: _article(f"<svg><path d='{'M0 0 ' * 900_000}'/></svg><p>text</p>"),
    "doctype_entities": lambda: b"<!DOCTYPE html [<!ENTITY a 'aaa'><!ENTITY b '&a;&a;'>]><html><body>&b;</body></html>",
    "frames": _flood("<iframe srcdoc='<p>x</p>'></iframe>", 8_000),
    "less_than": _flood("< ", 24_000),
    "nothing_but_a_doctype": lambda: b"<!DOCTYPE html>",
}  # fmt: skip
"""By name. At the limits of the pre-check as well as beyond them: what is just allowed must be read in time, too."""
