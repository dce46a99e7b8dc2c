"""Log set-up: one renderer for our records and foreign ones, pretty on a terminal, JSON elsewhere, unbuffered stdout.

One wide line per unit of work, with a static event name and ids as fields; text of others only as a bounded field.
"""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

import structlog
from structlog.typing import Processor

QUIET = ("asyncio", "httpx", "uvicorn.access", "trafilatura", "htmldate", "courlan", "alembic", "aiosqlite")
"""Libraries that tell of the same thing we do, or of nothing we act on, below warning."""

MUTE = ("aiokafka",)
"""Libraries whose every complaint reaches us as an exception or a lag that we tell of ourselves, once: while a broker
is away aiokafka writes thousands of lines a second."""

LONGEST = 2000
"""Characters of a field: an error text may quote a whole page."""


def configure(*, level: str, json: bool | None = None, service: str = "") -> None:
    """Set up structlog and the standard library's logging for this process."""
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _plain,
        _shorten,
    ]
    # plain: a traceback with every local variable takes a second to render and prints other people's text
    pretty = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Processor = structlog.processors.JSONRenderer(default=_value) if as_json else pretty
    tail: list[Processor] = [structlog.processors.format_exc_info, renderer] if as_json else [renderer]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    _route_foreign(shared, tail, level)
    structlog.contextvars.bind_contextvars(**({"service": service} if service else {}))


def _route_foreign(shared: list[Processor], tail: list[Processor], level: str) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in MUTE:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _plain(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key, value in event.items():
        if isinstance(value, PLAIN):
            event[key] = _value(value)
    return event


PLAIN = (datetime, timedelta, PurePath)


def _value(value: Any) -> Any:
    """A value as JSON has it: times as RFC 3339, durations in seconds, sets as lists, all else as its text."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)


def _shorten(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key, value in event.items():
        if isinstance(value, str) and len(value) > LONGEST and key != "exception":
            event[key] = value[:LONGEST] + "…"
    return event
