"""Subscriptions: who is told what, where, and within which limits.

Functions over a connection; the command line and the HTTP API both use them. `owner` narrows every query to what is
theirs; None is the operator, who sees all. Each change first raises a counter: by it every replica notices the change,
and on its row changes and fan-outs wait for each other, so that no delivery is written for what is no more.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import condition, store
from services.notifier.breaker import Standing
from services.notifier.condition import BadCondition
from services.notifier.keys import OPERATOR
from services.notifier.seal import Sealer
from services.notifier.sign import Secret
from services.notifier.tables import (
    ALERTS,
    COUNTERS,
    DELIVERIES,
    PENDING,
    SECRETS,
    SUBSCRIPTIONS,
    DeliveryState,
    Replay,
    SubscriptionState,
)
from shared import ids
from shared.errors import Rejected
from shared.events import AlertKind, AlertRaised
from shared.http import Guard

LONGEST_URL = 2048
LONGEST_OVERLAP = timedelta(days=7)
"""For which two secrets may count at once."""
MOST_IN_FLIGHT, MOST_RATE = 64, 1000.0
REPLAY_EVERY = timedelta(seconds=1)
"""From one replay to the next, at least."""

SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 1.0, 30.0
"""Seconds; the standard recommends 15 to 30, and a lease has to outlast the longest."""


CLOSED: dict[str, Any] = {"breaker_opens": 0, "probe_at": None}
"""A breaker that was closed by hand, in columns."""


class How(StrEnum):
    """How a receiver consented; `operator`: whoever runs this vouches for it."""

    OPERATOR = "operator"
    HANDSHAKE = "handshake"
    CHALLENGE = "challenge"


@dataclass(frozen=True, slots=True)
class Consent:
    """A receiver's answer: how it consented (None: it did not), requests a second that it allows at most (None: any),
    and what stood in the way."""

    how: How | None
    rate: float | None = None
    detail: str = ""


class InvalidSubscription(Rejected):
    """What was asked for cannot be subscribed to; the message says what to write instead."""

    reason = "invalid_subscription"


@dataclass(frozen=True, slots=True)
class Facts:
    """What filters by name look at in an alert."""

    watch: str
    kind: str
    severity: str
    source: str
    story: str
    languages: frozenset[str]


def facts_of(alert: AlertRaised) -> Facts:
    """The facts of an alert as it was raised."""
    article = alert.article
    languages = frozenset({article.language.macro, article.language.variety} - {""})
    return Facts(alert.watch_id, alert.kind, alert.severity, article.source.id, alert.story_id, languages)


def facts_of_payload(data: Mapping[str, Any]) -> Facts:
    """The same of an alert as it was kept for sending."""
    alert, article = data["alert"], data["article"]
    language = article["language"]
    languages = frozenset({language.get("macro", ""), language.get("variety", "")} - {""})
    return Facts(
        alert["watch"]["id"], alert["kind"], alert["severity"], article["source"]["id"], data["story"]["id"], languages
    )


class Filters(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Which alerts are wanted: every list that is not empty must contain the alert's value, and `where`, a free
    condition on the payload, must hold. With `notices` none are: what is wanted then is to be told of the owner's other
    subscriptions when they fail."""

    watches: tuple[str, ...] = ()
    kinds: tuple[AlertKind, ...] = ()
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()
    where: dict[str, Any] = {}
    notices: bool = False

    def admit(self, facts: Facts, data: Callable[[], Mapping[str, Any]]) -> bool:
        """Whether an alert is wanted; `data` gives the payload that subscribers would see."""
        lists = (
            (self.watches, {facts.watch}), (self.kinds, {facts.kind}), (self.severities, {facts.severity}),
            (self.sources, {facts.source}), (self.stories, {facts.story}), (self.languages, facts.languages),
        )  # fmt: skip
        named = all(not wanted or not facts_of.isdisjoint(wanted) for wanted, facts_of in lists)
        return not self.notices and named and (not self.where or condition.holds(self.where, data()))


