"""The sources file: every mistake has its line and its remedy, and a wrong change changes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from services.fetcher.sources import Content, SourceKind, SourcesFile, Status, load_sources
from shared.errors import Misconfigured
from shared.urls import canonical, registered_domain

GOOD = """\
# comment
- id: one
  name: Један
  kind: rss
  url: https://www.one.example.co.rs/feed/
  country: RS
  language: sr
  official: true
  weight: 2.5
  interval: 5m
  spacing: 2s
  robots: false
  content: feed
  status: verified
- id: two
  name: Two
  url: http://two.test:8080/feed
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "sources.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_field_is_read(tmp_path: Path) -> None:
    sources = load_sources(written(tmp_path, GOOD))
    one, two = sources["one"], sources["two"]
    assert (one.kind, one.content, one.status) == (SourceKind.RSS, Content.FEED, Status.VERIFIED)
    assert (one.interval, one.spacing, one.weight) == (timedelta(minutes=5), timedelta(seconds=2), 2.5)
    assert not one.robots and one.official
    assert one.facts().domain == "example.co.rs"
    assert (two.kind, two.interval, two.robots) == (SourceKind.FEED, None, True)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\n", 1, "write a list of sources"),
        ("", 1, "write a list of sources"),
        ("- id: a\n  name: A\n", 1, "url is missing: add `url: …`"),
        ("- id: a\n  name: A\n  url: example.org/feed\n", 3, "write the full address of the feed"),
        ("- id: A b\n  name: A\n  url: https://e.org/\n", 1, "write small letters"),
        ("- id: a\n  name: A\n  url: https://e.org/\n  kind: xml\n", 4, "write one of feed, rss, atom, json"),
        ("- id: a\n  name: A\n  url: https://e.org/\n  interval: 10\n", 4, "write a duration such as"),
        ("- id: a\n  name: A\n  url: https://e.org/\n  interval: 29s\n", 4, "write 30s to 24h"),
        ("- id: a\n  name: A\n  url: https://e.org/\n  robots: maybe\n", 4, "write true or false"),
        ("- id: a\n  name: A\n  url: https://e.org/\n  weight: 0\n", 4, "above 0"),
        ("- id: a\n  name: A\n  url: https://e.org/\n  country: Serbia\n", 4, "write a code such as RS"),
        ("- id: a\n  name: A\n  url: https://e.org/\n  feeds: x\n", 4, "is not known: write one of id, name"),
        ("- id: a\n  name: A\n  url: [https://e.org/]\n", 3, "write one value"),
        ("- id: a\n  name: A\n  url: https://e.org/\n- id: a\n  name: B\n  url: https://f.org/\n", 4, "line 1 already"),
        ("- id: a\n  name: 'A\n", 3, "correct the YAML"),
        ("- just words\n", 1, "write a source as"),
    ],
)
def test_a_mistake_names_file_line_and_remedy(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Misconfigured) as caught:
        load_sources(path)
    assert f"{path}:{line}: " in str(caught.value)
    assert words in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "- id: a\n  name: A\n  url: x\n- id: b\n  name: B\n  url: y\n")
    with pytest.raises(Misconfigured) as caught:
        load_sources(path)
    assert len(str(caught.value).splitlines()) == 2


def test_no_file_is_a_clear_line(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_sources(tmp_path / "absent.yaml")


def test_a_wrong_change_leaves_the_last_good_version_in_force(tmp_path: Path) -> None:
    file = SourcesFile(written(tmp_path, GOOD))
    written(tmp_path, "- id: broken\n")
    assert not file.reload()
    assert set(file.current) == {"one", "two"}
    (tmp_path / "sources.yaml").unlink()
    assert not file.reload()
    written(tmp_path, GOOD.replace("id: two", "id: three-is-longer"))
    assert file.reload()
    assert set(file.current) == {"one", "three-is-longer"}
    assert not file.reload()


LANGUAGES = {
    "sr": 15, "hr": 8, "bs": 5, "cnr": 4, "sq": 12, "mk": 5, "bg": 6, "sl": 4, "en": 8, "de": 3, "fr": 2, "tr": 2,
    "ru": 2, "uk": 1, "pl": 1, "ro": 1, "hu": 1, "sk": 1,
}  # fmt: skip
"""The languages in which the declaration was written about, and how many outlets of each there are at least."""


def test_the_real_source_list_is_right() -> None:
    path = Path(__file__).parents[3] / "deploy/packs/alliance/sources.yaml"
    sources = list(load_sources(path).values())
    counted = Counter(source.language for source in sources)
    assert len(sources) >= 60 and counted.keys() == LANGUAGES.keys()
    assert all(counted[language] >= least for language, least in LANGUAGES.items())
    for unique in (
        [canonical(source.url) for source in sources], [registered_domain(source.url) for source in sources],
        [source.name for source in sources],
    ):  # fmt: skip
        assert [value for value, count in Counter(unique).items() if count > 1] == []
    assert {source.status for source in sources} == {Status.UNVERIFIED}
    assert {source.id for source in sources if source.official} == {
        "morh",
        "mod-rs",
        "mod-ba",
        "mod-al",
        "mod-ks",
        "nato",
    }
    assert all(source.interval is None for source in sources)
