"""Settings of the fetcher. Durations of polling are story time; those of pacing and retrying are real time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.fetcher.sources import Edits
from shared.settings import setting


@dataclass(frozen=True)
class FetcherSettings:
    """What the fetcher needs beside the common settings."""

    pack: Path = setting(Path("deploy/packs/alliance"), help="folder of the story pack: sources, watches, entities")
    sources_file: Path | None = setting(None, help="the sources file; default: sources.yaml in the pack")
    sources_reload: timedelta = setting(
        timedelta(seconds=30), help="how often the sources file is looked at for changes; 0s never"
    )
    polls_per_day: float = setting(
        96.0,
        help="mean polls per source and day; who publishes more is polled more often, without spending more in all",
    )
    poll_interval: timedelta = setting(
        timedelta(0), help="fixed, between polls of a source that states none; 0s polls it by its own rhythm"
    )
    poll_spread: timedelta = setting(
        timedelta(minutes=1), help="first polls are spread over this long; 0s polls all at once"
    )
    poll_jitter: float = setting(0.05, help="share of the wait by which polls wander; 0 keeps them in step")
    poll_concurrency: int = setting(32, help="polls at the same time")
    hint_cap: timedelta = setting(
        timedelta(minutes=15), help="most that a feed's own ttl or update period lengthens an interval; 0s ignores them"
    )
    skip_cap: timedelta = setting(
        timedelta(hours=8), help="most that a feed's skipHours and skipDays put a poll off; 0s ignores them"
    )
    page_concurrency: int = setting(24, help="article pages fetched at the same time")
    page_attempts: int = setting(8, help="tries for one article page before it is given up")
    page_retry: timedelta = setting(
        timedelta(seconds=30), help="before the second try of a page; doubles after that, with jitter"
    )
    spacing: timedelta = setting(
        timedelta(seconds=1), help="between two requests to a domain, one at a time; 0s switches pacing off"
    )
    domain_lease: timedelta = setting(
        timedelta(seconds=90),
        help="for which one of several fetchers holds a domain (PostgreSQL); more than twice the request timeout",
    )
    reservations: bool = setting(
        True, help="ask each site of article pages for tdmrep.json, daily; texts that may not be mined are not read"
    )
    robots: bool = setting(True, help="obey robots.txt for article pages; a source can switch it off for itself")
    robots_feeds: bool = setting(False, help="obey robots.txt for the feeds named in the sources file, too")
    robots_agent: str = setting("wirewatch", help="the name looked for in robots.txt, without version")
    live: timedelta = setting(timedelta(hours=24), help="an article seen later than this after publication is no news")
    seed: bool = setting(
        True, help="fetch what a feed already carries from before, as backfill; false only remembers it as seen"
    )
    edits: Edits = setting(
        Edits.SLOW,
        help="fetch articles again while their story is live, to see edits: off, slow (from 30 min on) or fast (from "
        "5 min on); a source can say it for itself",
    )
    push_public_url: str = setting(
        "", help="address under which hubs reach the push port from outside (WebSub); empty: no pushes, no port"
    )
    push_host: str = setting("127.0.0.1", help="address the push port listens on; TLS ends at a proxy before it")
    push_port: int = setting(8702, help="public port for pushes; 0 takes a free one")
    push_lease: timedelta = setting(timedelta(days=10), help="how long hubs are asked to push; what they give counts")
    push_poll: timedelta = setting(
        timedelta(hours=6), help="at least between polls of a source whose hub pushes, as a safety net"
    )
    push_sha1: bool = setting(False, help="let pushes signed with SHA-1 count, for hubs that know nothing better")
    source_series: int = setting(
        100,
        help="sources with five metric series of their own, the first of the file; the rest is summed up as `other`",
    )
    request_timeout: timedelta = setting(timedelta(seconds=30), help="for one request with all its redirects")

    @property
    def sources_path(self) -> Path:
        """Where the sources file lies."""
        return self.sources_file or self.pack / "sources.yaml"
