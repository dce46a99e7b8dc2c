"""The cases of feedparser's own suite, where they are at hand."""

from __future__ import annotations

import pytest

from tests.bench._feed_cases import cases, holds
from tests.bench._standalone import DATA

ARCHIVE = DATA / "feedparser" / "tests.tar.xz"


@pytest.mark.skipif(not ARCHIVE.exists(), reason="feedparser's cases are not here")
def test_ninety_five_of_a_hundred_cases_hold() -> None:
    held = {case.name: holds(case) for case in cases(ARCHIVE)}
    failed = sorted(name for name, good in held.items() if not good)
    assert len(held) > 500 and len(failed) <= 0.05 * len(held), failed
