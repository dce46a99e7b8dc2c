"""What a source's rhythm learns from, besides its polls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.fetcher.entries.discover import FIRST_SIGHT
from services.fetcher.plan.rhythm import begun, unpacked
from services.fetcher.poll.after import taught
from services.fetcher.store import Found, Item, SourceState
from shared.events import Entry, Mode, Source

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)


def found(*flags: str, published: datetime | None = None) -> Found:
    entry = Entry(title="Вест", published=published, flags=flags)
    return Found(Item(entry_id="e", source=Source(id="s", name="S"), url="https://e.test/", entry=entry, mode=Mode.LIVE,
                      observed=NOW, seen=NOW))  # fmt: skip


def test_pushed_entries_are_learnt_from_and_what_a_list_shows_at_first_is_not() -> None:
    state = SourceState(source_id="s", url="https://e.test/", next_due=NOW, rhythm=begun([], NOW).packed())
    hour = NOW - timedelta(hours=1)
    learnt = unpacked(taught(state, [found("undated"), found(published=hour), found(FIRST_SIGHT)], NOW).rhythm)
    assert learnt is not None and round(sum(learnt.weekdays), 1) == 2.0 and learnt.rate(NOW) > 5
    assert learnt.hours[11] > 0.9 < learnt.hours[12]


def test_a_push_before_the_first_poll_begins_no_rhythm() -> None:
    state = SourceState(source_id="s", url="https://e.test/", next_due=NOW)
    assert taught(state, [found("undated")], NOW) == state
