"""Causes: what judging answers beside articles. A time that passed fires timers, a reader's verdict is kept, an
operator's request to undo a merge is done; every cause is decided once and answered the same when it comes again."""

from __future__ import annotations

from services.alerter.judge import correct, feedback
from services.alerter.judge.decide import pass_time
from services.alerter.judge.memory import Memory
from services.alerter.judge.outside import Outside
from services.alerter.judge.settings import JudgeSettings
from services.alerter.rules import WatchRules
from shared.events import AlertRaised, ArticleMatched, FeedbackGiven, OperatorAsked, TimePassed

Cause = ArticleMatched | TimePassed | FeedbackGiven | OperatorAsked

REQUESTS = frozenset({correct.UNDO_MERGE})
"""Requests of operators that judging answers."""


def watch_of(cause: Cause) -> str:
    """The watch a cause is about; of a request, what it was asked about."""
    return cause.subject if isinstance(cause, OperatorAsked) else cause.watch_id


def is_ours(cause: Cause) -> bool:
    """Whether judging answers it: of requests only its own."""
    return not isinstance(cause, OperatorAsked) or cause.request in REQUESTS


def answered(
    cause: Cause, memory: Memory, rules: WatchRules, settings: JudgeSettings, outside: Outside
) -> list[AlertRaised]:
    """What a cause other than an article tells."""
    if isinstance(cause, TimePassed):
        return pass_time(memory, cause.observed, rules, settings, outside)
    if isinstance(cause, FeedbackGiven):
        feedback.note(memory, cause)
        return []
    return correct.undo(memory, cause, rules, settings) if isinstance(cause, OperatorAsked) else []
