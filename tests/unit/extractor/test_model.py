"""Models of names behind one port: a real small spaCy pipeline, GLiNER's adapter, and a fake, held by one suite."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from services.extractor.app import build
from services.extractor.entities import gliner_model
from services.extractor.entities.model import KINDS, MOST, Guess, Model, checked, guessed, load_model
from services.extractor.entities.recognise import mentions
from services.extractor.settings import ExtractorSettings
from shared.errors import Misconfigured
from shared.text.entities import loads
from shared.text.gazetteer import Gazetteer

TEXT = "Juče je Zdravko Mirković u Tirani razgovarao sa predstavnicima firme Galeb. Zdravko Mirković ćuti."
NAMES = {"Zdravko Mirković": "PER", "Galeb": "ORG", "Tirani": "LOC"}
GAZETTEER = Gazetteer(loads("entities: [{id: city-tirana, type: metonym, names: [Tirana]}]", "e.yaml"))


@dataclass(frozen=True)
class Fake:
    """Finds the words it is given."""

    names: dict[str, str]
    name: str = "fake"

    def annotate(self, text: str, language: str) -> list[Guess]:
        found = re.finditer("|".join(map(re.escape, self.names)), text)
        return [Guess(one.start(), one.end(), self.names[one[0]], 0.9) for one in found]


class _Weights:
    """What GLiNER's library has behind its call, answering from a list."""

    def predict_entities(self, text: str, labels: Sequence[str]) -> list[dict[str, Any]]:
        asked = {short: long for long, short in gliner_model.LABELS.items() if long in labels}
        return [{"start": one.start, "end": one.end, "label": asked[one.label], "score": one.sure}
                for one in Fake(NAMES).annotate(text, "")]  # fmt: skip


def fake(_: Path) -> Model:
    return Fake(NAMES)


def spacy_pipeline(folder: Path) -> Model:
    """A pipeline written to a folder and loaded from it as an operator's is."""
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("xx")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": name} for name, label in NAMES.items()])
    pipeline.to_disk(folder / "model")
    model = load_model(f"spacy:{folder / 'model'}")
    assert model is not None
    return model


def gliner(_: Path) -> Model:
    return gliner_model.Gliner(_Weights())


@pytest.fixture(params=[fake, spacy_pipeline, gliner], ids=["fake", "spacy", "gliner adapter"])
def model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    def refused(*_: object) -> None:
        raise AssertionError("a model opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    made: Callable[[Path], Model] = request.param
    return made(tmp_path)


def test_guesses_are_places_of_the_text_in_order_and_apart(model: Model) -> None:
    found = model.annotate(TEXT, "hbs")
    assert [(TEXT[one.start : one.end], one.label) for one in found] == [
        ("Zdravko Mirković", "PER"), ("Tirani", "LOC"), ("Galeb", "ORG"), ("Zdravko Mirković", "PER"),
    ]  # fmt: skip
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(0 < one.sure <= 1 for one in found)


def test_the_same_text_has_the_same_guesses(model: Model) -> None:
    first = model.annotate(TEXT, "hbs")
    model.annotate("Nešto sasvim drugo o Galebu.", "hbs")
    assert model.annotate(TEXT, "hbs") == first


def test_a_text_without_names_or_letters_has_none(model: Model) -> None:
    assert model.annotate("", "hbs") == model.annotate(" \n", "hbs") == model.annotate("danas kiša", "sq") == []


def test_long_texts_keep_their_offsets(model: Model) -> None:
    text = "reč " * 1_000 + "Galeb"
    assert [(one.start, one.end) for one in model.annotate(text, "hbs")] == [(4_000, 4_005)]


def test_the_list_goes_first_and_the_rest_becomes_mentions(model: Model) -> None:
    fields = (("text", TEXT),)
    listed = mentions(GAZETTEER, fields, "hbs", None, "")
    assert [one.entity_id for one in listed] == ["city-tirana"]
    found = guessed(model, fields, "hbs", listed)
    assert [(one.entity_id, one.kind, one.side) for one in found] == [
        ("name:zdravk-mirkovic", "person", ""), ("name:galeb", "org", ""), ("name:zdravk-mirkovic", "person", ""),
    ]  # fmt: skip
    assert all(TEXT[one.span.start : one.span.end] == one.span.surface == one.name for one in found)
    assert found[0].why.startswith(f"{model.name}: PER ")


def test_other_labels_are_no_names_and_there_is_a_bound() -> None:
    assert guessed(Fake({"Juče": "DATE"}), (("text", TEXT),), "hbs", ()) == ()
    assert len(guessed(Fake({"Galeb": "ORG"}), (("text", "Galeb " * 500),), "hbs", ())) == MOST
    assert set(KINDS.values()) <= {"person", "org", "place", "document"}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("stanza:/x", "write spacy:/a/folder or gliner:/a/folder"),
        ("spacy", "write spacy:/a/folder"),
        ("spacy:/no/such/folder", "no folder /no/such/folder: put the model there, nothing is downloaded"),
    ],
)
def test_a_wrong_setting_says_what_to_write(spec: str, told: str) -> None:
    with pytest.raises(Misconfigured, match="WIREWATCH_EXTRACT_MODEL") as caught:
        checked(spec)
    assert told in str(caught.value)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(Misconfigured, match="needs the library gliner: pip install gliner"):
        checked(f"gliner:{tmp_path}")


def test_a_folder_without_a_model_is_told_with_the_librarys_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = ModuleType("gliner")

    class GLiNER:
        """As the library's: it knows a folder by its configuration."""

        @staticmethod
        def from_pretrained(path: str, *, local_files_only: bool) -> object:
            assert local_files_only
            raise FileNotFoundError(f"no config in {path}")

    library.GLiNER = GLiNER  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gliner", library)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    with pytest.raises(Misconfigured, match=f"gliner cannot load {tmp_path}: no config in"):
        load_model(f"gliner:{tmp_path}")


def test_none_is_loaded_unless_one_is_set() -> None:
    assert ExtractorSettings().extract_model == ""
    assert load_model("") is None


def test_the_service_does_not_start_with_a_wrong_one(tmp_path: Path) -> None:
    parts: Any = None  # told before anything is asked of them
    with pytest.raises(Misconfigured, match="no folder /none"):
        build(ExtractorSettings(pack=tmp_path, extract_model="spacy:/none"), parts)
