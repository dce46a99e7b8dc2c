"""Whether a receiver wants what is to be sent to it: asked before anything but test events goes there.

First the handshake of CloudEvents' HTTP webhooks (specification 1.0, "Abuse protection"): OPTIONS with
`WebHook-Request-Origin`; `WebHook-Allowed-Origin` says yes, `WebHook-Allowed-Rate` how many requests a minute at most.
A receiver that does not know it gets a signed challenge: a CloudEvent of type `wirewatch.challenge.v1`, whose
`data.challenge` it must give back, alone or as JSON. Only who reads the message and answers on purpose can do that.

Both go through the one door, so an address that may not be reached is not asked either. Redirects are not followed: it
is this address that has to consent.

Left out on purpose: the callback form (an allowance given later by request): whoever needs time asks for the question
again (`POST /subscriptions/{id}/consent`).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from services.notifier import body, deliver
from services.notifier.deliver import Target
from services.notifier.payload import CHALLENGE_TYPE
from services.notifier.store import Delivery, StoredAlert
from services.notifier.subscribe import Consent, How
from shared import ids
from shared.clock import Clock
from shared.codec import Trace
from shared.events import Ledger
from shared.http import Door, HttpFailure, Limits, Response

ANSWER_BYTES = 4096
SECONDS = 10.0
"""For which a receiver may think about a question."""
MOST_A_MINUTE = 1_000_000
WATCH = "consent"


async def ask(door: Door, target: Target, *, origin: str, real: Clock) -> Consent:
    """Ask a receiver, in one way and then in the other. Raises nothing but cancellation."""
    first = await _handshake(door, target, origin)
    if first.how is not None:
        return first
    second = await _challenge(door, target, real)
    if second.how is not None:
        return second
    return Consent(None, detail=f"handshake: {first.detail}; challenge: {second.detail}")


async def _handshake(door: Door, target: Target, origin: str) -> Consent:
    fields = {"webhook-request-origin": origin, "accept-encoding": "identity"}
    try:
        response = await door.request("OPTIONS", target.url, headers=fields, limits=_limits(target), follow=False,
                                      truncate=True)  # fmt: skip
    except HttpFailure as failure:
        return Consent(None, detail=f"{failure.kind}: {failure.detail}")
    return answered(response, origin)


def answered(response: Response, origin: str) -> Consent:
    """What the answer to a handshake says."""
    allowed = response.headers.get("webhook-allowed-origin", "").strip()
    if not 200 <= response.status < 300:
        return Consent(None, detail=f"HTTP {response.status}")
    if allowed != "*" and allowed.lower() != origin.lower():
        return Consent(None, detail=f"WebHook-Allowed-Origin is {allowed[:100]!r}" if allowed else "no allowed origin")
    return Consent(How.HANDSHAKE, _rate(response.headers.get("webhook-allowed-rate", "")))


def _rate(told: str) -> float | None:
    """Requests a second, from requests a minute; nonsense bounds nothing."""
    told = told.strip()
    if not (told.isascii() and told.isdigit()) or not 0 < int(told[:9]) <= MOST_A_MINUTE:
        return None
    return int(told[:9]) / 60


async def _challenge(door: Door, target: Target, real: Clock) -> Consent:
    challenge, now = secrets.token_urlsafe(32), real.now()
    try:
        response = await deliver.post(door, replace(target, thin=False), _delivery(target.id, challenge, now), now)
    except HttpFailure as failure:
        return Consent(None, detail=f"{failure.kind}: {failure.detail}")
    if not 200 <= response.status < 300:
        return Consent(None, detail=f"HTTP {response.status}")
    if not is_echo(response.body[:ANSWER_BYTES], challenge):
        return Consent(None, detail="the challenge did not come back")
    return Consent(How.CHALLENGE)


def is_echo(answer: bytes, challenge: str) -> bool:
    """Whether an answer is the challenge: alone, or as `challenge` of a JSON object. Not somewhere in a longer text: a
    server that shows what was sent to it has not consented."""
    text = answer.strip().strip(b'"')
    if text.startswith(b"{"):
        try:
            told = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return False
        text = str(told.get("challenge", "")).encode() if isinstance(told, dict) and len(told) == 1 else b""
    return hmac.compare_digest(text, challenge.encode())


def _limits(target: Target) -> Limits:
    seconds = min(SECONDS, target.timeout)
    return Limits(connect=min(deliver.CONNECT_SECONDS, seconds), total=seconds, body=ANSWER_BYTES)


def _delivery(subscription_id: str, challenge: str, now: datetime) -> Delivery:
    challenge_id = ids.of("challenge", subscription_id, challenge)
    alert = StoredAlert(
        id=challenge_id, revision=0, watch_id=WATCH, story_id=subscription_id, type=CHALLENGE_TYPE, severity="info",
        observed=now, ledger=Ledger(raised=now), trace=Trace.start(challenge_id).parent,
        data=body.challenge_data(subscription_id, challenge, now),
    )  # fmt: skip
    expires = now + timedelta(minutes=5)
    return Delivery(challenge_id, subscription_id, sequence=0, attempts=0, expires=expires, alert=alert)
