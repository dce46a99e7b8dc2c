"""The step that answers `operators.asked`: matching does `publish_watch`; what else people ask is not its own."""

from __future__ import annotations

from services.alerter import published
from services.alerter.match.in_force import Watches
from services.alerter.match.outcomes import AnswerOutcome, PublishOutcome
from services.alerter.match.publish import REQUEST, announcement, publish, refused, told
from shared.clock import Clock
from shared.db import Database
from shared.document import Fault
from shared.events import OperatorAsked
from shared.step import Handle, Outcome, Work

_LABELS = {
    PublishOutcome.PUBLISHED: AnswerOutcome.PUBLISHED,
    PublishOutcome.IN_FORCE: AnswerOutcome.IN_FORCE,
    PublishOutcome.OLDER: AnswerOutcome.OLDER,
    PublishOutcome.INVALID: AnswerOutcome.REFUSED,
}


def make(watches: Watches, database: Database, clock: Clock) -> Handle:
    """The handle of the consume loop. Repeating a request repeats its answer: the text is in force already."""

    async def handle(work: Work) -> Outcome:
        asked: OperatorAsked = work.event
        if asked.request != REQUEST:
            return Outcome(AnswerOutcome.NOT_OURS)
        text = asked.arguments.get("text")
        if not isinstance(text, str):
            answer = refused(asked.subject, [Fault(f"request {asked.id}", 1, 1, "it holds no text of a watch")])
        else:
            known = await published.known_hashes(database) if asked.arguments.get("only_new") else None
            answer = await publish(
                database, text, f"{asked.subject} as asked by {asked.by or 'somebody'}", watches.entities, clock.now(),
                known=known, name=asked.subject,
            )  # fmt: skip
            await watches.take()
        told(answer, f"request {asked.id}")
        return Outcome(_LABELS[answer.outcome], (announcement(answer, asked.id, asked.observed),))

    return handle