ANY = Filters()
"""Everything is wanted."""


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of the day, as `22:00`, in a time zone such as `Europe/Belgrade`, within which nothing is told."""

    begins: str
    ends: str
    zone: str = "UTC"

    def check(self) -> None:
        """Raises InvalidSubscription."""
        try:
            begins, ends = time.fromisoformat(self.begins), time.fromisoformat(self.ends)
            ZoneInfo(self.zone)
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise InvalidSubscription(f"quiet: {error}; write begins and ends as 22:00, and a time zone") from error
        if begins == ends or begins.tzinfo or ends.tzinfo:
            raise InvalidSubscription("quiet: begins and ends must be two times of the day without a zone of their own")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a receiver is asked to bear. `rate` is requests a second, None for no bound; `expiry` is how long an alert
    is worth sending; `ordered` lets each delivery of a story wait for the one before. What could not be sent within
    `expires_after`, what comes in `quiet` hours, and where `digest` is set everything, is told in lines of one message
    a window."""

    in_flight: int = 4
    rate: float | None = None
    timeout: float = 15.0
    expiry: timedelta = timedelta(days=4)
    ordered: bool = False
    expires_after: timedelta | None = None
    quiet: Quiet | None = None
    digest: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as stored, without its secrets."""

    id: str
    owner: str
    url: str
    filters: Filters
    limits: Limits
    state: SubscriptionState
    state_reason: str
    version: int
    created: datetime
    failures: int
    last_success: datetime | None
    hold_until: datetime | None
    standing: Standing
    thin: bool = False
    consent: str = How.OPERATOR
    allowed_rate: float | None = None

    @property
    def rate(self) -> float | None:
        """Requests a second at most: what was asked for, and what the receiver allows."""
        return min((one for one in (self.limits.rate, self.allowed_rate) if one), default=None)

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        return Wanted(self.url, self.filters, self.limits, self.owner, self.thin)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for."""

    url: str
    filters: Filters = ANY
    limits: Limits = Limits()
    owner: str = OPERATOR
    thin: bool = False
    consented: bool = True

    def check(self, guard: Guard) -> None:
        """Raises InvalidSubscription with the first thing that is wrong."""
        if len(self.url) > LONGEST_URL:
            raise InvalidSubscription(f"the address is longer than {LONGEST_URL} characters")
        refusal = guard.check_url(self.url)
        if refusal is not None:
            raise InvalidSubscription(f"{self.url} is refused: {refusal}")
        _check_limits(self.limits)
        check_filters(self.filters)


def check_filters(filters: Filters) -> None:
    """Raises InvalidSubscription where the free condition says nothing."""
    try:
        condition.check(filters.where)
    except BadCondition as error:
        raise InvalidSubscription(f"where: {error}") from error


def _check_limits(limits: Limits) -> None:
    if not 1 <= limits.in_flight <= MOST_IN_FLIGHT:
        raise InvalidSubscription(f"in_flight is {limits.in_flight}; write 1 to {MOST_IN_FLIGHT}")
    if limits.rate is not None and not 0 < limits.rate <= MOST_RATE:
        raise InvalidSubscription(f"rate is {limits.rate:g} a second; write a number above 0, at most {MOST_RATE:g}")
    if not SHORTEST_TIMEOUT <= limits.timeout <= LONGEST_TIMEOUT:
        raise InvalidSubscription(f"timeout is {limits.timeout:g} s; write {SHORTEST_TIMEOUT:g} to {LONGEST_TIMEOUT:g}")
    if not timedelta(minutes=1) <= limits.expiry <= timedelta(days=30):
        raise InvalidSubscription("expiry must be one minute to 30 days")
    if limits.expires_after is not None and not timedelta(minutes=1) <= limits.expires_after <= limits.expiry:
        raise InvalidSubscription("expires_after must be one minute to the expiry")
    if limits.digest is not None and not timedelta(minutes=1) <= limits.digest <= timedelta(days=7):
        raise InvalidSubscription("digest must be one minute to seven days")
    if limits.quiet is not None:
        limits.quiet.check()


async def create(
    connection: AsyncConnection, wanted: Wanted, *, sealer: Sealer, guard: Guard, now: datetime,
    secret: Secret | None = None,
) -> tuple[Subscription, Secret]:  # fmt: skip
    """Store a new subscription; its secret, a new one unless given, is shown this once. Raises InvalidSubscription."""
    wanted.check(guard)
    subscription_id = ids.of("subscription", wanted.owner, wanted.url, randomness.token_bytes(16))
    secret = secret or Secret.generate()
    row = _new_row(subscription_id, wanted, now)
    await note_change(connection)
    await connection.execute(sa.insert(SUBSCRIPTIONS).values(row))
    await connection.execute(sa.insert(SECRETS).values(_secret_row(subscription_id, secret, sealer, now)))
    return _subscription(row), secret


