"""Nothing but questions goes to a receiver that has not consented; both ways of consenting, and the rate it allows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier import subscribe
from services.notifier.consent import is_echo
from services.notifier.keys import Scope
from services.notifier.payload import CHALLENGE_TYPE
from services.notifier.receiver import Received, Receiver, Reply, politely
from services.notifier.sign import Secret
from tests.fakes.alerts import alert
from tests.integration.notifier.test_api import Port, port, wanted
from tests.integration.notifier.world import running

__all__ = ["port"]
SECRET = Secret(b"s" * 32)


def fresh(port: Port, number: int) -> Any:
    one = alert(number)
    return msgspec.structs.replace(one, ledger=msgspec.structs.replace(one.ledger, raised=port.here.real.now()))


def types(receiver: Receiver) -> list[str]:
    return [got.event()["type"] for got in receiver.received]


async def test_a_receiver_that_knows_the_handshake_consents_by_it(port: Port) -> None:
    desk = await port.caller()
    async with port.here.receiver() as receiver:
        receiver.allow = {"webhook-allowed-origin": "wirewatch", "webhook-allowed-rate": "120"}
        made = await desk.told("POST", "/subscriptions", 201, json=wanted(receiver.url, limits={"rate": 10}))
        assert (made["state"], made["consent"], made["allowed_rate"]) == ("active", "handshake", 2.0)
        assert receiver.asked == 1 and receiver.received == [], "it was asked once, and sent nothing"
        receiver.trust(Secret.parse(made["secret"]))
        dispatch = port.here.dispatch()
        async with running(dispatch):
            await port.here.raise_(dispatch, *(fresh(port, number) for number in range(3)))
            await port.here.until(lambda: len(receiver.received) == 1)
            bucket = dispatch._lanes.all()[0].bucket
            assert bucket is not None and bucket.rate == 2.0
            await port.here.until(lambda: len(receiver.received) == 3, step=0.1)


async def test_one_that_does_not_is_asked_by_a_challenge(port: Port) -> None:
    desk = await port.caller()
    async with port.here.receiver() as receiver:
        receiver.allow = {}
        receiver.trust(SECRET)
        made = await desk.told("POST", "/subscriptions", 201, json=wanted(receiver.url, secret=SECRET.reveal()))
        assert (made["state"], made["consent"]) == ("active", "challenge")
        assert types(receiver) == [CHALLENGE_TYPE] and receiver.received[0].verified


def _shows_what_came(got: Received) -> Reply:
    return Reply(200, body=b"<pre>" + got.body + b"</pre>")


@pytest.mark.parametrize(
    ("allow", "behave", "reason"),
    [
        ({}, lambda _: Reply(204), "the challenge did not come back"),
        ({}, _shows_what_came, "the challenge did not come back"),
        ({}, lambda _: Reply(200, body=b'{"challenge": "guessed"}'), "the challenge did not come back"),
        ({}, lambda _: Reply(302, {"location": "http://127.0.0.1/"}), "challenge: HTTP 302"),
        ({"webhook-allowed-origin": "somebody.else"}, lambda _: Reply(404), "is 'somebody.else'"),
    ],
)
async def test_without_consent_nothing_else_is_sent_and_what_comes_is_kept(
    port: Port, allow: dict[str, str], behave: Any, reason: str
) -> None:
    desk = await port.caller()
    async with port.here.receiver(behave) as receiver:
        receiver.allow = allow
        made = await desk.told("POST", "/subscriptions", 201, json=wanted(receiver.url, secret=SECRET.reveal()))
        path = f"/subscriptions/{made['id']}"
        assert made["state"] == "pending" and reason in made["state_reason"]
        receiver.trust(SECRET)
        dispatch = port.here.dispatch()
        async with running(dispatch):
            await port.here.raise_(dispatch, fresh(port, 1))
            await port.here.until_states({"parked": 1})
            assert (await desk.ask("POST", f"{path}/resume")).status_code == 409
            await desk.told("POST", f"{path}/test")
            await port.here.pass_(60)
            assert not any(kind.startswith("wirewatch.alert") for kind in types(receiver))
            receiver.behave = politely
            assert (await desk.told("POST", f"{path}/consent"))["state"] == "active"
            await port.here.until_states({"delivered": 1}, step=0.5)
        assert types(receiver)[-1].startswith("wirewatch.alert")


async def test_another_address_is_asked_anew(port: Port) -> None:
    desk = await port.caller()
    async with port.here.receiver() as receiver, port.here.receiver() as other:
        other.allow = {}
        made = await desk.told("POST", "/subscriptions", 201, json=wanted(receiver.url))
        path = f"/subscriptions/{made['id']}"
        assert (await desk.told("PATCH", path, json={"thin": True}))["state"] == "active"
        changed = await desk.told("PATCH", path, json={"url": other.url})
        assert (changed["state"], changed["consent"]) == ("pending", "")
        other.allow = {"webhook-allowed-origin": "*"}
        assert (await desk.told("POST", f"{path}/consent"))["consent"] == "handshake"


async def test_only_an_operator_vouches(port: Port) -> None:
    desk, operator = await port.caller(), await port.caller("operator", Scope.OPERATOR)
    asked = wanted("http://127.0.0.1:8099/", vouched=True)
    assert (await desk.told("POST", "/subscriptions", 201, json=asked))["state"] == "pending"
    made = await operator.told("POST", "/subscriptions", 201, json=asked)
    assert (made["state"], made["consent"]) == ("active", "operator")


async def test_whoever_resumes_one_that_waits_vouches_for_it(port: Port) -> None:
    desk = await port.caller()
    made = await desk.told("POST", "/subscriptions", 201, json=wanted("http://127.0.0.1:8099/"))
    async with port.here.database.transaction() as connection:  # as the command line does
        assert await subscribe.resume(connection, made["id"], now=port.here.real.now())
    shown = await desk.told("GET", f"/subscriptions/{made['id']}")
    assert (shown["state"], shown["consent"]) == ("active", "operator")


async def test_questions_go_through_the_guarded_door(port: Port) -> None:
    """An address that may not be reached is not asked, not even for its consent or a test."""
    desk = await port.caller()
    for url in (
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433.test./",
    ):
        answer = await desk.ask("POST", "/subscriptions", json=wanted(url))
        made = answer.json()
        assert answer.status_code == 422 or made["state"] == "pending", url
        if answer.status_code == 201:
            tested = await desk.told("POST", f"/subscriptions/{made['id']}/test")
            assert tested["outcome"] != "delivered"


@pytest.mark.parametrize(
    ("answer", "echo"),
    [
        (b"abc", True), (b' "abc"\n', True), (b'{"challenge": "abc"}', True),
        (b'{"challenge": "abc", "more": 1}', False),
        (b"xabc", False), (b"", False), (b'{"challenge": ["abc"]}', False), (b'["abc"]', False), (b"{", False),
    ],
)  # fmt: skip
def test_what_is_an_echo(answer: bytes, echo: bool) -> None:
    assert is_echo(answer, "abc") is echo


@given(st.binary(max_size=100))
def test_no_answer_is_too_strange(answer: bytes) -> None:
    assert not is_echo(answer, "a challenge of some length")
