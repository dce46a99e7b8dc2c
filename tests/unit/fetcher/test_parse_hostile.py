"""Feeds that lie about their bytes, are broken, or mean harm: what can be saved is, and nothing happens."""

from __future__ import annotations

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from services.fetcher.read.lift import LONG, lift
from services.fetcher.read.parse import Feed, Unusable, parse_feed

ITEM = "<item><title>Прва вест из Београда</title><link>https://e.test/1</link><guid>g1</guid></item>"
LONG_TEXT = "Дуг текст о споразуму у Тирани. " * 40


def rss(inside: str, *, head: str = "", before: str = "") -> str:
    return f"{before}<rss version='2.0'><channel><title>Лист</title>{head}{inside}</channel></rss>"


def read(body: str | bytes) -> Feed:
    found = parse_feed(body.encode() if isinstance(body, str) else body)
    assert isinstance(found, Feed), found
    return found


def titles(body: str | bytes) -> list[str]:
    return [entry.title for entry in read(body).entries]


# -- character sets ------------------------------------------------------------------------------------------------

WORDS = (
    "Kosovo, Albanija i Hrvatska potpisale deklaraciju: šta kaže Srbija, Vučić i ministri, žestoko reagovanje, ćutanje"
)


@pytest.mark.parametrize("label", ["utf-8", "iso-8859-1", "us-ascii", ""])
def test_mislabelled_central_european_text(label: str) -> None:
    """windows-1250 under another name: from the bytes, wherever those of the label make no sense."""
    declaration = f"<?xml version='1.0' encoding='{label}'?>" if label in ("utf-8", "") else "<?xml version='1.0'?>"
    items = f"<item><title>{WORDS}</title><description>{WORDS} {WORDS}</description></item>" * 3
    found = titles((declaration + rss(items)).replace("Лист", "List").encode("cp1250"))
    assert found == [WORDS] * 3


@pytest.mark.parametrize(
    ("charset", "label"),
    [
        ("windows-1251", "windows-1251"), ("koi8-r", "koi8-r"), ("iso-8859-5", "iso-8859-5"), ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"), ("utf-16-be", "utf-16"), ("utf-32", "utf-32"), ("utf-8-sig", "utf-8"),
        ("utf-8", "utf-16"), ("utf-8", "UTF8"), ("utf-8", "unicode"), ("utf-8", "iso-8859-1-nonsense"),
    ],
)  # fmt: skip
def test_character_sets_and_false_labels(charset: str, label: str) -> None:
    body = f"<?xml version='1.0' encoding='{label}'?>" + rss(ITEM + f"<item><title>{LONG_TEXT}</title></item>")
    assert titles(body.encode(charset)) == ["Прва вест из Београда", LONG_TEXT.strip()]


def test_the_header_counts_where_the_document_says_nothing() -> None:
    found = parse_feed(rss(ITEM).encode("windows-1251"), "windows-1251")
    assert isinstance(found, Feed) and found.entries[0].title == "Прва вест из Београда"


def test_a_body_that_quotes_another_label_or_lies_alone() -> None:
    quoted = f"<?xml version='1.0' encoding='iso-8859-2'?> {LONG_TEXT}"
    bodies = f"<item><title>a</title><description><![CDATA[{quoted}]]></description></item>".encode()
    bodies += f"<item><title>b</title><description>{WORDS * 8}</description></item>".encode("cp1250")
    one, two = read(b"<rss><channel>" + bodies + b"</channel></rss>").entries
    assert (one.read.summary, two.read.summary) == (quoted.strip(), WORDS * 8)


def test_utf_8_damaged_in_one_place_stays_utf_8() -> None:
    body = rss(ITEM * 5).encode().replace("Лист".encode(), "Лис".encode() + b"\xd1")
    assert titles(body) == ["Прва вест из Београда"] * 5


# -- markup --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Kraft & Co", "Kraft & Co"),
        ("a=1&b=2&c", "a=1&b=2&c"),
        ("caf&eacute; &ndash; bar&nbsp;x", "café – bar x"),
        ("&unknown; thing", "&unknown; thing"),
        ("before\x08 after\x1f", "before after"),
        ("control &#8; reference &#x1F;", "control reference"),
        ("3 < 4 and 5 <6", "3 < 4 and 5 <6"),
        ("Win&#146;s quote", "Win’s quote"),
        ("<![CDATA[Tom & Jerry &amp; more]]>", "Tom & Jerry & more"),
        ("<!-- no -->Title<!-- <![CDATA[ -->", "Title"),
        ("<b>Bold</b> word", "Bold word"),
        ("History of the &lt;blink&gt; tag", "History of the <blink> tag"),
        ("&lt;b&gt;Bold&lt;/b&gt; word", "Bold word"),
        ("safe&lt;script&gt;alert(1)&lt;/script&gt;", "safe"),
    ],
)
def test_titles_keep_their_text(written: str, meant: str) -> None:
    padding = f"<item><title>before</title><description>{LONG_TEXT}</description></item>"
    assert titles(rss(padding + f"<item><title>{written}</title></item>" + ITEM)) == [
        "before", meant, "Прва вест из Београда",
    ]  # fmt: skip


def test_php_warnings_before_the_feed() -> None:
    before = "<br />\n<b>Warning</b>: Undefined array key in <b>/var/www/feed.php</b> on line <b>7</b><br />\n"
    for declaration in ("", "<?xml version='1.0' encoding='utf-8'?>"):
        assert titles(before + declaration + rss(ITEM)) == ["Прва вест из Београда"]


