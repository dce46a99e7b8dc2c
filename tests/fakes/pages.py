"""Pages for the extractor, written here: an article with what real ones carry, and its pieces to leave out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from shared import ids
from shared.events import Entry, PageFetched, Published, Source

OBSERVED = datetime(2025, 3, 18, 15, 0, tzinfo=UTC)
URL = "https://www.lajmi.test/bota/marreveshja-ne-tirane"
SOURCE = Source(id="lajmi", name="Lajmi Ynë", domain="lajmi.test", country="XK", language="sq")

SILENT = Entry()

PARAGRAPHS = (
    "Three ministers signed a declaration on defence cooperation in the Albanian capital on Tuesday afternoon.",
    "The document foresees joint exercises, an exchange of officers and closer work of the three defence industries.",
    "It does not oblige any of the three countries to send soldiers, the host told reporters after the ceremony.",
    "Work on the first common exercise is to begin in the summer, according to the ministry of the host country.",
)


def html(
    *, title: str = "Three ministers sign declaration in Tirana", paragraphs: tuple[str, ...] = PARAGRAPHS,
    head: str = "", json_ld: dict[str, Any] | None = None, body: str = "",
) -> str:  # fmt: skip
    """A page with a navigation, an article and a footer."""
    block = f'<script type="application/ld+json">{json.dumps(json_ld)}</script>' if json_ld is not None else ""
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<!DOCTYPE html><html><head><title>{title} - Lajmi Ynë</title>{head}{block}</head><body>"
        "<nav><ul><li><a href='/'>Ballina</a></li><li><a href='/sport'>Sport</a></li></ul></nav>"
        f"<article><h1>{title}</h1>{text}</article>{body}"
        "<footer><p>All rights reserved. Contact the editors.</p></footer></body></html>"
    )


def page(
    body: str | bytes = "", *, url: str = URL, final_url: str = "", source: Source = SOURCE, entry: Entry = SILENT,
    headers: dict[str, str] | None = None, observed: datetime = OBSERVED, published: Published | None = None,
    **more: Any,
) -> PageFetched:  # fmt: skip
    """A fetched page of a source; the id follows from the body as in production."""
    encoded = body.encode() if isinstance(body, str) else body
    entry_id = ids.entry(source.id, entry.guid, url)
    return PageFetched(
        id=ids.page(entry_id, encoded), observed=observed, entry_id=entry_id, source=source, url=url,
        final_url=final_url or url, status=200, headers=headers or {"content-type": "text/html"}, body=encoded,
        entry=entry, published=published, **more,
    )  # fmt: skip
