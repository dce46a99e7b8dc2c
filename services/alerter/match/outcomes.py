"""How an article ends in matching and in the volumes, and a watch that changes in publishing: closed sets."""

from __future__ import annotations

from enum import StrEnum


class MatchOutcome(StrEnum):
    """How one article ended."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    LANGUAGE_NOT_WATCHED = "language_not_watched"
    NO_WATCHES = "no_watches"


class CountOutcome(StrEnum):
    """How one article, or one check of a source, ended in the volumes."""

    COUNTED = "counted"
    CHECKED = "checked"
    KNOWN = "known"
    REPEATED = "repeated"
    REPLAYED = "replayed"
    TOO_OLD = "too_old"


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
