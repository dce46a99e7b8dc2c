"""The public port: what it does, for whom, and a matrix of every route against every kind of caller."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute

from services.notifier import keys
from services.notifier.api.bounds import LARGEST, Bounded
from services.notifier.api.port import FEED, KEY_SET, Api, application
from services.notifier.keys import Scope
from services.notifier.sign import Secret
from services.notifier.subscribe import Filters
from services.notifier.tables import KEYS, SECRETS, SUBSCRIPTIONS
from shared.db import Database
from shared.events import AlertKind
from tests.fakes.alerts import alert
from tests.integration.notifier.world import LOOPBACK, SEALER, World, running, world

PUBLIC = {"/openapi.json", KEY_SET, FEED}


@dataclass
class Caller:
    """Somebody with a key, or without."""

    http: httpx.AsyncClient
    key: str = ""

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        return await self.http.request(method, path, headers=headers, **more)

    async def told(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = await self.ask(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@dataclass
class Port:
    here: World
    app: Bounded
    http: httpx.AsyncClient

    async def key(self, owner: str = "desk", scope: Scope = Scope.WRITE, **more: Any) -> str:
        async with self.here.database.transaction() as connection:
            now = self.here.real.now()
            return (await keys.make(connection, owner=owner, scope=scope, name="test", now=now, **more))[1]

    async def caller(self, owner: str = "desk", scope: Scope = Scope.WRITE) -> Caller:
        return Caller(self.http, await self.key(owner, scope))


@pytest.fixture
async def port(database: Database) -> AsyncIterator[Port]:
    async with world(database) as here:
        app = application(Api(database, here.real, SEALER, LOOPBACK, here.door))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://notifier") as client:
            yield Port(here, app, client)


def wanted(url: str, **more: Any) -> dict[str, Any]:
    return {"url": url, "filters": {"watches": ["alliance"]}, **more}


# -- what it does -------------------------------------------------------------------------------------------------


async def test_a_subscription_from_making_to_deleting(port: Port) -> None:
    desk = await port.caller()
    async with port.here.receiver() as receiver:
        made = await desk.told("POST", "/subscriptions", 201, json=wanted(receiver.url, limits={"in_flight": 2}))
        assert made["secret"].startswith("whsec_") and (made["owner"], made["state"]) == ("desk", "active")
        path = f"/subscriptions/{made['id']}"
        shown = await desk.told("GET", path)
        assert shown == {name: value for name, value in made.items() if name != "secret"}
        assert await desk.told("GET", "/subscriptions") == {"subscriptions": [shown]}
        changed = await desk.told("PATCH", path, json={"thin": True, "filters": {"kinds": ["burst"]}})
        assert changed == {**shown, "thin": True, "filters": {**shown["filters"], "watches": [], "kinds": ["burst"]}}
        assert (await desk.told("POST", f"{path}/pause"))["state"] == "paused"
        assert (await desk.told("POST", f"{path}/resume"))["state"] == "active"
        receiver.trust(Secret.parse(made["secret"]))
        assert (await desk.told("POST", f"{path}/test"))["outcome"] == "delivered"
        await desk.told("DELETE", path, 204)
        await desk.told("GET", path, 404)


async def test_after_a_rotation_both_secrets_sign_for_a_while(port: Port) -> None:
    desk = await port.caller()
    async with port.here.receiver() as receiver:
        made = await desk.told("POST", "/subscriptions", 201, json=wanted(receiver.url))
        path = f"/subscriptions/{made['id']}"
        rotated = await desk.told("POST", f"{path}/rotate", json={"overlap_seconds": 3600})
        for secrets, passed in (((made["secret"],), 0), ((rotated["secret"],), 0), ((rotated["secret"],), 3601)):
            receiver.secrets[:] = [Secret.parse(one) for one in secrets]
            await port.here.pass_(passed)
            assert (await desk.told("POST", f"{path}/test"))["outcome"] == "delivered"
        receiver.secrets[:] = [Secret.parse(made["secret"])]
        assert (await desk.told("POST", f"{path}/test"))["outcome"] != "delivered", "the old one has run out"


async def test_secrets_and_keys_are_kept_sealed_or_hashed_and_shown_once(port: Port) -> None:
    desk = await port.caller()
    made = await desk.told("POST", "/subscriptions", 201, json=wanted("http://127.0.0.1:8099/"))
    async with port.here.database.reading() as connection:
        rows = [*await connection.execute(sa.select(SECRETS)), *await connection.execute(sa.select(KEYS)),
                *await connection.execute(sa.select(SUBSCRIPTIONS))]  # fmt: skip
    kept = b"\n".join(one if isinstance(one, bytes) else str(one).encode() for row in rows for one in row)
    assert made["id"].encode() in kept
    raw = Secret.parse(made["secret"]).key
    assert raw not in kept and made["secret"].encode() not in kept and desk.key[-43:].encode() not in kept
    for answer in (await desk.told("GET", "/subscriptions"), await desk.told("GET", f"/subscriptions/{made['id']}")):
        assert "secret" not in str(answer)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"url": "http://127.0.0.1/", "colour": "red"}, "colour"),
        ({"url": "http://127.0.0.1/", "limits": {"in_flight": 0}}, "limits.in_flight"),
        ({"url": "http://127.0.0.1/", "limits": {"rate": -1}}, "limits.rate"),
        ({"url": "http://127.0.0.1/", "filters": {"kinds": ["nothing"]}}, "filters.kinds"),
        ({"filters": {}}, "url"),
        ({"url": "http://10.0.0.1/"}, "http://10.0.0.1/ is refused"),
        ({"url": "file:///etc/passwd"}, "file:///etc/passwd is refused"),
        ({"url": "http://127.0.0.1/", "filters": {"where": {"a": {"matches": "x"}}}}, "where: a: matches"),
    ],
)
async def test_what_cannot_be_is_a_problem_that_names_the_field(port: Port, asked: dict[str, Any], field: str) -> None:
    answer = await (await port.caller()).ask("POST", "/subscriptions", json=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert field in answer.json()["detail"] and answer.json()["status"] == 422


async def test_a_body_that_is_too_large_is_not_read(port: Port) -> None:
    answer = await (await port.caller()).ask("POST", "/subscriptions", content=b"x" * (LARGEST + 1))
    assert answer.status_code == 413


# -- the alerts ---------------------------------------------------------------------------------------------------


async def test_alerts_are_pulled_in_order_without_a_gap_whoever_subscribes(port: Port) -> None:
    reader = await port.caller(scope=Scope.READ)
    for number in range(5):
        await port.here.raise_(None, alert(number), alert(number))
    await port.here.raise_(None, alert(2), alert(9, watch="other"))
    seen, last, more = [], 0, True
    while more:
        page = await reader.told("GET", f"/alerts?after={last}&most=2")
        seen += [one["data"]["article"]["url"].rpartition("/")[2] for one in page["alerts"]]
        last, more = page["last"], page["more"]
    assert seen == ["0", "1", "2", "3", "4", "9"]
    only = await reader.told("GET", "/alerts?watch=other")
    assert [one["number"] for one in only["alerts"]] == [6] and only["last"] == 6
    assert (await reader.told("GET", f"/alerts?after={last}"))["alerts"] == []
    await reader.told("GET", "/alerts?wach=other", 422)


async def test_a_preview_shows_what_would_have_come(port: Port) -> None:
    reader = await port.caller(scope=Scope.READ)
    await port.here.raise_(None, *(alert(number) for number in range(4)))
    filters = {"watches": ["alliance"], "where": {"article.url": {"contains": "lajme/3"}}}
    found = await reader.told("POST", "/preview", json=filters)
    assert [one["data"]["article"]["url"][-1] for one in found["alerts"]] == ["3"]
    assert len((await reader.told("POST", "/preview?most=2", json={}))["alerts"]) == 2


async def test_free_conditions_and_thin_payloads_are_delivered_so(port: Port) -> None:
    desk = await port.caller()
    async with port.here.receiver() as receiver:
        condition = {"where": {"reaction.act": "condemned"}, "stories": [alert(1).story_id]}
        made = await desk.told("POST", "/subscriptions", 201, json=wanted(receiver.url, filters=condition, thin=True))
        receiver.trust(Secret.parse(made["secret"]))
        await port.here.pass_(1)
        dispatch = port.here.dispatch()
        async with running(dispatch):
            raised = alert(1).ledger.raised
            assert raised is not None
            here = [_fresh(port, alert(1)), _fresh(port, alert(2)), _fresh(port, alert(1, reaction=None, revision=1))]
            await port.here.raise_(dispatch, *here)
            await port.here.until_states({"delivered": 1})
        (got,) = receiver.received
        assert got.verified
        data = got.event()["data"]
        assert data["alert"]["id"] == alert(1).id and data["article"].keys() == {"id", "url"}
        assert "headline" not in data["alert"] and "sent" in data["timings"]


def _fresh(port: Port, one: Any) -> Any:
    """The alert as raised now: what is older than a subscription is history to it."""
    ledger = msgspec.structs.replace(one.ledger, raised=port.here.real.now())
    return msgspec.structs.replace(one, ledger=ledger)


# -- who may what -------------------------------------------------------------------------------------------------


def routes(port: Port) -> list[tuple[str, str]]:
    """Every route of the application, from its own table."""
    found = [(method, route.path) for route in port.app.app.routes if isinstance(route, APIRoute)
             for method in sorted(route.methods or ()) if route.path not in PUBLIC]  # fmt: skip
    others = {getattr(route, "path", "?") for route in port.app.app.routes if not isinstance(route, APIRoute)}
    assert others <= PUBLIC, "a route of another kind: say here who may use it"
    assert len(found) >= 11
    return found


BODIES = {
    ("POST", "/subscriptions"): {"url": "http://127.0.0.1:8099/"},
    ("PATCH", "/subscriptions/{subscription_id}"): {"thin": True},
    ("POST", "/preview"): {},
}
READS = {("GET", "/subscriptions"), ("GET", "/subscriptions/{subscription_id}"), ("POST", "/preview"),
         ("GET", "/alerts")}  # fmt: skip


async def test_no_door_is_open(port: Port) -> None:
    """Every route with no key, keys that do not count, a scope that is not enough, and somebody else's object."""
    desk, stranger, reader = await port.caller(), await port.caller("other"), await port.caller(scope=Scope.READ)
    made = await desk.told("POST", "/subscriptions", 201, json={"url": "http://127.0.0.1:8099/"})
    mine = {name: value for name, value in made.items() if name != "secret"}
    expired = await port.key(expires=port.here.real.now() + timedelta(seconds=1))
    revoked = await port.key()
    async with port.here.database.transaction() as connection:
        assert await keys.revoke(connection, revoked.split("_")[1], port.here.real.now())
    await port.here.pass_(2)
    swapped = desk.key[:-43] + stranger.key[-43:]
    for method, path in routes(port):
        place, more = re.sub(r"\{.*?\}", mine["id"], path), {}
        if (method, path) in BODIES:
            more["json"] = BODIES[method, path]
        for key in (
            "",
            "wwk_",
            desk.key[:-1],
            desk.key + "x",
            swapped,
            expired,
            revoked,
            "wwk_" + "a" * 12 + "_" + "b" * 43,
        ):
            answer = await Caller(port.http, key).ask(method, place, **more)
            assert answer.status_code == 401, (method, path, key)
            assert answer.headers["www-authenticate"] == "Bearer"
        status = (await reader.ask(method, place, **more)).status_code
        assert (status < 400) if (method, path) in READS else status == 403, (method, path, status)
        if "{" in path:
            assert (await stranger.ask(method, place, **more)).status_code == 404, (method, path)
    assert await desk.told("GET", f"/subscriptions/{mine['id']}") == mine, "nothing was done to it"