def _new_row(subscription_id: str, wanted: Wanted, now: datetime) -> dict[str, Any]:
    return {
        "id": subscription_id, "owner": wanted.owner, "url": wanted.url, **_filter_columns(wanted.filters),
        **_limit_columns(wanted.limits), "thin": wanted.thin, **_consent_columns(wanted.consented),
        "version": 1,
        "created": now, "changed": now, "failures": 0, "failing_since": None, "last_success": None, "hold_until": None,
        "breaker_opens": 0, "probe_at": None,
    }  # fmt: skip


def _consent_columns(given: bool) -> dict[str, Any]:
    """A subscription whose receiver has consented, or is still to be asked."""
    if given:
        return {"state": SubscriptionState.ACTIVE, "state_reason": "", "consent": How.OPERATOR, "allowed_rate": None}
    waits = {"state": SubscriptionState.PENDING, "state_reason": "its receiver has not consented yet"}
    return {**waits, "consent": "", "allowed_rate": None}


def _filter_columns(filters: Filters) -> dict[str, Any]:
    return {"filters": msgspec.json.encode(filters).decode()}


def _limit_columns(limits: Limits) -> dict[str, Any]:
    return {
        "in_flight": limits.in_flight, "rate": limits.rate, "timeout_seconds": limits.timeout,
        "expiry_seconds": limits.expiry.total_seconds(), "ordered": limits.ordered,
        "expires_after": limits.expires_after.total_seconds() if limits.expires_after else None,
        "quiet": msgspec.json.encode(limits.quiet).decode() if limits.quiet else None,
        "digest": limits.digest.total_seconds() if limits.digest else None,
    }  # fmt: skip


def _secret_row(subscription_id: str, secret: Secret, sealer: Sealer, now: datetime) -> dict[str, Any]:
    sealed = sealer.seal(secret.key, subscription_id)
    return {"subscription_id": subscription_id, "created": now, "scheme": "v1", "sealed": sealed, "expires": None}


def _subscription(row: Any) -> Subscription:
    value = row if isinstance(row, dict) else row._mapping
    return Subscription(
        id=value["id"],
        owner=value["owner"],
        url=value["url"],
        filters=msgspec.json.decode(value["filters"], type=Filters),
        limits=Limits(
            in_flight=value["in_flight"],
            rate=value["rate"],
            timeout=value["timeout_seconds"],
            expiry=timedelta(seconds=value["expiry_seconds"]),
            ordered=value["ordered"],
            expires_after=timedelta(seconds=value["expires_after"]) if value["expires_after"] else None,
            quiet=msgspec.json.decode(value["quiet"], type=Quiet) if value["quiet"] else None,
            digest=timedelta(seconds=value["digest"]) if value["digest"] else None,
        ),
        state=SubscriptionState(value["state"]),
        state_reason=value["state_reason"],
        version=value["version"],
        created=value["created"],
        failures=value["failures"],
        last_success=value["last_success"],
        hold_until=value["hold_until"],
        standing=Standing(value["breaker_opens"], value["probe_at"]),
        thin=value["thin"],
        consent=value["consent"],
        allowed_rate=value["allowed_rate"],
    )


async def listed(connection: AsyncConnection, *, owner: str | None = None) -> list[Subscription]:
    """All subscriptions of an owner, the oldest first."""
    query = _owned(sa.select(SUBSCRIPTIONS), owner).order_by(SUBSCRIPTIONS.c.created, SUBSCRIPTIONS.c.id)
    return [_subscription(row) for row in await connection.execute(query)]


async def found(
    connection: AsyncConnection, subscription_ids: Sequence[str], *, owner: str | None = None
) -> dict[str, Subscription]:
    """Those of the named subscriptions that exist."""
    query = _owned(sa.select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id.in_(subscription_ids)), owner)
    return {row.id: _subscription(row) for row in await connection.execute(query)}


async def sealed_secrets(
    connection: AsyncConnection, subscription_ids: Sequence[str], *, now: datetime
) -> dict[str, tuple[bytes, ...]]:
    """The secrets that count now, still sealed, the newest first."""
    live = SECRETS.c.expires.is_(None) | (SECRETS.c.expires > now)
    query = sa.select(SECRETS).where(SECRETS.c.subscription_id.in_(subscription_ids), live)
    sealed: dict[str, tuple[bytes, ...]] = {}
    for row in await connection.execute(query.order_by(SECRETS.c.created.desc())):
        sealed[row.subscription_id] = (*sealed.get(row.subscription_id, ()), row.sealed)
    return sealed


