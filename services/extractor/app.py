"""Wiring of the extractor."""

from __future__ import annotations

from pathlib import Path

from services.extractor.body.site import load_sites
from services.extractor.entities.model import checked
from services.extractor.entities.recognise import load_gazetteer, packed
from services.extractor.extract import Extract
from services.extractor.reading import ExtractOutcome
from services.extractor.settings import ExtractorSettings
from services.extractor.versions.remember import Memory
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared.run import Parts, Service
from shared.step import Step
from shared.topics import PAGES_FETCHED

MIGRATIONS = Path(__file__).parent / "migrations"
GROUP = "extractor"
IN_FLIGHT_PER_WORKER = 4
"""Pages in hand for each worker: one being read, the others on their way in or out."""

IN_FLIGHT_BYTES = 32 * 1024 * 1024
"""Bytes of pages in hand: six of the largest that the fetcher lets through."""


def build(settings: ExtractorSettings, parts: Parts) -> Service:
    """The service: its step and its workers, which start at once and load in the background. Raises Misconfigured when
    the pack's entities or page marks are faulty: told here once, not by every worker."""
    entities = packed(load_gazetteer(settings.pack))
    checked(settings.extract_model)
    load_sites(settings.pack)
    readers = Readers(
        Plan(
            settings.pack.resolve(),
            settings.extract_memory_mb,
            settings.extract_shortest,
            model=settings.extract_model,
            entities=entities,
        ),
        workers=settings.extract_workers,
        deadline=settings.extract_deadline,
        recycle=settings.extract_recycle,
        largest_mb=settings.extract_recycle_mb,
    )
    readers.launch()
    extract = Extract(readers, Memory(parts.database, settings.extract_keep_texts), parts.real, settings.live)
    step = Step(
        group=GROUP,
        topics=(PAGES_FETCHED,),
        outcomes=ExtractOutcome,
        handle=extract.handle,
        in_flight=IN_FLIGHT_PER_WORKER * settings.extract_workers,
        in_flight_bytes=IN_FLIGHT_BYTES,
    )
    return Service(GROUP, steps=(step,), busy=lambda: extract.in_hand > 0, close=readers.close)
