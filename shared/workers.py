"""Worker processes: forked from a server that has everything loaded, never from the service itself, which has threads.

A worker does without the program's main module: importing the whole command line first cost every worker 1 to 3 s and
60 MB, and nothing of it is needed there. It dies with the service, however that ends.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from threading import Lock
from types import ModuleType

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal a process gets when its parent ends."""
_PRELOADED: list[str] = []
_STARTING = Lock()
"""Pools start their workers from threads; two at once would take each other's stand-in for the main module."""


def context(preload: str) -> ForkServerContext:
    """The context in which a pool starts its workers. A process has one server: it loads what was asked for first; what
    others ask for is loaded by their workers."""
    if not _PRELOADED:  # never the modules of two: together they would take the memory that the first one's are allowed
        _PRELOADED.append(preload)
    found = _Context()
    found.set_forkserver_preload(list(_PRELOADED))
    return found


def die_with_parent() -> None:
    """Have the kernel end this process when the one it was forked from ends: the worker with the server, and the
    server with the service, however that was killed and however busy this is."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():  # it went before the signal was asked for
        os._exit(1)


class _Worker(ForkServerProcess):
    def start(self) -> None:
        """Start the process; it is told of the main module that stands there at this moment."""
        with _STARTING:
            main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
            try:
                super().start()
            finally:
                sys.modules["__main__"] = main


class _Context(ForkServerContext):
    Process = _Worker
