"""What the demo's verdict rests on: each expectation can be missed, and each thing forbidden can happen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.standalone.expect import Verdict, judge_demo, load_expectations
from shared.errors import Misconfigured

WATCH = "alliance"
EXPECTED: dict[str, Any] = {
    "watch": WATCH,
    "must": {
        "reactions": [{"actor": "A Minister", "acts": ["warn", "condemn"], "after": "2025-03-18T20:10:00+01:00"}],
        "first_seen": [{"term": "arms race", "forms": ["trka u naoružanju", "arms race"]}],
        "match": {"languages": ["sr", "sq"], "at_least": 2},
        "kinds": {"match": 1},
    },
    "must_not": {"articles": ["look-alike"], "actors": ["A Bystander"]},
}
LANGUAGES = {"sr": 5, "sq": 2}


def alert(
    name: str = "1", *, watch: str = WATCH, observed: str = "2025-03-18T19:30:00Z", **more: Any
) -> dict[str, Any]:
    about = {"kind": "match", "headline": f"Headline {name}", "watch": {"id": watch}}
    return {"alert": about, "article": {"url": f"https://a.test/2025/03/18/{name}", "observed": observed}, **more}


def reaction(actor: str = "A Minister", act: str = "warn", **more: Any) -> dict[str, Any]:
    return alert("reaction", reaction={"actor": actor, "act": act}, **more)


def term(*forms: str, **more: Any) -> dict[str, Any]:
    return alert("term", novelty={"family": "trk naoruz", "forms": forms}, **more)


GOOD = (alert(), reaction(), term("Trku u naoružanju", "трка у наоружању"))


def test_kinds_that_must_arrive_are_missed() -> None:
    assert "match: 0 alerts instead of at least 1" in judged().missing


def judged(*alerts: dict[str, Any], languages: dict[str, int] = LANGUAGES, unverified: int = 0) -> Verdict:
    return judge_demo(EXPECTED, alerts, languages, unverified)


def test_all_that_is_expected_and_nothing_else_passes() -> None:
    verdict = judged(*GOOD)
    assert verdict == Verdict((), ())
    assert verdict.passed


@pytest.mark.parametrize(
    "instead",
    [
        [],
        [reaction("Somebody Else")],
        [reaction(act="comment")],
        [reaction(observed="2025-03-18T19:00:00Z")],  # ten minutes before anybody can have reported it
        [reaction(watch="another")],
    ],
    ids=["none", "another actor", "another act", "too early", "another watch"],
)
def test_a_reaction_that_did_not_come_is_named(instead: list[dict[str, Any]]) -> None:
    verdict = judged(GOOD[0], GOOD[2], *instead)
    assert verdict.missing == ("reaction: A Minister (warn or condemn)",)
    assert not verdict.passed


@pytest.mark.parametrize("instead", [[], [term("arm wrestling")], [term("arms race", watch="another")]])
def test_a_term_that_was_not_told_is_named(instead: list[dict[str, Any]]) -> None:
    verdict = judged(GOOD[0], GOOD[1], *instead)
    assert verdict.missing == ("first_seen: arms race (any of trka u naoružanju, arms race, …)",)


def test_a_language_with_too_few_articles_is_named() -> None:
    assert judged(*GOOD, languages={"sr": 5, "sq": 1}).missing == ("match: no article in sq",)


def test_what_must_not_come_is_named() -> None:
    verdict = judged(*GOOD, alert("look-alike?utm_source=rss"), reaction("A Bystander"), unverified=1)
    assert verdict.missing == ()
    assert verdict.forbidden == (
        "an alert carries look-alike: Headline look-alike?utm_source=rss",
        "A Bystander was told as a reaction: Headline reaction",
        "1 deliveries whose signature did not verify",
    )
    assert not verdict.passed


def test_an_alert_of_another_watch_is_no_fault() -> None:
    assert judged(*GOOD, alert("look-alike", watch="another"), reaction("A Bystander", watch="another")).passed


@pytest.mark.parametrize(
    ("text", "told"), [("must: {}\nmust_not: {}\n", "write watch"), ("[1, 2]", "write watch"), ("{", "expected")]
)
def test_a_faulty_file_of_expectations_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "expectations.yaml"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=rf"expectations\.yaml: (.|\n)*{told}"):
        load_expectations(path)
