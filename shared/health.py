"""The admin port: `/livez` `/readyz` `/metrics` `/info`. One per process, never published.

Liveness is progress, never connectivity: a process whose loops turn is alive even while the broker is away, and one
whose loop hangs is not, though every connection stands. Readiness is whether the process has started, its members have
joined their groups, and it is not draining. The port answers until the drain is over, so its last figures can be seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
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
    """What the loops of a process report and the admin port shows. A drain has a budget of its own, so while
    `draining` no loop counts as hung."""

    info: Mapping[str, Any] = field(default_factory=dict)
    ready: bool = False
    draining: bool = False
    clock: Callable[[], float] = monotonic
    _beats: dict[str, float] = field(default_factory=dict)
    _first: dict[str, float] = field(default_factory=dict)

    def beat(self, name: str) -> None:
        """The loop `name` made a turn."""
        self._beats[name] = self.clock()
        self._first.setdefault(name, self._beats[name])

    def forget(self, name: str) -> None:
        """The loop `name` ended in order, or has nothing in hand."""
        self._beats.pop(name, None)

    def turned_for(self, name: str) -> float:
        """Seconds since the first turn of the loop `name`, 0 before it."""
        return self.clock() - self._first[name] if name in self._first else 0.0

    def stalled(self) -> list[str]:
        """Loops that have not turned for too long."""
        now = self.clock()
        return sorted(name for name, at in self._beats.items() if now - at > STALL and not self.draining)

    def pulse(self, name: str) -> Pulse:
        """The sign of life of a loop that is no consume loop."""
        return Pulse(self, name)


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a task shows that it does not hang: `beat` before each thing it does that could, also before it is tried
    again, and `rest` when it only waits for work or for its time."""

    health: Health = field(default_factory=Health)
    name: str = ""

    def beat(self) -> None:
        """Something is in hand from now on."""
        self.health.beat(self.name)

    def rest(self) -> None:
        """Nothing is in hand."""
        self.health.forget(self.name)


UNHEARD = Pulse()
"""For what runs outside a process edge, in tests and tools."""


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


class Server(uvicorn.Server):
    """uvicorn that leaves the signals to the process edge."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    app: ASGIApp, host: str, port: int, stop: asyncio.Event, *, started: asyncio.Future[int], spare: bool = False,
    named: str = "the port", most: int | None = None,
) -> None:  # fmt: skip
    """Serve until `stop`; `started` gets the port that was bound. Where the address cannot be had, raises Misconfigured
    with the setting that `named` it, or with `spare` takes a free port. More connections than `most` are
    turned away."""
    config = uvicorn.Config(app, host=host, port=port, log_config=None, log_level="critical", access_log=False,
                            lifespan="off", timeout_graceful_shutdown=3, ws="none", server_header=False,
                            limit_concurrency=most)  # fmt: skip
    server = Server(config)
    with contextlib.closing(_bind(config, spare=spare, named=named)) as listening:
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn tells by a flag only
                await asyncio.sleep(0.005)
            started.set_result(listening.getsockname()[1])
            await stop.wait()
        finally:  # on a crash beside us, too: nothing may be left listening
            server.should_exit = True
            await running


def _bind(config: uvicorn.Config, *, spare: bool, named: str) -> socket.socket:
    for port in (config.port, *([0] if spare else [])):
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((config.host, port))
        except OSError as error:
            bound.close()
            why = f"{config.host}:{port} cannot be had ({error.strerror}): choose another one (port 0 takes a free one)"
            refused = Misconfigured(f"{named} is {port}: {why}")
        else:
            return bound
    raise refused
