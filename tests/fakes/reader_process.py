"""A process that starts one worker, prints the worker's process id and waits to be killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from services.extractor.reading import NoArticle
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from tests.fakes.pages import page


async def main() -> None:
    """Start, tell, wait."""
    plan = Plan(Path("no-such-pack"), 1024, 60, "tests.fakes.page_killers:full", "tests.fakes.page_killers:cheap")
    readers = Readers(plan, workers=1, deadline=timedelta(seconds=60), recycle=0)
    answer = await readers.read(page("ok ok"))
    assert isinstance(answer, NoArticle)
    print(answer.detail.split()[1], flush=True)
    await readers.read(page("spin spin"))


if __name__ == "__main__":
    asyncio.run(main())