async def change(
    connection: AsyncConnection, subscription_id: str, wanted: Wanted, *, guard: Guard, now: datetime,
    owner: str | None = None,
) -> bool:  # fmt: skip
    """Replace address, filters, limits and form; False where there is no such one. Raises InvalidSubscription. An open
    breaker is closed: what was wrong may be what was changed."""
    wanted.check(guard)
    columns = {
        "url": wanted.url, **_filter_columns(wanted.filters), **_limit_columns(wanted.limits), "thin": wanted.thin,
        **CLOSED,
    }  # fmt: skip
    if not await _update(connection, subscription_id, columns, now=now, owner=owner):
        return False
    await _put_in_order(connection, subscription_id, wanted.limits.ordered)
    return True


async def _put_in_order(connection: AsyncConnection, subscription_id: str, ordered: bool) -> None:
    """What waits at the time of a change follows it, so that nothing told before is overtaken by what comes after."""
    key = (ALERTS.c.alert_id == DELIVERIES.c.alert_id) & (ALERTS.c.revision == DELIVERIES.c.revision)
    story = sa.select(ALERTS.c.story_id).where(key).correlate(DELIVERIES).scalar_subquery() if ordered else ""
    waiting = DELIVERIES.c.state.in_((DeliveryState.PENDING, DeliveryState.PARKED))
    mine = sa.update(DELIVERIES).where(DELIVERIES.c.subscription_id == subscription_id, waiting)
    await connection.execute(mine.where((DELIVERIES.c.story == "") == ordered).values(story=story))


async def set_feed(
    connection: AsyncConnection, subscription_id: str, feed_hash: bytes | None, *, now: datetime,
    owner: str | None = None,
) -> bool:  # fmt: skip
    """Open a feed to whoever has the token with this hash, and to nobody with one before; None: to nobody. False where
    there is no such subscription."""
    return await _update(connection, subscription_id, {"feed_hash": feed_hash}, now=now, owner=owner)


async def await_consent(
    connection: AsyncConnection, subscription_id: str, *, now: datetime, owner: str | None = None
) -> bool:
    """Send nothing until the receiver, which is a new one, has consented."""
    columns = _consent_columns(given=False)
    state, reason = columns.pop("state"), columns.pop("state_reason")
    if not await _update(connection, subscription_id, columns, now=now, owner=owner):
        return False
    return await stop_sending(connection, subscription_id, state, reason, now=now, owner=owner)


async def consented(
    connection: AsyncConnection, subscription_id: str, answer: Consent, *, now: datetime, owner: str | None = None
) -> bool:
    """Note what a receiver answered: one that consents is sent to from now on, what was kept first; where it does not,
    the reason stands with it. False where there is no such subscription that waits for that."""
    if answer.how is None:
        columns: dict[str, Any] = {"state_reason": f"no consent: {answer.detail}"[:300]}
        return await _update(connection, subscription_id, columns, now=now, owner=owner)
    columns = {"consent": answer.how, "allowed_rate": answer.rate}
    if not await _update(connection, subscription_id, columns, now=now, owner=owner):
        return False
    return await resume(connection, subscription_id, now=now, owner=owner)


async def rotate(
    connection: AsyncConnection, subscription_id: str, *, sealer: Sealer, now: datetime, overlap: timedelta,
    owner: str | None = None,
) -> Secret | None:  # fmt: skip
    """A new secret, shown this once; those before count for the `overlap` yet, so that a message carries a signature of
    each meanwhile. None where there is no such subscription. Raises InvalidSubscription."""
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise InvalidSubscription(f"the overlap must be 0 to {LONGEST_OVERLAP.days} days")
    if not await _update(connection, subscription_id, {}, now=now, owner=owner):
        return None
    secret, mine = Secret.generate(), sa.update(SECRETS).where(SECRETS.c.subscription_id == subscription_id)
    ends, last = now + overlap, sa.select(sa.func.max(SECRETS.c.created)).select_from(SECRETS)
    newest = await connection.scalar(last.where(SECRETS.c.subscription_id == subscription_id))
    await connection.execute(mine.where(SECRETS.c.expires.is_(None) | (SECRETS.c.expires > ends)).values(expires=ends))
    made = max(now, newest + timedelta(microseconds=1)) if newest is not None else now
    await connection.execute(sa.insert(SECRETS).values(_secret_row(subscription_id, secret, sealer, made)))
    return secret


