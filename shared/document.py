"""YAML files that people write: every value knows its line and column, so that a fault can be shown where it stands.

`read` gives a tree of `Node`s; the readers of watches and entities take it apart with `Reader`, which collects faults
instead of stopping at the first. A fault says what stands there and what to write instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from shared.errors import Misconfigured

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LARGEST = 4 * 1024 * 1024
"""Characters of a file; also bounds what aliases may blow up to, since they are refused."""
DEEPEST = 40
"""Lists and maps within one another; whoever reads the tree does it by recursion."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a file: where (from 1), what, and what to write instead."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place: a scalar, a list of nodes, or a map from plain keys to nodes."""

    value: Any
    line: int
    column: int
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        return self.value


class Faulty(Misconfigured):
    """A file with faults; all of them are in `faults`."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def read(text: str, file: str) -> Node:
    """The tree of a YAML text. Raises Faulty when it is no YAML, has a key twice, or uses anchors."""
    if len(text) > LARGEST:
        raise Faulty([Fault(file, 1, 1, f"longer than {LARGEST} characters")])
    try:
        loader = _LOADER(text)
        try:
            tree = loader.get_single_node()
            return _node(loader, tree, file, set(), 0) if tree is not None else Node({}, 1, 1)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise Faulty([Fault(file, *place, f"not YAML: {error.problem or error.context}")]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Faulty([Fault(file, 1, 1, f"not YAML: {error}")]) from error


def _node(loader: Any, tree: yaml.Node, file: str, seen: set[int], depth: int) -> Node:
    line, column = _place(tree)
    if depth > DEEPEST:
        raise Faulty([Fault(file, line, column, f"more than {DEEPEST} levels of lists and maps: take some out")])
    if id(tree) in seen:
        raise Faulty([Fault(file, line, column, "anchors and aliases are not read: write the value out")])
    seen.add(id(tree))
    if isinstance(tree, yaml.SequenceNode):
        return Node([_node(loader, item, file, seen, depth + 1) for item in tree.value], line, column)
    if isinstance(tree, yaml.MappingNode):
        return _map(loader, tree, file, seen, depth + 1)
    return Node(loader.construct_object(tree), line, column)


def _map(loader: Any, tree: yaml.MappingNode, file: str, seen: set[int], depth: int) -> Node:
    line, column = _place(tree)
    found: dict[str, Node] = {}
    keys: dict[str, tuple[int, int]] = {}
    for key, value in tree.value:
        name = str(key.value)
        if name in found:
            raise Faulty([Fault(file, *_place(key), f"{name!r} stands here a second time: keep one")])
        keys[name] = _place(key)
        found[name] = _node(loader, value, file, seen, depth)
    return Node(found, line, column, keys)


def _place(tree: yaml.Node) -> tuple[int, int]:
    mark = tree.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


class Reader:
    """Takes a tree apart and collects what is wrong with it. Every `take_…` answers something usable."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []

    def fault(self, node: Node, message: str) -> None:
        """Note a fault at a node."""
        self.faults.append(Fault(self.file, node.line, node.column, message))

    def known_keys(self, node: Node, allowed: Iterable[str]) -> None:
        """Fault every key of a map that is not in `allowed`, at the key itself."""
        names = list(allowed)
        for key, (line, column) in node.keys.items():
            if key not in names:
                near = _nearest(key, names)
                hint = f"did you mean {near!r}?" if near else f"write one of {', '.join(names)}"
                self.faults.append(Fault(self.file, line, column, f"unknown key {key!r}: {hint}"))

    def map(self, node: Node, what: str) -> dict[str, Node]:
        """The entries of a map; {} and a fault when it is none."""
        if isinstance(node.value, dict):
            return dict(node.value)
        self.fault(node, f"{what}: write key: value pairs, not {_kind(node.value)}")
        return {}

    def items(self, node: Node | None, what: str) -> list[Node]:
        """The items of a list; [] when absent; [] and a fault when it is none."""
        if node is None:
            return []
        if isinstance(node.value, list):
            return list(node.value)
        self.fault(node, f"{what}: write a list, [a, b], not {_kind(node.value)}")
        return []

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """A text; numbers are read as text, so that `1244` may stand without quotation marks."""
        if node is None:
            return default
        if isinstance(node.value, bool) or node.value is None or isinstance(node.value, list | dict):
            self.fault(node, f"{what}: write a text, not {_kind(node.value)}")
            return default
        return str(node.value)

    def number(self, node: Node | None, what: str, default: float = 0.0) -> float:
        """A number."""
        if node is None:
            return default
        if isinstance(node.value, int | float) and not isinstance(node.value, bool) and math.isfinite(node.value):
            return float(node.value)
        self.fault(node, f"{what}: write a number, not {_kind(node.value)}")
        return default

    def choice(self, node: Node | None, what: str, options: Iterable[str], default: str = "") -> str:
        """One of `options`."""
        text = self.text(node, what, default)
        names = list(options)
        if node is not None and text not in names:
            self.fault(node, f"{what}: {text!r}; write one of {', '.join(names)}")
            return default
        return text

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """A list of texts; a single text stands for a list of one."""
        if node is not None and not isinstance(node.value, list | dict):
            return (self.text(node, what),)
        return tuple(self.text(item, what) for item in self.items(node, what))

    def finish(self) -> None:
        """Raise Faulty if anything was wrong."""
        if self.faults:
            raise Faulty(sorted(self.faults, key=lambda fault: (fault.line, fault.column)))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    below = node.value if isinstance(node.value, list) else node.value.values() if isinstance(node.value, dict) else ()
    for item in below:
        yield from walk(item)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "key: value pairs"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else repr(value)


def _nearest(word: str, options: list[str]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, options, 1)), "")
