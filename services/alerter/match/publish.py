"""Publishing a watch: a text is checked whole and becomes the newest version in SQL, or is refused with its faults.

Files of the pack, `wirewatch init` and `wirewatch watch publish` all end here. What came of it is told three times:
as a metric, as a log line and as an event on `operators.asked` beside the request.

A text that was published before and replaced since is not published again by a mere restart, so that an old replica
cannot bring it back; whoever asks for it by name gets it as a new version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.alerter import published
from services.alerter.load import loads
from services.alerter.match import metrics
from services.alerter.match.outcomes import PublishOutcome
from shared import events, ids
from shared.db import Database
from shared.document import Fault, Faulty
from shared.text.entities import Entity

REQUEST, PUBLISHED, REFUSED = "publish_watch", "watch_published", "watch_refused"
"""What a person asks for on `operators.asked`, and the two answers."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a text: the watch, its version in force where there is one, the faults of a refusal."""

    outcome: PublishOutcome
    watch: str
    version: int = 0
    faults: tuple[str, ...] = ()


async def publish(
    database: Database, text: str, file: str, entities: Mapping[str, Entity], now: datetime,
    *, known: Mapping[str, frozenset[str]] | None = None, name: str = "", taken: Mapping[str, str] | None = None,
) -> Answer:  # fmt: skip
    """Check a bundled text and store it. `known` are the hashes of earlier versions, which are left alone then; `name`
    is the watch it must be, if that is known; `taken` are the ids of other files."""
    try:
        watch = await asyncio.to_thread(loads, text, file, entities)
    except Faulty as error:
        return refused(name or file, error.faults)
    if name and watch.id != name:
        return refused(name, [Fault(file, 1, 1, f"asked about {name!r}, but this is the watch {watch.id!r}")])
    if taken and taken.get(watch.id, file) != file:
        return refused(watch.id, [Fault(file, 1, 1, f"the id {watch.id} is that of {taken[watch.id]}")])
    if published.digest(text) in (known or {}).get(watch.id, frozenset()):
        return await _known(database, watch.id, text)
    before = await published.versions(database)
    stored = await published.publish(database, watch.id, text, now)
    fresh = stored.version != before.get(watch.id)
    return Answer(PublishOutcome.PUBLISHED if fresh else PublishOutcome.IN_FORCE, watch.id, stored.version)


def refused(watch: str, faults: Iterable[Fault]) -> Answer:
    """The answer to a text that is wrong."""
    return Answer(PublishOutcome.INVALID, watch, faults=tuple(str(fault) for fault in faults))


async def _known(database: Database, name: str, text: str) -> Answer:
    wanted = {key: at for key, at in (await published.versions(database)).items() if key == name}
    newest = await published.in_force(database, wanted)
    outcome = PublishOutcome.OLDER
    if newest and newest[0].hash == published.digest(text):
        outcome = PublishOutcome.IN_FORCE
    return Answer(outcome, name, newest[0].version if newest else 0)


def told(answer: Answer, file: str) -> None:
    """Count an answer and log it."""
    metrics.PUBLISHED.labels(answer.outcome).inc()
    write = {PublishOutcome.INVALID: log.error, PublishOutcome.OLDER: log.warning}.get(answer.outcome, log.info)
    write(
        _LINES[answer.outcome], watch=answer.watch, version=answer.version, file=file,
        **({"faults": list(answer.faults)} if answer.faults else {}),
    )  # fmt: skip


_LINES = {
    PublishOutcome.PUBLISHED: "watch_published",
    PublishOutcome.IN_FORCE: "watch_in_force",
    PublishOutcome.OLDER: "watch_file_older",
    PublishOutcome.INVALID: "watch_invalid",
}


def announcement(answer: Answer, cause: str, now: datetime) -> events.OperatorAsked:
    """The event that tells what came of it; `cause` is the id of the request or the hash of the file."""
    request = REFUSED if answer.outcome is PublishOutcome.INVALID else PUBLISHED
    return events.OperatorAsked(
        id=ids.of(request, answer.watch, cause), observed=now, request=request, subject=answer.watch, by="match",
        arguments={"cause": cause, "outcome": str(answer.outcome), "version": answer.version,
                   "faults": list(answer.faults)},
    )  # fmt: skip


def request_of(watch: str, text: str, by: str, now: datetime, *, only_new: bool = False) -> events.OperatorAsked:
    """The request to publish a bundled text. With `only_new` a text that was replaced before stays replaced; the same
    text asked for in that way twice is one request."""
    salt = "" if only_new else now.isoformat()
    return events.OperatorAsked(
        id=ids.of(REQUEST, watch, published.digest(text), salt), observed=now, request=REQUEST, subject=watch, by=by,
        arguments={"text": text, "only_new": only_new},
    )  # fmt: skip
