"""New terms in a simulated stream of five thousand articles: found soon, told once, and little told wrongly."""

from __future__ import annotations

import pytest

from tests.bench._config import configured
from tests.bench._stream import Config, stream
from tests.bench.novelty import judged

SMALL = Config(seed=7, days=10, background=1_500, story=150, planted=15)


async def test_planted_words_are_found_within_three_clusters_and_little_else_is_told() -> None:
    figures = await judged(SMALL)
    assert figures["articles"] >= 5_400
    assert figures["recall_within_three_clusters"] >= 0.9
    assert figures["false_a_day"] <= 2
    assert figures["after_restart_or_replay"] == 0
    assert figures["told_twice"] == 0


def test_a_stream_follows_from_its_seed() -> None:
    little = Config(days=2, background=10, story=5, planted=2, irrelevant_a_day=1)
    one, other = stream(little), stream(little)
    assert one.items == other.items
    assert one.planted == other.planted


def test_a_configuration_is_read_from_pairs() -> None:
    assert configured(Config(seed=4), "days=9, planted=3,use=0.5") == Config(seed=4, days=9, planted=3, use=0.5)
    with pytest.raises(SystemExit, match="'years=9' is no name=value of seed, days"):
        configured(Config(), "years=9")
