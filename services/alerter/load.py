"""A watch file to a checked `Watch`: every fault with file, line and column and what to write instead.

The format is `watch/1`; the annotated example is the pack's `defence-alliance.yaml`. Checked here is everything that
can be told from the file alone and the ids of the entities; `match.check` adds what needs texts (the examples).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from services.alerter.bundle import bundle, unbundle
from services.alerter.clauses import Clauses, Spent
from services.alerter.options import NEEDED, OPTIONS, SEVERITIES, Fragment, is_fitting, option, told
from services.alerter.trade import trade_words
from services.alerter.watch import (
    WITHIN,
    AllOf,
    AnyOf,
    Clause,
    Example,
    Only,
    Score,
    Status,
    Wanted,
    Watch,
    Weighed,
    concepts_of,
)
from shared.document import Fault, Faulty, Node, Reader, read
from shared.events import AlertKind
from shared.text.entities import Entity

SCHEMA = "watch/1"
CONCEPTS = "concepts/1"
"""The schema of a file of concepts that watches share by `include:`."""
_TOP = (
    "schema", "id", "title", "status", "languages", "include", "concepts", "match", "alerts", "tests", "description",
)  # fmt: skip
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def load(path: Path, entities: Mapping[str, Entity]) -> Watch:
    """The watch of a file, with what it includes. Raises Faulty. `entities` are those that may be referred to."""
    return loads(bundle(path), str(path), entities)


def loads(text: str, file: str, entities: Mapping[str, Entity]) -> Watch:
    """The same from a bundled text; `file` names it in faults."""
    own, included = unbundle(text)
    spent = Spent()
    reader = WatchReader(file, entities, spent)
    shared, faults = _included(included, file, entities, spent)
    watch = reader.watch(read(own, file), shared)
    if reader.faults or faults:
        raise Faulty(
            sorted((*reader.faults, *faults), key=lambda fault: (fault.file != file, fault.line, fault.column))
        )
    return watch


def _included(
    texts: Mapping[str, str], file: str, entities: Mapping[str, Entity], spent: Spent
) -> tuple[dict[str, Weighed], list[Fault]]:
    """The concepts of the files included."""
    found: dict[str, Weighed] = {}
    faults: list[Fault] = []
    for name, text in texts.items():
        place = str(Path(file).parent / name)
        reader = WatchReader(place, entities, spent)
        try:
            found |= {
                key: replace(one, file=place) for key, one in reader.concept_file(read(text, place), found).items()
            }
        except Faulty as error:
            faults += error.faults
        faults += reader.faults
    return found, faults


class WatchReader(Reader):
    """Takes a watch's tree apart, or that of a file of shared concepts."""

    def __init__(self, file: str, entities: Mapping[str, Entity], spent: Spent) -> None:
        super().__init__(file)
        self._clauses = Clauses(self, entities, spent)

    def concept_file(self, tree: Node, known: Mapping[str, Weighed]) -> dict[str, Weighed]:
        """The concepts of a shared file; they may refer to each other and to those of files included before."""
        top = self.map(tree, "a file of concepts")
        self.known_keys(tree, ("schema", "concepts", "description"))
        if self.text(top.get("schema"), "schema") != CONCEPTS:
            self.fault(top.get("schema", tree), f"write schema: {CONCEPTS}")
        found = self._concepts(top.get("concepts"), tree)
        self._check_references({**known, **found})
        return found

    def watch(self, tree: Node, included: Mapping[str, Weighed]) -> Watch:
        """The watch; faults are collected. `included` are the concepts of the files it includes."""
        top = self.map(tree, "a watch")
        self.known_keys(tree, _TOP)
        if self.text(top.get("schema"), "schema") != SCHEMA:
            self.fault(top.get("schema", tree), f"write schema: {SCHEMA}")
        name = self.text(top.get("id"), "id")
        if not _ID.fullmatch(name):
            self.fault(top.get("id", tree), f"id: {name!r}; write small letters, digits and hyphens")
        concepts = {**included, **self._own(top.get("concepts"), tree, included)}
        match = self.map(top["match"], "match") if "match" in top else {}
        self.known_keys(top.get("match", tree), ("require", "exclude", "score") if "match" in top else _TOP)
        require = tuple(self._condition(node) for node in self.items(match.get("require"), "require"))
        if not require:
            self.fault(top.get("match", tree), "a watch needs match: {require: [some concept]}")
        watch = Watch(
            id=name,
            title=self.text(top.get("title"), "title", name),
            status=Status(self.choice(top.get("status"), "status", tuple(Status), Status.ACTIVE)),
            languages=self._clauses.languages(top.get("languages")),
            concepts=concepts,
            require=require,
            exclude=tuple(self._exclude(node) for node in self.items(match.get("exclude"), "exclude")),
            score=self._score(match.get("score")),
            alerts=self._alerts(top.get("alerts")),
            examples=self._examples(top.get("tests")),
        )
        self._check_references(concepts)
        return watch

    def _own(self, node: Node | None, tree: Node, included: Mapping[str, Weighed]) -> dict[str, Weighed]:
        found = self._concepts(node, tree) if node is not None or not included else {}
        for name in found.keys() & included.keys():
            message = f"concept {name!r} stands in {included[name].file} already: give this one another name"
            self.faults.append(Fault(self.file, found[name].line, 1, message))
        return found

    def _concepts(self, node: Node | None, tree: Node) -> dict[str, Weighed]:
        if node is None:
            self.fault(tree, "a watch needs concepts: {some-name: {any: [word~]}}")
            return {}
        found = {}
        for name, item in self.map(node, "concepts").items():
            row = item.value if isinstance(item.value, dict) else {}
            weight = self.number(row.get("weight"), "weight", 1.0)
            clause = self._clauses.clause(item, f"concept {name}", also=("weight", "note"))
            found[name] = Weighed(name, clause, weight, item.line)
        return found

    def _condition(self, node: Node) -> Clause:
        """An item of `require`: the name of a concept, or a clause over concepts (`any_of`, `all_of` for short)."""
        if isinstance(node.value, str):
            return self._clauses.read_concept(node, {})
        row = node.value if isinstance(node.value, dict) else {}
        for short, build in (("any_of", AnyOf), ("all_of", AllOf)):
            if short in row:
                self.known_keys(node, (short,))
                return build(tuple(self._condition(item) for item in self._clauses.some(row[short], short)))
        return self._clauses.clause(node, "require")

    def _exclude(self, node: Node) -> Clause:
        if isinstance(node.value, str):
            return self._clauses.read_concept(node, {})
        row = dict(node.value) if isinstance(node.value, dict) else {}
        scope = row.pop("scope", None)
        inner = Node(row, node.line, node.column, {key: at for key, at in node.keys.items() if key != "scope"})
        clause = self._condition(inner)
        fields = self._clauses.choices(scope, "scope", (*WITHIN, "article"))
        return Only(clause, fields) if fields and "article" not in fields else clause

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
            if "kind" not in row:
                self.fault(item, f"an alert needs kind: one of {', '.join(AlertKind)}")
            kind = AlertKind(self.choice(row.get("kind"), "kind", tuple(AlertKind), AlertKind.MATCH))
            name = self.text(row.get("id"), "id", kind.value)
            if name in found:
                self.fault(item, f"the alert id {name!r} is taken: write id: another")
            found[name] = self._alert(item, row, kind, name)
        return tuple(found.values())

    def _alert(self, item: Node, row: dict[str, Node], kind: AlertKind, name: str) -> Wanted:
        self.known_keys(item, ("kind", "id", "severity", *OPTIONS[kind]))
        for missing in [key for key in NEEDED.get(kind, ()) if key not in row]:
            self.fault(item, f"an alert of kind {kind} needs {missing}")
        severity = self.choice(row.get("severity"), "severity", SEVERITIES, "info")
        asked = {key: value for key, value in row.items() if key in OPTIONS[kind]}
        for key, value in asked.items():
            self._fits(key, value, OPTIONS[kind][key])
        self._topic(asked.get("topic"))
        self._terms(asked.get("terms"))
        return Wanted(kind, name, severity, {key: option(value, OPTIONS[kind][key]) for key, value in asked.items()})

    def _topic(self, node: Node | None) -> None:
        concept = node.value.get("concept") if node is not None and isinstance(node.value, dict) else None
        if concept is not None:
            self._clauses.references.append((self.text(concept, "concept"), concept))

    def _terms(self, node: Node | None) -> None:
        """Terms are words of the trade or concepts of the watch."""
        for item in self.items(node, "terms"):
            name = self.text(item, "terms")
            if name not in trade_words():
                self._clauses.references.append((name, item))

    def _fits(self, key: str, node: Node, fragment: Fragment) -> None:
        """Fault a parameter that its fragment of the schema refuses, at the innermost place."""
        if fragment.get("type") == "object":
            row = self.map(node, key)
            self.known_keys(node, fragment["properties"])
            for missing in [name for name in fragment["required"] if name not in row]:
                self.fault(node, f"{key} needs {missing}")
            for name, value in row.items():
                if name in fragment["properties"]:
                    self._fits(name, value, fragment["properties"][name])
        elif fragment.get("type") == "array":
            for item in self._clauses.some(node, key):
                self._fits(key, item, fragment["items"])
        elif not is_fitting(node.value, fragment):
            self.fault(node, f"{key}: {node.plain()!r}; write {told(fragment)}")

    def _examples(self, node: Node | None) -> tuple[Example, ...]:
        if node is None:
            return ()
        row = self.map(node, "tests")
        self.known_keys(node, ("match", "no_match"))
        found: list[Example] = []
        for key, matches in (("match", True), ("no_match", False)):
            for code, items in self.map(row[key], key).items() if key in row else ():
                self._clauses.known_language(code, items)
                found += [self._example(item, code, matches=matches) for item in self.items(items, key)]
        return tuple(found)

    def _example(self, node: Node, code: str, *, matches: bool) -> Example:
        title, text = "", ""
        if isinstance(node.value, dict):
            self.known_keys(node, ("title", "text"))
            if not node.value:
                self.fault(node, "an example needs a text: write {title: …, text: …}")
            title, text = (self.text(node.value.get(key), key) for key in ("title", "text"))
        else:
            text = self.text(node, "an example")
        return Example(text, code, matches, title, node.line, node.column)

    def _check_references(self, concepts: dict[str, Weighed]) -> None:
        for name, node in self._clauses.references:
            if name not in concepts:
                known = ", ".join(concepts) or "none"
                self.fault(node, f"no concept {name!r} in this watch; there is {known}")
        for name in _in_circles(concepts):
            self.faults.append(Fault(self.file, concepts[name].line, 1, f"concept {name!r} refers to itself"))


def _in_circles(concepts: dict[str, Weighed]) -> list[str]:
    below = {name: concepts_of(one.clause) & concepts.keys() for name, one in concepts.items()}
    reach = {name: set(names) for name, names in below.items()}
    for _ in concepts:
        for reached in reach.values():
            reached.update(*(below[name] for name in tuple(reached)))
    return [name for name, names in reach.items() if name in names]
