"""A watch file to a checked `Watch`: every fault with file, line and column and what to write instead.

The format is `watch/1`; the annotated example is the pack's `defence-alliance.yaml`. Checked here is everything that
can be told from the file alone and the ids of the entities; `match.check` adds what needs texts (the examples).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from services.alerter.watch import (
    FIELDS,
    PARAGRAPH,
    SENTENCE,
    UNITS,
    AllOf,
    AnyOf,
    AtLeast,
    Clause,
    Concept,
    Entities,
    Example,
    Near,
    Not,
    Only,
    Score,
    Status,
    Wanted,
    Watch,
    Weighed,
    Word,
)
from shared.document import Fault, Faulty, Node, Reader, read
from shared.events import AlertKind
from shared.settings import parse as parse_setting
from shared.text.languages import languages, macro
from shared.text.terms import BadTerm, parse

SCHEMA = "watch/1"
MOST_TERMS = 5_000
"""Terms of one watch: a bound on what one file can cost everybody."""
WIDEST = 50
"""Tokens a `near` may span; more than that is a sentence or a paragraph."""
_NOWHERE = AnyOf(())
_TOP = ("schema", "id", "title", "status", "languages", "concepts", "match", "alerts", "tests", "description")
_SEVERITIES = ("info", "notice", "warning", "critical")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_DURATION = re.compile(r"\d+(\.\d+)?(ms|s|m|h|d)")
_OPTIONS: dict[AlertKind, tuple[str, ...]] = {
    AlertKind.MATCH: ("per", "cooldown", "updates"),
    AlertKind.FIRST_SEEN: ("family", "history", "sources", "within", "ngrams", "background", "per_hour", "cooldown"),
    AlertKind.BURST: ("count", "baseline", "p", "min", "window", "cooldown"),
    AlertKind.REACTION: ("actor", "act", "topic", "confidence", "cooldown"),
    AlertKind.SILENCE: ("for", "sources", "baseline", "cooldown"),
    AlertKind.SECOND_SOURCE: ("within", "cooldown"),
    AlertKind.BORDER_CROSSING: ("groups", "cooldown"),
    AlertKind.EDIT: ("minimum", "cooldown"),
    AlertKind.TERM_SHIFT: ("terms", "window", "cooldown"),
}


def load(path: Path, entities: Collection[str]) -> Watch:
    """The watch of a file. Raises Faulty. `entities` are the ids that may be referred to."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Faulty([Fault(str(path), 1, 1, f"cannot be read: {error}")]) from error
    return loads(text, str(path), entities)


def loads(text: str, file: str, entities: Collection[str]) -> Watch:
    """The same from a text; `file` names it in faults."""
    tree = read(text, file)
    reader = WatchReader(file, entities)
    watch = reader.watch(tree)
    reader.finish()
    return watch


