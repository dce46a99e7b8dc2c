"""Clauses as people write them to clauses as values; every fault with its place and what to write instead.

A clause is a term, a list (any of them), or a map with one of the keys of `KINDS`; `fields:` and `lang:` beside it
narrow it. Left out on purpose: patterns in any syntax but RE2 (its time is linear in the text), and counting a term's
repetitions (a text is not more about a thing for saying it twice).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from services.alerter.watch import (
    PARAGRAPH,
    SENTENCE,
    UNITS,
    WITHIN,
    About,
    AllOf,
    AnyOf,
    AtLeast,
    Clause,
    Concept,
    Entities,
    Near,
    Not,
    Number,
    Only,
    Pattern,
    Role,
    Word,
)
from shared.document import Node, Reader
from shared.text.entities import Entity
from shared.text.languages import languages, macro
from shared.text.terms import BadTerm, parse

MOST_TERMS = 5_000
"""Terms of one watch: a bound on what one file can cost everybody."""
MOST_PATTERNS, LONGEST_PATTERN, PATTERN_MEMORY = 50, 200, 1 << 20
"""Patterns of one watch, characters of one, bytes one may take when compiled: RE2 bounds time, this bounds the rest."""
WIDEST = 50
"""Tokens a `near` may span; more than that is a sentence or a paragraph."""
NOWHERE = AnyOf(())


@dataclass(slots=True)
class Spent:
    """Terms and patterns of a watch so far, those of the files it includes among them."""

    terms: int = 0
    patterns: int = 0


class Clauses:
    """Reads clauses through a `Reader`, which collects the faults; `references` are the concepts named."""

    def __init__(self, reader: Reader, entities: Mapping[str, Entity], spent: Spent) -> None:
        self._reader = reader
        self._entities = entities
        self._spent = spent
        self.references: list[tuple[str, Node]] = []

    def clause(self, node: Node, what: str, *, also: tuple[str, ...] = ()) -> Clause:
        """The clause at a node; `also` are keys that may stand beside it."""
        if isinstance(node.value, list):
            return self._any(node, what)
        if not isinstance(node.value, dict):
            return self._word(node)
        row = node.value
        kinds = [key for key in KINDS if key in row]
        if len(kinds) != 1:
            some = ", ".join(kinds) or "none of them"
            self._reader.fault(node, f"{what}: write one of {', '.join(KINDS)}, not {some}")
            return NOWHERE
        self._reader.known_keys(node, (kinds[0], *_BESIDE.get(kinds[0], ()), *also, "fields", "lang"))
        if kinds[0] in PLACELESS and "fields" in row:
            self._reader.fault(
                row["fields"], f"{kinds[0]} has no place in the text: write fields inside it, or not at all"
            )
        clause = KINDS[kinds[0]](self, row[kinds[0]], row)
        fields = self.choices(row.get("fields"), "fields", WITHIN)
        spoken = self.languages(row.get("lang"))
        return Only(clause, fields, spoken) if fields or spoken else clause

    def some(self, node: Node, what: str) -> list[Node]:
        """The items of a list that must hold at least one."""
        items = self._reader.items(node, what)
        if not items and isinstance(node.value, list):
            self._reader.fault(node, f"{what}: an empty list; write at least one thing")
        return items

    def languages(self, node: Node | None) -> tuple[str, ...]:
        """Language codes as macro languages."""
        codes = self._reader.texts(node, "languages")
        for code in codes:
            if node is not None:
                self.known_language(code, node)
        return tuple(dict.fromkeys(macro(code) for code in codes))

    def known_language(self, code: str, node: Node) -> None:
        """Fault a code that no language file has."""
        if macro(code) not in languages():
            known = ", ".join(languages())
            self._reader.fault(node, f"no language {code!r}; write one of {known} or a variety such as sr")

    def choices(self, node: Node | None, what: str, options: tuple[str, ...]) -> tuple[str, ...]:
        """Some of `options`."""
        chosen = self._reader.texts(node, what)
        for text in chosen:
            if text not in options and node is not None:
                self._reader.fault(node, f"{what}: {text!r}; write {', '.join(options)}")
        return chosen

    def _word(self, node: Node) -> Clause:
        self._spent.terms += 1
        if self._spent.terms == MOST_TERMS + 1:
            self._reader.fault(node, f"more than {MOST_TERMS} terms in one watch: split it")
        try:
            return Word(parse(self._reader.text(node, "a term")), place=(node.line, node.column))
        except BadTerm as error:
            self._reader.fault(node, str(error))
            return NOWHERE

    def _any(self, node: Node, what: str = "any") -> Clause:
        return AnyOf(tuple(self.clause(item, what) for item in self.some(node, what)))

    def read_any(self, node: Node, _: dict[str, Node]) -> Clause:
        """`any: [a, b]`."""
        return self._any(node)

    def read_all(self, node: Node, _: dict[str, Node]) -> Clause:
        """`all: [a, b]`."""
        return AllOf(tuple(self.clause(item, "all") for item in self.some(node, "all")))

    def read_not(self, node: Node, _: dict[str, Node]) -> Clause:
        """`not: a`."""
        return Not(self.clause(node, "not"))

    def read_at_least(self, node: Node, row: dict[str, Node]) -> Clause:
        """`at_least: 2` beside `of: [a, b, c]`."""
        if "of" not in row:
            self._reader.fault(node, "at_least: n needs of: [a, b, c] beside it")
            return NOWHERE
        parts = tuple(self.clause(item, "of") for item in self.some(row["of"], "of"))
        return AtLeast(self._count(node, len(parts)), parts)

    def read_near(self, node: Node, _: dict[str, Node]) -> Clause:
        """`near: {within: 3, ordered: false, all: [[a, b], [c]]}`."""
        row = self._reader.map(node, "near")
        self._reader.known_keys(node, ("within", "ordered", "all", "at_least"))
        if "all" not in row:
            self._reader.fault(node, "near needs all: [[one, or-another], [something-else]]")
            return NOWHERE
        groups = tuple(self.clause(item, "a group of near") for item in self.some(row["all"], "all"))
        if len(groups) < 2:
            self._reader.fault(row["all"], "near needs at least two groups: all: [[a, b], [c]]")
        count = self._count(row["at_least"], len(groups)) if "at_least" in row else len(groups)
        ordered = self._flag(row["ordered"]) if "ordered" in row else False
        if ordered and count < len(groups):
            self._reader.fault(row["at_least"], "ordered: true needs all groups: leave at_least out")
        return Near(self._within(row.get("within"), node), groups, count, ordered)

    def read_entity(self, node: Node, row: dict[str, Node]) -> Clause:
        """`entity: some-id` or `entity: [a, b]`, with `kinds: [adjective]` if wished."""
        items = self.some(node, "entity") if isinstance(node.value, list | dict) else [node]
        ids = tuple(self._reader.text(item, "entity") for item in items)
        for item, name in zip(items, ids, strict=True):
            if name not in self._entities:
                self._reader.fault(item, f"no entity has the id {name!r}: see the pack's entities.yaml")
        return Entities(ids, self._reader.texts(row.get("kinds"), "kinds"))

    def read_role(self, node: Node, _: dict[str, Node]) -> Clause:
        """`role: {title: minister of defence, of: serbia}`."""
        row = self._reader.map(node, "role")
        self._reader.known_keys(node, ("title", "of"))
        title, of = self._reader.text(row.get("title"), "title"), self._reader.text(row.get("of"), "of")
        held = {
            name: {role.title for role in one.roles if not of or role.of == of} for name, one in self._entities.items()
        }
        ids = tuple(name for name, titles in held.items() if title in titles)
        if not ids:
            known = sorted(set().union(*held.values()))
            told = f"nobody in entities.yaml is {title!r} of {of!r}; offices: {', '.join(known)}"
            self._reader.fault(node, told)
        return Role(title, of, ids)

    def read_concept(self, node: Node, _: dict[str, Node]) -> Clause:
        """`concept: name`."""
        name = self._reader.text(node, "concept")
        self.references.append((name, node))
        return Concept(name)

    def read_phrase(self, node: Node, _: dict[str, Node]) -> Clause:
        """`phrase: {en: [defence pact], hr: [vojni savez~]}`: terms by the language of the article."""
        if isinstance(node.value, list):
            return self._any(node, "phrase")
        parts = []
        if node.value == {}:
            self._reader.fault(node, "phrase: write {en: [defence pact]}, at least one language")
        for code, item in self._reader.map(node, "phrase").items():
            self.known_language(code, item)
            parts.append(Only(self._any(item, "phrase"), (), (macro(code),)))
        return AnyOf(tuple(parts))

    def read_pattern(self, node: Node, _: dict[str, Node]) -> Clause:
        """`pattern: 'S-[34]00'`."""
        expression = self._reader.text(node, "pattern")
        self._spent.patterns += 1
        if self._spent.patterns == MOST_PATTERNS + 1:
            self._reader.fault(node, f"more than {MOST_PATTERNS} patterns in one watch: terms are faster, use them")
        if len(expression) > LONGEST_PATTERN:
            self._reader.fault(node, f"a pattern of more than {LONGEST_PATTERN} characters: write several")
            return NOWHERE
        try:
            compiled = compiled_pattern(expression)
        except re2.error as error:
            self._reader.fault(node, f"not RE2: {_told(error)}")
            return NOWHERE
        if compiled.search("") is not None:
            self._reader.fault(node, "this pattern matches the empty text, and so everything: ask for a letter")
        return Pattern(expression)

    def read_number(self, node: Node, _: dict[str, Node]) -> Clause:
        """`number: 1244` or `number: {from: 1000, to: 5000}`."""
        if not isinstance(node.value, dict):
            value = self._reader.number(node, "number")
            return Number(value, value)
        row = self._reader.map(node, "number")
        self._reader.known_keys(node, ("from", "to"))
        low = self._reader.number(row["from"], "from") if "from" in row else None
        high = self._reader.number(row["to"], "to") if "to" in row else None
        if (low is None and high is None) or (low is not None and high is not None and low > high):
            self._reader.fault(node, "number: write {from: 1000, to: 5000}, the smaller one first; one end may be open")
        return Number(low, high)

    def read_outlet(self, node: Node, _: dict[str, Node]) -> Clause:
        """`outlet: [some-source, rts.rs]`: ids of sources or domains."""
        return self._about("outlet", node)

    def read_country(self, node: Node, _: dict[str, Node]) -> Clause:
        """`country: [RS, HR]`: where the outlet is at home, in ISO 3166 codes."""
        clause = self._about("country", node)
        for value in clause.values:
            if len(value) != 2 or not value.isupper():
                self._reader.fault(node, f"country: {value!r}; write two capitals, such as RS")
        return clause

    def read_section(self, node: Node, _: dict[str, Node]) -> Clause:
        """`section: [politik*, svet]`: words of the section that the page names."""
        return self._about("section", node)

    def _about(self, what: str, node: Node) -> About:
        values = self._reader.texts(node, what)
        if not values:
            self._reader.fault(node, f"{what}: write at least one")
        return About(what, values)

    def _count(self, node: Node, most: int) -> int:
        count = node.value if isinstance(node.value, int) and not isinstance(node.value, bool) else 0
        if not 1 <= count <= most:
            self._reader.fault(node, f"at_least: {node.plain()!r}; write a number from 1 to {most}")
            return 1
        return count

    def _flag(self, node: Node) -> bool:
        if not isinstance(node.value, bool):
            self._reader.fault(node, f"ordered: {node.plain()!r}; write true or false")
        return node.value is True

    def _within(self, node: Node | None, near: Node) -> int | str:
        if node is None:
            self._reader.fault(near, "near needs within: 3 (tokens), sentence, paragraph or field")
            return SENTENCE
        if node.value in UNITS:
            return str(node.value)
        if isinstance(node.value, int) and not isinstance(node.value, bool) and 1 <= node.value <= WIDEST:
            return node.value
        self._reader.fault(
            node, f"within: {node.plain()!r}; write 1 to {WIDEST} tokens, {SENTENCE}, {PARAGRAPH} or field"
        )
        return SENTENCE


@lru_cache(maxsize=4096)
def compiled_pattern(expression: str) -> Any:
    """The pattern ready to search. Raises re2.error."""
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY
    options.log_errors = False
    options.case_sensitive = False
    return re2.compile(expression, options)


def _told(error: Exception) -> str:
    told = error.args[0] if error.args else error
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told)


KINDS = {
    "any": Clauses.read_any,
    "all": Clauses.read_all,
    "not": Clauses.read_not,
    "at_least": Clauses.read_at_least,
    "near": Clauses.read_near,
    "entity": Clauses.read_entity,
    "role": Clauses.read_role,
    "concept": Clauses.read_concept,
    "phrase": Clauses.read_phrase,
    "pattern": Clauses.read_pattern,
    "number": Clauses.read_number,
    "outlet": Clauses.read_outlet,
    "country": Clauses.read_country,
    "section": Clauses.read_section,
}
PLACELESS = ("not", "outlet", "country", "section")
"""Kinds of clauses that hold nowhere in particular, so that no field can narrow them."""
_BESIDE = {"at_least": ("of",), "entity": ("kinds",)}
