"""Signatures that anybody can check: `v1a` beside `v1`, the published key set, rotation, and two foreign libraries."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import nacl.exceptions
import nacl.signing
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook

from services.notifier import key_pairs, sign
from services.notifier.api.port import KEY_SET
from services.notifier.key_pairs import CACHED, OVERLAP
from services.notifier.receiver import Received
from services.notifier.sign import Secret
from tests.fakes.alerts import alert
from tests.integration.notifier.test_api import Port, port, wanted
from tests.integration.notifier.world import SEALER, running

__all__ = ["port"]


async def made(port: Port) -> key_pairs.Pair:
    async with port.here.database.transaction() as connection:
        return await key_pairs.make(connection, sealer=SEALER, now=port.here.real.now())


def checked_by_both(public: bytes, got: Received) -> bool:
    """Whether two libraries that know nothing of each other find a `v1a` signature of this key on a message."""
    content = f"{got.id}.{got.headers[sign.TIMESTAMP]}.".encode() + got.body
    parts = [part.partition(",") for part in got.headers[sign.SIGNATURE].split(" ")]
    found = [base64.b64decode(text) for scheme, _, text in parts if scheme == "v1a"]
    verdicts = {(_by_cryptography(public, one, content), _by_nacl(public, one, content)) for one in found}
    assert all(one == other for one, other in verdicts), "they agree"
    return (True, True) in verdicts


def _by_cryptography(public: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _by_nacl(public: bytes, signature: bytes, content: bytes) -> bool:
    try:
        nacl.signing.VerifyKey(public).verify(content, signature)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


async def published(port: Port) -> list[dict[str, Any]]:
    answer = await port.http.get(KEY_SET)
    assert answer.status_code == 200 and answer.headers["cache-control"] == f"public, max-age={CACHED.seconds}"
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


def _sent(got: Received) -> datetime:
    return datetime.fromtimestamp(int(got.headers[sign.TIMESTAMP]), UTC)


def raw(key: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64decode(key["x"] + "=")


def test_the_answer_of_the_standard() -> None:
    """RFC 8032 section 7.1, test 2: the key signs what its scheme signs."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    public = private.public_key().public_bytes_raw()
    assert public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    pair = key_pairs.Pair("one", alert().observed, None, public, private)
    wanted_signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert pair.sign(b"\x72") == "v1a," + base64.b64encode(bytes.fromhex(wanted_signature)).decode()


async def test_messages_carry_both_and_everybody_can_check(port: Port) -> None:
    desk = await port.caller()
    async with port.here.receiver() as receiver:
        told = await desk.told("POST", "/subscriptions", 201, json=wanted(receiver.url))
        receiver.trust(Secret.parse(told["secret"]))
        await desk.told("POST", f"/subscriptions/{told['id']}/test")
        assert await published(port) == [] and "v1a" not in receiver.received[-1].headers[sign.SIGNATURE]
        pair = await made(port)
        await desk.told("POST", f"/subscriptions/{told['id']}/test")
        got = receiver.received[-1]
        (key,) = await published(port)
        assert (raw(key), key["kid"], key["whpk"]) == (pair.public, pair.id, key_pairs.written(pair.public))
        assert got.verified and checked_by_both(raw(key), got)
        theirs = Webhook(told["secret"]).sign(msg_id=got.id, timestamp=_sent(got), data=got.body.decode())
        assert theirs in got.headers[sign.SIGNATURE].split(" ")
        forged = Received(got.headers, got.body.replace(b"test", b"fest"), got.verdict, got.at)
        assert not checked_by_both(raw(key), forged)


async def test_lanes_that_are_open_go_over_to_a_new_pair(port: Port) -> None:
    """At their next look into SQL. While two pairs overlap a message carries both; the old one ends."""
    import msgspec

    def fresh(number: int) -> Any:
        one = alert(number)
        return msgspec.structs.replace(one, ledger=msgspec.structs.replace(one.ledger, raised=port.here.real.now()))

    async with port.here.receiver() as receiver:
        await port.here.subscribe(receiver)
        dispatch = port.here.dispatch()
        async with running(dispatch):
            for number in range(3):
                if number:
                    await made(port)
                    lane = dispatch._lanes.all()[0]
                    await port.here.until(lambda: len(lane.target.pairs) == number, step=0.2)  # noqa: B023 - as below
                await port.here.raise_(dispatch, fresh(number))
                await port.here.until(lambda: len(receiver.received) == number + 1, step=0.5)  # noqa: B023 - awaited here
    keys = [raw(key) for key in await published(port)]
    newest, before = keys
    signed = [[checked_by_both(one, got) for one in (before, newest)] for got in receiver.received]
    assert signed == [[False, False], [True, False], [True, True]]
    assert all(got.verified for got in receiver.received)
    await port.here.pass_(OVERLAP.total_seconds() + 60)
    assert [raw(key) for key in await published(port)] == [newest]


async def test_private_keys_are_sealed(port: Port) -> None:
    import sqlalchemy as sa

    from services.notifier.tables import KEY_PAIRS

    pair = await made(port)
    async with port.here.database.reading() as connection:
        (row,) = (await connection.execute(sa.select(KEY_PAIRS))).all()
    assert pair.private.private_bytes_raw() not in row.sealed and "private" not in repr(pair)
    with pytest.raises(ValueError, match="naive"):
        sign.headers((), "id", pair.created.replace(tzinfo=None), b"", (pair,))
    assert timedelta(0) < CACHED < OVERLAP
