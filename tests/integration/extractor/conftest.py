"""What every test of the extractor's pool begins with."""

from __future__ import annotations

from multiprocessing import forkserver

import pytest

from shared import workers


@pytest.fixture(autouse=True, scope="module")
def own_server() -> None:
    """The server that workers are forked from, with what they need and no more: a test before may have started one for
    others, and memory is limited here."""
    workers._PRELOADED.clear()
    forkserver._forkserver._stop()  # type: ignore[attr-defined]  # there is no public way to it
