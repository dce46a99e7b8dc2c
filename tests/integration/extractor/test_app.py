"""The wired service: its step reads a page in a real worker, and a faulty pack stops it with the place of the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.extractor.app import MIGRATIONS, build
from services.extractor.reading import ExtractOutcome
from services.extractor.settings import ExtractorSettings
from shared.bus import Record
from shared.codec import Trace
from shared.db import migrate
from shared.errors import Misconfigured
from shared.run import open_parts
from shared.settings import CommonSettings, load
from shared.step import Work
from shared.topics import GROUPS
from tests.fakes.pages import html, page


def _environment(folder: Path) -> dict[str, str]:
    return {"WIREWATCH_DATA": str(folder), "WIREWATCH_PACK": str(folder), "WIREWATCH_EXTRACT_WORKERS": "1"}


async def test_the_service_reads_a_page(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    async with open_parts(load(CommonSettings, environment)) as parts:
        await migrate(parts.database, "extractor", MIGRATIONS)
        service = build(load(ExtractorSettings, environment), parts)
        (step,) = service.steps
        assert (step.group, step.topics, step.in_flight) == ("extractor", GROUPS["extractor"], 4)
        assert step.handle is not None and service.close is not None
        fetched = page(html())
        outcome = await step.handle(Work(fetched, Record("t", 0, 0, 0, None, b""), Trace.start(fetched.id)))
        assert outcome.label is ExtractOutcome.EXTRACTED
        assert not service.busy()
        await service.close()


async def test_a_faulty_list_of_entities_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "entities.yaml").write_text("version: 1\nentities:\n- {id: a, type: persn, names: [A B]}\n")
    environment = _environment(tmp_path)
    async with open_parts(load(CommonSettings, environment)) as parts:
        with pytest.raises(Misconfigured, match=r"entities\.yaml:3:"):
            build(load(ExtractorSettings, environment), parts)
