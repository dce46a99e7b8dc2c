"""Feeds as they come: kinds, dates with and without zone, damage told apart."""

from __future__ import annotations

import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.fetcher.commands import feed as feed_commands
from services.fetcher.read.dates import read_date
from services.fetcher.read.parse import Damage, Feed, Unusable, parse_feed
from tests.bench._standalone import DATA

REAL = DATA / "feeds" / "feeds.tar.xz"
TEN = datetime(2025, 3, 18, 9, 0, tzinfo=UTC)

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Лист &amp; син</title><link>https://e.test/</link><language>sr-RS</language>
<pubDate>Tue, 18 Mar 2025 12:00:00 +0100</pubDate>
<item><title>Прва &lt;b&gt;вест&lt;/b&gt; &amp;amp; још</title><link>https://e.test/1</link>
<guid isPermaLink="false">g1</guid><pubDate>Tue, 18 Mar 2025 10:00:00 +0100</pubDate>
<description>кратко</description><content:encoded><![CDATA[<p>цео текст</p>]]></content:encoded>
<dc:creator>М. М.</dc:creator><category>Свет</category></item>
<item><title>Друга</title><link>https://e.test/2</link><guid>https://e.test/2</guid>
<pubDate>{date}</pubDate></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="bg"><title>Поща</title>
<link rel="self" href="https://e.test/atom"/><link rel="alternate" href="https://e.test/"/>
<entry><id>tag:e.test,2025:1</id><title type="html">Новина &amp;amp; още</title>
<link rel="alternate" href="https://e.test/1"/><published>2025-03-18T10:00:00+01:00</published>
<updated>2025-03-18T09:30:00Z</updated><summary>кратко</summary><content type="html">&lt;p&gt;цял&lt;/p&gt;</content>
</entry></feed>"""

JSON = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Ledger",
    "home_page_url": "https://e.test/",
    "language": "en",
    "items": [
        {
            "id": 7,
            "url": "https://e.test/1",
            "title": "One",
            "content_html": "<p>x",
            "date_published": "2025-03-18T10:00:00+01:00",
            "authors": [{"name": "A. B."}],
        }
    ],
}


def read(text: str | bytes) -> Feed:
    found = parse_feed(text if isinstance(text, bytes) else text.encode())
    assert isinstance(found, Feed), found
    return found


def test_rss() -> None:
    found = read(RSS.format(date="Tue, 18 Mar 2025 09:00:00 GMT"))
    one, two = found.entries
    assert (found.kind, found.title, found.link, found.language) == ("rss", "Лист & син", "https://e.test/", "sr-RS")
    assert (one.id, one.title, one.link) == ("g1", "Прва вест & још", "https://e.test/1")
    assert (one.read.summary, one.read.content) == ("кратко", "<p>цео текст</p>")
    assert (one.read.authors, one.read.categories, one.published, one.flags) == (("М. М.",), ("Свет",), TEN, ())
    assert (two.id, two.published) == ("", TEN)


def test_atom() -> None:
    found = read(ATOM)
    (entry,) = found.entries
    assert (found.kind, found.title, found.link, found.language) == ("atom", "Поща", "https://e.test/", "bg")
    assert (entry.id, entry.title, entry.link) == ("tag:e.test,2025:1", "Новина & още", "https://e.test/1")
    assert (entry.published, entry.updated) == (TEN, datetime(2025, 3, 18, 9, 30, tzinfo=UTC))
    assert entry.read.content == "<p>цял</p>"


def test_json_feed() -> None:
    found = read(json.dumps(JSON))
    (entry,) = found.entries
    assert (found.kind, found.title, found.language) == ("json", "Ledger", "en")
    assert (entry.id, entry.published, entry.read.authors) == ("7", TEN, ("A. B.",))


def test_other_character_sets() -> None:
    text = RSS.format(date="Tue, 18 Mar 2025 09:00:00 GMT")
    for charset in ("windows-1251", "utf-16"):
        found = read(text.replace("utf-8", charset).encode(charset))
        assert found.entries[0].title == "Прва вест & још"
        assert found.entries[0].published == TEN


@pytest.mark.parametrize(
    ("date", "at", "flags"),
    [
        ("2025-03-18T09:00:00", TEN, ("zoneless",)),
        ("Tue, 18 Mar 2025 09:00:00", TEN, ("zoneless",)),
        ("18.03.2025 09:00", TEN, ("zoneless",)),
        ("18. 3. 2025. 10:00 CET", TEN, ()),
        ("04.03.2025", datetime(2025, 3, 4, tzinfo=UTC), ("zoneless",)),
        ("yesterday", None, ("dateless",)),
        ("03/04/2025 10:00", None, ("dateless",)),
        ("", None, ("dateless",)),
    ],
)
def test_inexact_dates_are_read_without_guessing(date: str, at: datetime | None, flags: tuple[str, ...]) -> None:
    one, two = read(RSS.format(date=date)).entries
    assert (two.published, two.flags) == (at, flags)
    assert (one.published, one.flags) == (TEN, ())


def test_a_number_is_no_date() -> None:
    found = read(
        "<rss><channel><item><title>a</title><link>https://e.test/</link><guid>20250318</guid></item></channel></rss>"
    )
    assert found.entries[0].published is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Tue, 18 Mar 2025 10:00:00 +0100", TEN),
        ("18 Mar 25 10:00 CET", TEN),
        ("Tue, 18 March 2025 11:00:00 EET", TEN),
        ("2025-03-18T09:00:00Z", TEN),
        ("2025-03-18T10:00:00.123+01:00", TEN),
        ("2025-03-18 10:00:00 +0100", TEN),
        ("Tue, 18 Mar 2025 24:00:00 GMT", datetime(2025, 3, 19, tzinfo=UTC)),
        ("Tue, 31 Feb 2025 10:00:00 GMT", None),
        ("Tue, 18 Mar 2025 10:00:00 XYZ", None),
        ("2025-13-01T00:00:00Z", None),
        ("1" * 1000, None),
        (None, None),
    ],
)
def test_dates(text: str | None, at: datetime | None) -> None:
    stated = read_date(text)
    assert (stated.at if stated else None) == at


@pytest.mark.parametrize(
    ("body", "damage", "words"),
    [
        (b"", Damage.BROKEN, "empty"),
        (b" \n", Damage.BROKEN, "empty"),
        (
            b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>",
            Damage.NOT_A_FEED,
            "Just a moment",
        ),
        (b"<html><body><rss></rss></body></html>", Damage.NOT_A_FEED, "a web page"),
        (b"<?xml version='1.0'?><urlset></urlset>", Damage.NOT_A_FEED, "XML, but no feed"),
        (b"nothing to see", Damage.NOT_A_FEED, "neither XML nor JSON"),
        (b'{"error": 1}', Damage.NOT_A_FEED, "JSON, but no feed"),
        (b'{"items": [', Damage.BROKEN, "broken JSON"),
        (b"[" * 200_000, Damage.BROKEN, "broken JSON"),
        (b"<rss><channel><title>cut o", Damage.BROKEN, "broken XML"),
        (b"\x1f\x8b\x08\x00\x00", Damage.NOT_A_FEED, "neither"),
    ],
)
def test_damage_is_told_apart(body: bytes, damage: Damage, words: str) -> None:
    found = parse_feed(body)
    assert isinstance(found, Unusable)
    assert found.damage is damage and words in found.detail


@pytest.mark.parametrize(
    "body",
    [
        "<rss><channel><title>x</title></channel></rss>",
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title></feed>',
        '{"version":"https://jsonfeed.org/version/1.1","title":"x","items":[]}',
    ],
)
def test_an_empty_feed_is_a_feed(body: str) -> None:
    assert read(body).entries == ()


def test_what_can_be_saved_of_a_cut_feed_is() -> None:
    whole = RSS.format(date="Tue, 18 Mar 2025 09:00:00 GMT")
    found = read(whole[: whole.index("</channel>")])
    assert [entry.title for entry in found.entries] == ["Прва вест & још", "Друга"]


def test_no_file_and_no_entity_is_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("<rss><channel><item><title>secret</title></item></channel></rss>")
    entity = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]><rss><channel><item><title>&x;</title></item></channel></rss>'
    for body in (str(secret), entity):
        assert "secret" not in repr(getattr(parse_feed(body.encode()), "entries", ()))


def test_hostile_sizes_end() -> None:
    deep = b"<rss><channel><item><title>" + b"<b>" * 30_000
    many = b"<rss><channel>" + b"<item><title>x</title></item>" * 10_007 + b"</channel></rss>"
    parse_feed(deep)
    found = read(many)
    assert (len(found.entries), found.cut) == (10_000, 7)


def test_the_command_prints_what_is_promised(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(RSS.format(date="Tue, 18 Mar 2025 09:00:00 GMT"), encoding="utf-8")
    ran = CliRunner().invoke(feed_commands, ["parse", str(path), "--json"])
    shown = json.loads(ran.stdout)
    assert set(shown) == {"kind", "title", "link", "language", "entries"}
    assert set(shown["entries"][0]) == {"id", "title", "link", "published", "updated", "summary", "content"}
    assert shown["entries"][0]["published"] == "2025-03-18T09:00:00Z"
    assert "Друга" in CliRunner().invoke(feed_commands, ["parse", str(path)]).stdout


def test_the_command_reads_sitemaps(tmp_path: Path) -> None:
    path = tmp_path / "sitemap.xml"
    path.write_text("<urlset><url><loc>https://e.test/1</loc><lastmod>2025-03-18T09:00:00Z</lastmod></url></urlset>")
    shown = json.loads(CliRunner().invoke(feed_commands, ["parse", str(path), "--json"]).stdout)
    assert (shown["kind"], shown["entries"][0]["link"]) == ("sitemap", "https://e.test/1")
    path.write_text("<sitemapindex><sitemap><loc>https://e.test/a.xml</loc></sitemap></sitemapindex>")
    shown = json.loads(CliRunner().invoke(feed_commands, ["parse", str(path), "--json"]).stdout)
    assert shown["children"] == [{"url": "https://e.test/a.xml", "changed": None}]
    assert "a.xml" in CliRunner().invoke(feed_commands, ["parse", str(path)]).stdout


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html><title>Parked</title></html>")
    ran = CliRunner().invoke(feed_commands, ["parse", str(path)])
    assert ran.exit_code == 1 and "not a feed: a web page: Parked" in ran.stderr


@pytest.mark.skipif(not REAL.exists(), reason="the real feeds are not here")
def test_every_real_feed_has_its_entries() -> None:
    with tarfile.open(REAL) as archive:
        files = [archive.extractfile(member) for member in archive.getmembers() if member.isfile()]
        found = [parse_feed(file.read()) for file in files if file is not None]
    assert not [unusable for unusable in found if isinstance(unusable, Unusable)]
    assert sum(len(feed.entries) for feed in found if isinstance(feed, Feed)) > 3_600