class WatchReader(Reader):
    """Takes a watch's tree apart."""

    def __init__(self, file: str, entities: Collection[str]) -> None:
        super().__init__(file)
        self._entities = entities
        self._terms = 0
        self._references: list[tuple[str, Node]] = []

    def watch(self, tree: Node) -> Watch:
        """The watch; faults are collected."""
        top = self.map(tree, "a watch")
        self.known_keys(tree, _TOP)
        if self.text(top.get("schema"), "schema") != SCHEMA:
            self.fault(top.get("schema", tree), f"write schema: {SCHEMA}")
        name = self.text(top.get("id"), "id")
        if not _ID.fullmatch(name):
            self.fault(top.get("id", tree), f"id: {name!r}; write small letters, digits and hyphens")
        concepts = self._concepts(top.get("concepts"), tree)
        match = self.map(top["match"], "match") if "match" in top else {}
        self.known_keys(top.get("match", tree), ("require", "exclude", "score") if "match" in top else _TOP)
        require = tuple(self._condition(node) for node in self.items(match.get("require"), "require"))
        if not require:
            self.fault(top.get("match", tree), "a watch needs match: {require: [some concept]}")
        watch = Watch(
            id=name,
            title=self.text(top.get("title"), "title", name),
            status=Status(self.choice(top.get("status"), "status", tuple(Status), Status.ACTIVE)),
            languages=self._languages(top.get("languages")),
            concepts=concepts,
            require=require,
            exclude=tuple(self._exclude(node) for node in self.items(match.get("exclude"), "exclude")),
            score=self._score(match.get("score")),
            alerts=self._alerts(top.get("alerts")),
            examples=self._examples(top.get("tests")),
        )
        self._check_references(concepts)
        return watch

    def _concepts(self, node: Node | None, tree: Node) -> dict[str, Weighed]:
        if node is None:
            self.fault(tree, "a watch needs concepts: {some-name: {any: [word~]}}")
            return {}
        found = {}
        for name, item in self.map(node, "concepts").items():
            row = item.value if isinstance(item.value, dict) else {}
            weight = self.number(row.get("weight"), "weight", 1.0)
            clause = self._clause(item, f"concept {name}", also=("weight", "note"))
            found[name] = Weighed(name, clause, weight, item.line)
        return found

    def _clause(self, node: Node, what: str, *, also: tuple[str, ...] = ()) -> Clause:
        """A clause: a term, or a map with one of any, all, not, at_least, near, entity, concept, phrase."""
        if isinstance(node.value, list):
            return self._any(node, what)
        if not isinstance(node.value, dict):
            return self._word(node)
        row = node.value
        kinds = [key for key in _CLAUSES if key in row]
        if len(kinds) != 1:
            self.fault(node, f"{what}: write one of {', '.join(_CLAUSES)}, not {', '.join(kinds) or 'none of them'}")
            return _NOWHERE
        extra = ("of",) if kinds[0] == "at_least" else ("kinds",) if kinds[0] == "entity" else ()
        self.known_keys(node, (*kinds, *extra, *also, "fields", "lang"))
        clause = _CLAUSES[kinds[0]](self, row[kinds[0]], row)
        fields = self._choices(row.get("fields"), "fields", FIELDS)
        spoken = self._languages(row.get("lang"))
        return Only(clause, fields, spoken) if fields or spoken else clause

    def _word(self, node: Node) -> Clause:
        self._terms += 1
        if self._terms == MOST_TERMS + 1:
            self.fault(node, f"more than {MOST_TERMS} terms in one watch: split it")
        try:
            return Word(parse(self.text(node, "a term")))
        except BadTerm as error:
            self.fault(node, str(error))
            return _NOWHERE

    def _any(self, node: Node, what: str = "any") -> Clause:
        return AnyOf(tuple(self._clause(item, what) for item in self._some(node, what)))

    def _some(self, node: Node, what: str) -> list[Node]:
        items = self.items(node, what)
        if not items and isinstance(node.value, list):
            self.fault(node, f"{what}: an empty list; write at least one thing")
        return items

    def read_any(self, node: Node, _: dict[str, Node]) -> Clause:
        """`any: [a, b]`."""
        return self._any(node)

    def read_all(self, node: Node, _: dict[str, Node]) -> Clause:
        """`all: [a, b]`."""
        return AllOf(tuple(self._clause(item, "all") for item in self._some(node, "all")))

    def read_not(self, node: Node, _: dict[str, Node]) -> Clause:
        """`not: a`."""
        return Not(self._clause(node, "not"))

    def read_at_least(self, node: Node, row: dict[str, Node]) -> Clause:
        """`at_least: 2` beside `of: [a, b, c]`."""
        if "of" not in row:
            self.fault(node, "at_least: n needs of: [a, b, c] beside it")
            return _NOWHERE
        parts = tuple(self._clause(item, "of") for item in self._some(row["of"], "of"))
        return AtLeast(self._count(node, len(parts)), parts)

    def read_near(self, node: Node, _: dict[str, Node]) -> Clause:
        """`near: {within: 3, ordered: false, all: [[a, b], [c]]}`."""
        row = self.map(node, "near")
        self.known_keys(node, ("within", "ordered", "all", "at_least"))
        if "all" not in row:
            self.fault(node, "near needs all: [[one, or-another], [something-else]]")
            return _NOWHERE
        groups = tuple(self._clause(item, "a group of near") for item in self._some(row["all"], "all"))
        if len(groups) < 2:
            self.fault(row["all"], "near needs at least two groups: all: [[a, b], [c]]")
        count = self._count(row["at_least"], len(groups)) if "at_least" in row else len(groups)
        ordered = row["ordered"].value is True if "ordered" in row else False
        if ordered and count < len(groups):
            self.fault(row["at_least"], "ordered: true needs all groups: leave at_least out")
        return Near(self._within(row.get("within"), node), groups, count, ordered)

    def read_entity(self, node: Node, row: dict[str, Node]) -> Clause:
        """`entity: some-id` or `entity: [a, b]`, with `kinds: [adjective]` if wished."""
        ids = self.texts(node, "entity")
        for item, name in zip(node.value if isinstance(node.value, list) else [node], ids, strict=True):
            if name not in self._entities:
                self.fault(item, f"no entity has the id {name!r}: see the pack's entities.yaml")
        return Entities(ids, self.texts(row.get("kinds"), "kinds"))

    def read_concept(self, node: Node, _: dict[str, Node]) -> Clause:
        """`concept: name`."""
        name = self.text(node, "concept")
        self._references.append((name, node))
        return Concept(name)

    def read_phrase(self, node: Node, _: dict[str, Node]) -> Clause:
        """`phrase: {en: [defence pact], hr: [vojni savez~]}`: terms by the language of the article."""
        if isinstance(node.value, list):
            return self._any(node, "phrase")
        parts = []
        for code, item in self.map(node, "phrase").items():
            self._known_language(code, item)
            parts.append(Only(self._any(item, "phrase"), (), (macro(code),)))
        return AnyOf(tuple(parts))

    def _count(self, node: Node, most: int) -> int:
        count = node.value if isinstance(node.value, int) and not isinstance(node.value, bool) else 0
        if not 1 <= count <= most:
            self.fault(node, f"at_least: {node.value!r}; write a number from 1 to {most}")
            return 1
        return count

    def _within(self, node: Node | None, near: Node) -> int | str:
        if node is None:
            self.fault(near, "near needs within: 3 (tokens), sentence, paragraph or field")
            return SENTENCE
        if node.value in UNITS:
            return str(node.value)
        if isinstance(node.value, int) and 1 <= node.value <= WIDEST:
            return node.value
        self.fault(node, f"within: {node.value!r}; write 1 to {WIDEST} tokens, {SENTENCE}, {PARAGRAPH} or field")
        return SENTENCE

    def _condition(self, node: Node) -> Clause:
        """An item of `require`: the name of a concept, or a clause over concepts (`any_of`, `all_of` for short)."""
        if isinstance(node.value, str):
            return self.read_concept(node, {})
        row = node.value if isinstance(node.value, dict) else {}
        for short, build in (("any_of", AnyOf), ("all_of", AllOf)):
            if short in row:
                self.known_keys(node, (short,))
                return build(tuple(self._condition(item) for item in self._some(row[short], short)))
        return self._clause(node, "require")

    def _exclude(self, node: Node) -> Clause:
        if isinstance(node.value, str):
            return self.read_concept(node, {})
        row = dict(node.value) if isinstance(node.value, dict) else {}
        scope = row.pop("scope", None)
        inner = Node(row, node.line, node.column, {key: at for key, at in node.keys.items() if key != "scope"})
        clause = self._condition(inner)
        if scope is None or scope.value == "article":
            return clause
        return Only(clause, self._choices(scope, "scope", (*FIELDS, "article")), ())

    def _score(self, node: Node | None) -> Score:
        if node is None:
            return Score()
        row = self.map(node, "score")
        self.known_keys(node, ("threshold", "title_factor", "lead_factor"))
        return Score(**{key: self.number(item, key) for key, item in row.items() if key in Score.__slots__})

    def _alerts(self, node: Node | None) -> tuple[Wanted, ...]:
        found: dict[str, Wanted] = {}
        for item in self.items(node, "alerts"):
            row = self.map(item, "an alert")
            kind = AlertKind(self.choice(row.get("kind"), "kind", tuple(AlertKind), AlertKind.MATCH))
            name = self.text(row.get("id"), "id", kind.value)
            self.known_keys(item, ("kind", "id", "severity", *_OPTIONS[kind]))
            if "kind" not in row:
                self.fault(item, f"an alert needs kind: one of {', '.join(AlertKind)}")
            if name in found:
                self.fault(item, f"the alert id {name!r} is taken: write id: another")
            severity = self.choice(row.get("severity"), "severity", _SEVERITIES, "info")
            options = {key: self._option(value) for key, value in row.items() if key in _OPTIONS[kind]}
            found[name] = Wanted(kind, name, severity, options)
            self._topic(row.get("topic"))
        return tuple(found.values())

    def _topic(self, node: Node | None) -> None:
        concept = node.value.get("concept") if node is not None and isinstance(node.value, dict) else None
        if concept is not None:
            self._references.append((self.text(concept, "concept"), concept))

    def _option(self, node: Node) -> object:
        if isinstance(node.value, dict):
            return {key: self._option(item) for key, item in node.value.items()}
        if isinstance(node.value, list):
            return [self._option(item) for item in node.value]
        if isinstance(node.value, str) and _DURATION.fullmatch(node.value):
            return parse_setting(node.value, timedelta)
        return node.value

    def _examples(self, node: Node | None) -> tuple[Example, ...]:
        if node is None:
            return ()
        row = self.map(node, "tests")
        self.known_keys(node, ("match", "no_match"))
        found: list[Example] = []
        for key, matches in (("match", True), ("no_match", False)):
            for code, items in self.map(row[key], key).items() if key in row else ():
                self._known_language(code, items)
                found += [self._example(item, code, matches=matches) for item in self.items(items, key)]
        return tuple(found)

    def _example(self, node: Node, code: str, *, matches: bool) -> Example:
        title, text = "", ""
        if isinstance(node.value, dict):
            self.known_keys(node, ("title", "text"))
            title, text = (self.text(node.value.get(key), key) for key in ("title", "text"))
        else:
            text = self.text(node, "an example")
        return Example(text, code, matches, title, node.line, node.column)

    def _languages(self, node: Node | None) -> tuple[str, ...]:
        codes = self.texts(node, "languages")
        for code in codes:
            if node is not None:
                self._known_language(code, node)
        return tuple(dict.fromkeys(macro(code) for code in codes))

    def _known_language(self, code: str, node: Node) -> None:
        if macro(code) not in languages():
            self.fault(node, f"no language {code!r}; write one of {', '.join(languages())} or a variety such as sr")

    def _choices(self, node: Node | None, what: str, options: tuple[str, ...]) -> tuple[str, ...]:
        chosen = self.texts(node, what)
        for text in chosen:
            if text not in options and node is not None:
                self.fault(node, f"{what}: {text!r}; write {', '.join(options)}")
        return chosen

    def _check_references(self, concepts: dict[str, Weighed]) -> None:
        for name, node in self._references:
            if name not in concepts:
                known = ", ".join(concepts) or "none"
                self.fault(node, f"no concept {name!r} in this watch; there is {known}")
        for name in _in_circles(concepts):
            self.faults.append(Fault(self.file, concepts[name].line, 1, f"concept {name!r} refers to itself"))


