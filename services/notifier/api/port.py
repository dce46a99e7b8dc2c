"""The public port: every route, with the scope it needs. Off unless `WIREWATCH_API_PORT` is set.

It speaks plain HTTP and belongs behind whatever ends TLS for its address. What is somebody else's is answered like what
does not exist. Bodies are bounded before anybody reads them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Header, Query, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import consent, feed, key_pairs, pull, subscribe
from services.notifier.api.bounds import Bounded
from services.notifier.api.problems import Problem, answer_with_problems
from services.notifier.api.shapes import (
    Alerts,
    AlertsAsked,
    AlertShape,
    ChangedSubscription,
    FiltersShape,
    MadeSubscription,
    NewSubscription,
    OpenedFeed,
    Preview,
    Rotated,
    Rotation,
    Subscriptions,
    SubscriptionShape,
    Tested,
)
from services.notifier.api.who import Gate
from services.notifier.deliver import Target
from services.notifier.feed import FeedForm
from services.notifier.keys import Key, Scope
from services.notifier.ping import ping
from services.notifier.seal import Sealer, Unopened
from services.notifier.sign import BadSecret, Secret
from services.notifier.subscribe import Filters, Subscription
from services.notifier.tables import SubscriptionState
from shared.clock import Clock
from shared.db import Database
from shared.http import Door, Guard

CONNECTIONS = 256
KEY_SET = "/.well-known/webhook-keys.json"
FEED = "/feeds/{token}/{form}"
TITLE, VERSION = "Wirewatch subscriptions", "1"
Change = Callable[..., Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes work with."""

    database: Database
    real: Clock
    sealer: Sealer
    guard: Guard
    door: Door
    origin: str = "wirewatch"

    async def one(self, connection: AsyncConnection, key: Key, subscription_id: str) -> Subscription:
        """The caller's subscription. Raises Problem where there is none."""
        found = await subscribe.found(connection, [subscription_id], owner=key.sees)
        if subscription_id not in found:
            raise _missing()
        return found[subscription_id]

    async def shown(self, key: Key, subscription_id: str) -> SubscriptionShape:
        """The same as it is shown."""
        async with self.database.reading() as connection:
            return SubscriptionShape.of(await self.one(connection, key, subscription_id))

    async def asked(self, key: Key, subscription_id: str) -> SubscriptionShape:
        """Ask the receiver of one that waits for its consent, and show what came of it."""
        async with self.database.reading() as connection:
            one = await self.one(connection, key, subscription_id)
            target = await self.target(connection, one)
        if one.state is SubscriptionState.PENDING:
            answer = await consent.ask(self.door, target, origin=self.origin, real=self.real)
            async with self.database.transaction() as connection:
                if (await self.one(connection, key, subscription_id)).version == one.version:  # of what was asked about
                    await subscribe.consented(connection, subscription_id, answer, now=self.real.now(), owner=key.sees)
        return await self.shown(key, subscription_id)

    async def target(self, connection: AsyncConnection, one: Subscription) -> Target:
        """Where a single message to a subscription goes, and what signs it. Raises Problem."""
        now = self.real.now()
        sealed = await subscribe.sealed_secrets(connection, [one.id], now=now)
        try:
            secrets = tuple(Secret(self.sealer.open(each, one.id)) for each in sealed.get(one.id, ()))
            pairs = await key_pairs.current(connection, sealer=self.sealer, now=now)
        except Unopened as error:
            raise Problem(409, "its secret was sealed with a key that is not there any more: rotate it") from error
        return Target(one.id, one.url, secrets, one.limits.timeout, one.version, one.thin, pairs)

    async def changed(self, key: Key, subscription_id: str, change: Change) -> SubscriptionShape:
        """Change one and show it."""
        async with self.database.transaction() as connection:
            if not await change(connection, subscription_id, now=self.real.now(), owner=key.sees):
                raise _missing()
            return SubscriptionShape.of(await self.one(connection, key, subscription_id))


def _given(text: str | None) -> Secret | None:
    try:
        return Secret.parse(text) if text is not None else None
    except BadSecret as error:
        raise Problem(422, f"secret: {error}") from error


def _missing() -> Problem:
    return Problem(404, "you have no subscription with this id")


