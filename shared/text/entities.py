"""The list of known entities: people with dated offices, states, places, institutions, documents, agencies.

Read from a pack's `entities.yaml`; the format, one entry:

    - id: vucic                      # stable, unique
      type: person                   # person | place | metonym | state | org | alliance | document | agency | ignore
      label: {en: Aleksandar Vučić}
      side: serbia
      roles: [{title: president, of: serbia, from: 2017-05-31}]
      names: [Aleksandar Vučić]      # strong: enough alone
      weak: [Вучић]                  # need support: the full name, one of `needs`, a word of `words`, or the country
      adjectives: [srpsk~]           # demonyms and adjectives: kept apart as mentions of kind `adjective`
      needs: [serbia]                # entities that support a weak name when they occur in the article
      words: [ministar~]             # words in the same sentence that support it
      countries: [RS]                # outlets of these countries mean this one
      veto: [fudbal*]                # words in the same sentence that block every name

A person's surname alone is found where the full name is in the article, and neighbours' spellings (Vuçiq, Tači) are
derived (`names`). A name is a dictionary form in any script whose endings are guessed from the type and its last
letter, or a term with `~` or `*` (`shared.text.terms`); `{text: …, class: …, lang: [sl]}` says more. `metonym` is a
capital that can act for its government. `ignore` entries eat their text (Croatia Airlines).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from shared.document import Fault, Faulty, Node, Reader, read
from shared.text.fold import fold_text
from shared.text.inflect import guess
from shared.text.languages import macro
from shared.text.names import Spelt, respelt, surname
from shared.text.terms import BadTerm, Term, parse

TYPES = ("person", "place", "metonym", "state", "org", "alliance", "document", "agency", "ignore")
SIDES = (
    "serbia", "kosovo", "albania", "croatia", "nato", "eu", "bulgaria", "hungary", "slovenia", "bosnia", "montenegro",
    "macedonia", "russia", "usa", "turkey", "un", "other",
)  # fmt: skip
_KEYS = ("id", "type", "label", "side", "roles", "names", "weak", "adjectives", "needs", "words", "countries", "veto")
_ENDS = {"a": "a", "o": "o", "i": "i", "e": "e", "u": "u"}
_EARLIEST, _LATEST = date(1900, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class Role:
    """An office held, with its dates; both ends may be open."""

    title: str
    of: str = ""
    start: date = _EARLIEST
    end: date = _LATEST

    def __str__(self) -> str:
        return f"{self.title} of {self.of}" if self.of else self.title


@dataclass(frozen=True, slots=True)
class Name:
    """A name as a term: strong alone or in need of support; `languages` limits it (macro codes; empty: all). A `linked`
    one is a surname that only the full name in the article supports."""

    term: Term
    strong: bool = True
    adjective: bool = False
    languages: tuple[str, ...] = ()
    linked: bool = False


@dataclass(frozen=True)
class Entity:
    """An entry of the list."""

    id: str
    type: str
    label: str
    side: str = ""
    roles: tuple[Role, ...] = ()
    names: tuple[Name, ...] = ()
    needs: tuple[str, ...] = ()
    words: tuple[Term, ...] = ()
    countries: tuple[str, ...] = ()
    veto: tuple[Term, ...] = ()

    @cached_property
    def first_names(self) -> frozenset[str]:
        """The first words of a person's full names, folded stems."""
        return frozenset(one.term.parts[0].stem for one in self.names if len(one.term.parts) > 1)

    def role_at(self, day: date | None) -> Role | None:
        """The office held on a day (the latest begun); without a day the last one."""
        held = [role for role in self.roles if day is None or role.start <= day <= role.end]
        return max(held, key=lambda role: role.start, default=None)


