"""The bodies of the API: what is asked for and what is answered. The names are those of docs/openapi."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.notifier.deliver import Attempt
from services.notifier.keys import Key, Scope
from services.notifier.pull import MOST, Page, Pulled
from services.notifier.subscribe import MOST_IN_FLIGHT, MOST_RATE, Filters, Limits, Quiet, Subscription, Wanted
from services.notifier.tables import SubscriptionState
from shared.events import AlertKind

Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=100)]
USUAL = Limits()


class Shape(BaseModel):
    """A body; what it does not know is refused, so that a slip in a name is not passed over."""

    model_config = ConfigDict(extra="forbid")


class FiltersShape(Shape):
    """Which alerts are wanted: every list that is not empty must contain the alert's value. `where` is a free condition
    on the payload (docs/subscriptions.md)."""

    watches: Names = []
    kinds: list[AlertKind] = []
    languages: Names = []
    sources: Names = []
    severities: Names = []
    stories: Names = []
    where: dict[str, Any] = {}
    notices: Annotated[bool, Field(description="no alerts, but notices when your other subscriptions fail")] = False

    def filters(self) -> Filters:
        """As the notifier has them."""
        return Filters(
            watches=tuple(self.watches), kinds=tuple(self.kinds), languages=tuple(self.languages),
            sources=tuple(self.sources), severities=tuple(self.severities), stories=tuple(self.stories),
            where=self.where, notices=self.notices,
        )  # fmt: skip

    @classmethod
    def of(cls, filters: Filters) -> FiltersShape:
        """As the API shows them."""
        names = ("watches", "kinds", "languages", "sources", "severities", "stories")
        return cls(**{name: list(getattr(filters, name)) for name in names}, where=dict(filters.where),
                   notices=filters.notices)  # fmt: skip


class QuietShape(Shape):
    """Hours of the day, as `22:00`, in a time zone such as `Europe/Belgrade`; a digest tells of them at their end."""

    begins: str
    ends: str
    zone: str = "UTC"

    @classmethod
    def of(cls, quiet: Quiet) -> QuietShape:
        """As the API shows them."""
        return cls(begins=quiet.begins, ends=quiet.ends, zone=quiet.zone)


class LimitsShape(Shape):
    """What the receiver can bear."""

    in_flight: Annotated[int, Field(ge=1, le=MOST_IN_FLIGHT)] = USUAL.in_flight
    rate: Annotated[float | None, Field(gt=0, le=MOST_RATE, description="requests a second")] = None
    timeout_seconds: Annotated[float, Field(ge=1, le=30)] = USUAL.timeout
    expiry_seconds: Annotated[float, Field(ge=60, le=30 * 86_400)] = USUAL.expiry.total_seconds()
    ordered: Annotated[bool, Field(description="each alert of a story waits for the one before it")] = False

    expires_after_seconds: Annotated[
        float | None, Field(ge=60, description="what is later than this becomes a line of a digest")
    ] = None
    digest_seconds: Annotated[
        float | None, Field(ge=60, le=7 * 86_400, description="tell all in digests, one in so long")
    ] = None
    quiet: QuietShape | None = None

    def limits(self) -> Limits:
        """As the notifier has them."""
        expiry = timedelta(seconds=self.expiry_seconds)
        return Limits(
            self.in_flight, self.rate, self.timeout_seconds, expiry, self.ordered,
            expires_after=_span(self.expires_after_seconds), digest=_span(self.digest_seconds),
            quiet=Quiet(begins=self.quiet.begins, ends=self.quiet.ends, zone=self.quiet.zone) if self.quiet else None,
        )  # fmt: skip

    @classmethod
    def of(cls, limits: Limits) -> LimitsShape:
        """As the API shows them."""
        return cls(in_flight=limits.in_flight, rate=limits.rate, timeout_seconds=limits.timeout,
                   expiry_seconds=limits.expiry.total_seconds(), ordered=limits.ordered,
                   expires_after_seconds=_seconds(limits.expires_after), digest_seconds=_seconds(limits.digest),
                   quiet=QuietShape.of(limits.quiet) if limits.quiet else None)  # fmt: skip


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


class NewSubscription(Shape):
    """A subscription that is asked for. `owner` is for operators: others make their own."""

    url: Annotated[str, Field(min_length=1, max_length=2048)]
    filters: FiltersShape = FiltersShape()
    limits: LimitsShape = LimitsShape()
    thin: bool = Field(default=False, description="tell by name only: no title, quote or excerpt in the payload")
    secret: Annotated[str | None, Field(max_length=200, description="whsec_…, one that the receiver has already")] = (
        None
    )
    owner: Annotated[str | None, Field(max_length=63)] = None
    vouched: bool = Field(default=False, description="for operators: the receiver need not be asked for its consent")

    def wanted(self, key: Key) -> Wanted:
        """As the notifier takes it."""
        owner = self.owner if self.owner and key.scope is Scope.OPERATOR else key.owner
        vouched = self.vouched and key.scope is Scope.OPERATOR
        return Wanted(self.url, self.filters.filters(), self.limits.limits(), owner, self.thin, vouched)


class ChangedSubscription(Shape):
    """What is to be changed; what is not named stays."""

    url: Annotated[str | None, Field(min_length=1, max_length=2048)] = None
    filters: FiltersShape | None = None
    limits: LimitsShape | None = None
    thin: bool | None = None

    def wanted(self, before: Wanted) -> Wanted:
        """What holds from now on."""
        return Wanted(
            self.url if self.url is not None else before.url,
            self.filters.filters() if self.filters is not None else before.filters,
            self.limits.limits() if self.limits is not None else before.limits,
            before.owner,
            self.thin if self.thin is not None else before.thin,
        )


class SubscriptionShape(Shape):
    """A subscription as it stands."""

    id: str
    owner: str
    url: str
    state: SubscriptionState
    state_reason: str
    filters: FiltersShape
    limits: LimitsShape
    thin: bool
    consent: str
    allowed_rate: float | None
    created: datetime
    last_success: datetime | None
    failures: int
    hold_until: datetime | None

    @classmethod
    def of(cls, one: Subscription) -> SubscriptionShape:
        """As the API shows it."""
        return cls(
            id=one.id, owner=one.owner, url=one.url, state=one.state, state_reason=one.state_reason,
            filters=FiltersShape.of(one.filters), limits=LimitsShape.of(one.limits), thin=one.thin,
            consent=one.consent, allowed_rate=one.allowed_rate,
            created=one.created, last_success=one.last_success, failures=one.failures, hold_until=one.hold_until,
        )  # fmt: skip


class MadeSubscription(SubscriptionShape):
    """The same with its secret, shown this once."""

    secret: str


class Subscriptions(Shape):
    """All of the caller's, the oldest first."""

    subscriptions: list[SubscriptionShape]


