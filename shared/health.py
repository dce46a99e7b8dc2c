"""The admin port: `/livez` `/readyz` `/metrics` `/info`. One per process, never published.

Liveness is progress, never connectivity: a process whose loops turn is alive even while the broker is away, and one
whose loop hangs is not, though every connection stands. Readiness is whether the process has started and is not
draining.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp

from shared.errors import Misconfigured

STALL = 60.0
"""Seconds without a turn of a loop before the process counts as hung: four times the longest back-off of the loop."""


@dataclass(slots=True)
class Health:
    """What the loops of a process report and the admin port shows."""

    info: Mapping[str, Any] = field(default_factory=dict)
    ready: bool = False
    clock: Callable[[], float] = monotonic
    _beats: dict[str, float] = field(default_factory=dict)

    def beat(self, name: str) -> None:
        """The loop `name` made a turn."""
        self._beats[name] = self.clock()

    def forget(self, name: str) -> None:
        """The loop `name` ended in order."""
        self._beats.pop(name, None)

    def stalled(self) -> list[str]:
        """Loops that have not turned for too long."""
        now = self.clock()
        return sorted(name for name, at in self._beats.items() if now - at > STALL)


def admin_app(health: Health) -> FastAPI:
    """The four routes."""
    app = FastAPI(title="Wirewatch admin port", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/livez")
    async def livez() -> Response:
        stalled = health.stalled()
        return JSONResponse({"alive": not stalled, "stalled": stalled}, 503 if stalled else 200)

    @app.get("/readyz")
    async def readyz() -> Response:
        return JSONResponse({"ready": health.ready}, 200 if health.ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/info")
    async def info() -> Response:
        return JSONResponse(dict(health.info))

    return app


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals to the process edge."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: ASGIApp, host: str, port: int, stop: asyncio.Event, *, started: asyncio.Future[int], spare: bool = False
) -> None:
    """Serve until `stop`; `started` gets the port that was bound. Where the port is taken, raises Misconfigured, or
    with `spare` takes a free one."""
    config = uvicorn.Config(app, host=host, port=port, log_config=None, log_level="critical", access_log=False,
                            lifespan="off", timeout_graceful_shutdown=3)  # fmt: skip
    server = _Server(config)
    with contextlib.closing(_bind(config, spare=spare)) as listening:
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn tells by a flag only
                await asyncio.sleep(0.005)
            started.set_result(listening.getsockname()[1])
            await stop.wait()
        finally:  # on a crash beside us, too: nothing may be left listening
            server.should_exit = True
            await running


def _bind(config: uvicorn.Config, *, spare: bool) -> Any:
    try:
        return config.bind_socket()
    except SystemExit as error:  # uvicorn's way of saying that the address is taken
        if not spare:
            raise Misconfigured(f"{config.host}:{config.port} is taken: choose a free port (0 takes one)") from error
    config.port = 0
    return config.bind_socket()
