"""`wirewatch feed parse`: one object for a feed, one clear line for everything else."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from services.fetcher.read.feed import MOST_ENTRIES
from tests.fakes.command import Done, command
from tests.fakes.feed_site import Story, json_feed, rss

KEYS = ["kind", "title", "link", "language", "entries"]
ENTRY = ["id", "title", "link", "published", "updated", "summary", "content"]
STORIES = [Story(f"Вест {at}", f"http://a.test/{at}", guid=f"g{at}") for at in range(3)]


def parsed(file: str, *, given: bytes = b"") -> Done:
    return command("feed", "parse", file, "--json", env={"WIREWATCH_DATA": "/nowhere"}, given=given)


@pytest.mark.parametrize("body", [rss(STORIES), json_feed(STORIES), "\ufeff\n\n" + rss(STORIES)])
def test_entries_in_the_order_of_the_feed(body: str) -> None:
    done = parsed("-", given=body.encode())
    told = json.loads(done.out)
    assert (done.code, done.errors, list(told)) == (0, "", KEYS)
    assert [entry["link"] for entry in told["entries"]] == [story.link for story in STORIES]
    assert all(list(entry) == ENTRY for entry in told["entries"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty"),
        (b"\xff\xfe\x00\x01\x02" * 100, "neither XML nor JSON"),
        (gzip.compress(b"no feed", mtime=0), "no sitemap"),
        (b"<!doctype html><html><body>Sign in</body></html>", "not a feed"),
        (b"{}", "not a feed"),
    ],
)
def test_what_is_no_feed_is_one_line_with_its_name(tmp_path: Path, body: bytes, reason: str) -> None:
    file = tmp_path / "odd"
    file.write_bytes(body)
    done = parsed(str(file))
    assert (done.code, done.out) == (1, "")
    assert str(file) in done.errors and reason in done.errors
    assert done.errors.count("\n") == 1


def test_a_file_that_is_not_there_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    for file in (tmp_path / "none", tmp_path):
        done = parsed(str(file))
        assert (done.code, done.out) == (2, "")
        assert str(file) in done.errors and "name a feed that is there" in done.errors


def test_entries_beyond_the_most_are_told() -> None:
    body = rss([Story(str(at), f"http://a.test/{at}") for at in range(MOST_ENTRIES + 5)])
    done = parsed("-", given=body.encode())
    assert done.code == 0 and len(json.loads(done.out)["entries"]) == MOST_ENTRIES
    assert "5 entries beyond 10,000 were left out" in done.errors
