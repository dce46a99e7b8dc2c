"""What is known of pages beforehand: marks of all sites and profiles of single ones, as data of the story pack.

`pages.yaml` has `everywhere` and `sites`. Each may name, as CSS selectors, the `body` (an element that is the running
text), `furniture` (elements taken out before reading) and `locks` (elements that only a page for subscribers has), and
as beginnings of paragraphs or phrases the `lines` that are no text and the `paywall` words. All of it is optional: a
page of an unknown site is read by the vote alone, and a selector that no longer matches costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml.cssselect import CSSSelector
from lxml.etree import XPath

from shared import document
from shared.urls import host_of

FILE = "pages.yaml"
LONGEST_LINE = 200
"""Characters up to which a paragraph that begins with a mark is dropped: longer ones say something of their own."""
_READ = 100_000
"""Characters of a page in which paywall phrases are looked for."""
_SELECTORS = ("body", "furniture", "locks")
_TEXTS = ("lines", "paywall")
_NAME = re.compile(r"[.#]([\w-]+)(?=[^,()\[\]]*$)")
"""A class or id in a selector without lists, conditions and attributes behind it."""
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")

_VISIBLE = XPath("//body//text()[not(parent::script or parent::style)]")
_VISIBLE_BESIDE_TEMPLATES = XPath("//body//text()[not(parent::script or parent::style or ancestor::template)]")
"""To look at every ancestor of every text takes six times as long: only for pages that need it."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks as written: CSS selectors in `body`, `furniture`, `locks`; texts in `lines`, `paywall`."""

    body: tuple[str, ...] = ()
    furniture: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    paywall: tuple[str, ...] = ()

    def __add__(self, other: Marks) -> Marks:
        """The marks of both."""
        return Marks(
            *(getattr(self, name) + getattr(other, name) for name in ("body", "furniture", "locks", "lines", "paywall"))
        )


class Site:
    """The marks that hold for a site, compiled."""

    def __init__(self, marks: Marks) -> None:
        self._body, self._furniture, self._locks = (
            _selector(selectors) for selectors in (marks.body, marks.furniture, marks.locks)
        )
        self._names = _names(marks.furniture)
        self._lines, self._paywall = _pattern(marks.lines, begins=True), _pattern(marks.paywall, begins=False)

    def prune(self, tree: Any, page: str) -> bool:
        """Take the furniture out of `tree`, in place; whether there was any. `page` is its source: searching that
        for the names in the selectors is much cheaper than selecting, and most pages have none of them."""
        if self._names and not any(name in page for name in self._names):
            return False
        found = [one for one in self._furniture(tree) if one.getparent() is not None] if self._furniture else []
        for element in found:
            element.drop_tree()
        return bool(found)

    def body(self, tree: Any) -> Any:
        """The element that the profile names as the running text, None without one."""
        return next(iter(self._body(tree)), None) if self._body else None

    def is_locked(self, tree: Any) -> bool:
        """Whether an element or a phrase that readers see says that the rest is for subscribers."""
        if self._locks is not None and self._locks(tree):
            return True
        if self._paywall is None:
            return False
        texts = _VISIBLE if tree.find(".//template") is None else _VISIBLE_BESIDE_TEMPLATES
        return bool(self._paywall.search(" ".join(texts(tree))[:_READ]))

    def without_lines(self, text: str) -> str:
        """`text` without short paragraphs that begin as calls to read, follow or buy something else do."""
        if self._lines is None:
            return text
        kept = (line for line in text.split("\n") if len(line) > LONGEST_LINE or not self._lines.match(line))
        return "\n".join(kept)


@dataclass(frozen=True, slots=True)
class Sites:
    """The profiles by registered domain or host, and what holds everywhere."""

    everywhere: Site = field(default_factory=lambda: Site(Marks()))
    known: Mapping[str, Site] = field(default_factory=dict)

    def of(self, url: str) -> Site:
        """The profile of the longest domain that the address belongs to."""
        labels = host_of(url).split(".")
        domains = (".".join(labels[at:]) for at in range(len(labels) - 1))
        return next((self.known[domain] for domain in domains if domain in self.known), self.everywhere)


def load_sites(pack: Path) -> Sites:
    """The profiles of a pack; none without a file. Raises Faulty with every fault's place and what to write instead."""
    path = pack / FILE
    return loads(path.read_text(encoding="utf-8"), str(path)) if path.exists() else Sites()


def loads(text: str, file: str) -> Sites:
    """The same from a text."""
    reader = document.Reader(file)
    root = document.read(text, file)
    top = reader.map(root, "the file")
    reader.known_keys(root, ("everywhere", "sites"))
    common = _marks(reader, top["everywhere"], ()) if "everywhere" in top else Marks()
    known: dict[str, Site] = {}
    for node in reader.items(top.get("sites"), "sites"):
        domain, marks = _profile(reader, node)
        if domain in known:
            reader.fault(node, f"{domain!r} has a profile above: put both into one")
        known[domain] = Site(common + marks)
    reader.finish()
    return Sites(Site(common), known)


def _profile(reader: document.Reader, node: document.Node) -> tuple[str, Marks]:
    domain = reader.text(reader.map(node, "a site").get("domain"), "domain").lower()
    if not _DOMAIN.fullmatch(domain):
        reader.fault(node, f"domain {domain!r}: write the host without www, such as domain: outlet.example")
    return domain, _marks(reader, node, ("domain",))


def _marks(reader: document.Reader, node: document.Node, beside: tuple[str, ...]) -> Marks:
    entries = reader.map(node, "marks")
    reader.known_keys(node, (*beside, *_SELECTORS, *_TEXTS))
    found = {name: _texts(reader, entries.get(name), name) for name in (*_SELECTORS, *_TEXTS)}
    return Marks(**found)


def _texts(reader: document.Reader, node: document.Node | None, name: str) -> tuple[str, ...]:
    """The texts of a list; those that cannot be used are faulted where they stand and left out."""
    kept = []
    for item in reader.items(node, name):
        text = reader.text(item, name).strip()
        wrong = _unusable(text, selector=name in _SELECTORS)
        if wrong:
            reader.fault(item, f"{name}: {wrong}")
        else:
            kept.append(text)
    return tuple(kept)


def _unusable(text: str, *, selector: bool) -> str:
    if not text:
        return "empty: write a text or take the item out"
    if not selector:
        return f"{text!r} would match too much: write at least four characters" if len(text) < 4 else ""
    try:
        CSSSelector(text)
    except Exception as error:  # noqa: BLE001 - cssselect and lxml have no common class for selectors they cannot read
        return f"{text!r} is no CSS selector ({error}): write one such as div.related"
    return ""


def _selector(selectors: tuple[str, ...]) -> CSSSelector | None:
    return CSSSelector(", ".join(selectors)) if selectors else None


def _names(selectors: tuple[str, ...]) -> tuple[str, ...]:
    """A class or id of each selector, without which it cannot match; () when one of them has none."""
    found = [_NAME.findall(selector) for selector in selectors]
    return tuple(names[-1] for names in found) if all(found) else ()


def _pattern(texts: Iterable[str], *, begins: bool) -> re.Pattern[str] | None:
    """One pattern for all: at the beginning of a paragraph behind signs, or anywhere."""
    words = "|".join(r"\s+".join(map(re.escape, text.split())) for text in texts)
    if not words:
        return None
    return re.compile(rf"\W*(?:{words})(?!\w)" if begins else rf"(?<!\w)(?:{words})", re.IGNORECASE)


NONE = Sites()
"""Nothing known of any page."""
