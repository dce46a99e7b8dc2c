"""A process aside that answers: bytes in, bytes out, in order, over a socket that the event loop itself reads.

The pools of the standard library move work through threads of the service. While the service computes, each of these
waits for the interpreter's lock (5 ms, several times for a message), and the process aside idles: it read a quarter of
what it reads this way (`docs/decisions/0010-reading-aside.md`).

Left out on purpose: calling back what was asked, deadlines and memory limits; who reads what others wrote uses the
extractor's pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import pickle
import socket
import struct
from collections import deque
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from typing import BinaryIO

from shared.workers import context, die_with_parent

Answer = Callable[[bytes], bytes]
"""A function of a module, so that the process can be told of it by name."""
_HEAD = struct.Struct("!I?")
"""Length of what follows, and whether it is an exception rather than an answer."""
_LIMIT = 4 * 1024 * 1024
"""Bytes read ahead by the loop."""
TRIES, PAUSE = 5, 0.1
"""How often a start is tried, and seconds between two tries."""
PATIENCE = 5.0
"""Seconds a process has to end by itself."""


class Lost(Exception):
    """The process ended before it answered."""


class Aside:
    """One process; made by `await Aside.start(...)`. It ends with the service, however that ends."""

    def __init__(self, process: ForkServerProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process, self._reader, self._writer = process, reader, writer
        self._asked: deque[asyncio.Future[bytes]] = deque()
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, answer: Answer, preload: str) -> Aside:
        """Start a process and return when it has loaded everything. Tried some times: the server it is forked from may
        just have ended (it does with the thread that started it), which shows only then. Raises Lost."""
        for _ in range(TRIES - 1):
            with contextlib.suppress(Lost, EOFError, OSError):
                return await cls._start(answer, preload)
            await asyncio.sleep(PAUSE)
        try:
            return await cls._start(answer, preload)
        except (EOFError, OSError) as error:
            raise Lost(f"no process could be started: {type(error).__name__} {error}") from error

    @classmethod
    async def _start(cls, answer: Answer, preload: str) -> Aside:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = context(preload).Process(target=_serve, args=(theirs, answer, preload), daemon=True)
                await asyncio.to_thread(process.start)
        except BaseException:
            ours.close()
            raise
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_LIMIT)
        aside = cls(process, reader, writer)
        await aside.ask(b"")
        return aside

    @property
    def open_questions(self) -> int:
        """How many questions have no answer yet."""
        return len(self._asked)

    def ask(self, question: bytes) -> asyncio.Future[bytes]:
        """Ask, without waiting. The answer raises Lost, or what answering raised."""
        asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self._listener.done():
            asked.set_exception(Lost("the process has ended"))
            return asked
        self._asked.append(asked)
        self._writer.write(_HEAD.pack(len(question), False) + question)
        return asked

    async def _listen(self) -> None:
        try:
            while True:
                size, failed = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
                body = await self._reader.readexactly(size)
                _settle(self._asked.popleft(), _unpacked(body) if failed else body)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._writer.close()
        finally:
            while self._asked:
                _settle(self._asked.popleft(), Lost("the process ended"))

    async def close(self) -> None:
        """End the process; what it was asked is dropped."""
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        self._writer.close()
        await asyncio.to_thread(self._process.join, PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            await asyncio.to_thread(self._process.join)


def _settle(asked: asyncio.Future[bytes], answer: bytes | Exception) -> None:
    if asked.done():
        return
    if isinstance(answer, Exception):
        asked.set_exception(answer)
    else:
        asked.set_result(answer)


def _packed(error: Exception) -> bytes:
    """An exception to be sent; one that does not survive the way, as its words."""
    try:
        body = pickle.dumps(error)
        pickle.loads(body)  # noqa: S301 - what we have just written
    except Exception:  # noqa: BLE001 - whatever its class does when it is copied
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return body


def _unpacked(body: bytes) -> Exception:
    error: Exception = pickle.loads(body)  # noqa: S301 - from our own process
    return error


def _serve(given: socket.socket, answer: Answer, preload: str) -> None:
    """The life of the process: until the other end is closed. Where the server was started for others, it loads its
    module itself."""
    die_with_parent()
    importlib.import_module(preload)
    with given, given.makefile("rb") as questions, given.makefile("wb") as answers:
        while head := questions.read(_HEAD.size):
            size, _ = _HEAD.unpack(head)
            _tell(answers, *_answered(answer, questions.read(size)))


def _answered(answer: Answer, question: bytes) -> tuple[bytes, bool]:
    """The answer, and whether it is an exception. Nothing asked is nothing answered: that is how one knows it lives."""
    try:
        return (answer(question) if question else b""), False
    except Exception as error:  # noqa: BLE001 - whatever it is, it is for whoever asked
        return _packed(error), True


def _tell(answers: BinaryIO, body: bytes, failed: bool) -> None:
    answers.write(_HEAD.pack(len(body), failed))
    answers.write(body)
    answers.flush()
