"""What an operator may set on the extractor."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.settings import setting


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class ExtractorSettings:
    """Settings of the extractor, beside `CommonSettings`.

    The defaults come from measurements on real pages: a page takes 15 to 25 ms, the slowest honest one 0.2 s; a worker
    with everything loaded has 250 MB of address space and 130 MB resident, a 4 MB table another 400 MB.
    """

    pack: Path = setting(Path("deploy/packs/alliance"), help="folder of the story pack; its entities are recognised")
    extract_workers: int = setting(_cores(), help="worker processes that read pages; default: the cores we may use")
    extract_deadline: timedelta = setting(
        timedelta(seconds=10),
        help="both readings of a page together; at 60 % of it the full one loses its worker and the cheap one begins",
    )
    extract_memory_mb: int = setting(1024, help="address space of a worker in MiB; a page that needs more is refused")
    extract_recycle: int = setting(5_000, help="pages after which a worker is replaced; 0 never")
    extract_recycle_mb: int = setting(400, help="MiB a worker may hold; beyond it new workers take over the next pages")
    extract_shortest: int = setting(60, help="characters below which a text is no article")
    extract_model: str = setting(
        "",
        help="a model on this machine that finds more names: spacy:/a/folder or gliner:/a/folder; none by default",
    )
    extract_keep_texts: timedelta = setting(
        timedelta(days=30),
        help="how long an article's latest text is kept, to say what the next version changed",
    )
    live: timedelta = setting(
        timedelta(hours=24), help="an article seen longer than this after it was published is backfill, not news"
    )
