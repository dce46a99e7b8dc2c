"""One attempt to deliver: build the body, sign it, post it through the door, and say how that ended.

An expected failure is an outcome, never an exception. A receiver's answer is read up to 16 KiB, and what is kept of it
is cut and cleaned: it is somebody else's text and ends in logs and on pages.

Left out on purpose: a second try at once, compression of the request (receivers verify raw bytes and few unpack them).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from services.notifier import body, exchange, sign
from services.notifier.key_pairs import Pair
from services.notifier.payload import Envelope
from services.notifier.retry import DISTRESS, INTERNAL, SHIPPED, Answer, Decision, Schedule, decide
from services.notifier.sign import Secret
from services.notifier.store import Delivery
from services.notifier.tables import Replay
from shared.clock import Clock
from shared.events import DeliveryOutcome
from shared.http import Door, HttpFailure, Limits, Response, Timings

log = structlog.get_logger()

CONNECT_SECONDS = 5.0
READ_BYTES = 16 * 1024
"""Of an answer; what is kept of it is less still (`exchange`)."""

SLOW_SECONDS = 5.0
"""An answer later than this is a sign of a receiver in trouble: its lane then gets one request at a time."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how a subscription wants to be told, by name only where `thin`. `version` says as of which change."""

    id: str
    url: str
    secrets: tuple[Secret, ...]
    timeout: float
    version: int = 0
    thin: bool = False
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that ended. `started` is when the request was made (real time), the ledger's `sent`."""

    delivery: Delivery
    number: int
    started: datetime
    seconds: float
    decision: Decision
    status: int | None = None
    excerpt: str = ""
    request: str = ""
    answer: str = ""
    address: str = ""
    timings: Timings | None = None

    @property
    def healthy(self) -> bool | None:
        """Whether the receiver answered soon and not in distress, whatever it said; None where nothing was sent."""
        if self.answered is None:
            return None
        return self.answered and self.seconds < SLOW_SECONDS

    @property
    def answered(self) -> bool | None:
        """Whether the receiver answered and not in distress; None where that says nothing of it: nothing was sent, or
        a defect of ours ended the attempt."""
        if self.decision.outcome is DeliveryOutcome.EXPIRED or self.decision.reason == INTERNAL:
            return None
        return self.status is not None and self.status < 500 and self.status not in DISTRESS


async def attempt(
    door: Door, target: Target, delivery: Delivery, *, real: Clock, schedule: Schedule = SHIPPED
) -> Attempt:
    """Make the next attempt of `delivery`. Raises nothing but cancellation."""
    started = real.now()
    if delivery.expires <= started:
        return expired(delivery, started)
    headers: dict[str, str] = {}
    content = b""
    try:
        headers, content = _message(target, delivery, started)
        response = await _send(door, target, headers, content)
    except HttpFailure as failure:
        # a status whose body then failed still is the receiver's answer: what it accepted is not sent again
        answer = Answer(failure.status, failure.kind)
        made = _ended(delivery, answer, started, real, schedule, detail=failure.detail)
        return replace(made, request=exchange.request_kept(headers, content))
    except Exception:  # a defect of ours met by this one message must not stop the others; it is logged and tried again
        log.exception("delivery_defect", delivery_id=delivery.id, subscription_id=target.id)
        return _ended(delivery, Answer(), started, real, schedule)
    answer = Answer(status=response.status, retry_after=response.headers.get("retry-after", ""))
    made = _ended(delivery, answer, started, real, schedule, response=response)
    return replace(
        made,
        excerpt=exchange.excerpt(response.body.decode("utf-8", "replace"), headers),
        request=exchange.request_kept(headers, content),
        answer=exchange.answer_kept(response.headers),
    )


def expired(delivery: Delivery, now: datetime) -> Attempt:
    """The end of a delivery whose time ran out: nothing is sent."""
    return Attempt(delivery, delivery.attempts + 1, now, 0.0, Decision(DeliveryOutcome.EXPIRED, "expired"))


async def post(door: Door, target: Target, delivery: Delivery, moment: datetime) -> Response:
    """The receiver's answer to a delivery, signed and sent at a moment. Raises HttpFailure."""
    return await _send(door, target, *_message(target, delivery, moment))


def _message(target: Target, delivery: Delivery, moment: datetime) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an attempt."""
    data = body.thinned(delivery.alert.data) if target.thin else delivery.alert.data
    content = body.body_of(envelope_of(delivery), data, moment)
    signed = sign.headers(target.secrets, delivery.id, moment, content, target.pairs)
    return {"content-type": body.CONTENT_TYPE, "accept-encoding": "identity", **signed}, content


async def _send(door: Door, target: Target, headers: dict[str, str], content: bytes) -> Response:
    limits = Limits(connect=min(CONNECT_SECONDS, target.timeout), total=target.timeout, body=READ_BYTES)
    return await door.request(
        "POST", target.url, headers=headers, content=content, limits=limits, follow=False, truncate=True
    )


def envelope_of(delivery: Delivery) -> Envelope:
    """The CloudEvents attributes of a delivery. The sequence has a fixed width, so that it also sorts as a text."""
    alert = delivery.alert
    return Envelope(
        id=delivery.id,
        type=alert.type,
        subject=f"{alert.watch_id}/{alert.story_id}"[:128],
        time=alert.observed,
        sequence=f"{delivery.sequence:016d}",
        severity=alert.severity[:32],
        replay=delivery.replay is not Replay.LIVE,
        traceparent=alert.trace[:128],
    )


def _ended(
    delivery: Delivery, answer: Answer, started: datetime, real: Clock, schedule: Schedule, *,
    response: Response | None = None, detail: str = "",
) -> Attempt:  # fmt: skip
    now = real.now()
    number = delivery.attempts + 1
    return Attempt(
        delivery=delivery,
        number=number,
        started=started,
        seconds=response.timings.total if response else max(0.0, (now - started).total_seconds()),
        decision=decide(answer, number=number - delivery.tried_before, seed=delivery.id, now=now, schedule=schedule),
        status=answer.status,
        excerpt=exchange.cleaned(detail),
        address=(response.address or "") if response else "",
        timings=response.timings if response else None,
    )
