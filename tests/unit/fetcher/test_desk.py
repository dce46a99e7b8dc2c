"""What operators are told of sources in every condition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.fetcher.desk import due, status
from services.fetcher.desk.view import View
from services.fetcher.plan.schedule import Decider
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source
from services.fetcher.store import SourceState
from shared.settings import CommonSettings

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = Source(id="one", name="One", url="https://www.one.test/feed")


def view(state: SourceState | None = None, *, source: Source = SOURCE, **more: Any) -> View:
    states = {source.id: state} if state else {}
    return View(FetcherSettings(), CommonSettings(), NOW, {source.id: source}, states, **more)


def state(**changes: Any) -> SourceState:
    usual: dict[str, Any] = {"next_due": NOW + HOUR, "last_checked": NOW - HOUR, "decided_by": str(Decider.RHYTHM)}
    return SourceState(source_id="one", url=SOURCE.url, **(usual | changes))


@pytest.mark.parametrize(
    ("known", "standing", "why"),
    [
        (None, "new", "first poll"),
        (state(), "working", "rhythm, 2.0h after the last poll"),
        (state(decided_by=None), "working", "planned by an earlier version, 2.0h after the last poll"),
        (state(decided_by=Decider.HOT_STORY), "working", "hot story, 2.0h after the last poll"),
        (state(decided_by=Decider.PUSHED), "working", "pushed by a hub, 2.0h after the last poll"),
        (state(decided_by=Decider.BACK_OFF, failures=4), "failing", "back-off after 4 failures"),
        (
            state(decided_by=Decider.SERVER, not_before=NOW + HOUR), "working",
            "the server wishes no poll before 2025-03-18T13:00:00Z",
        ),
        (state(decided_by=Decider.GONE, failures=1, gone=2), "failing", "it answered 410, 2 times: asked weekly"),
        (
            state(decided_by=Decider.GONE, failures=9, gone=9), "stopped",
            "it answered 410 for good: change its line in the sources file to have it asked again",
        ),
    ],
)  # fmt: skip
def test_why_a_source_waits(known: SourceState | None, standing: str, why: str) -> None:
    told = status.row(view(known), SOURCE)
    assert (told["state"], told["why"]) == (standing, why)
    assert set(status.short(view(known), SOURCE).values()) >= {"one", standing, why}


def test_a_host_that_asked_for_a_pause_decides() -> None:
    until = NOW + 3 * HOUR
    for name in ("host:one.test", "domain:one.test"):
        paused = view(state(), pauses={name: until})
        assert status.row(paused, SOURCE)["why"] == "its host asked for a pause until 2025-03-18T15:00:00Z"
        (row,) = due.rows(paused)
        assert row == {
            "source": "one", "due": "2025-03-18T15:00:00Z", "in": "3.0h",
            "decided_by": "its host asked for a pause until 2025-03-18T15:00:00Z",
        }  # fmt: skip
    assert status.row(view(state(), pauses={"host:other.test": until}), SOURCE)["paused_until"] is None


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (state(), "none"),
        (state(etag='"x"', last_modified="Tue"), "ETag and Last-Modified"),
        (state(etag='"x"', lies=2, doubt=1), "ETag, on probation (lies: 2)"),
        (
            state(etag='"x"', lies=1, distrusted_until=NOW + HOUR),
            "not believed until 2025-03-18T13:00:00Z (lies: 1)",
        ),
    ],
)  # fmt: skip
def test_whether_validators_are_believed(known: SourceState, told: str) -> None:
    assert status.row(view(known), SOURCE)["validators"] == told


def test_heat_is_told_while_it_lasts() -> None:
    assert status.row(view(state(), heat={"one": NOW - HOUR}), SOURCE)["hot"] is True
    assert status.row(view(state(), heat={"one": NOW - timedelta(days=2)}), SOURCE)["hot"] is False


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-5, "now"), (0, "now"), (59, "59s"), (119, "119s"), (120, "2.0m"), (599, "10.0m"), (1_800, "30m"),
     (7_200, "2.0h"), (90_000, "25h"), (200_000, "2.3d"), (9_000_000, "104d")],
)  # fmt: skip
def test_spans_are_short(seconds: int, told: str) -> None:
    assert due.span(timedelta(seconds=seconds)) == told
