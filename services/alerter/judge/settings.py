"""Settings of judging. Durations are story time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.settings import setting


@dataclass(frozen=True)
class JudgeSettings:
    """What judging may be told from outside; what a watch asks for in its own file wins over these."""

    judge_batch: int = setting(512, help="matched articles judged in one transaction, at most")
    judge_readers: int = setting(
        1, help="processes that read texts in a backlog beside the one that judges (about 150 MB each); 0: none"
    )
    copy_window: timedelta = setting(timedelta(hours=72), help="how long an article is compared for copies of it")
    story_memory: timedelta = setting(timedelta(days=7), help="how long after its last article a story may be joined")
    history: timedelta = setting(timedelta(days=90), help="how long a term stays known to a watch")
    decision_memory: timedelta = setting(timedelta(days=30), help="how long a decision can be published again")
    confirm_sources: int = setting(2, help="independent sources that confirm a new term; an official site is enough")
    confirm_within: timedelta = setting(timedelta(hours=6), help="time within which a new term must be confirmed")
    young_for: timedelta = setting(timedelta(hours=24), help="how long an unconfirmed new term may still be confirmed")
    warm_documents: int = setting(20, help="matched articles before a watch's history counts as warm")
    warm_for: timedelta = setting(timedelta(days=3), help="age of a watch's history at which it counts as warm")
    new_terms_per_hour: int = setting(6, help="new terms told singly in an hour of a watch; the rest in one roll-up")
    update_cooldown: timedelta = setting(timedelta(minutes=30), help="quiet time between updates of one story")
    alerts_per_day: int = setting(100, help="tellings a day of a watch; what is beyond goes into one roll-up")
    resolve_after: timedelta = setting(timedelta(hours=48), help="silence after which an open story is resolved")
    lateness: timedelta = setting(
        timedelta(minutes=5), help="how long after a check of its source a page may come before time passes without it"
    )
    late_after: timedelta = setting(timedelta(hours=1), help="how long late articles are gathered for one roll-up")
