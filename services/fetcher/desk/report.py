"""`wirewatch sources report DOMAIN`: one page that an operator can send to a publisher.

What was asked of a registered domain and how it answered, by day; what its robots files say to us, how far apart our
requests were, and how to slow us down. Markdown for people, the same as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

from services.fetcher.desk.status import unknown, validators, why
from services.fetcher.desk.view import View, shown, viewed
from services.fetcher.manners.robots_rules import parse
from services.fetcher.manners.tally import KEPT, Answer, Asked
from services.fetcher.sources import Source
from shared.errors import Misconfigured
from shared.urls import registered_domain

MOST_PATHS = 20
"""Of a robots file that are shown: it is one page."""


def report(
    domain: Annotated[str, typer.Argument(help="A registered domain, a host or an address on it.")],
    days: Annotated[int, typer.Option(help="So many days back.", min=1, max=KEPT.days)] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """One page about our requests to a publisher, to be sent to it."""
    name = registered_domain(domain)
    if not name:
        raise Misconfigured(f"{domain!r} is no domain: write one such as example.org")
    view = viewed(name)
    facts = told(view, name, days)
    if not facts["sources"] and not facts["days"]:
        raise Misconfigured(f"nothing was asked of {name} in {days} days, and no source of it is listed")
    print(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else page(facts))


def told(view: View, domain: str, days: int) -> dict[str, Any]:
    """The facts of the page."""
    since = f"{view.now - timedelta(days=days - 1):%Y-%m-%d}"
    rows = [row for row in view.requests if row.day >= since]
    return {
        "domain": domain, "from": since, "to": f"{view.now:%Y-%m-%d}", "user_agent": view.common.user_agent,
        "robots_agent": view.settings.robots_agent, "total": summed(rows), "spacing": _spacing(view, domain, rows),
        "robots": [_robots(view, one) for one in view.robots.values() if registered_domain(one.origin) == domain],
        "pauses": [{"of": name, "until": shown(until)} for name, until in view.pauses.items()
                   if registered_domain(name.partition(":")[2]) == domain],
        "sources": [_source(view, one) for one in view.sources.values() if registered_domain(one.url) == domain],
        "days": [{"day": day, **summed([row for row in rows if row.day == day])}
                 for day in sorted({row.day for row in rows})],
    }  # fmt: skip


def summed(rows: Sequence[Any]) -> dict[str, Any]:
    """Requests by what was asked and how it ended, bytes, and the share of 304 among the feeds that were had."""
    unchanged = _requests(rows, asked=Asked.FEED, answer=Answer.NOT_MODIFIED)
    had = unchanged + _requests(rows, asked=Asked.FEED, answer=Answer.OK)
    return {
        "requests": _requests(rows), **{str(asked): _requests(rows, asked=asked) for asked in Asked},
        "answers": {str(answer): count for answer in Answer if (count := _requests(rows, answer=answer))},
        "not_modified_share": round(unchanged / had, 3) if had else None, "bytes": sum(row.bytes for row in rows),
    }  # fmt: skip


def _requests(rows: Sequence[Any], *, asked: Asked | None = None, answer: Answer | None = None) -> int:
    """How many were asked for this and answered so; None stands for all."""
    return sum(
        row.requests for row in rows if row.asked == (asked or row.asked) and row.answer == (answer or row.answer)
    )


def _spacing(view: View, domain: str, rows: Sequence[Any]) -> dict[str, Any]:
    """Seconds: what is kept between two requests at least, and the shortest there was."""
    own = [one.spacing for one in view.sources.values() if one.spacing and registered_domain(one.url) == domain]
    measured = [row.closest for row in rows if row.closest is not None]
    return {
        "at_least_seconds": min(own, default=view.settings.spacing).total_seconds(),
        "shortest_seconds": round(min(measured), 3) if measured else None,
    }


def _robots(view: View, row: Any) -> dict[str, Any]:
    """What a robots file says to us."""
    rules = None if row.rules is None else parse(row.rules, view.settings.robots_agent)
    paths = [rule.pattern for rule in rules.rules if not rule.allow] if rules else []
    return {
        "origin": row.origin, "checked": shown(row.checked), "failing_since": shown(row.failing_since),
        "had": rules is not None, "disallowed": paths[:MOST_PATHS], "disallowed_in_all": len(paths),
        "crawl_delay_seconds": rules.delay if rules else None,
    }  # fmt: skip


def _source(view: View, source: Source) -> dict[str, Any]:
    state = view.states.get(source.id) or unknown(source, view.now)
    return {
        "source": source.id, "name": source.name, "url": source.url, "robots": view.robots_of(source.url),
        "last_outcome": state.last_outcome, "checked": shown(state.last_checked), "next_poll": shown(state.next_due),
        "why": why(view, source, state), "validators": validators(view, state),
    }  # fmt: skip


# -- the page ------------------------------------------------------------------------------------------------------


WHO = """Made by a news monitor that names itself `{user_agent}`. It reads feeds and the articles that they link, to
tell its subscribers what is new in a story, with a link to you."""

CHANGE = """A group for `{robots_agent}` in robots.txt is obeyed within a day: `Disallow` for what is not to be read,
`Crawl-delay` for a larger distance. Cache-Control (`max-age`) and Retry-After are obeyed at once. Where text and data
mining is reserved (`/.well-known/tdmrep.json`, the header or meta element `tdm-reservation`), no text is read: the
headline of your feed and a link are all that is passed on. `noarchive`, `nosnippet` and `max-snippet` are obeyed too.
Or write to the operator who sent this page."""


def page(facts: dict[str, Any]) -> str:
    """The facts as Markdown."""
    title = f"# Requests to {facts['domain']}, {facts['from']} to {facts['to']}"
    lines = [
        title, "", WHO.format(**facts), "", *_totals(facts), *_days(facts["days"]), *_sources(facts["sources"]),
        *_rules(facts), "## To change this", "", CHANGE.format(**facts),
    ]  # fmt: skip
    return "\n".join(lines)


def _totals(facts: dict[str, Any]) -> list[str]:
    total, spacing = facts["total"], facts["spacing"]
    share = total["not_modified_share"]
    answers = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in total["answers"].items())
    shortest = spacing["shortest_seconds"]
    kinds = f"feeds {total['feed']}, articles {total['page']}, robots.txt and tdmrep.json {total['robots']}"
    return [
        f"- requests: {total['requests']} ({kinds})",
        f"- answers: {answers or 'none'}",
        f"- feeds unchanged (304): {'no feed was read' if share is None else f'{share:.0%}'}",
        f"- bytes of bodies: {total['bytes']:,}",
        f"- one request at a time, at least {spacing['at_least_seconds']:g} s apart; the shortest distance was "
        + ("not measured" if shortest is None else f"{shortest:g} s"),
        *(f"- left alone until {pause['until']}, as asked ({pause['of']})" for pause in facts["pauses"]), "",
    ]  # fmt: skip


def _days(days: Sequence[dict[str, Any]]) -> list[str]:
    if not days:
        return []
    columns = "| day | requests | feeds | articles | robots.txt, tdmrep.json | 304 | bytes |"
    rows = [
        f"| {one['day']} | {one['requests']} | {one['feed']} | {one['page']} | {one['robots']} | "
        f"{one['answers'].get(Answer.NOT_MODIFIED, 0)} | {one['bytes']:,} |"
        for one in days
    ]
    return ["## By day", "", columns, "|---|---:|---:|---:|---:|---:|---:|", *rows, ""]


def _sources(sources: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        f"- {one['name']}: {one['url']}; robots.txt: {one['robots']}; next poll {one['next_poll'] or 'unknown'} "
        f"({one['why']}); validators: {one['validators']}"
        for one in sources
    ]  # fmt: skip
    return ["## Feeds that are polled", "", *lines, ""] if lines else []


def _rules(facts: dict[str, Any]) -> list[str]:
    lines = [_rule(one) for one in facts["robots"]]
    return ["## robots.txt as it was read", "", *(lines or ["- not asked for yet"]), ""]


def _rule(one: dict[str, Any]) -> str:
    if not one["had"]:
        return f"- {one['origin']}: could not be had since {one['failing_since']}; nothing is fetched meanwhile"
    delay = one["crawl_delay_seconds"]
    paths = ", ".join(f"`{path}`" for path in one["disallowed"]) or "nothing"
    more = one["disallowed_in_all"] - len(one["disallowed"])
    return (
        f"- {one['origin']}, read {one['checked']}: disallows us {paths}{f' and {more} more' if more else ''}"
        + (f"; crawl-delay {delay:g} s" if delay else "")
    )  # fmt: skip
