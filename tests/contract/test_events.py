"""The contracts: golden files still decode, unknown fields are tolerated, foreign libraries read the headers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cloudevents.v1.http import CloudEvent
from cloudevents.v1.kafka import KafkaMessage, from_binary
from hypothesis import given
from hypothesis import strategies as st

from shared import codec, events, ids, topics
from shared.bus import Record
from shared.errors import Undecodable

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2025, 3, 18, 12, 30, tzinfo=UTC)


def record_of(event: events.Event) -> Record:
    message = codec.encode(event)
    return Record(message.topic, 0, 0, 0, message.key, message.value, message.headers)


SOURCE = events.Source(id="danas", name="Danas", domain="danas.rs", country="RS", language="sr")
LANGUAGE = events.Language(macro="hbs", variety="sr", script="Latn", confidence=0.9, origin="markers")
ARTICLE = events.ArticleExtracted(
    id="v1", observed=NOW, article_id="a1", url="https://danas.rs/x", canonical_url="https://danas.rs/x",
    source=SOURCE, title="Naslov", text="Tekst.", language=LANGUAGE,
    published=events.Published(at=NOW, origin="jsonld", sure=0.95),
    entities=(events.Mention(entity_id="srb-vucic", name="Aleksandar Vučić", kind="person", side="serbia",
                             span=events.Span(field="text", start=0, end=5, surface="Tekst")),),
)  # fmt: skip
REFERENCE = events.ArticleReference(
    id="a1", version="v1", url="https://danas.rs/x", title="Naslov", source=SOURCE, language=LANGUAGE
)
EXAMPLES: dict[str, events.Event] = {
    "PageFetched": events.PageFetched(
        id="p1", observed=NOW, entry_id="e1", source=SOURCE, url="https://danas.rs/x", final_url="https://danas.rs/x",
        status=200, headers={"content-type": "text/html"}, body=b"<html>\xc4\x8d</html>",
        entry=events.Entry(guid="g", link="https://danas.rs/x", title="Naslov", published=NOW),
        ledger=events.Ledger(seen=NOW, fetched=NOW),
    ),
    "SourceChecked": events.SourceChecked(
        id="c1", observed=NOW, source=SOURCE, due=NOW, outcome=events.CheckOutcome.FRESH, entries=20, new_entries=1
    ),
    "ArticleExtracted": ARTICLE,
    "ArticleMatched": events.ArticleMatched(
        id="m1", observed=NOW, watch_id="defence-alliance", watch_version=3, article=ARTICLE, score=7.5, threshold=5,
        hits=(events.Hit(concept="alliance", term="savez~", form="noun_c",
                         span=events.Span(field="text", start=0, end=5, surface="Tekst")),),
        why=events.Clause(label="all", held=True, parts=(events.Clause(label="alliance", held=True),)),
    ),
    "AlertRaised": events.AlertRaised(
        id="al1", observed=NOW, kind=events.AlertKind.REACTION, rule_id="belgrade", watch_id="defence-alliance",
        story_id="s1", headline="Belgrade condemns", reason="first reaction", article=REFERENCE,
        reaction=events.Reaction(actor_id="srb-mfa", actor="Ministry of Foreign Affairs of Serbia", act="condemn"),
    ),
    "DeliveryAttempted": events.DeliveryAttempted(
        id="d1", observed=NOW, delivery_id="w1", subscription_id="s", alert_id="al1", number=1,
        outcome=events.DeliveryOutcome.DELIVERED, status=200, seconds=0.01,
    ),
    "SubscriptionFailed": events.SubscriptionFailed(
        id="w1", observed=NOW, subscription_id="sub1", owner="desk", since=NOW, share=70, failures=31,
        reason="http_500", ends=NOW,
    ),
    "FeedbackGiven": events.FeedbackGiven(
        id="f1", observed=NOW, alert_id="al1", watch_id="defence-alliance", subscription_id="s", verdict="useful"
    ),
    "OperatorAsked": events.OperatorAsked(id="o1", observed=NOW, request="pause_source", subject="danas", by="ana"),
    "TimePassed": events.TimePassed(id="t1", observed=NOW, watch_id="defence-alliance"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden_files_of_every_version_still_decode(name: str) -> None:
    files = sorted(GOLDEN.glob(f"{name}.v*.json"))
    assert files, f"no golden file for {name}"
    for file in files:
        decoded = codec.decode_bytes(file.read_bytes(), type(EXAMPLES[name]))
        assert decoded == EXAMPLES[name] or file.stem != f"{name}.v1"


@pytest.mark.parametrize("name", EXAMPLES)
def test_round_trip_and_unknown_fields(name: str) -> None:
    event = EXAMPLES[name]
    assert codec.decode(record_of(event), type(event)) == event
    widened = {**json.loads(msgspec.json.encode(event)), "a_field_of_tomorrow": {"x": 1}}
    assert codec.decode_bytes(json.dumps(widened).encode(), type(event)) == event


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_foreign_cloudevents_library_reads_the_headers(name: str) -> None:
    event = EXAMPLES[name]
    message = codec.encode(event)
    foreign = from_binary(
        KafkaMessage(headers=dict(message.headers), key=message.key, value=message.value or b""), event_type=CloudEvent
    )
    assert foreign["id"] == event.id
    assert foreign["type"] == topics.topic_of(type(event)).name
    assert foreign["specversion"] == "1.0"
    assert foreign.get_data() == json.loads(message.value or b"")


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"id": 1}', b"\xff\xfe", b'{"id": "x"}'])
def test_bytes_that_are_no_event_say_so(value: bytes) -> None:
    with pytest.raises(Undecodable):
        codec.decode_bytes(value, events.PageFetched)


def test_a_record_without_a_value_is_undecodable() -> None:
    with pytest.raises(Undecodable, match="no value"):
        codec.decode(Record("t", 0, 0, 0, None, None), events.PageFetched)


def test_the_trace_goes_on_and_starts_deterministically() -> None:
    event = EXAMPLES["PageFetched"]
    first, second = codec.encode(event), codec.encode(event)
    assert first == second
    trace = codec.trace_of(record_of(event))
    assert trace == codec.Trace.start(event.id)
    assert dict(codec.encode(EXAMPLES["AlertRaised"], trace=trace).headers)["traceparent"] == trace.parent.encode()


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_ids_differ_where_their_parts_differ(one: list[str], other: list[str]) -> None:
    one, other = ([part.replace(ids.SEPARATOR, "") for part in parts] for parts in (one, other))
    assert (ids.of(*one) == ids.of(*other)) == (one == other)


def test_the_topology_is_consistent() -> None:
    names = [spec.name for spec in topics.all_specs()]
    assert len(names) == len(set(names))
    for group, read in topics.GROUPS.items():
        assert len({topic.partitions for topic in read}) == 1, f"{group} reads topics of different partition counts"
        for topic in read:
            assert group in topic.consumers
    for topic in topics.TOPICS:
        assert topic.key(EXAMPLES[topic.event.__name__])


def test_the_packages_are_the_ones_of_this_repository() -> None:
    import services
    import shared

    root = Path(__file__).resolve().parents[2]
    for package in (services, shared):
        assert package.__file__ is not None
        assert Path(package.__file__).parent.parent == root