_CLAUSES = {
    "any": WatchReader.read_any,
    "all": WatchReader.read_all,
    "not": WatchReader.read_not,
    "at_least": WatchReader.read_at_least,
    "near": WatchReader.read_near,
    "entity": WatchReader.read_entity,
    "concept": WatchReader.read_concept,
    "phrase": WatchReader.read_phrase,
}


def inside(clause: Clause) -> tuple[Clause, ...]:
    """The clauses right below one."""
    if isinstance(clause, AnyOf | AllOf | AtLeast):
        return clause.parts
    if isinstance(clause, Near):
        return clause.groups
    return (clause.part,) if isinstance(clause, Not | Only) else ()


def concepts_of(clause: Clause) -> set[str]:
    """The names of the concepts a clause refers to."""
    own = {clause.name} if isinstance(clause, Concept) else set()
    return own.union(*(concepts_of(part) for part in inside(clause)))


def _in_circles(concepts: dict[str, Weighed]) -> list[str]:
    below = {name: concepts_of(one.clause) & concepts.keys() for name, one in concepts.items()}
    reach = {name: set(names) for name, names in below.items()}
    for _ in concepts:
        for reached in reach.values():
            reached.update(*(below[name] for name in tuple(reached)))
    return [name for name, names in reach.items() if name in names]
