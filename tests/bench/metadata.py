"""Metadata: titles and dates of real pages, what we choose beside each place that says it.

The pages of the data folder (`WIREWATCH_DATA_SETS`) have no labels for their metadata, so the pages label themselves,
when this runs:

Title: the truth is what a reader sees, the one top heading of the page (pages with none or several, and with one that
is the outlet's name, are left out). `title_exact` is ours on the whole page; `title_blind` is ours with the headings
hidden, which tells how well the other places find what the reader sees. Compared are folded letters and digits.

Date, the harsh check: the truth is `datePublished` of the page's own article in JSON-LD where it tells a minute and a
zone. We read the page with all of its JSON-LD taken out: meta elements, microdata, time elements, scripts, what stands
under the headline and the address have to find it. A day is counted on pages where any place says something, a minute
on those where some place says a minute with its zone. `_whole` is the same with the JSON-LD in its place, where it
mostly repeats the truth.

Date, the labelled check (`_labelled`): as above, but on the pages whose JSON-LD contradicts what a reader sees the
truth is the hand-made label of `metadata/moments.yaml`, which says how it was made; pages that nobody can decide are
left out.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from htmldate import find_date
from trafilatura.utils import load_html

from services.extractor.metadata.dates import Dates, weigh
from services.extractor.metadata.head import META_PUBLISHED, Metadata, collect, text_of
from services.extractor.metadata.moments import Exact, Moment, parse
from services.extractor.metadata.outlet import bared, outlet_of
from services.extractor.metadata.titles import page_title, plain
from shared.events import PageFetched, Source
from shared.urls import registered_domain
from tests.bench._standalone import DATA
from tests.fakes.pages import page

GOALS = {
    "title_exact": ("at least", 0.85), "date_day": ("at least", 0.98), "date_minute": ("at least", 0.95),
    "date_minute_labelled": ("at least", 0.95),
    "date_day_whole": ("at least", 0.98), "date_minute_whole": ("at least", 0.95),
    "date_minute_whole_labelled": ("at least", 0.95),
}  # fmt: skip
LABELS = Path(__file__).parent / "metadata" / "moments.yaml"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
_JSON_LD = re.compile(rb"<script[^>]*ld\+json[^>]*>.*?</script>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Seen:
    """A page: its head, and the same of the page without its JSON-LD."""

    fetched: PageFetched
    head: Metadata
    tree: Any
    bare_head: Metadata
    bare_tree: Any


def pages() -> Iterator[Seen]:
    """The pages of the data folder, by outlets of which nothing but the address is known."""
    path = DATA / "pages" / "ground-truth.json"
    addresses = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in sorted(addresses):
        body, url = gzip.decompress((DATA / "pages" / "html" / f"{name}.html.gz").read_bytes()), addresses[name]["url"]
        source = Source(id="file", name="", domain=registered_domain(url))
        whole, bare = (load_html(one.decode("utf-8", "replace")) for one in (body, _JSON_LD.sub(b"", body)))
        yield Seen(
            page(body, url=url, source=source, observed=NOW), collect(whole, url), whole, collect(bare, url), bare
        )


def titles(seen: list[Seen]) -> dict[str, float | str]:
    """Shares of pages whose title is exactly what a reader sees."""
    right: Counter[str] = Counter()
    counted = 0
    for one in seen:
        source = one.fetched.source
        headings = [text for text in one.head.headings if not outlet_of(source, one.head).is_named(text)]
        if len(headings) != 1:
            continue
        counted += 1
        hidden = dataclasses.replace(one.head, headings=())
        found = {
            "exact": page_title(one.head, source).text, "blind": page_title(hidden, source).text,
            "jsonld_alone": text_of(one.head.article.get("headline")), "og_alone": one.head.first("og:title"),
            "title_element_alone": one.head.title,
        }  # fmt: skip
        right.update(name for name, text in found.items() if bared(plain(text)) == bared(headings[0]))
    shares: dict[str, float | str] = {f"title_{name}": round(right[name] / max(1, counted), 3)
              for name in ("exact", "blind", "jsonld_alone", "og_alone", "title_element_alone")}  # fmt: skip
    return dict[str, float | str]({"title_pages": counted}) | shares


def labels() -> dict[str, Moment | None]:
    """By address, the moment that a reader takes a page to be of, None where nobody can tell."""
    rows = yaml.load(LABELS.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return {row["url"]: parse(row.get("at", "")) for row in rows}


def dates(seen: list[Seen]) -> dict[str, float | str]:
    """Shares of pages whose day, and whose minute with its zone, is that of the JSON-LD that we did not see, or of the
    label."""
    figures: Counter[str] = Counter()
    labelled = labels()
    for one in seen:
        true = parse(text_of(one.head.article.get("datePublished")))
        if true is None or true.exact is not Exact.ZONED:
            continue
        figures["pages"] += 1
        found = {"": weigh(one.bare_head, one.fetched, one.bare_tree), "_whole": weigh(one.head, one.fetched, one.tree)}
        for kind, ours in found.items():
            _count(figures, kind, ours, true)
            _count_minute(figures, kind + "_labelled", ours, labelled.get(one.fetched.url, true))
        for origin, value in _alone(one).items():
            figures[f"{origin}_alone"] += _same_day(value, true)
    return _shares(figures)


def _shares(figures: Counter[str]) -> dict[str, float | str]:
    shown: dict[str, float | str] = {"date_pages": figures["pages"], "date_stated": figures["stated"]}
    shown["date_minute_stated"] = figures["minute_stated"]
    shown["date_minute_stated_labelled"] = figures["minute_stated_labelled"]
    rows = [("day", "stated", ""), ("minute", "minute_stated", ""), ("minute", "minute_stated", "_labelled")]
    for kind in ("", "_whole"):
        for what, of, how in rows:
            shown[f"date_{what}{kind}{how}"] = round(figures[what + kind + how] / max(1, figures[of + kind + how]), 3)
    for origin in ("meta", "time", "htmldate"):
        shown[f"date_{origin}_alone"] = round(figures[f"{origin}_alone"] / max(1, figures["pages"]), 3)
    return shown


def _count(figures: Counter[str], kind: str, ours: Dates, true: Moment) -> None:
    said = [one for one in ours.candidates if one.field == "published"]
    figures["stated" + kind] += bool(said)
    figures["day" + kind] += ours.stated is not None and _same_day(ours.stated["published"], true)
    _count_minute(figures, kind, ours, true)


def _count_minute(figures: Counter[str], kind: str, ours: Dates, true: Moment | None) -> None:
    if true is not None and ours.published is not None and "zoned" in ours.note:
        figures["minute_stated" + kind] += 1
        figures["minute" + kind] += abs(ours.published.at - true.at) < timedelta(minutes=1)


def _same_day(stated: str, true: Moment) -> bool:
    """Whether a date is the day of the truth, in its own zone or in UTC."""
    days = {true.stated[:10], true.at.date().isoformat()}
    found = parse(stated) if stated else None
    return found is not None and bool(days & {stated[:10], found.stated[:10], found.at.date().isoformat()})


def _alone(one: Seen) -> dict[str, str]:
    try:
        guessed = find_date(one.bare_tree, original_date=True, extensive_search=False) or ""
    except Exception:  # noqa: BLE001 - a parser that fails has found nothing
        guessed = ""
    return {
        "meta": one.bare_head.first(*META_PUBLISHED), "time": next(iter(one.bare_head.times), ""), "htmldate": guessed,
    }  # fmt: skip


async def run() -> dict[str, float | str]:
    """The figures, and their table."""
    seen = list(pages())
    figures: dict[str, float | str] = {"skipped": "no pages here"}
    if seen:
        figures = titles(seen) | dates(seen)
    for name, value in figures.items():
        print(f"{name:>28}  {value}")
    return figures
