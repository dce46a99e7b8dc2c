"""robots.txt: a table of cases written from the text of RFC 9309, held against the shipped rules.

A row: the section, the file, the agent, what is asked for, whether it may be. `|` ends a line of the file.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.fetcher.manners.robots_rules import (
    PARSED,
    Rule,
    Rules,
    allows,
    matches,
    parse,
    pattern_of,
    readings_of,
    sitemaps,
    text_of,
    token_of,
)

YES, NO = True, False
EXAMPLE = (
    "User-Agent: *|Disallow: *.gif$|Disallow: /example/|Allow: /publications/||User-Agent: foobot|Disallow:/|"
    "Allow:/example/page.html|Allow:/example/allowed.gif||User-Agent: barbot|User-Agent: bazbot|"
    "Disallow: /example/page.html||User-Agent: quxbot||EOF"
)
LONGEST = "User-Agent: foobot|Allow: /example/page/|Disallow: /example/page/disallowed.gif"

TABLE = [
    # -- 2.1 groups, 2.2.1 the user-agent line ---------------------------------------------------------------------
    ("2.1", "", "foo", "/a", YES),
    ("2.1", "user-agent: foo|disallow: /", "foo", "/a", NO),
    ("2.1", "user-agent: foo|disallow: /", "bar", "/a", YES),
    ("2.1", "user-agent: foo|user-agent: bar|disallow: /", "foo", "/a", NO),
    ("2.1", "user-agent: foo|user-agent: bar|disallow: /", "bar", "/a", NO),
    ("2.1", "user-agent: foo||user-agent: bar|disallow: /", "foo", "/a", NO),
    ("2.1", "user-agent: foo|# remark|user-agent: bar|disallow: /", "foo", "/a", NO),
    ("2.1", "user-agent: foo|disallow: /x|user-agent: bar|disallow: /y", "foo", "/y", YES),
    ("2.1", "user-agent: foo||disallow: /x||disallow: /y", "foo", "/y", NO),
    ("2.1", "disallow: /|user-agent: foo|allow: /x", "foo", "/a", YES),
    ("2.1", "disallow: /", "foo", "/a", YES),
    ("2.1", "allow: /|disallow: /b|user-agent: *|disallow: /a", "foo", "/b", YES),
    ("2.2.1", "user-agent: FooBot|disallow: /", "foobot", "/a", NO),
    ("2.2.1", "user-agent: foobot|disallow: /", "FOOBOT", "/a", NO),
    ("2.2.1", "USER-AGENT: foo|DISALLOW: /", "foo", "/a", NO),
    ("2.2.1", "User-agent: foo|disallow: /", "foobot", "/a", YES),
    ("2.2.1", "user-agent: foobot|disallow: /", "foo", "/a", YES),
    ("2.2.1", "user-agent: foo-bot|disallow: /", "foo", "/a", YES),
    ("2.2.1", "user-agent: foo_bot|disallow: /", "foo_bot", "/a", NO),
    ("2.2.1", "user-agent: foo-bot|disallow: /", "foo-bot", "/a", NO),
    ("2.2.1", "user-agent: a foo|disallow: /", "foo", "/a", YES),
    ("2.2.1", "user-agent: foo/2.1|disallow: /", "foo", "/a", NO),
    ("2.2.1", "user-agent: foo|disallow: /", "foo/2.1", "/a", NO),
    ("2.2.1", "user-agent: bot2|disallow: /", "bot", "/a", YES),
    ("2.2.1", "user-agent: bot2|disallow: /", "Bot2", "/a", NO),
    ("2.2.1", "user-agent: foo|disallow: /x|user-agent: foo|disallow: /y", "foo", "/x", NO),
    ("2.2.1", "user-agent: foo|disallow: /x|user-agent: foo|disallow: /y", "foo", "/y", NO),
    ("2.2.1", "user-agent: foo|disallow: /x|user-agent: bar|disallow: /|user-agent: FOO|allow: /x", "foo", "/x", YES),
    ("2.2.1", "user-agent: *|disallow: /x|user-agent: *|disallow: /y", "foo", "/x", NO),
    ("2.2.1", "user-agent: *|disallow: /|user-agent: foo|allow: /", "foo", "/a", YES),
    ("2.2.1", "user-agent: *|disallow: /|user-agent: foo|allow: /", "bar", "/a", NO),
    ("2.2.1", "user-agent: foo|disallow: /x|user-agent: *|disallow: /", "foo", "/y", YES),
    ("2.2.1", "user-agent: *|user-agent: foo|disallow: /x", "foo", "/x", NO),
    ("2.2.1", "user-agent: *|user-agent: foo|disallow: /x", "bar", "/x", NO),
    ("2.2.1", "user-agent: *bot|disallow: /", "foobot", "/a", YES),
    ("2.2.1", "user-agent:|disallow: /", "foo", "/a", YES),
    ("2.2.1", "user-agent: *|disallow: /|user-agent: foo", "foo", "/a", YES),
    ("2.2.1", "user-agent: foo||user-agent: *|disallow: /", "foo", "/a", NO),
    # -- 2.2.2 allow and disallow ----------------------------------------------------------------------------------
    ("2.2.2", "user-agent: *|disallow: /a", "foo", "/a", NO),
    ("2.2.2", "user-agent: *|disallow: /a", "foo", "/ab", NO),
    ("2.2.2", "user-agent: *|disallow: /a/", "foo", "/a", YES),
    ("2.2.2", "user-agent: *|disallow: /a", "foo", "/b/a", YES),
    ("2.2.2", "user-agent: *|disallow: /A", "foo", "/a", YES),
    ("2.2.2", "user-agent: *|disallow: /a", "foo", "/A", YES),
    ("2.2.2", "user-agent: *|disallow:", "foo", "/a", YES),
    ("2.2.2", "user-agent: *|disallow: # nothing", "foo", "/a", YES),
    ("2.2.2", "user-agent: *|disallow: /|disallow:", "foo", "/a", NO),
    ("2.2.2", "user-agent: *|disallow: /|allow:", "foo", "/a", NO),
    ("2.2.2", "user-agent: *|allow: /a", "foo", "/b", YES),
    ("2.2.2", "user-agent: *|disallow: a", "foo", "/a", YES),
    ("2.2.2", "user-agent: *|disallow: /", "foo", "/robots.txt", YES),
    ("2.2.2", "user-agent: *|disallow: /robots.txt", "foo", "/robots.txt", YES),
    ("2.2.2", "user-agent: *|disallow: /", "foo", "/Robots.txt", NO),
    ("2.2.2", "user-agent: *|disallow: /", "foo", "", NO),
    ("2.2.2", "user-agent: *|disallow: /?", "foo", "?q=1", NO),
    ("2.2.2", "user-agent: *|allow: /a|disallow: /a", "foo", "/a", YES),
    ("2.2.2", "user-agent: *|disallow: /a|allow: /a", "foo", "/ab", YES),
    ("2.2.2", "user-agent: *|disallow: /a/b|allow: /a", "foo", "/a/b", NO),
    ("2.2.2", "user-agent: *|allow: /a|disallow: /a/b", "foo", "/a/c", YES),
    ("2.2.2", "user-agent: *|disallow: /|allow: /a", "foo", "/a", YES),
    ("2.2.2", "user-agent: *|allow: /a/*/c|disallow: /a/b", "foo", "/a/b/c", YES),
    ("2.2.2", "user-agent: *|disallow: /a?b=c", "foo", "/a?b=c&d", NO),
    ("2.2.2", "user-agent: *|disallow: /a?b=c", "foo", "/a", YES),
    ("2.2.2", "user-agent: *|disallow: /a", "foo", "/a?b", NO),
    ("2.2.2", "user-agent: *|disallow: /a", "foo", "/b#/a", YES),
    ("2.2.2", "user-agent: *|disallow: /a;b", "foo", "/a;b", NO),
    # -- 2.2.2 escapes: the table of the section, and what follows from its words ----------------------------------
    ("2.2.2e", "user-agent: *|disallow: /foo/bar?baz=quz", "foo", "/foo/bar?baz=quz", NO),
    ("2.2.2e", "user-agent: *|disallow: /foo/bar?baz=https://foo.bar", "foo", "/foo/bar?baz=https%3A%2F%2Ffoo.bar", NO),
    ("2.2.2e", "user-agent: *|disallow: /foo/bar?baz=https%3A%2F%2Ffoo.bar", "foo", "/foo/bar?baz=https://foo.bar", NO),
    ("2.2.2e", "user-agent: *|disallow: /foo/bar/ツ", "foo", "/foo/bar/%E3%83%84", NO),
    ("2.2.2e", "user-agent: *|disallow: /foo/bar/%E3%83%84", "foo", "/foo/bar/ツ", NO),
    ("2.2.2e", "user-agent: *|disallow: /foo/bar/%e3%83%84", "foo", "/foo/bar/%E3%83%84", NO),
    ("2.2.2e", "user-agent: *|disallow: /foo/bar/%62%61%7A", "foo", "/foo/bar/baz", NO),
    ("2.2.2e", "user-agent: *|disallow: /foo/bar/baz", "foo", "/foo/bar/%62%61%7A", NO),
    ("2.2.2e", "user-agent: *|disallow: /вести/", "foo", "/%D0%B2%D0%B5%D1%81%D1%82%D0%B8/1", NO),
    ("2.2.2e", "user-agent: *|disallow: /вести/", "foo", "/вести/1", NO),
    ("2.2.2e", "user-agent: *|disallow: /Вести/", "foo", "/вести/1", YES),
    ("2.2.2e", "user-agent: *|disallow: /č", "foo", "/c", YES),
    ("2.2.2e", "user-agent: *|disallow: /a%2Fb", "foo", "/a/b", YES),
    ("2.2.2e", "user-agent: *|disallow: /a/b", "foo", "/a%2Fb", YES),
    ("2.2.2e", "user-agent: *|disallow: /a%2fb", "foo", "/a%2Fb", NO),
    ("2.2.2e", "user-agent: *|disallow: /*%2F", "foo", "/a?to=%2Fb", NO),
    ("2.2.2e", "user-agent: *|disallow: /*/b", "foo", "/a?to=%2Fb", NO),
    ("2.2.2e", "user-agent: *|disallow: /a%3Ab", "foo", "/a:b", NO),
    ("2.2.2e", "user-agent: *|disallow: /a%3Fb", "foo", "/a?b", YES),
    ("2.2.2e", "user-agent: *|disallow: /%7Ejoe/", "foo", "/~joe/", NO),
    ("2.2.2e", "user-agent: *|disallow: /a%b", "foo", "/a%b", NO),
    ("2.2.2e", "user-agent: *|disallow: /a%b", "foo", "/a%25b", NO),
    ("2.2.2e", "user-agent: *|disallow: /a b", "foo", "/a%20b", NO),
    ("2.2.2e", "user-agent: *|disallow: /b", "foo", "/a/../b", NO),
    ("2.2.2e", "user-agent: *|disallow: /a%23b", "foo", "/a%23b", NO),
    # -- 2.2.3 special characters ----------------------------------------------------------------------------------
    ("2.2.3", "user-agent: *|disallow: /a # remark", "foo", "/a", NO),
    ("2.2.3", "# remark|user-agent: * # remark|disallow: /a", "foo", "/a", NO),
    ("2.2.3", "user-agent: *|disallow: /a#b", "foo", "/ac", NO),
    ("2.2.3", "user-agent: *|#disallow: /a", "foo", "/a", YES),
    ("2.2.3", "user-agent: *|allow: /this/path/exactly$|disallow: /", "foo", "/this/path/exactly", YES),
    ("2.2.3", "user-agent: *|allow: /this/path/exactly$|disallow: /", "foo", "/this/path/exactly/not", NO),
    ("2.2.3", "user-agent: *|allow: /this/*/exactly|disallow: /", "foo", "/this/path/exactly", YES),
    ("2.2.3", "user-agent: *|allow: /this/*/exactly|disallow: /", "foo", "/this/exactly", NO),
    ("2.2.3", "user-agent: *|disallow: /*.php", "foo", "/a/b.php?c", NO),
    ("2.2.3", "user-agent: *|disallow: /*.php$", "foo", "/a/b.php?c", YES),
    ("2.2.3", "user-agent: *|disallow: /*.php$", "foo", "/a.php/b.php", NO),
    ("2.2.3", "user-agent: *|disallow: /a*", "foo", "/a", NO),
    ("2.2.3", "user-agent: *|disallow: /a*b*c", "foo", "/aXbYcZ", NO),
    ("2.2.3", "user-agent: *|disallow: /a*b*c", "foo", "/aXcYb", YES),
    ("2.2.3", "user-agent: *|disallow: /a**b", "foo", "/ab", NO),
    ("2.2.3", "user-agent: *|disallow: *", "foo", "/a", NO),
    ("2.2.3", "user-agent: *|disallow: *.gif$", "foo", "/a.gif", NO),
    ("2.2.3", "user-agent: *|disallow: /$", "foo", "/", NO),
    ("2.2.3", "user-agent: *|disallow: /$", "foo", "/a", YES),
    ("2.2.3", "user-agent: *|disallow: /a$", "foo", "/a?b", YES),
    ("2.2.3", "user-agent: *|disallow: /a*a$", "foo", "/a", YES),
    ("2.2.3", "user-agent: *|disallow: /a*$", "foo", "/abc", NO),
    ("2.2.3", "user-agent: *|disallow: /a$b", "foo", "/a$bc", NO),
    ("2.2.3", "user-agent: *|disallow: /a$b", "foo", "/a", YES),
    ("2.2.3", "user-agent: *|disallow: /path/file-with-a-%2A.html", "foo", "/path/file-with-a-*.html", NO),
    ("2.2.3", "user-agent: *|disallow: /path/file-with-a-%2A.html", "foo", "/path/file-with-a-b.html", YES),
    ("2.2.3", "user-agent: *|disallow: /path/foo-%24", "foo", "/path/foo-$", NO),
    ("2.2.3", "user-agent: *|disallow: /path/foo-%24", "foo", "/path/foo-", YES),
    ("2.2.3", "user-agent: *|disallow: /*?", "foo", "/a?", NO),
    ("2.2.3", "user-agent: *|disallow: /*?*sort=", "foo", "/a?b=c&sort=d", NO),
    ("2.2.3", "user-agent: *|disallow: /*utm_source=", "foo", "/a?utm_source=x", NO),
    # -- 2.2.4 other records ---------------------------------------------------------------------------------------
    ("2.2.4", "user-agent: foo|sitemap: https://e.org/s.xml|user-agent: bar|disallow: /", "foo", "/a", NO),
    ("2.2.4", "user-agent: foo|crawl-delay: 5|user-agent: bar|disallow: /", "foo", "/a", NO),
    ("2.2.4", "user-agent: foo|unknown: x|disallow: /", "foo", "/a", NO),
    ("2.2.4", "user-agent: foo|disallow: /x|sitemap: https://e.org/s.xml|disallow: /y", "foo", "/y", NO),
    ("2.2.4", "user-agent: *|sitemap: https://e.org/s.xml", "foo", "/a", YES),
    ("2.2.4", "user-agent: foo|crawl-delay: 5||user-agent: *|disallow: /", "foo", "/a", NO),
    ("2.2.4", "user-agent: *|noindex: /a", "foo", "/a", YES),
    ("2.2.4", "user-agent: *|dissallow: /a", "foo", "/a", YES),
    ("2.2", "user-agent: *|disallow /a", "foo", "/a", YES),
    ("2.2", "user-agent foo|disallow: /a", "foo", "/a", YES),
    ("2.2", "<html>|<body>not found: sorry</body>|</html>", "foo", "/a", YES),
    ("2.2", "  user-agent : foo |\tdisallow\t:\t/a\t", "foo", "/a", NO),
    ("2.2", "user-agent:foo|disallow:/a", "foo", "/a", NO),
    ("2.2", "\ufeffuser-agent: foo|disallow: /a", "foo", "/a", NO),
    ("2.2", "user-agent: *|disallow: /a:b", "foo", "/a:b", NO),
    ("2.2", "user-agent: *|disallow: /a\u2028disallow: /b", "foo", "/b", YES),
    ("2.2", "user-agent: *|disallow: /a\x0bdisallow: /b", "foo", "/b", YES),
    # -- 5.1 the simple example, 5.2 the longest match ---------------------------------------------------------------
    ("5.1", EXAMPLE, "barbot", "/example/page.html", NO),
    ("5.1", EXAMPLE, "bazbot", "/example/page.html", NO),
    ("5.1", EXAMPLE, "bazbot", "/example/other.html", YES),
    ("5.1", EXAMPLE, "quxbot", "/example/page.html", YES),
    ("5.1", EXAMPLE, "foobot", "/example/page.html", YES),
    ("5.1", EXAMPLE, "foobot", "/example/allowed.gif", YES),
    ("5.1", EXAMPLE, "foobot", "/publications/", NO),
    ("5.1", EXAMPLE, "anybot", "/publications/x", YES),
    ("5.1", EXAMPLE, "anybot", "/example/x", NO),
    ("5.1", EXAMPLE, "anybot", "/x.gif", NO),
    ("5.2", LONGEST, "foobot", "/example/page/", YES),
    ("5.2", LONGEST, "foobot", "/example/page/disallowed.gif", NO),
    ("5.2", LONGEST, "foobot", "/example/page/allowed.gif", YES),
]  # fmt: skip


def test_the_table_is_long_enough_and_says_nothing_twice() -> None:
    assert len(TABLE) >= 80
    assert len({row[1:4] for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize(("section", "file", "agent", "path", "allowed"), TABLE)
def test_table(section: str, file: str, agent: str, path: str, allowed: bool, ending: str) -> None:
    text = text_of(file.replace("|", ending).encode())
    assert allows(parse(text, agent), f"https://e.org{path}") is allowed, f"RFC 9309 section {section}"


# -- bytes ----------------------------------------------------------------------------------------------------------


def long_file(last: bytes) -> bytes:
    """A file whose first 500 KiB end with `last`."""
    head = b"user-agent: *\n"
    return head + b"#" * (PARSED - len(head) - len(last) - 1) + b"\n" + last


@pytest.mark.parametrize(
    ("body", "denied"),
    [
        (long_file(b"disallow: /ab"), "/ab"),
        (long_file(b"disallow: /ab") + b"\ndisallow: /cd\n", "/ab"),
        (long_file(b"disallow: /ab") + b"\rdisallow: /cd\r", "/ab"),
        (long_file(b"disallow: /x\ndisallow: /ab") + b"c\ndisallow: /cd", "/x"),
        (long_file(b"disallow: /x\rdisallow: /ab") + b"c\rdisallow: /cd", "/x"),
    ],
)
def test_what_is_behind_500_kib_and_a_line_cut_in_two_do_not_count(body: bytes, denied: str) -> None:
    rules = parse(text_of(body), "foo")
    assert not allows(rules, f"http://e.org{denied}")
    assert [allows(rules, f"http://e.org{path}") for path in ("/ab", "/cd") if path != denied].count(False) == 0


def test_one_line_without_end_says_nothing() -> None:
    assert text_of(b"user-agent: " + b"a" * PARSED) == ""


def test_bytes_that_are_no_utf8_match_the_same_bytes_and_can_be_kept() -> None:
    text = text_of(b"user-agent: *\ndisallow: /caf\xe9\ndisallow: /nul\x00l\n")
    text.encode("utf-8")
    assert "\x00" not in text
    rules = parse(text, "foo")
    assert not allows(rules, "http://e.org/caf%E9")
    assert not allows(rules, "http://e.org/nul%00l")
    assert allows(rules, "http://e.org/café")


# -- crawl-delay and sitemaps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "delay"),
    [
        ("user-agent: *|crawl-delay: 5", 5.0),
        ("user-agent: *|Crawl-Delay: 0.5|disallow: /a", 0.5),
        ("user-agent: foo|crawl-delay: 7|user-agent: *|crawl-delay: 5", 7.0),
        ("user-agent: foo|disallow: /a|user-agent: *|crawl-delay: 5", None),
        ("user-agent: foo|crawl-delay: 2|disallow: /|user-agent: foo|crawl-delay: 9|crawl-delay: 3", 9.0),
        ("crawl-delay: 5|user-agent: *|disallow: /a", None),
        ("user-agent: *|crawl-delay: -5", None),
        ("user-agent: *|crawl-delay: soon", None),
        ("user-agent: *|crawl-delay: nan", None),
        ("user-agent: *|crawl-delay: 1e9", None),
        ("user-agent: *|crawl-delay: ٣", None),
    ],
)
def test_crawl_delay(file: str, delay: float | None) -> None:
    assert parse(file.replace("|", "\n"), "foo").delay == delay


def test_sitemaps_are_told_wherever_they_stand() -> None:
    file = """Sitemap: https://e.org/first.xml
