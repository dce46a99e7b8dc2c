"""Unknown names become candidates when three who do not copy each other wrote them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from services.extractor.app import MIGRATIONS
from services.extractor.entities import review
from services.extractor.entities.tally import KEPT, tallies
from services.extractor.entities.unknown import Unknown
from services.extractor.reading import Reading
from services.extractor.versions.remember import Asked, Memory
from shared import ids
from shared.db import Database, migrate
from shared.events import Language
from tests.fakes.command import commanded
from tests.fakes.pages import OBSERVED

PACK = """
version: 1
entities:
- {id: mirkovic, type: person, label: Zdravko Mirkovski, names: [Zdravko Mirkovski]}
- {id: nobody, type: ignore, label: A brand, names: [Zora Luk]}
"""


@pytest.fixture
async def migrated(database: Database) -> Database:
    """A database with the extractor's tables."""
    await migrate(database, "extractor", MIGRATIONS)
    return database


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    (tmp_path / "entities.yaml").write_text(PACK, encoding="utf-8")
    return tmp_path


def asked(outlet: str, *names: tuple[str, str], agency: str = "", text: str = "t", days: float = 0) -> Asked:
    """An article of an outlet in which these names (key, surface) are unknown."""
    article = f"{outlet}-{text}"
    reading = Reading(
        article_id=article, version_id=ids.article_version(article, text), text_hash=ids.of("text", text),
        canonical_url=f"https://www.{outlet}/{text}", title="T", lead="", text=text, language=Language(macro="hbs"),
        names=tuple(Unknown(key, surface) for key, surface in names), agency=agency,
    )  # fmt: skip
    return Asked(reading, f"page-{article}", outlet, OBSERVED + timedelta(days=days))


ZDRAVKO = ("zdravk mirkovic", "Zdravko Mirković")
OF_ZDRAVKO = ("zdravk mirkovic", "Zdravka Mirkovića")


async def told(database: Database, pack: Path) -> list[tuple[str, int]]:
    return [(row["name"], row["sources"]) for row in await review.rows(database, pack)]


async def test_three_independent_sources_make_a_candidate(migrated: Database, pack: Path) -> None:
    memory = Memory(migrated)
    await memory.decide(asked("jedan.rs", ZDRAVKO))
    await memory.decide(asked("dva.rs", OF_ZDRAVKO, days=0.1))
    await memory.decide(asked("dva.rs", ZDRAVKO, text="again"))
    assert await told(migrated, pack) == []
    await memory.decide(asked("tri.rs", ZDRAVKO, days=0.2))
    (row,) = await review.rows(migrated, pack)
    assert (row["name"], row["sources"], row["of"]) == ("Zdravko Mirković", 3, "jedan.rs, dva.rs, tri.rs")
    assert row["forms"] == "Zdravko Mirković, Zdravka Mirkovića"
    assert row["like"] == "Zdravko Mirkovski"
    assert row["article"] == "https://www.jedan.rs/t"


async def test_copies_of_one_agency_are_one_source(migrated: Database, pack: Path) -> None:
    memory = Memory(migrated)
    for outlet in ("jedan.rs", "dva.rs", "tri.rs"):
        await memory.decide(asked(outlet, ZDRAVKO, agency="Tanjug"))
    assert await told(migrated, pack) == []
    for outlet in ("cetiri.rs", "pet.rs"):
        await memory.decide(asked(outlet, ZDRAVKO))
    assert await told(migrated, pack) == [("Zdravko Mirković", 3)]


async def test_what_the_list_knows_by_now_or_ignores_is_no_candidate(migrated: Database, pack: Path) -> None:
    memory = Memory(migrated)
    for outlet in ("jedan.rs", "dva.rs", "tri.rs"):
        await memory.decide(asked(outlet, ("zdravk mirkovsk", "Zdravko Mirkovski"), ("zora luk", "Zora Luk")))
    assert await told(migrated, pack) == []


async def test_a_page_that_comes_again_counts_nothing(migrated: Database, pack: Path) -> None:
    for _ in range(3):
        await Memory(migrated).decide(asked("jedan.rs", ZDRAVKO))
    assert [len(one.origins) for one in await tallies(migrated, 1)] == [1]


async def test_names_that_nobody_writes_any_more_are_forgotten(migrated: Database, pack: Path) -> None:
    memory = Memory(migrated)
    await memory.decide(asked("jedan.rs", ZDRAVKO))
    await memory.decide(asked("dva.rs", ("nova osob", "Nova Osoba"), days=KEPT.days + 1))
    assert [one.key for one in await tallies(migrated, 1)] == ["nova osob"]


async def test_the_command_prints_them(tmp_path: Path, pack: Path) -> None:
    from shared.db import open_database

    url = f"sqlite:///{tmp_path}/wirewatch.db"
    database = open_database(url)
    await migrate(database, "extractor", MIGRATIONS)
    for outlet in ("jedan.rs", "dva.rs", "tri.rs"):
        await Memory(database).decide(asked(outlet, ZDRAVKO))
    await database.close()
    environment = {"WIREWATCH_DATABASE": url, "WIREWATCH_PACK": str(pack)}
    done = await commanded("entities", "candidates", "--json", env=environment)
    assert done.code == 0, done.errors
    (row,) = json.loads(done.out)
    assert row["entry"].startswith("{id: zdravk-mirkovic, type: person, label: Zdravko Mirković, names: [")


async def test_candidates_of_an_unprepared_database_ask_for_init(tmp_path: Path) -> None:
    done = await commanded("entities", "candidates", env={"WIREWATCH_DATABASE": f"sqlite:///{tmp_path}/new.db"})
    assert done.code == 2 and "run wirewatch init" in done.errors
