"""The body: a golden file, the envelope as an unrelated library reads it, offsets, and the cap on its size."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier import body
from services.notifier.deliver import envelope_of
from services.notifier.fan_out import stored
from services.notifier.payload import Data, Timings
from services.notifier.store import Delivery
from services.notifier.trim import STEPS, cut
from shared.codec import Trace
from shared.events import AlertRaised, ArticleReference, Clause, Hit, Ledger, Novelty, Reaction, Source, Span
from shared.events import Language as EventLanguage
from tests.fakes.alerts import NOON, REAL, alert

GOLDEN = Path(__file__).parent / "golden"
SENT = REAL + timedelta(seconds=1, microseconds=250_000)


def made(event: AlertRaised, sent: datetime = SENT) -> bytes:
    kept = stored(event, Trace.start(event.id).parent)
    delivery = Delivery("d" * 26, "s" * 26, 41, attempts=0, expires=REAL, alert=kept)
    return body.body_of(envelope_of(delivery), kept.data, sent)


def test_the_golden_file_still_is_what_subscribers_get() -> None:
    got = json.loads(made(alert()))
    path = GOLDEN / "alert.first_seen.v1.json"
    assert got == json.loads(path.read_text(encoding="utf-8"))


def test_an_unrelated_library_reads_the_envelope() -> None:
    message = HTTPMessage({"content-type": body.CONTENT_TYPE}, made(alert()))
    event = from_structured_event(message, JSONFormat())
    assert event.get_id() == "d" * 26 and event.get_type() == "wirewatch.alert.first_seen.v1"
    assert event.get_time() == NOON and event.get_source() == "/wirewatch/notifier"
    assert event.get_extension("sequence") == "0000000000000041"


def test_attempts_differ_only_in_the_time_of_sending() -> None:
    first, second = json.loads(made(alert())), json.loads(made(alert(), SENT + timedelta(hours=1)))
    assert first["data"]["timings"].pop("sent") == "2026-11-24T09:00:01.250000Z"
    assert second["data"]["timings"].pop("sent") == "2026-11-24T10:00:01.250000Z"
    assert first == second


def test_timings_without_a_stamp_still_take_the_time_of_sending() -> None:
    data = msgspec.json.encode({"timings": Timings()})
    assert json.loads(body.body_of(envelope_of(_delivery()), data, SENT))["data"] == {
        "timings": {"sent": "2026-11-24T09:00:01.250000Z"}
    }


def _delivery() -> Delivery:
    return Delivery("d" * 26, "s" * 26, 41, attempts=0, expires=REAL, alert=stored(alert(), ""))


def test_what_is_not_known_is_absent() -> None:
    bare = alert(novelty=None, reaction=None, hits=(), why=None, extra={}, ledger=Ledger())
    data = json.loads(made(bare))["data"]
    assert not {"novelty", "reaction", "why", "extra", "trimmed"} & data.keys()
    assert "null" not in json.dumps(data)


def test_offsets_cut_the_surface_out_of_the_delivered_text() -> None:
    data = json.loads(made(alert()))["data"]
    hit = data["why"]["hits"][0]
    assert data["article"][hit["field"]][hit["start"] : hit["end"]] == hit["surface"]


# -- the cap ---------------------------------------------------------------------------------------------------------

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
"""Any text that JSON can carry: control characters, emoji, combining marks, right to left."""


@st.composite
def large_alerts(draw: st.DrawFn) -> AlertRaised:
    def text() -> str:
        return draw(TEXT) * draw(st.sampled_from([1, 1, 50, 1000]))

    many = draw(st.sampled_from([0, 1, 3, 60, 300]))
    hits = tuple(Hit(concept=text(), term=text(), span=Span(field="text", start=0, end=1, surface=text()))
                 for _ in range(min(many, 5))) * max(1, many // 5)  # fmt: skip
    return alert(
        headline=text(), reason=text(), watch_title=text(), story_headline=text(), severity=text(), rule_id=text(),
        watch_id=text(), story_id=text(), hits=hits, extra={text(): text()},
        why=Clause(label=text(), held=True, parts=(Clause(label=text(), held=False),) * many),
        novelty=Novelty(family=text(), forms=(text(),) * many, witnesses=(text(),) * many, first_seen=NOON),
        reaction=Reaction(actor_id=text(), actor=text(), act=text(), quote=text(), topic=text(), office=text()),
        article=ArticleReference(
            id=text(), url="https://a.example/" + text(), title=text(), excerpt=text(), version=text(),
            source=Source(id=text(), name=text(), domain=text(), country=text(), language=text()),
            language=EventLanguage(macro=text(), variety=text(), script=text()),
        ),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(event=large_alerts())
def test_a_body_fits_and_is_whole_text_whatever_the_alert(event: AlertRaised) -> None:
    content = made(event)
    assert len(content) <= body.LARGEST
    content.decode("utf-8", "strict")
    got = json.loads(content)
    msgspec.convert(got["data"], Data)
    assert got["data"]["alert"]["id"] == event.id
    assert set(got["data"].get("trimmed", ())) <= {name for name, _ in STEPS}


def test_the_worst_characters_fit() -> None:
    worst = "\x01" * 50_000
    event = alert(
        headline=worst, reason=worst, watch_title=worst, story_headline=worst, severity=worst, rule_id=worst,
        watch_id=worst, story_id=worst, hits=(Hit(concept=worst, term=worst, form=worst, span=Span(
            field=worst, start=0, end=1, surface=worst)),) * 50,
        novelty=Novelty(family=worst, forms=(worst,) * 50, languages=(worst,) * 50, witnesses=(worst,) * 50,
                        first_seen=NOON, first_article=worst, first_source=worst),
        reaction=Reaction(actor_id=worst, actor=worst, act=worst, side=worst, office=worst, topic=worst, quote=worst),
        article=ArticleReference(
            id=worst, url="h" + "\x01" * 1999, title=worst, excerpt=worst, version=worst,
            source=Source(id=worst, name=worst, domain=worst, country=worst, language=worst),
            language=EventLanguage(macro=worst, variety=worst, script=worst)),
    )  # fmt: skip
    assert len(made(event)) <= body.LARGEST


def test_what_is_missed_least_goes_first() -> None:
    event = alert(extra={"blob": "x" * 100_000})
    data: dict[str, Any] = json.loads(made(event))["data"]
    assert data["trimmed"] == ["extra"] and "clauses" in data["why"] and data["novelty"]["documents_searched"] == 1204


def test_a_link_is_whole_or_absent() -> None:
    long = "https://a.example/" + "x" * 3000
    event = alert(reason="r" * 200_000, article=msgspec.structs.replace(alert().article, url=long))
    assert json.loads(made(event))["data"]["article"]["url"] in ("", long)


@pytest.mark.parametrize(
    ("text", "most", "kept"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("👩‍🚀👩‍🚀", 4, "👩‍🚀…"), ("", 1, "")]
)
def test_a_cut_counts_code_points(text: str, most: int, kept: str) -> None:
    assert cut(text, most) == kept


def test_an_instant_is_told_in_utc() -> None:
    assert json.loads(made(alert(), SENT.astimezone(UTC)))["time"] == "2025-03-18T12:00:00Z"