def load(path: Path) -> dict[str, Entity]:
    """The entities of a file by id. Raises Faulty with every fault's file, line and column."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Faulty([_unreadable(path, error)]) from error
    return loads(text, str(path))


def loads(text: str, file: str) -> dict[str, Entity]:
    """The same from a text; `file` names it in faults."""
    reader = Reader(file)
    tree = read(text, file)
    top = reader.map(tree, "the file")
    reader.known_keys(tree, ("version", "entities"))
    found: dict[str, Entity] = {}
    for node in reader.items(top.get("entities"), "entities"):
        entity = _entity(reader, node)
        if entity.id in found:
            reader.fault(node, f"the id {entity.id!r} is taken: write another")
        found[entity.id] = entity
    _check_references(reader, top.get("entities"), found)
    reader.finish()
    return found


def _entity(reader: Reader, node: Node) -> Entity:
    row = reader.map(node, "an entity")
    reader.known_keys(node, _KEYS)
    if "id" not in row:
        reader.fault(node, "an entity needs an id: write id: some-name")
    identity = reader.text(row.get("id"), "id")
    kind = reader.choice(row.get("type"), "type", TYPES, "org")
    side = reader.choice(row.get("side"), "side", SIDES)
    strong, weak = (_names(reader, row.get(key), kind, side, strong=key == "names") for key in ("names", "weak"))
    adjectives = _names(reader, row.get("adjectives"), kind, adjective=True)
    names = [*strong, *weak, *(_linked([*strong, *weak]) if kind == "person" else ()), *adjectives]
    if not names:
        reader.fault(node, f"{identity}: no names; write names: [Some Name]")
    return Entity(
        id=identity,
        type=kind,
        label=_label(reader, row.get("label")) or identity,
        side=side,
        roles=tuple(_role(reader, item) for item in reader.items(row.get("roles"), "roles")),
        names=tuple(names),
        needs=reader.texts(row.get("needs"), "needs"),
        words=_terms(reader, row.get("words"), "words"),
        countries=reader.texts(row.get("countries"), "countries"),
        veto=_terms(reader, row.get("veto"), "veto"),
    )


def _label(reader: Reader, node: Node | None) -> str:
    if node is None or not isinstance(node.value, dict):
        return reader.text(node, "label")
    labels = {key: reader.text(item, "label") for key, item in node.value.items()}
    return labels.get("en") or next(iter(labels.values()), "")


def _names(
    reader: Reader, node: Node | None, kind: str, side: str = "", *, strong: bool = True, adjective: bool = False
) -> list[Name]:
    found: list[Name] = []
    for item in reader.items(node, "names"):
        row = item.value if isinstance(item.value, dict) else {"text": item}
        if isinstance(item.value, dict):
            reader.known_keys(item, ("text", "class", "lang"))
        text, given = reader.text(row.get("text"), "text"), reader.text(row.get("class"), "class")
        languages = tuple(dict.fromkeys(macro(code) for code in reader.texts(row.get("lang"), "lang")))
        for spelt, spoken in ((text, languages), *_respelt(text, given or languages, kind, side)):
            try:
                found.append(Name(parse(_written(spelt, given, kind)), strong, adjective, spoken))
            except BadTerm as error:
                reader.fault(item, str(error))
                break
    return found


def _respelt(text: str, said: object, kind: str, side: str) -> list[Spelt]:
    """How neighbours spell a person, where the entry says nothing of its own about endings or languages."""
    return [] if said or kind != "person" or any(mark in text for mark in "~*=") else respelt(text, side)


def _linked(names: list[Name]) -> list[Name]:
    """The surnames of full names that are not among the names already."""
    known = {(one.term.parts, one.languages) for one in names} | {(one.term.parts, ()) for one in names}
    found = {}
    for one in names:
        last = surname(one.term.written) if one.strong and "hu" not in one.languages else ""
        if last:
            linked = Name(parse(last), strong=False, languages=one.languages, linked=True)
            found[linked.term.parts, linked.languages] = linked
    return [one for key, one in found.items() if key not in known and (key[0], ()) not in known]


def _written(text: str, given: str, kind: str) -> str:
    """A name as a term: every word of a person is inflected, of anything else the last one."""
    if any(mark in text for mark in "~*="):
        return text
    if given == "inv" or (not given and kind in ("document", "agency", "ignore")):
        return text
    words = text.split()
    if kind == "person":
        words = [f"{word}~{person_class(word)}" if len(word.strip(".")) > 1 else word for word in words]
        if given:
            words[-1] = f"{text.rsplit(maxsplit=1)[-1]}~{given}"
        return " ".join(words)
    return f"{text}~{given or _default_class(words[-1], kind)}"


def _default_class(word: str, kind: str) -> str:
    if word.isupper() and len(word) > 1:
        return guess(fold_text(word), word)
    if kind in ("place", "metonym", "state"):
        return _class_of(word, "place")
    return "word"


def person_class(name: str) -> str:
    """The class of endings of a person's name."""
    return _class_of(name, "person")


def _class_of(word: str, family: str) -> str:
    end = _ENDS.get(fold_text(word)[-1:], "c")
    if family == "place" and end in "eu":
        return "place_a" if end == "e" else "inv"
    return f"{family}_{end}"


def _role(reader: Reader, node: Node) -> Role:
    row = reader.map(node, "a role")
    reader.known_keys(node, ("title", "of", "from", "to"))
    start, end = _day(reader, row.get("from"), _EARLIEST), _day(reader, row.get("to"), _LATEST)
    return Role(reader.text(row.get("title"), "title"), reader.text(row.get("of"), "of"), start, end)


def _day(reader: Reader, node: Node | None, default: date) -> date:
    """A day, a month (its first day) or a year (its first day)."""
    if node is None:
        return default
    if isinstance(node.value, date):
        return node.value
    parts = str(node.value).split("-")
    try:
        return date(int(parts[0]), *(int(part) for part in [*parts[1:], "1", "1"][:2]))
    except (ValueError, TypeError):
        reader.fault(node, f"{node.value!r} is no date: write 2025-03-18, 2025-03 or 2025")
        return default


def _terms(reader: Reader, node: Node | None, what: str) -> tuple[Term, ...]:
    found = []
    for item in reader.items(node, what):
        try:
            found.append(parse(reader.text(item, what)))
        except BadTerm as error:
            reader.fault(item, str(error))
    return tuple(found)


def _check_references(reader: Reader, node: Node | None, known: dict[str, Entity]) -> None:
    for item in node.value if node is not None and isinstance(node.value, list) else ():
        row = item.value if isinstance(item.value, dict) else {}
        for reference in reader.items(row.get("needs"), "needs"):
            if reference.value not in known:
                reader.fault(reference, f"no entity has the id {reference.value!r}")
        for role in row["roles"].value if "roles" in row and isinstance(row["roles"].value, list) else ():
            of = role.value.get("of") if isinstance(role.value, dict) else None
            if of is not None and of.value not in known:
                reader.fault(of, f"no entity has the id {of.value!r}")


def _unreadable(path: Path, error: Exception) -> Fault:
    return Fault(str(path), 1, 1, f"cannot be read: {error}")
