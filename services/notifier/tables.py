"""The notifier's tables.

An alert's body is kept once, not once a subscription: what differs between subscribers (id, sequence, time of sending)
is put around it when it is sent.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import sqlalchemy as sa

from shared.db import Moment

METADATA = sa.MetaData()


class SubscriptionState(StrEnum):
    """Whether a subscription is sent to; its alerts are kept in any state. `pending` waits for its receiver's consent,
    `disabled` is our doing, `paused` theirs."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """Where a delivery stands. `parked` waits for its subscription to be active again, `gathered` to be a line of a
    digest, which it is when it is `digested`.

    There is no state "leased": who may send is decided for a whole subscription by its lease, which saves a write for
    each delivery and keeps a subscription's limits true across replicas.
    """

    PENDING = "pending"
    PARKED = "parked"
    GATHERED = "gathered"
    DIGESTED = "digested"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"


class Replay(IntEnum):
    """Whether a delivery is late on purpose: `kept` while its subscription was not sent to, or `resent` on request."""

    LIVE = 0
    KEPT = 1
    RESENT = 2


COUNTERS = sa.Table(
    "notifier_counters",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
"""`changes` rises with every change of a subscription, `sequence` with every delivery, `alerts` with every telling that
is kept."""

KEYS = sa.Table(
    "notifier_keys",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("expires", Moment),
    sa.Column("revoked", Moment),
)
"""API keys; of the secret only a hash."""

SUBSCRIPTIONS = sa.Table(
    "notifier_subscriptions",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("filters", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_reason", sa.Text, nullable=False),
    sa.Column("in_flight", sa.Integer, nullable=False),
    sa.Column("rate", sa.Float),
    sa.Column("timeout_seconds", sa.Float, nullable=False),
    sa.Column("expiry_seconds", sa.Float, nullable=False),
    sa.Column("thin", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("consent", sa.Text, nullable=False, server_default="operator"),
    sa.Column("allowed_rate", sa.Float),
    sa.Column("feed_hash", sa.LargeBinary),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("changed", Moment, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failing_since", Moment),
    sa.Column("last_success", Moment),
    sa.Column("hold_until", Moment),
    sa.Column("breaker_opens", sa.Integer, nullable=False, server_default="0"),
    sa.Column("probe_at", Moment),
    sa.Column("warned", sa.Integer, nullable=False, server_default="0"),
    sa.Column("warned_at", Moment),
    sa.Column("expires_after", sa.Float),
    sa.Column("quiet", sa.Text),
    sa.Column("digest", sa.Float),
    sa.Column("ordered", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("notifier_subscriptions_owner", "owner"),
)
"""`failures` counts attempts that failed in a row; `hold_until` is what the receiver asked for with Retry-After,
`probe_at` when an open breaker is to be tried; until both have passed its deliveries wait here."""

SECRETS = sa.Table(
    "notifier_secrets",
    METADATA,
    sa.Column("subscription_id", sa.Text, primary_key=True),
    sa.Column("created", Moment, primary_key=True),
    sa.Column("scheme", sa.Text, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("expires", Moment),
)
"""Several at once while they are rotated: a message carries a signature of each that has not expired."""

KEY_PAIRS = sa.Table(
    "notifier_key_pairs",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created", Moment, nullable=False),
    sa.Column("expires", Moment),
    sa.Column("public", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
"""What scheme `v1a` signs with; the private half is sealed."""

ALERTS = sa.Table(
    "notifier_alerts",
    METADATA,
    sa.Column("alert_id", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("watch_id", sa.Text, nullable=False),
    sa.Column("story_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("observed", Moment, nullable=False),
    sa.Column("ledger", sa.LargeBinary, nullable=False),
    sa.Column("trace", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("number", sa.BigInteger),
    sa.Index("notifier_alerts_number", "number"),
)
"""Every telling of an alert, whether anybody subscribed to it or not; `number` is its place in the order of coming."""

PENDING: sa.ColumnElement[str] = sa.literal_column(f"'{DeliveryState.PENDING}'")
"""Spelt out in the statement, not bound: only then do both databases use the partial index."""

DELIVERIES = sa.Table(
    "notifier_deliveries",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subscription_id", sa.Text, nullable=False),
    sa.Column("alert_id", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt", Moment, nullable=False),
    sa.Column("expires", Moment, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("finished", Moment),
    sa.Column("story", sa.Text, nullable=False, server_default=""),
    sa.Column("replay", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tried_before", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stale", Moment),
    sa.Index("notifier_deliveries_history", "subscription_id", "sequence"),
)
"""`story` is filled where the subscription wants its stories in order. `tried_before` counts the attempts before the
delivery was asked for again: the schedule starts anew."""
sa.Index(
    "notifier_deliveries_due",
    DELIVERIES.c.subscription_id,
    DELIVERIES.c.next_attempt,
    DELIVERIES.c.sequence,
    sqlite_where=DELIVERIES.c.state == PENDING,
    postgresql_where=DELIVERIES.c.state == PENDING,
)
"""A delivery is found by its subscription and when it is due; what is done leaves the index, so it stays small."""

GATHERED: sa.ColumnElement[str] = sa.literal_column(f"'{DeliveryState.GATHERED}'")
sa.Index(
    "notifier_deliveries_gathered",
    DELIVERIES.c.subscription_id,
    DELIVERIES.c.next_attempt,
    DELIVERIES.c.sequence,
    sqlite_where=DELIVERIES.c.state == GATHERED,
    postgresql_where=DELIVERIES.c.state == GATHERED,
)
"""Lines by the end of their window, which stands in `next_attempt`."""

UNFINISHED = "story <> '' AND state IN ('pending', 'parked')"
"""Of an ordered subscription what is neither delivered nor given up: what comes later in its story waits for it."""

sa.Index(
    "notifier_deliveries_story",
    DELIVERIES.c.subscription_id,
    DELIVERIES.c.story,
    DELIVERIES.c.sequence,
    sqlite_where=sa.text(UNFINISHED),
    postgresql_where=sa.text(UNFINISHED),
)

ATTEMPTS = sa.Table(
    "notifier_attempts",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("delivery_id", sa.Text, nullable=False),
    sa.Column("subscription_id", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("started", Moment, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("excerpt", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False, server_default=""),
    sa.Column("answer", sa.Text, nullable=False, server_default=""),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("dns", sa.Float),
    sa.Column("connect", sa.Float),
    sa.Column("tls", sa.Float),
    sa.Column("first_byte", sa.Float),
    sa.Index("notifier_attempts_delivery", "delivery_id", "number"),
)

OUTBOX = sa.Table(
    "notifier_outbox",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("event", sa.LargeBinary, nullable=False),
    sa.Column("trace", sa.Text, nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Index("notifier_outbox_created", "created"),
)
"""Attempts that are committed and not yet told on the topic."""

WARNINGS = sa.Table(
    "notifier_warnings",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("event", sa.LargeBinary, nullable=False),
    sa.Column("trace", sa.Text, nullable=False),
    sa.Column("created", Moment, nullable=False),
)
"""The same for warnings of subscriptions that fail. A table of its own: the version before reads every row of the other
as an attempt."""
