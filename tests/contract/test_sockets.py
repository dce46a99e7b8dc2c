"""Everything that leaves the process goes through one door: no other module may open a connection by itself.

Servers are uvicorn's business and need none of the modules below; `platform.node()` gives the host's name without
`socket`. Whoever needs an exception adds it here, where a reviewer sees it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ALLOWED = ("shared/http", "shared/http.py", "shared/bus/kafka.py", "shared/db.py", "shared/health.py",
           "shared/aside.py", "services/operate/health.py")  # fmt: skip
"""The door itself, the clients of Kafka and of the database, the admin port, a pair of sockets to a process of our own
(nothing is dialled), and the probe that asks the admin port."""

MODULES = frozenset(
    """socket socketserver aiohttp httpx httpx2 httpcore requests urllib3 urllib.request http.client ftplib smtplib
    poplib imaplib xmlrpc.client niquests curl_cffi pycurl websockets asyncssh""".split()  # noqa: SIM905
)

CALLS = frozenset({"open_connection", "open_unix_connection", "create_connection", "create_datagram_endpoint"})
"""Methods of asyncio and its loops that dial without importing anything from above."""


def violations(source: str) -> Iterator[str]:
    """What a module imports or calls that dials."""
    for node in ast.walk(ast.parse(source)):
        for name in _named(node):
            if _dials(name):
                yield f"line {getattr(node, 'lineno', 0)}: imports {name}"
        if isinstance(node, ast.Attribute) and node.attr in CALLS:
            yield f"line {node.lineno}: calls {node.attr}"


def _dials(name: str) -> bool:
    below = any(name == module or name.startswith(f"{module}.") for module in MODULES)
    return below or name in {f"asyncio.{call}" for call in CALLS}


def _named(node: ast.AST) -> list[str]:
    """The modules an import may mean: `from http import client` is `http.client`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
        return [str(first.value) for first in node.args[:1] if isinstance(first, ast.Constant)]
    return []


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def modules() -> list[Path]:
    found = [path for top in ("shared", "services") for path in sorted((ROOT / top).rglob("*.py"))]
    return [path for path in found if not _allowed(path.relative_to(ROOT).as_posix())]


def _allowed(path: str) -> bool:
    return any(path == name or path.startswith(f"{name}/") for name in ALLOWED)


def test_no_other_module_opens_a_connection() -> None:
    found = {str(path.relative_to(ROOT)): list(violations(path.read_text(encoding="utf-8"))) for path in modules()}
    assert {path: reasons for path, reasons in found.items() if reasons} == {}


def test_there_is_something_to_check() -> None:
    assert len(modules()) >= 5
    assert any(violations((ROOT / "shared/http/transport.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "source",
    [
        "import socket",
        "import aiohttp.web as web",
        "from aiohttp import ClientSession",
        "import urllib.request",
        "from urllib import request",
        "from http import client as c",
        "def later():\n    import requests",
        "from importlib import import_module\nimport_module('httpx')",
        "__import__('socket')",
        "from asyncio import open_connection",
        "import asyncio\nasyncio.open_connection('h', 1)",
        "async def f(loop):\n    await loop.create_connection(None, 'h', 1)",
    ],
)
def test_every_way_of_dialling_is_seen(source: str) -> None:
    assert list(violations(source))


@pytest.mark.parametrize(
    "source",
    [
        "from urllib.parse import urlsplit",
        "from http import HTTPStatus",
        "import uvicorn, fastapi, asyncio",
        "from shared.http import Door",
        "from . import socket",
    ],
)
def test_what_does_not_dial_passes(source: str) -> None:
    assert not list(violations(source))
