"""Signatures: known answers, agreement with the published package, and every way in which a message can be wrong."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from services.notifier import sign
from services.notifier.sign import BadSecret, Secret, Verdict, verify

SECRET = Secret.parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
OTHER = Secret(b"o" * 32)
BODY = b'{"email":"test@example.com","username":"test_user"}'
ID, AT = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", datetime.fromtimestamp(1649367553, UTC)


def signed(*secrets: Secret, body: bytes = BODY, at: datetime = AT) -> dict[str, str]:
    return sign.headers(secrets or (SECRET,), ID, at, body)


def test_the_answer_of_the_specification() -> None:
    known = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="  # example in the specification, section "Signatures"
    assert sign.sign(SECRET, ID, 1649367553, BODY) == known


def test_the_answers_of_openssl() -> None:
    assert sign.sign(OTHER, "abc", 0, b"") == "v1,LTk6rPbtqnmoMG/OJB8tL4Ld0udWhnv/2ewpEWd97s4="
    assert sign.sign(OTHER, "abc", 1, b"\xff\x00") == "v1,GPvuhQVVHVvphuKuYSTFQJvzeiq+xYUtJnv1TdkSJSs="


@given(body=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_published_package_agrees(body: str) -> None:
    now = datetime.now(UTC)
    headers = sign.headers((SECRET,), ID, now, body.encode())
    package = Webhook(SECRET.reveal())
    assert package.verify(body.encode(), headers, json_parse=False) is None
    theirs = package.sign(msg_id=ID, timestamp=now, data=body)
    assert theirs == headers[sign.SIGNATURE]


def test_another_zone_signs_the_same_moment() -> None:
    assert signed(at=AT.astimezone(timezone(timedelta(hours=5, minutes=30)))) == signed()
    with pytest.raises(ValueError, match="naive"):
        signed(at=datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_what_is_genuine_passes_whatever_the_case_of_the_names() -> None:
    shouted = {name.upper(): value for name, value in signed().items()}
    assert verify([SECRET], shouted, BODY, AT) is Verdict.VALID


def test_while_secrets_are_rotated_any_match_is_enough() -> None:
    both = signed(OTHER, SECRET)
    assert len(both[sign.SIGNATURE].split()) == 2
    assert verify([SECRET], both, BODY, AT) is verify([OTHER], both, BODY, AT) is Verdict.VALID
    assert verify([Secret(b"x" * 32), SECRET], signed(SECRET), BODY, AT) is Verdict.VALID
    assert verify([SECRET], signed(OTHER), BODY, AT) is verify([], signed(), BODY, AT) is Verdict.NO_MATCH


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"webhook-id": "msg_other"}, Verdict.NO_MATCH),
        ({"webhook-id": "a.b"}, Verdict.BAD_ID),
        ({"webhook-id": ""}, Verdict.MISSING_HEADER),
        ({"webhook-timestamp": "1649367554"}, Verdict.NO_MATCH),
        ({"webhook-timestamp": ""}, Verdict.MISSING_HEADER),
        ({"webhook-timestamp": "1e9"}, Verdict.BAD_TIMESTAMP),
        ({"webhook-timestamp": "nan"}, Verdict.BAD_TIMESTAMP),
        ({"webhook-timestamp": "-1649367553"}, Verdict.BAD_TIMESTAMP),
        ({"webhook-timestamp": "١٦٤٩٣٦٧٥٥٣"}, Verdict.BAD_TIMESTAMP),
        ({"webhook-timestamp": "1" * 500}, Verdict.BAD_TIMESTAMP),
        ({"webhook-signature": ""}, Verdict.MISSING_HEADER),
        ({"webhook-signature": "v1"}, Verdict.NO_MATCH),
        ({"webhook-signature": "v1,"}, Verdict.NO_MATCH),
        ({"webhook-signature": "v1,dA=="}, Verdict.NO_MATCH),
        ({"webhook-signature": "v1,a,b"}, Verdict.NO_MATCH),
        ({"webhook-signature": "v1,é"}, Verdict.NO_MATCH),
        ({"webhook-signature": "v1a," + "A" * 86 + "=="}, Verdict.NO_MATCH),
    ],
)
def test_what_was_changed_on_the_way_is_refused(changed: dict[str, str], verdict: Verdict) -> None:
    assert verify([SECRET], {**signed(), **changed}, BODY, AT) is verdict


def test_a_changed_body_is_refused_and_bytes_that_are_no_text_are_not_a_fault() -> None:
    assert verify([SECRET], signed(), BODY + b" ", AT) is Verdict.NO_MATCH
    assert verify([SECRET], signed(body=b"\xff\xfe"), b"\xff\xfe", AT) is Verdict.VALID
    assert verify([SECRET], signed(), b"\xff\xfe", AT) is Verdict.NO_MATCH


def test_a_good_signature_among_nonsense_is_found() -> None:
    headers = signed()
    headers[sign.SIGNATURE] = f"v1 v1a,AAAA v1,??? {headers[sign.SIGNATURE]} ,"
    assert verify([SECRET], headers, BODY, AT) is Verdict.VALID


@pytest.mark.parametrize(
    ("late", "verdict"),
    [(-301, Verdict.TOO_NEW), (-300, Verdict.VALID), (300, Verdict.VALID), (301, Verdict.TOO_OLD)],
)
def test_the_clock_may_be_off_by_five_minutes(late: int, verdict: Verdict) -> None:
    assert verify([SECRET], signed(), BODY, AT + timedelta(seconds=late)) is verdict


@given(headers=st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()),
       body=st.binary())  # fmt: skip
def test_no_input_surprises_it(headers: dict[str, str], body: bytes) -> None:
    assert verify([SECRET], headers, body, AT) is not Verdict.VALID


@pytest.mark.parametrize("length", [0, 1, 23, 65])
def test_secrets_outside_the_standard_are_refused(length: int) -> None:
    with pytest.raises(BadSecret, match="24 to 64"):
        Secret.parse("whsec_" + base64.b64encode(b"x" * length).decode())


@pytest.mark.parametrize("text", ["whsec_%%%%", "whsec_é", "whsec_A"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(BadSecret):
        Secret.parse(text)


def test_a_secret_shows_only_when_asked() -> None:
    secret = Secret.generate()
    assert Secret.parse(secret.reveal()) == secret == Secret.parse(secret.reveal().removeprefix("whsec_").rstrip("="))
    assert secret.reveal() not in repr(secret) and repr(secret.key) not in repr(secret)
