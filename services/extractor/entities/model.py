"""A model that finds more names, plugged in from a path on this machine. Off unless a setting names one.

`WIREWATCH_EXTRACT_MODEL` says the library and the folder: `spacy:/models/news` or `gliner:/models/gliner`. Nothing is
ever downloaded: the path must exist, libraries are told to stay offline, and a model that is wrong stops the start.
The list of entities goes first: what a model finds beside it becomes a mention without an entry (`name:` and its key),
with the model's own kind and no side.

Left out on purpose: training, and linking a model's names to entries.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from services.extractor.entities.unknown import stem
from shared.errors import Misconfigured
from shared.events import Mention, Span

SETTING = "WIREWATCH_EXTRACT_MODEL"
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""What keeps the libraries of models from the network."""
KINDS = {
    "PER": "person", "PERSON": "person", "ORG": "org", "LOC": "place", "GPE": "place", "FAC": "place",
    "EVENT": "document",
}  # fmt: skip
"""Labels of models, upper case, to our kinds; others are no names."""
MOST = 100
"""Mentions of a model kept of an article."""
READ = 30_000
"""Characters of a field that a model reads."""
UNLISTED = "name:"


@dataclass(frozen=True, slots=True)
class Guess:
    """What a model takes for a name: start and end in code points, its label, how sure it is (0 to 1)."""

    start: int
    end: int
    label: str
    sure: float = 1.0


class Model(Protocol):
    """A loaded model. It must not keep anything between texts nor open a connection."""

    @property
    def name(self) -> str:
        """What is told as the reason of its mentions."""
        ...

    def annotate(self, text: str, language: str) -> list[Guess]:
        """The names of a text in a macro language, in order, without overlaps."""
        ...


class Loader(Protocol):
    """What a module for a library has."""

    LIBRARY: str

    def load(self, path: Path) -> Model:
        """The model of a folder. Raises anything."""
        ...


LOADERS: Mapping[str, str] = {
    "spacy": "services.extractor.entities.spacy_model", "gliner": "services.extractor.entities.gliner_model",
}  # fmt: skip


def checked(spec: str) -> tuple[str, Path] | None:
    """The library and the path of a setting, None for "". Loads nothing. Raises Misconfigured when the library is not
    one of ours or not installed, or the path not there."""
    if not spec:
        return None
    library, mark, path = spec.partition(":")
    if not mark or library not in LOADERS:
        raise Misconfigured(f"{SETTING}: {spec!r}: write {' or '.join(f'{one}:/a/folder' for one in LOADERS)}")
    if not Path(path).is_dir():
        raise Misconfigured(f"{SETTING}: {spec!r}: no folder {path}: put the model there, nothing is downloaded")
    if importlib.util.find_spec(library) is None:
        raise Misconfigured(f"{SETTING}: {spec!r} needs the library {library}: pip install {library}")
    return library, Path(path)


def load_model(spec: str) -> Model | None:
    """The model of a setting, None for "". Raises Misconfigured with what is wrong, also when the library cannot load
    the folder."""
    found = checked(spec)
    if found is None:
        return None
    os.environ.update(OFFLINE)
    library, path = found
    loader = cast("Loader", importlib.import_module(LOADERS[library]))
    try:
        return loader.load(path)
    except Exception as error:
        raise Misconfigured(f"{SETTING}: {library} cannot load {path}: {error}") from error


def with_guesses(
    model: Model | None, fields: Iterable[tuple[str, str]], code: str, known: tuple[Mention, ...]
) -> tuple[Mention, ...]:
    """The mentions known, and those that a model finds beside them."""
    return known if model is None else (*known, *guessed(model, fields, code, known))


def guessed(
    model: Model, fields: Iterable[tuple[str, str]], code: str, known: Iterable[Mention]
) -> tuple[Mention, ...]:
    """The mentions that a model finds beside those known, in order of the fields."""
    taken: dict[str, list[tuple[int, int]]] = {}
    for one in known:
        taken.setdefault(one.span.field, []).append((one.span.start, one.span.end))
    found = [
        _mention(model.name, name, text, guess, code)
        for name, text in fields for guess in model.annotate(text[:READ], code)
        if guess.label.upper() in KINDS and not _overlaps(guess, taken.get(name, ()))
    ]  # fmt: skip
    return tuple(found[:MOST])


def _overlaps(guess: Guess, taken: Iterable[tuple[int, int]]) -> bool:
    return any(start < guess.end and guess.start < end for start, end in taken)


def _mention(model: str, field: str, text: str, guess: Guess, code: str) -> Mention:
    surface = text[guess.start : guess.end]
    key = "-".join(stem(word, code) for word in surface.split())
    return Mention(
        entity_id=UNLISTED + key, name=surface, kind=KINDS[guess.label.upper()],
        why=f"{model}: {guess.label} {guess.sure:.2f}",
        span=Span(field=field, start=guess.start, end=guess.end, surface=surface),
    )  # fmt: skip
