"""spaCy as a finder of names: any pipeline folder whose documents get entities (`spacy.load` of a path)."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.extractor.entities.model import Guess, Model

LIBRARY = "spacy"


@dataclass(frozen=True, slots=True)
class Spacy:
    """A loaded pipeline. spaCy tells no probabilities."""

    pipeline: Any
    name: str = LIBRARY

    def annotate(self, text: str, language: str) -> list[Guess]:  # noqa: ARG002 - the pipeline knows its languages
        """The entities of a text."""
        return [Guess(one.start_char, one.end_char, one.label_) for one in self.pipeline(text).ents]


def load(path: Path) -> Model:
    """The pipeline of a folder. Raises what spaCy raises."""
    library: Any = importlib.import_module(LIBRARY)
    return Spacy(library.load(path))