user-agent: foo
SITEMAP:https://e.org/second.xml?a=1  # news
disallow: /
Site-map: http://cdn.test/third.xml.gz
Sitemap: /relative.xml
Sitemap: ftp://e.org/x
Sitemap: https://[broken/
Sitemap:
Sitemap: https://e.org/first.xml
"""
    found = ("https://e.org/first.xml", "https://e.org/second.xml?a=1", "http://cdn.test/third.xml.gz")
    assert sitemaps(file) == found
    assert sitemaps("") == ()


# -- laws -----------------------------------------------------------------------------------------------------------

Groups = list[tuple[list[str], list[tuple[bool, str]]]]
LETTERS = st.text(alphabet="/ab", max_size=12)
PATTERNS = st.text(alphabet="/ab*", max_size=12).map(lambda text: "/" + text)
PATHS = LETTERS.map(lambda text: "/" + text)
NAMES = st.sampled_from(["foo", "bar", "*", "foobot"])
GROUPS = st.lists(
    st.tuples(st.lists(NAMES, min_size=1, max_size=2), st.lists(st.tuples(st.booleans(), PATTERNS), max_size=4)),
    max_size=4,
)


def written(groups: Groups) -> str:
    lines = []
    for names, rules in groups:
        lines += [f"User-agent: {name}" for name in names]
        lines += [f"{'Allow' if allow else 'Disallow'}: {pattern}" for allow, pattern in rules] or ["Disallow:"]
    return "\n".join(lines)


def reached(pattern: str, path: str) -> bool:
    """The same question answered in the plainest way: all places in the path that a pattern can have reached."""
    places = {0}
    whole = pattern.endswith("$")
    for letter in pattern.removesuffix("$"):
        if letter == "*":
            places = {later for place in places for later in range(place, len(path) + 1)}
        else:
            places = {place + 1 for place in places if path[place : place + 1] == letter}
    return len(path) in places if whole else bool(places)


@given(PATTERNS, st.booleans(), PATHS)
@example("/a*ab", True, "/aab")
def test_matching_is_what_the_plainest_way_finds(pattern: str, whole: bool, path: str) -> None:
    spelled = pattern_of(pattern + "$" * whole)
    assert matches(spelled, path) is reached(spelled, path)


@given(GROUPS, PATHS)
def test_the_longest_rule_decides_and_the_order_of_groups_does_not(groups: Groups, path: str) -> None:
    rules = [(allow, pattern) for names, rules in groups if "foo" in names for allow, pattern in rules]
    if not any("foo" in names for names, _ in groups):
        rules = [(allow, pattern) for names, rules in groups if "*" in names for allow, pattern in rules]
    reading = readings_of("http://e.org" + path)[0]
    told = sorted((len(pattern_of(one)), allow) for allow, one in rules if reached(pattern_of(one), reading))
    expected = told[-1][1] if told else True
    assert allows(parse(written(groups), "foo"), "http://e.org" + path) is expected
    assert allows(parse(written(groups[::-1]), "foo"), "http://e.org" + path) is expected


@given(st.text(max_size=200), st.text(max_size=30))
def test_no_file_and_no_address_raises(text: str, path: str) -> None:
    allows(parse(text, "foo"), "http://e.org/" + path)
    sitemaps(text)
    token_of(text)


@given(st.binary(max_size=200))
def test_what_was_read_can_be_kept_and_read_again(body: bytes) -> None:
    text = text_of(body)
    assert text_of(text.encode("utf-8")) == text.removeprefix("\ufeff")


@given(st.text(max_size=40))
def test_one_spelling_is_final(path: str) -> None:
    once = readings_of("http://e.org/" + path)[0]
    assert readings_of("http://e.org" + once)[0] == once


def test_sixty_wildcards_do_not_blow_up() -> None:
    pattern = pattern_of("/" + "a*" * 60 + "b")
    rules = Rules((Rule(pattern, allow=False),))
    assert allows(rules, "http://e.org/" + "a" * 100_000)
    assert not allows(rules, "http://e.org/" + "a" * 100_000 + "b")
