"""A subscription as a feed: its last alerts as Atom (RFC 4287) or JSON Feed 1.1, at an address with a token in it.

For readers and scripts that can fetch and cannot receive. The token is 256 random bits, kept as a hash, made when asked
for and revoked at once; whoever has the address reads what the subscription's filters let through, and nothing else. A
thin subscription has a thin feed: kind, severity and the article's address.

Left out on purpose: paging (RFC 5005). Who must miss nothing pulls by number (`pull`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import subscribe
from services.notifier.pull import Pulled
from services.notifier.subscribe import Subscription
from services.notifier.tables import SUBSCRIPTIONS
from shared.codec import stamp

ENTRIES = 50
TOKEN = re.compile(r"[a-z2-7]{26}\.[A-Za-z0-9_-]{43}")
"""The subscription's id, which finds the row, and the secret."""
ATOM_TYPE, JSON_TYPE = "application/atom+xml; charset=utf-8", "application/feed+json; charset=utf-8"
ATOM = "http://www.w3.org/2005/Atom"


class FeedForm(StrEnum):
    """How a feed is written."""

    ATOM = "atom"
    JSON = "json"


_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write."""
_NOBODY = hashlib.sha256(b"nobody has this token").digest()


async def open_feed(
    connection: AsyncConnection, subscription_id: str, *, now: datetime, owner: str | None = None
) -> str | None:
    """A new token of a subscription, in the place of the one before; None where there is no such subscription."""
    secret = secrets.token_urlsafe(32)
    made = await subscribe.set_feed(connection, subscription_id, _hash(secret), now=now, owner=owner)
    return f"{subscription_id}.{secret}" if made else None


async def of_token(connection: AsyncConnection, token: str) -> Subscription | None:
    """The subscription that a token opens. Compared in constant time, also where there is no row."""
    if not TOKEN.fullmatch(token):
        return None
    subscription_id, _, secret = token.partition(".")
    query = sa.select(SUBSCRIPTIONS.c.feed_hash).where(SUBSCRIPTIONS.c.id == subscription_id)
    known: bytes | None = await connection.scalar(query)
    right = hmac.compare_digest(_hash(secret), known or _NOBODY)
    if known is None or not right:
        return None
    return (await subscribe.found(connection, [subscription_id])).get(subscription_id)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def json_feed(one: Subscription, alerts: Sequence[Pulled], url: str) -> bytes:
    """The alerts as a JSON Feed, the newest first."""
    items = [_item(alert, thin=one.thin) for alert in alerts]
    return msgspec.json.encode({
        "version": "https://jsonfeed.org/version/1.1", "title": _title(one), "feed_url": url, "items": items,
    })  # fmt: skip


def _item(alert: Pulled, *, thin: bool) -> dict[str, Any]:
    data = alert.data
    item = {
        "id": _id(data), "url": data["article"]["url"], "title": _headline(data, thin=thin),
        "content_text": _text(data, thin=thin), "date_published": stamp(alert.raised), "tags": _tags(data),
        "language": data["article"]["language"].get("variety") or data["article"]["language"]["macro"],
    }  # fmt: skip
    return item if not thin else {name: item[name] for name in ("id", "url", "title", "content_text",
                                                                 "date_published", "tags")}  # fmt: skip


def atom_feed(one: Subscription, alerts: Sequence[Pulled], url: str) -> bytes:
    """The alerts as an Atom feed, the newest first."""
    feed = ElementTree.Element("feed", xmlns=ATOM)
    _add(feed, "id", f"urn:wirewatch:subscription:{one.id}")
    _add(feed, "title", _title(one))
    _add(feed, "updated", stamp(alerts[0].raised if alerts else one.created))
    ElementTree.SubElement(feed, "link", rel="self", href=url)
    author = ElementTree.SubElement(feed, "author")
    _add(author, "name", "Wirewatch")
    for alert in alerts:
        feed.append(_entry(alert, thin=one.thin))
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _entry(alert: Pulled, *, thin: bool) -> ElementTree.Element:
    data, entry = alert.data, ElementTree.Element("entry")
    _add(entry, "id", _id(data))
    _add(entry, "title", _headline(data, thin=thin))
    _add(entry, "updated", stamp(alert.raised))
    ElementTree.SubElement(entry, "link", rel="alternate", href=_written(data["article"]["url"]))
    _add(entry, "summary", _text(data, thin=thin))
    for tag in _tags(data):
        ElementTree.SubElement(entry, "category", term=_written(tag))
    return entry


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _written(text)


def _written(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _title(one: Subscription) -> str:
    watches = ", ".join(one.filters.watches) or "all watches"
    return f"Wirewatch: {watches}"


def _id(data: Mapping[str, Any]) -> str:
    return f"urn:wirewatch:alert:{data['alert']['id']}:{data['alert']['revision']}"


def _headline(data: Mapping[str, Any], *, thin: bool) -> str:
    alert = data["alert"]
    return f"{alert['kind']} ({alert['severity']})" if thin else str(alert["headline"])


def _text(data: Mapping[str, Any], *, thin: bool) -> str:
    if thin:
        return f"An alert of the watch {data['alert']['watch']['id']}."
    article, reaction = data["article"], data.get("reaction") or {}
    lines = [data["alert"]["reason"], f"{article['source']['name']}: {article['title']}", article.get("excerpt", ""),
             reaction.get("quote", "")]  # fmt: skip
    return "\n".join(line for line in lines if line)


def _tags(data: Mapping[str, Any]) -> list[str]:
    alert = data["alert"]
    return [alert["kind"], alert["severity"], f"watch:{alert['watch']['id']}", f"story:{data['story']['id']}"]


FORMS = {FeedForm.ATOM: atom_feed, FeedForm.JSON: json_feed}
TYPES = {FeedForm.ATOM: ATOM_TYPE, FeedForm.JSON: JSON_TYPE}


def etag(body: bytes) -> str:
    """By which readers ask whether anything is new."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