async def test_each_sees_its_own_and_an_operator_everybodys(port: Port) -> None:
    desk, other = await port.caller(), await port.caller("other")
    operator = await port.caller("operator", Scope.OPERATOR)
    for caller in (desk, other):
        await caller.told("POST", "/subscriptions", 201, json={"url": "http://127.0.0.1:8099/", "owner": "operator"})
    owners = [
        [one["owner"] for one in (await caller.told("GET", "/subscriptions"))["subscriptions"]]
        for caller in (desk, other, operator)
    ]
    assert [owners[0], owners[1], sorted(owners[2])] == [["desk"], ["other"], ["desk", "other"]]
    made = await operator.told("POST", "/subscriptions", 201, json={"url": "http://127.0.0.1:8099/", "owner": "desk"})
    assert made["owner"] == "desk" and len((await desk.told("GET", "/subscriptions"))["subscriptions"]) == 2


async def test_every_answer_has_the_headers_of_a_careful_server(port: Port) -> None:
    for answer in (
        await port.http.get("/subscriptions"),
        await port.http.get("/nothing"),
        await port.http.get("/openapi.json"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_filters_by_name_look_at_everything_they_name() -> None:
    from services.notifier.body import payload_of
    from services.notifier.subscribe import facts_of, facts_of_payload

    one = alert()
    assert facts_of(one) == facts_of_payload(payload_of(one))
    passing = {"watches": one.watch_id, "kinds": AlertKind.FIRST_SEEN, "severities": "warning", "stories": one.story_id,
               "sources": one.article.source.id, "languages": one.article.language.macro}  # fmt: skip
    for name, value in passing.items():
        assert Filters(**{name: (value,)}).admit(facts_of(one), dict)  # type: ignore[arg-type]
        assert not Filters(**{name: ("else",)}).admit(facts_of(one), dict)  # type: ignore[arg-type]


async def test_the_port_listens_and_stops(port: Port, tmp_path: Any) -> None:
    from services.notifier.app import build
    from services.notifier.settings import NotifierSettings

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    service = build(NotifierSettings(data=tmp_path, api_port=number), port.here.parts())
    stop = asyncio.Event()
    task = asyncio.ensure_future(service.tasks["api"](stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{number}") as client:
        for _ in range(200):
            try:
                answer = await client.get("/subscriptions")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
        assert answer.status_code == 401
    stop.set()
    await task