def application(api: Api) -> Bounded:
    """The ASGI application."""
    app = FastAPI(title=TITLE, version=VERSION, docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    answer_with_problems(app)
    gate = Gate(api.database, api.real)
    _subscription_routes(app, api, gate)
    _work_routes(app, api, gate)
    _alert_routes(app, api, gate)
    _open_routes(app, api)
    return Bounded(app)


def _subscription_routes(app: FastAPI, api: Api, gate: Gate) -> None:
    reads, writes = Depends(gate.needs(Scope.READ)), Depends(gate.needs(Scope.WRITE))

    @app.post("/subscriptions", status_code=201, tags=["subscriptions"])
    async def create(asked: NewSubscription, response: Response, key: Key = writes) -> MadeSubscription:
        """Subscribe a receiver, and ask it for its consent. The secret is shown this once."""
        async with api.database.transaction() as connection:
            made, secret = await subscribe.create(
                connection, asked.wanted(key), sealer=api.sealer, guard=api.guard, now=api.real.now(),
                secret=_given(asked.secret),
            )  # fmt: skip
        response.headers["location"] = f"/subscriptions/{made.id}"
        response.headers["cache-control"] = "no-store"
        shown = await api.asked(key, made.id)
        return MadeSubscription(**shown.model_dump(), secret=secret.reveal())

    @app.get("/subscriptions", tags=["subscriptions"])
    async def list_(key: Key = reads) -> Subscriptions:
        """All of the caller's, the oldest first; an operator sees everybody's."""
        async with api.database.reading() as connection:
            found = await subscribe.listed(connection, owner=key.sees)
        return Subscriptions(subscriptions=[SubscriptionShape.of(one) for one in found])

    @app.get("/subscriptions/{subscription_id}", tags=["subscriptions"])
    async def show(subscription_id: str, key: Key = reads) -> SubscriptionShape:
        """One of them."""
        return await api.shown(key, subscription_id)

    @app.patch("/subscriptions/{subscription_id}", tags=["subscriptions"])
    async def change(subscription_id: str, asked: ChangedSubscription, key: Key = writes) -> SubscriptionShape:
        """Change what is named; the rest stays. A receiver at another address is asked for its consent."""
        async with api.database.transaction() as connection:
            before = await api.one(connection, key, subscription_id)
            wanted = asked.wanted(before.wanted)
            await subscribe.change(
                connection, subscription_id, wanted, guard=api.guard, now=api.real.now(), owner=key.sees
            )
            if wanted.url != before.url and key.scope is not Scope.OPERATOR:
                await subscribe.await_consent(connection, subscription_id, now=api.real.now(), owner=key.sees)
        return await api.asked(key, subscription_id)

    @app.delete("/subscriptions/{subscription_id}", status_code=204, tags=["subscriptions"])
    async def delete(subscription_id: str, key: Key = writes) -> None:
        """Delete it, its secrets, and what was still to be sent to it."""
        async with api.database.transaction() as connection:
            if not await subscribe.remove(connection, subscription_id, now=api.real.now(), owner=key.sees):
                raise _missing()


def _work_routes(app: FastAPI, api: Api, gate: Gate) -> None:
    reads, writes = Depends(gate.needs(Scope.READ)), Depends(gate.needs(Scope.WRITE))

    @app.post("/subscriptions/{subscription_id}/pause", tags=["subscriptions"])
    async def pause(subscription_id: str, key: Key = writes) -> SubscriptionShape:
        """Send nothing until resumed; what comes is kept."""
        return await api.changed(key, subscription_id, subscribe.pause)

    @app.post("/subscriptions/{subscription_id}/resume", tags=["subscriptions"])
    async def resume(subscription_id: str, key: Key = writes) -> SubscriptionShape:
        """Send again, what was kept first; not before the receiver has consented."""
        if (await api.shown(key, subscription_id)).state is SubscriptionState.PENDING:
            raise Problem(409, "its receiver has not consented yet: ask it by POST …/consent")
        return await api.changed(key, subscription_id, subscribe.resume)

    @app.post("/subscriptions/{subscription_id}/consent", tags=["subscriptions"])
    async def ask_for_consent(subscription_id: str, key: Key = writes) -> SubscriptionShape:
        """Ask the receiver again, where it has not consented yet."""
        return await api.asked(key, subscription_id)

    @app.post("/subscriptions/{subscription_id}/rotate", tags=["subscriptions"])
    async def rotate(
        subscription_id: str, response: Response, asked: Annotated[Rotation | None, Body()] = None, key: Key = writes
    ) -> Rotated:
        """Make a new secret, shown this once; messages are signed with it and with those before for a while."""
        wanted = asked or Rotation()
        overlap = timedelta(seconds=wanted.overlap_seconds)
        async with api.database.transaction() as connection:
            secret = await subscribe.rotate(
                connection, subscription_id, sealer=api.sealer, now=api.real.now(), overlap=overlap, owner=key.sees
            )
        if secret is None:
            raise _missing()
        response.headers["cache-control"] = "no-store"
        return Rotated(secret=secret.reveal(), overlap_seconds=wanted.overlap_seconds)

    @app.post("/subscriptions/{subscription_id}/test", tags=["subscriptions"])
    async def test(subscription_id: str, key: Key = writes) -> Tested:
        """Send a test event at once and say what came of it."""
        async with api.database.reading() as connection:
            target = await api.target(connection, await api.one(connection, key, subscription_id))
        return Tested.of(await ping(api.door, target, real=api.real))

    @app.post("/subscriptions/{subscription_id}/feed", tags=["feeds"])
    async def open_feed(subscription_id: str, response: Response, key: Key = writes) -> OpenedFeed:
        """Open a feed of the subscription at an address with a new token, shown this once; one before ends."""
        async with api.database.transaction() as connection:
            token = await feed.open_feed(connection, subscription_id, now=api.real.now(), owner=key.sees)
        if token is None:
            raise _missing()
        response.headers["cache-control"] = "no-store"
        return OpenedFeed(atom=f"/feeds/{token}/atom", json_feed=f"/feeds/{token}/json")

    @app.delete("/subscriptions/{subscription_id}/feed", status_code=204, tags=["feeds"])
    async def close_feed(subscription_id: str, key: Key = writes) -> None:
        """Close it: its address is nothing from now on."""
        async with api.database.transaction() as connection:
            if not await subscribe.set_feed(connection, subscription_id, None, now=api.real.now(), owner=key.sees):
                raise _missing()

    @app.post("/preview", tags=["subscriptions"])
    async def preview(asked: FiltersShape, most: Annotated[int, Query(ge=1, le=50)] = 10, _key: Key = reads) -> Preview:
        """What a subscription with these filters would have got, the newest first."""
        filters = _checked(asked)
        async with api.database.reading() as connection:
            found = await pull.latest(connection, filters, most)
        return Preview(alerts=[AlertShape.of(one) for one in found])


def _alert_routes(app: FastAPI, api: Api, gate: Gate) -> None:
    reads = Depends(gate.needs(Scope.READ))

    @app.get("/alerts", tags=["alerts"])
    async def alerts(asked: Annotated[AlertsAsked, Query()], _key: Key = reads) -> Alerts:
        """Alerts in the order in which they came, without a gap: ask again `after` the `last` of each page."""
        async with api.database.reading() as connection:
            return Alerts.of(await pull.after(connection, asked.after, asked.filters(), asked.most))


def _open_routes(app: FastAPI, api: Api) -> None:
    @app.get(KEY_SET, tags=["keys"])
    async def key_set(response: Response) -> dict[str, Any]:
        """The public keys of `v1a` signatures, a JSON Web Key Set; for everybody."""
        async with api.database.reading() as connection:
            found = await key_pairs.key_set(connection, api.real.now())
        response.headers["cache-control"] = f"public, max-age={round(key_pairs.CACHED.total_seconds())}"
        return found

    @app.get(FEED, tags=["feeds"])
    async def read_feed(token: str, form: FeedForm, if_none_match: Annotated[str, Header()] = "") -> Response:
        """The last alerts of a subscription as a feed, for whoever has its address."""
        async with api.database.reading() as connection:
            one = await feed.of_token(connection, token)
            if one is None:
                raise Problem(404, "there is no such feed")
            alerts = await pull.latest(connection, one.filters, feed.ENTRIES)
        written, kind = feed.FORMS[form](one, alerts, f"/feeds/{token}/{form}"), feed.TYPES[form]
        headers = {"etag": feed.etag(written), "cache-control": "private, max-age=60"}
        if headers["etag"] in (told.strip() for told in if_none_match.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(written, headers=headers, media_type=kind)


def _checked(asked: FiltersShape) -> Filters:
    filters = asked.filters()
    subscribe.check_filters(filters)
    return filters


def description() -> dict[str, Any]:
    """The OpenAPI document, without anything behind it."""
    nothing: Any = None
    app = application(Api(nothing, nothing, nothing, nothing, nothing)).app
    document: dict[str, Any] = app.openapi()
    return document
