"""What a log line looks like: JSON for machines, pretty for people, times and durations readable in both."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from shared import log
from shared.events import CheckOutcome

NOON = datetime(2025, 3, 18, 12, 30, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(work: Callable[[Any], object], *, stream: io.StringIO | None = None, json: bool | None = None) -> str:
    """What is on standard error after `work` with a logger."""
    stream = stream or io.StringIO()
    with redirect_stderr(stream):
        contextvars.copy_context().run(log.configure, level="info", json=json, service="")
        try:
            work(structlog.get_logger())
        finally:
            log.configure(level="warning", json=True)
    return stream.getvalue()


def one(text: str) -> dict[str, Any]:
    (line,) = text.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_every_kind_of_field_is_plain_in_json() -> None:
    line = one(written(lambda logger: logger.info(
        "source_checked", next_due=NOON, wait=timedelta(minutes=2), file=Path("a/b"), outcome=CheckOutcome.FRESH,
        places=[{"at": NOON}], names={"b", "a"}, nothing=None, error=ValueError("why"),
    )))  # fmt: skip
    assert line["event"] == "source_checked" and line["level"] == "info" and line["timestamp"].endswith("Z")
    assert (line["next_due"], line["wait"], line["file"]) == ("2025-03-18T12:30:00Z", 120.0, "a/b")
    assert line["outcome"] == "fresh" and line["places"] == [{"at": "2025-03-18T12:30:00Z"}]
    assert line["names"] == ["a", "b"] and line["nothing"] is None and line["error"] == "why"


def test_a_terminal_gets_pretty_lines_and_all_else_json() -> None:
    def tell(logger: Any) -> None:
        logger.info("told", at=NOON)

    pretty = written(tell, stream=Terminal())
    assert "told" in pretty and "2025-03-18T12:30:00Z" in pretty and not pretty.startswith("{")
    assert one(written(tell))["at"] == "2025-03-18T12:30:00Z"
    assert one(written(tell, stream=Terminal(), json=True))["event"] == "told"
    assert not written(tell, json=False).startswith("{")


def test_libraries_speak_through_the_same_renderer_and_some_not_at_all() -> None:
    def speak(_logger: Any) -> None:
        logging.getLogger("sqlalchemy").error("foreign %s", "words")
        logging.getLogger("httpx").info("a request")
        logging.getLogger("aiokafka").error("a thousand a second")

    line = one(written(speak))
    assert (line["event"], line["level"]) == ("foreign words", "error")


def test_texts_of_others_are_bounded_and_levels_kept() -> None:
    def tell(logger: Any) -> None:
        logger.debug("too fine")
        logger.warning("long", text="x" * 10_000)

    line = one(written(tell))
    assert len(line["text"]) == log.LONGEST + 1


def test_a_traceback_is_a_field() -> None:
    def fail(logger: Any) -> None:
        try:
            raise ValueError("the reason")
        except ValueError:
            logger.exception("failed")

    assert "ValueError: the reason" in one(written(fail))["exception"]


@pytest.fixture(autouse=True)
def _restored() -> Any:
    yield
    logging.getLogger().handlers[0].stream = sys.stderr  # type: ignore[attr-defined]
