"""GLiNER as a finder of names, from a folder that also holds its encoder's configuration and tokenizer."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.extractor.entities.model import Guess, Model

LIBRARY = "gliner"
LABELS = {"person": "PER", "organization": "ORG", "location": "LOC"}
"""What it is asked for, and the labels of the port."""
PIECE = 1_200
"""Characters it reads at once: its encoders take some 384 words."""


@dataclass(frozen=True, slots=True)
class Gliner:
    """A loaded model."""

    model: Any
    name: str = LIBRARY

    def annotate(self, text: str, language: str) -> list[Guess]:  # noqa: ARG002 - the model has one set of weights
        """The entities of a text, read in pieces that end at a blank."""
        return [
            Guess(start + one["start"], start + one["end"], LABELS[one["label"]], float(one["score"]))
            for start, piece in _pieces(text)
            for one in self.model.predict_entities(piece, list(LABELS))
        ]


def _pieces(text: str) -> list[tuple[int, str]]:
    found, start = [], 0
    while start < len(text):
        end = len(text) if len(text) - start <= PIECE else text.rfind(" ", start, start + PIECE)
        end = end if end > start else start + PIECE
        found.append((start, text[start:end]))
        start = end
    return found


def load(path: Path) -> Model:
    """The model of a folder. Raises what GLiNER raises; it is told to look nowhere else."""
    library: Any = importlib.import_module(LIBRARY)
    return Gliner(library.GLiNER.from_pretrained(str(path), local_files_only=True))
