"""From an alert to the bytes a subscriber gets.

The body is kept once an alert, not once a subscription and attempt. `data_of` makes its `data`, trimmed to fit;
`body_of` puts the envelope of one delivery around it and writes the time of sending into `timings`, which is last in
it, so that a body is made by joining bytes. So all attempts carry the same bytes but for `sent`, and each is signed as
sent. A header could not be trusted (the signature covers the body), and a subscriber who reads where the delay arose
wants the truth about this attempt. Whoever compares repeats compares `webhook-id`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.notifier.payload import (
    Alert,
    Article,
    Challenge,
    Clause,
    Data,
    Digest,
    Envelope,
    Hit,
    Language,
    Notice,
    Novelty,
    Outlet,
    Ping,
    Published,
    Reaction,
    Story,
    Timings,
    Watch,
    Why,
)
from services.notifier.trim import trimmed
from shared import codec, events

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SOURCE = "/wirewatch/notifier"
LARGEST = 64 * 1024
"""Bytes of a body: what every consumer of CloudEvents has to take (specification 1.0, "Size limits")."""

ENVELOPE_ROOM = 2 * 1024
"""Bytes kept free of them for what is put around `data`."""

THIN = ("id", "revision", "state", "kind", "rule", "severity", "watch")
"""What a thin payload tells of the alert."""

CONSTANT = f'{{"specversion":"1.0","source":"{SOURCE}","datacontenttype":"application/json",'.encode()
_ENCODER = msgspec.json.Encoder()


def data_of(alert: events.AlertRaised) -> bytes:
    """The `data` of an alert as JSON, at most `LARGEST - ENVELOPE_ROOM` bytes, ending with the object `timings`."""
    return trimmed(_data(alert), LARGEST - ENVELOPE_ROOM)


def payload_of(alert: events.AlertRaised) -> dict[str, Any]:
    """The whole `data` of an alert as plain values: what a free condition is asked of."""
    plain: dict[str, Any] = msgspec.to_builtins(_data(alert))
    return plain


def thinned(data: bytes) -> bytes:
    """The `data` of an alert without anything of the article: what is told by name, and where to look."""
    whole = msgspec.json.decode(data)
    if "lines" in whole:
        lines = [{name: line[name] for name in line if name != "headline"} for line in whole["lines"]]
        return _ENCODER.encode({**whole, "lines": lines, "timings": whole["timings"]})
    if "article" not in whole:
        return data
    alert, article = whole["alert"], whole["article"]
    kept = {
        "alert": {name: alert[name] for name in THIN if name in alert}, "story": {"id": whole["story"]["id"]},
        "article": {"id": article["id"], "url": article["url"]}, "mode": whole["mode"], "timings": whole["timings"],
    }  # fmt: skip
    return _ENCODER.encode(kept)


def ping_data(subscription_id: str, now: datetime) -> bytes:
    """The `data` of a test event."""
    ping = Ping(message="This is a test.", subscription=subscription_id, timings=Timings(raised=now))
    return _ENCODER.encode(ping)


def notice_data(told: events.SubscriptionFailed) -> bytes:
    """The `data` of a notice about a subscription."""
    notice = Notice(
        subscription=told.subscription_id, since=told.since, share=told.share, failures=told.failures,
        reason=told.reason, disabled=told.disabled, ends=told.ends, timings=Timings(raised=told.observed),
    )  # fmt: skip
    return _ENCODER.encode(notice)


def encoded(data: Digest) -> bytes:
    """The `data` of a digest."""
    return _ENCODER.encode(data)


def challenge_data(subscription_id: str, challenge: str, now: datetime) -> bytes:
    """The `data` of the question whether a receiver wants what will be sent."""
    message = "Somebody wants alerts sent here. To agree, answer 200 with the challenge."
    timings = Timings(raised=now)
    asked = Challenge(message=message, challenge=challenge, subscription=subscription_id, timings=timings)
    return _ENCODER.encode(asked)


def body_of(envelope: Envelope, data: bytes, sent: datetime) -> bytes:
    """The body of one attempt: the envelope, and `data` with the time of sending added to its timings."""
    comma = b"" if data.endswith(b"{}}") else b","
    stamp = b'"sent":"' + codec.stamp(sent).encode() + b'"'
    return b"".join((CONSTANT, _ENCODER.encode(envelope)[1:-1], b',"data":', data[:-2], comma, stamp, b"}}}"))


def _data(alert: events.AlertRaised) -> Data:
    return Data(
        alert=_alert(alert),
        story=Story(id=alert.story_id, headline=alert.story_headline),
        article=_article(alert.article),
        why=_why(alert),
        novelty=_novelty(alert.novelty),
        reaction=_reaction(alert.reaction),
        extra=alert.extra,
        mode=str(alert.mode),
        timings=_timings(alert),
    )


def _alert(alert: events.AlertRaised) -> Alert:
    return Alert(
        id=alert.id,
        revision=alert.revision,
        state=str(alert.state),
        kind=str(alert.kind),
        rule=alert.rule_id,
        severity=alert.severity,
        headline=alert.headline,
        reason=alert.reason,
        watch=Watch(id=alert.watch_id, version=alert.watch_version, title=alert.watch_title),
        independent_sources=alert.independent_sources,
    )


def _article(article: events.ArticleReference) -> Article:
    return Article(
        id=article.id,
        version=article.version,
        url=article.url,
        title=article.title,
        source=_outlet(article.source),
        language=_language(article.language),
        published=_published(article.published),
        observed=article.observed,
        excerpt=article.excerpt,
    )


def _outlet(source: events.Source) -> Outlet:
    return Outlet(
        id=source.id,
        name=source.name,
        domain=source.domain,
        country=source.country,
        language=source.language,
        official=source.official,
    )


def _language(language: events.Language) -> Language:
    return Language(
        macro=language.macro,
        variety=language.variety,
        script=language.script,
        confidence=language.confidence or None,
    )


def _published(published: events.Published | None) -> Published | None:
    if published is None:
        return None
    return Published(at=published.at, origin=published.origin, sure=published.sure)


def _why(alert: events.AlertRaised) -> Why | None:
    if not alert.hits and alert.why is None:
        return None
    return Why(hits=tuple(_hit(hit) for hit in alert.hits), clauses=_clause(alert.why))


def _hit(hit: events.Hit) -> Hit:
    span = hit.span
    return Hit(
        concept=hit.concept,
        term=hit.term,
        field=span.field,
        start=span.start,
        end=span.end,
        surface=span.surface,
        form=hit.form,
    )


def _clause(clause: events.Clause | None) -> Clause | None:
    if clause is None:
        return None
    parts = (_clause(part) for part in clause.parts)
    return Clause(label=clause.label, held=clause.held, parts=tuple(part for part in parts if part is not None))


def _novelty(novelty: events.Novelty | None) -> Novelty | None:
    if novelty is None:
        return None
    return Novelty(
        family=novelty.family,
        forms=novelty.forms,
        languages=novelty.languages,
        first_seen=novelty.first_seen,
        first_article=novelty.first_article,
        first_source=novelty.first_source,
        confirmed=novelty.confirmed,
        witnesses=novelty.witnesses,
        documents_searched=novelty.documents_searched,
        searched_since=novelty.searched_since,
        earlier_hits=novelty.earlier_hits,
        background_per_million=novelty.background_per_million,
        warming=novelty.warming,
    )


def _reaction(reaction: events.Reaction | None) -> Reaction | None:
    if reaction is None:
        return None
    return Reaction(
        actor_id=reaction.actor_id,
        actor=reaction.actor,
        act=reaction.act,
        side=reaction.side,
        office=reaction.office,
        topic=reaction.topic,
        quote=reaction.quote,
        stance=reaction.stance,
        confidence=reaction.confidence or None,
    )


def _timings(alert: events.AlertRaised) -> Timings:
    ledger, published = alert.ledger, alert.article.published
    return Timings(
        published=published.at if published else None,
        observed=alert.article.observed or alert.observed,
        seen=ledger.seen,
        fetched=ledger.fetched,
        extracted=ledger.extracted,
        matched=ledger.matched,
        raised=ledger.raised,
    )
