"""The closed set of failures, drawn once.

::

    Failure
    ├── Permanent        the input can never succeed: dead letter, with its reason
    │   ├── Undecodable  the bytes are no event of this topic
    │   └── Rejected     a document, a page or a receiver is at fault
    ├── Transient        the world may heal: the consume loop waits and tries again, in order
    └── Fenced           another process owns this work now: drop it without a trace

    Misconfigured        one clear line at the process edge, exit code 2

Whatever fails says which of these it is; `shared.consume` decides what happens. Anything else that is raised is
a defect of ours and counts towards the breaker. Expected failures (a 503 from a receiver, a feed that is HTML)
are outcomes, not exceptions, and have no class here.
"""

from __future__ import annotations


class Failure(Exception):
    """A failure of a closed kind; `reason` is a short label fit for a metric."""

    reason = "failure"

    def __init__(self, detail: str = "", *, reason: str | None = None) -> None:
        super().__init__(detail or type(self).__name__)
        if reason is not None:
            self.reason = reason


class Permanent(Failure):
    """The input can never succeed."""

    reason = "permanent"


class Undecodable(Permanent):
    """The bytes are no event of this topic."""

    reason = "undecodable"


class Rejected(Permanent):
    """What came from outside is at fault, not we: it never counts towards the breaker."""

    reason = "rejected"


class Transient(Failure):
    """The world may heal (database away, broker electing a leader)."""

    reason = "transient"


class Fenced(Failure):
    """Another process owns this work now; nothing may be written any more."""

    reason = "fenced"


class Misconfigured(Exception):
    """A setting or a file is wrong; the message names it, its place, and what to write instead."""


def was_lost(error: RuntimeError) -> bool:
    """Whether uvloop says so that the other side has closed a connection (`UVHandle._ensure_alive`); asyncio's loop
    raises an OSError, and no client library translates this one."""
    return "the handler is closed" in str(error)
