"""Versions: what is kept of an article to say later what its outlet changed in it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from importlib import resources

import msgspec
import yaml

from services.alerter.judge.acts import Lexicon, patterns
from services.alerter.judge.figures import figures
from services.alerter.judge.reading import TEXT, Reading
from shared.text.fold import fold_text

NOTICE = 80
"""A notice of withdrawal is at most so many words long."""


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of an article's newest version: enough to say what changed, no text but the title. `notice` says
    that it is short and has words of a withdrawal, or that its page is gone, `withdrawn` that by this version or one
    before it was one."""

    version: str
    observed: datetime
    title: str
    words: int
    numbers: tuple[str, ...] = ()
    sentences: tuple[int, ...] = ()
    denies: bool = False
    notice: bool = False
    withdrawn: bool = False

    @property
    def unread(self) -> bool:
        """Whether the text may not be read: nothing is known of it but the title."""
        return not self.sentences and not self.notice


def version_of(reading: Reading) -> Version:
    """What is to be compared of a version, whole."""
    article, code = reading.article, reading.article.language.macro
    text = f"{article.title}\n{article.text}"
    numbers = tuple(dict.fromkeys(value for _, _, value in figures(text, 0, len(text), reading.language)))
    words = fold_text(text).split()
    short = len(words) <= NOTICE
    notice = article.withdrawn or (short and _says("withdrawn", code, reading))
    return Version(
        article.id, reading.match.observed, article.title, len(words), numbers, tuple(hashes(reading)),
        denies=_says("denies", code, reading), notice=notice,
    )  # fmt: skip


def hashes(reading: Reading) -> Iterator[int]:
    """A number for each sentence of the text, by its folded words."""
    for one in reading.sentences:
        if one.field == TEXT:
            yield zlib.crc32(" ".join(word.folded for word in one.words).encode())


def _says(what: str, code: str, reading: Reading) -> bool:
    told = _marks(code).get(what)
    return told is not None and any(
        True for one in reading.sentences for _ in told.find([word.folded for word in one.words])
    )


@cache
def _marks(code: str) -> dict[str, Lexicon]:
    text = resources.files("services.alerter.judge").joinpath("edits.yaml").read_text(encoding="utf-8")
    data: dict[str, dict[str, str]] = yaml.safe_load(text)
    return {kind: Lexicon(tuple(patterns({kind: {"said": written}}))) for kind, written in data.get(code, {}).items()}