async def pause(connection: AsyncConnection, subscription_id: str, *, now: datetime, owner: str | None = None) -> bool:
    """Send nothing until resumed, and keep what comes; False where there is no such subscription."""
    return await stop_sending(connection, subscription_id, SubscriptionState.PAUSED, "asked for", now=now, owner=owner)


async def stop_sending(
    connection: AsyncConnection, subscription_id: str, state: SubscriptionState, reason: str, *, now: datetime,
    owner: str | None = None,
) -> bool:  # fmt: skip
    """Put a subscription and what is to be sent to it aside."""
    columns = {"state": state, "state_reason": reason}
    if not await _update(connection, subscription_id, columns, now=now, owner=owner):
        return False
    mine = sa.update(DELIVERIES).where(DELIVERIES.c.subscription_id == subscription_id)
    await connection.execute(mine.where(DELIVERIES.c.state == PENDING).values(state=DeliveryState.PARKED))
    return True


async def resume(connection: AsyncConnection, subscription_id: str, *, now: datetime, owner: str | None = None) -> bool:
    """Send again; False where there is no such subscription. What was kept comes as a replay, one message a
    `REPLAY_EVERY`, and has the time to arrive that a new alert has. Whoever resumes one that waits for its receiver's
    consent vouches for it."""
    columns: dict[str, Any] = {
        "consent": sa.case((SUBSCRIPTIONS.c.consent == "", How.OPERATOR), else_=SUBSCRIPTIONS.c.consent),
        "state": SubscriptionState.ACTIVE, "state_reason": "", "failures": 0, "failing_since": None, "hold_until": None,
        "warned": 0, "warned_at": None, **CLOSED,
    }  # fmt: skip
    if not await _update(connection, subscription_id, columns, now=now, owner=owner):
        return False
    one = (await found(connection, [subscription_id]))[subscription_id]
    parked = (DELIVERIES.c.subscription_id == subscription_id) & (DELIVERIES.c.state == DeliveryState.PARKED)
    await store.replay(connection, parked, Replay.KEPT, now=now, every=replay_every(one.rate), lasts=one.limits.expiry)
    return True


def replay_every(rate: float | None) -> timedelta:
    """The pace of replays: at most half of what the receiver bears, so that live alerts find room."""
    return max(REPLAY_EVERY, timedelta(seconds=2 / rate)) if rate else REPLAY_EVERY


async def remove(connection: AsyncConnection, subscription_id: str, *, now: datetime, owner: str | None = None) -> bool:
    """Delete a subscription and its secrets; what was still to be sent to it ends as failed, the history stays."""
    await note_change(connection)
    query = _owned(sa.delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == subscription_id), owner)
    if not (await connection.execute(query)).rowcount:
        return False
    await connection.execute(sa.delete(SECRETS).where(SECRETS.c.subscription_id == subscription_id))
    waiting = DELIVERIES.c.state.in_((DeliveryState.PENDING, DeliveryState.PARKED, DeliveryState.GATHERED))
    mine = sa.update(DELIVERIES).where(DELIVERIES.c.subscription_id == subscription_id, waiting)
    await connection.execute(mine.values(state=DeliveryState.FAILED, reason="removed", finished=now))
    return True


async def _update(
    connection: AsyncConnection, subscription_id: str, columns: dict[str, Any], *, now: datetime, owner: str | None
) -> bool:
    await note_change(connection)
    statement = _owned(sa.update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == subscription_id), owner)
    result = await connection.execute(statement.values(**columns, changed=now, version=SUBSCRIPTIONS.c.version + 1))
    return bool(result.rowcount)


def _owned(statement: Any, owner: str | None) -> Any:
    return statement if owner is None else statement.where(SUBSCRIPTIONS.c.owner == owner)


async def note_change(connection: AsyncConnection) -> None:
    """Let every replica notice that something about subscriptions changed."""
    await connection.execute(sa.update(COUNTERS).where(COUNTERS.c.name == "changes").values(value=COUNTERS.c.value + 1))


async def changes(connection: AsyncConnection) -> int:
    """A number that rises with every change of any subscription; no change passes until the transaction ends."""
    query = sa.select(COUNTERS.c.value).where(COUNTERS.c.name == "changes")
    return await connection.scalar(query.with_for_update(read=True)) or 0
