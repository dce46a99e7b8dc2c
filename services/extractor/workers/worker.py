"""Inside a worker process: set its limits, load its tools, read one page at a time.

A worker dies with the service, may use so much address space and no more, and is the first the kernel takes when
memory runs out, so that a page can cost a worker but never the service.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from services.extractor.body.site import load_sites
from services.extractor.entities.model import load_model
from services.extractor.entities.recognise import load_gazetteer, unpacked
from services.extractor.read import Tools
from services.extractor.reading import Answer, Failed, pack
from shared.events import PageFetched
from shared.workers import die_with_parent

OOM_SCORE = "500"
"""Half of the scale: rather this process than any other."""

Read = Callable[[PageFetched, Tools], Answer]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker is started with. `full` and `cheap` name the two functions that read, `module:function`; `entities`
    are those of the pack, read already (`recognise.packed`)."""

    pack: Path
    memory_mb: int
    shortest: int
    full: str = "services.extractor.read:read"
    cheap: str = "services.extractor.read:read_cheaply"
    model: str = ""
    entities: bytes = b""


@dataclass(frozen=True, slots=True)
class _Loaded:
    tools: Tools
    full: Read
    cheap: Read


_LOADED: list[_Loaded] = []


def prepare(plan: Plan) -> None:
    """Run once when the process starts."""
    die_with_parent()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")
    from services.extractor.workers.warm import IDENTIFIER

    model = load_model(plan.model)
    gazetteer = unpacked(plan.entities) if plan.entities else load_gazetteer(plan.pack)
    tools = Tools(IDENTIFIER, gazetteer, plan.shortest, load_sites(plan.pack), model)
    _LOADED[:] = [_Loaded(tools, _named(plan.full), _named(plan.cheap))]
    _limit_memory(plan.memory_mb)


def run(page: PageFetched, cheap: bool) -> tuple[bytes, int]:
    """Read a page: the packed answer, and the MiB that this process holds after it. What reading raises comes back as a
    value, so that an exception is always the pool's own."""
    return _packed(page, cheap), _resident_mb()


def _packed(page: PageFetched, cheap: bool) -> bytes:
    loaded = _LOADED[0]
    try:
        return pack((loaded.cheap if cheap else loaded.full)(page, loaded.tools))
    except MemoryError as error:
        return pack(Failed(reason="memory", detail=str(error)[:200]))
    except Exception as error:  # noqa: BLE001 - reported to the service, which decides
        import traceback

        return pack(Failed(reason="defect", detail="".join(traceback.format_exception(error))[-4_000:]))


def _resident_mb() -> int:
    """Memory in use now, not the most there ever was; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize() >> 20


def ready() -> int:
    """The process id of a worker that has loaded everything."""
    return os.getpid()


def _named(dotted: str) -> Read:
    module, _, function = dotted.partition(":")
    return cast("Read", getattr(importlib.import_module(module), function))


def _limit_memory(mebibytes: int) -> None:
    limit = mebibytes * 1024 * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