class Rotation(Shape):
    """How long the secrets before go on signing beside the new one."""

    overlap_seconds: Annotated[float, Field(ge=0, le=7 * 86_400)] = 86_400.0


class Rotated(Shape):
    """The new secret, shown this once."""

    secret: str
    overlap_seconds: float


class OpenedFeed(Shape):
    """Where a subscription can be read as a feed, shown this once; a feed before has ended."""

    atom: str
    json_feed: str


class Tested(Shape):
    """What came of a test event."""

    outcome: str
    status: int | None
    reason: str
    seconds: float
    address: str

    @classmethod
    def of(cls, attempt: Attempt) -> Tested:
        """As the API shows it."""
        return cls(outcome=str(attempt.decision.outcome), status=attempt.status, reason=attempt.decision.reason,
                   seconds=round(attempt.seconds, 3), address=attempt.address)  # fmt: skip


class AlertShape(Shape):
    """An alert to be pulled: `data` is what a webhook carries."""

    number: int
    type: str
    data: dict[str, Any]

    @classmethod
    def of(cls, one: Pulled) -> AlertShape:
        """As the API shows it."""
        return cls(number=one.number, type=one.type, data=dict(one.data))


class AlertsAsked(Shape):
    """Which alerts are asked for, in a query."""

    after: Annotated[int, Field(ge=0, description="the `last` of the page before")] = 0
    most: Annotated[int, Field(ge=1, le=MOST)] = 50
    watch: Names = []
    kind: list[AlertKind] = []
    language: Names = []
    source: Names = []
    severity: Names = []
    story: Names = []

    def filters(self) -> Filters:
        """As the notifier has them."""
        return Filters(
            watches=tuple(self.watch), kinds=tuple(self.kind), languages=tuple(self.language),
            sources=tuple(self.source), severities=tuple(self.severity), stories=tuple(self.story),
        )  # fmt: skip


class Alerts(Shape):
    """A page of alerts; `last` is what to ask `after` next, `more` that there is more already."""

    alerts: list[AlertShape]
    last: int
    more: bool

    @classmethod
    def of(cls, page: Page) -> Alerts:
        """As the API shows it."""
        return cls(alerts=[AlertShape.of(one) for one in page.alerts], last=page.last, more=page.more)


class Preview(Shape):
    """The last alerts that the filters let through, the newest first."""

    alerts: list[AlertShape]
