"""How an article ends in matching, and a changed watch file in publishing: two closed sets."""

from __future__ import annotations

from enum import StrEnum


class MatchOutcome(StrEnum):
    """How one article ended."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    LANGUAGE_NOT_WATCHED = "language_not_watched"
    NO_WATCHES = "no_watches"


class PublishOutcome(StrEnum):
    """How one changed file ended."""

    PUBLISHED = "published"
    IN_FORCE = "in_force"
    OLDER = "older"
    INVALID = "invalid"


class AnswerOutcome(StrEnum):
    """How one request of a person ended."""

    PUBLISHED = "published"
    IN_FORCE = "in_force"
    OLDER = "older"
    REFUSED = "refused"
    NOT_OURS = "not_ours"
