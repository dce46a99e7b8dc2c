"""The fetcher's metrics and its closed outcomes."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

from shared.events import CheckOutcome, Condition, Mode
from shared.http import FailureKind
from shared.metrics import LATENCY_BUCKETS


class PageOutcome(StrEnum):
    """How an entry ended; exactly one of these. Entries discovered = the sum of these + those pending."""

    PUBLISHED = "published"
    FROM_FEED = "from_feed"
    NO_LINK = "no_link"
    REMEMBERED = "remembered"
    COPY = "copy"
    ROBOTS_DENIED = "robots_denied"
    REFUSED = "refused"
    GONE = "gone"
    CLIENT_ERROR = "client_error"
    TOO_LARGE = "too_large"
    GIVEN_UP = "given_up"


class ToldAgain(StrEnum):
    """How an article that is known was told again: the same guid with another address or date, or another guid with the
    same address, article number, or title and text."""

    READDRESSED = "readdressed"
    REDATED = "redated"
    ADDRESS = "address"
    NUMBER = "number"
    CONTENT = "content"


class Trouble(StrEnum):
    """Why a try for a page failed and is made again, beside the kinds of `FailureKind`."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    CLIENT_ERROR = "client_error"
    ROBOTS_UNREACHABLE = "robots_unreachable"
    DEFECT = "defect"


class VisitOutcome(StrEnum):
    """How a further visit to a page ended; exactly one of these. Only `changed` and `withdrawn` publish anything."""

    UNCHANGED = "unchanged"
    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"
    REFUSED = "refused"
    ROBOTS_DENIED = "robots_denied"
    TOO_LARGE = "too_large"
    LEFT = "left"


class FileOutcome(StrEnum):
    """Whether a sources file that was read came into force; if not, the last good version stays."""

    LOADED = "loaded"
    INVALID = "invalid"


STANDINGS = ("working", "failing", "new")
"""How a source stands: by its last poll, or never polled."""

OTHER = "other"
"""All sources without series of their own."""

RESULTS = ("worked", "failed")
"""Of the checks of one source. With three series more a source has five, for as many as `source_series` says."""

CHECKS = Counter("wirewatch_fetcher_checks_total", "Polls of sources, by how they ended.", ["outcome"])
ENTRIES = Counter("wirewatch_fetcher_entries_total", "Entries discovered, by whether they can be news.", ["mode"])
TOLD_AGAIN = Counter("wirewatch_fetcher_told_again_total", "Entries of articles known already, by how they were known.",
                     ["how"])  # fmt: skip
ENTRIES_CUT = Counter("wirewatch_fetcher_entries_cut_total", "Entries of feeds left out because there were too many.")
PAGES = Counter("wirewatch_fetcher_pages_total", "Entries finished, by how they ended.", ["outcome"])
PAGE_FAILURES = Counter("wirewatch_fetcher_page_failures_total", "Tries for a page that failed.", ["reason"])
REVISITS = Counter("wirewatch_fetcher_revisits_total", "Further visits to pages, by how they ended.", ["outcome"])
BYTES = Counter("wirewatch_fetcher_bytes_total", "Bytes of bodies received, decoded.", ["what"])
SOURCES = Gauge("wirewatch_fetcher_sources", "Sources, by whether their last poll worked.", ["state"])
FILES = Counter("wirewatch_fetcher_sources_files_total", "Sources files read, by whether they came into force.",
                ["outcome"])  # fmt: skip
CONDITIONS = Gauge("wirewatch_fetcher_source_conditions", "Sources, by what holds of them now.", ["condition"])
SOURCE_CHECKS = Counter("wirewatch_fetcher_source_checks_total", "Checks of one source, by whether they worked.",
                        ["source", "result"])  # fmt: skip
SOURCE_ENTRIES = Counter("wirewatch_fetcher_source_entries_total", "Entries discovered at one source.", ["source"])
SOURCE_TROUBLES = Gauge("wirewatch_fetcher_source_troubles", "Conditions that hold of one source now.", ["source"])
SOURCE_FRESH = Gauge("wirewatch_fetcher_source_fresh_timestamp_seconds",
                     "When one source last had something new, in story time.", ["source"])  # fmt: skip
PENDING = Gauge("wirewatch_fetcher_pending_pages", "Entries whose page is still to be published.")
POLL_SECONDS = Histogram("wirewatch_fetcher_poll_seconds", "One poll, waiting for its turn included.",
                         buckets=LATENCY_BUCKETS)  # fmt: skip
PAGE_SECONDS = Histogram("wirewatch_fetcher_page_seconds", "One try for a page, waiting for its turn included.",
                         buckets=LATENCY_BUCKETS)  # fmt: skip


def forget_source(source_id: str) -> None:
    """Take the series of one source out."""
    for result in RESULTS:
        SOURCE_CHECKS.remove(source_id, result)
    for metric in (SOURCE_ENTRIES, SOURCE_TROUBLES, SOURCE_FRESH):
        metric.remove(source_id)


for _condition in Condition:
    CONDITIONS.labels(_condition)
for _result in RESULTS:
    SOURCE_CHECKS.labels(OTHER, _result)
SOURCE_ENTRIES.labels(OTHER)
SOURCE_TROUBLES.labels(OTHER)
for _outcome in CheckOutcome:
    CHECKS.labels(_outcome)
for _mode in Mode:
    ENTRIES.labels(_mode)
for _how in ToldAgain:
    TOLD_AGAIN.labels(_how)
for _ended in PageOutcome:
    PAGES.labels(_ended)
for _reason in (*FailureKind, *Trouble):
    PAGE_FAILURES.labels(_reason)
for _visit in VisitOutcome:
    REVISITS.labels(_visit)
for _file in FileOutcome:
    FILES.labels(_file)
for _what in ("feed", "page"):
    BYTES.labels(_what)
for _state in STANDINGS:
    SOURCES.labels(_state)