def test_tags_that_do_not_match_and_what_follows_the_root() -> None:
    assert "Прва вест из Београда" in titles(rss("<item><title>one</titel></item>" + ITEM))
    assert titles(rss(ITEM) + "<script>x</script>") == ["Прва вест из Београда"]
    assert titles(rss(ITEM).removesuffix("</channel></rss>") + "<item><title>half")[:1] == ["Прва вест из Београда"]


def test_an_undeclared_prefix_is_what_it_usually_means() -> None:
    (entry,) = read(
        rss("<item><dc:title>x</dc:title><dc:date>2025-03-18T10:00:00Z</dc:date><foo:title>y</foo:title></item>")
    ).entries
    assert (entry.title, entry.published is not None) == ("x", True)


def test_titles_of_other_things_are_not_those_of_the_entry() -> None:
    (entry,) = read(
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://search.yahoo.com/mrss/"><entry><m:title>m</m:title>'
        "<source><title>other</title><link href='https://no.test/'/></source><title>mine</title></entry></feed>"
    ).entries
    assert (entry.title, entry.link) == ("mine", "")


def test_relative_links_follow_the_base_of_their_document() -> None:
    found = read(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://e.test/a/"><entry xml:base="b/"><title>x</title>'
        '<link href="c"/></entry><entry><title>y</title><link rel="self" href="no"/><link href="/d"/></entry></feed>'
    )
    assert [entry.link for entry in found.entries] == ["https://e.test/a/b/c", "https://e.test/d"]


# -- harm ----------------------------------------------------------------------------------------------------------


def test_nested_entities_never_grow() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    found = read(rss("<item><title>&e9; end</title></item>", before=f"<!DOCTYPE rss [{entities}]>"))
    assert len(found.entries[0].title) < 100 and found.entries[0].title.endswith("end")


def test_a_short_entity_of_the_document_is_read() -> None:
    doctype = "<!DOCTYPE rss [<!ENTITY paper \"Гласник\"><!ENTITY copy2 '&#169;'>]>"
    assert titles(rss("<item><title>&paper; &copy2;</title></item>", before=doctype)) == ["Гласник ©"]


def test_parameter_entities_and_long_values_are_not_read() -> None:
    doctype = f"<!DOCTYPE rss [<!ENTITY % p SYSTEM 'http://e.test/x.dtd'> %p; <!ENTITY big \"{'x' * 1000}\">]>"
    (title,) = titles(rss("<item><title>a &big; b</title></item>", before=doctype))
    assert "xxx" not in title


def test_deep_nesting_ends() -> None:
    for depth in (300, 100_000):
        body = rss(ITEM + "<item><title>" + "<b>" * depth + "x" + "</b>" * depth + "</title></item>")
        found = parse_feed(body.encode())
        assert isinstance(found, Unusable) or found.entries[0].title == "Прва вест из Београда"


@pytest.mark.parametrize(
    "inside",
    [
        "<script" * 60_000, "&lt;style " * 60_000, "&" * 400_000, "<![CDATA[" * 50_000, "<!--" * 100_000, "<" * 400_000,
        "<![CDATA[" + "]" * 400_000 + "]]>", "<![CDATA[" + "]]" * 200_000, "<a " + "b='c' " * 60_000 + ">",
        "<a" + " " * 400_000 + "x>", "&#x41;" * 70_000, "<b>" * 60_000, "x" * 700 + "</b>" * 60_000,
    ],
)  # fmt: skip
def test_what_repeats_without_end_is_read_in_one_go(inside: str) -> None:
    """None of these takes time in proportion to the square of its length: the test would take hours."""
    for body in (
        rss(f"<item><title>a</title><description>{inside}</description></item>"),
        inside,
        f"<!DOCTYPE x>{rss(inside)}",
    ):
        found = parse_feed(body.encode())
        for entry in found.entries if isinstance(found, Feed) else ():
            assert len(entry.read.summary) <= 20_000


# -- laws ----------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from([
    "<rss>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<link>", "</link>", "&amp;", "&", "<", ">",
    "]]>", "<![CDATA[", "<!--", "-->", "<description>", "</description>", "<guid isPermaLink='false'>", "</guid>",
    "&#0;", "\x00", "\ue000", "\ue0000\ue001", "\ue0009\ue001", "\udc80", '<a b="', "'>", "х" * 300, "x" * 600,
    "</rss>", "</channel>", "<pubDate>", "Tue, 18 Mar 2025 10:00:00 +0100", "</pubDate>", "<content type='xhtml'>",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=25), st.sampled_from(["utf-8", "utf-16", "windows-1251"]))
def test_no_document_raises(pieces: list[str], charset: str) -> None:
    body = ("<rss><channel>" + "".join(pieces)).encode(charset, "replace" if charset != "utf-8" else "surrogatepass")
    found = parse_feed(body)
    for entry in found.entries if isinstance(found, Feed) else ():
        str(entry.read.content).encode()
        entry.title.encode()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=20).map(lambda text: text * 30), max_size=4), st.booleans())
def test_lifting_changes_no_text(texts: list[str], cdata: bool) -> None:
    printable = ["".join(c for c in text if c.isprintable() and c < "\ud800").replace("]]>", "") for text in texts]
    written = [f"<![CDATA[{text}]]>" if cdata else html.escape(text) for text in printable]
    document = ("<a>" + "".join(f"<b c='d'>{text}</b>" for text in written) + "</a>").encode()
    small, pieces = lift(document)
    found = [pieces.text(element.text or "") for element in etree.fromstring(small)]
    assert found == [element.text or "" for element in etree.fromstring(document)]
    assert len(small) <= len(document) and all(len(written) >= LONG for written, _ in pieces)


def test_marks_of_ours_in_a_document_mean_nothing() -> None:
    assert titles(rss(f"<item><title>a \ue0000\ue001</title><description>{LONG_TEXT}</description></item>")) == [
        "a \ue0000\ue001"
    ]
