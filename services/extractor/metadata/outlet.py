"""The names an outlet goes by on its own pages, to be taken off titles and out of bylines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from services.extractor.metadata.head import Metadata, text_of
from shared.events import Source
from shared.text.fold import fold_text
from shared.urls import registered_domain

LEAST, MOST_OF = 3, 0.6
"""A piece of so many letters that makes up so much of the domain's own label, or holds it, is the outlet's name."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet's names and the label of its domain, both bare (folded letters and digits)."""

    names: frozenset[str]
    label: str = ""

    def is_named(self, text: str) -> bool:
        """Whether `text` is nothing but a name of the outlet."""
        bare = bared(text)
        if not bare or bare in self.names:
            return bool(bare)
        if len(bare) < LEAST or len(self.label) < LEAST:
            return False
        within = self.label.startswith(bare) and len(bare) >= MOST_OF * len(self.label)
        return within or (self.label in bare and len(self.label) >= MOST_OF * len(bare))


def outlet_of(source: Source, head: Metadata | None = None, url: str = "") -> Outlet:
    """The names of a source, with those that its page gives."""
    domain = registered_domain(source.domain or url) or source.domain
    said = [source.name, source.domain, domain, domain.split(".")[0], source.id]
    if head is not None:
        publisher = text_of(head.article.get("publisher"))
        said += [head.first("og:site_name"), head.first("application-name"), publisher]
    names = {bared(name) for name in said if name and name != "file"}
    return Outlet(frozenset(names - {""}), bared(domain.split(".")[0]))


@lru_cache(4_096)  # headlines and outlets are held against each other many times
def bared(text: str) -> str:
    """Folded letters and digits alone."""
    return "".join(one for one in fold_text(text) if one.isalnum())
