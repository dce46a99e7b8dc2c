"""Refusals as problem details (RFC 9457): what is wrong, where, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.notifier.keys import InvalidKey
from services.notifier.subscribe import InvalidSubscription
from shared.db import DatabaseUnavailable

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request cannot be read", 401: "A key is needed", 403: "The key may not do that",
    404: "There is no such thing", 405: "Not like that", 409: "That cannot be done now",
    413: "The body is too large", 422: "The request asks for what cannot be", 503: "Come again",
}  # fmt: skip


class Problem(HTTPException):
    """A refusal: status, what is wrong in one sentence, headers."""


def problem(
    status: int, detail: str, *, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    """The answer of a refusal."""
    body: dict[str, Any] = {"title": TITLES.get(status, "Refused"), "status": status, "detail": detail}
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Make every refusal and every defect of `app` a problem."""

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def not_valid(_request: Request, error: RequestValidationError) -> JSONResponse:
        found = [{"field": _field(one["loc"]), "problem": str(one["msg"])} for one in error.errors()[:20]]
        first = found[0] if found else {"field": "", "problem": "not valid"}
        return problem(422, f"{first['field']}: {first['problem']}".removeprefix(": "), errors=found)

    @app.exception_handler(InvalidSubscription)
    @app.exception_handler(InvalidKey)
    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        return problem(422, str(error))

    @app.exception_handler(DatabaseUnavailable)
    async def away(_request: Request, error: DatabaseUnavailable) -> JSONResponse:
        log.warning("api_without_database", error=str(error))
        return problem(503, "the database does not answer", headers={"retry-after": "5"})

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> JSONResponse:
        log.error("notifier_defect", exc_info=error, path=request.url.path)
        return problem(500, "a defect of ours; it is in the log")


def _field(place: Sequence[Any]) -> str:
    return ".".join(str(part) for part in place if part not in ("body", "query", "path"))
