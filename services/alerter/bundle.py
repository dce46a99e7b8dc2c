"""A watch file and the concept files it includes as one text: what is published, stored and compiled.

Replicas that have no files take a watch from SQL, so what is stored must be whole. A watch that includes nothing is
stored as it stands. Includes are not nested: a reader of a watch has at most one more file to open per line.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from shared.document import Fault, Faulty, Node, read

_MARK = "# ---- included: {name} ----"
_LINE = re.compile(r"^# ---- included: (.+) ----$", re.MULTILINE)
_NAME = re.compile(r"(?:[a-z0-9_-]+/)*[a-z0-9_-]+\.yaml")


def bundle(path: Path) -> str:
    """The text of a watch file with what it includes. Raises Faulty when a file cannot be read."""
    text = _read_file(path)
    parts = [text]
    for name, node in _asked(text, str(path)):
        try:
            parts.append(_MARK.format(name=name) + "\n" + _included(path.parent, name))
        except OSError as error:
            fault = Fault(str(path), node.line, node.column, f"include {name!r} cannot be read: {error.strerror}")
            raise Faulty([fault]) from error
        except ValueError as error:
            raise Faulty([Fault(str(path), node.line, node.column, str(error))]) from error
    return "\n".join(parts)


def unbundle(text: str) -> tuple[str, dict[str, str]]:
    """The watch's own text, and the included texts by name in the order they were asked for."""
    own, *rest = _LINE.split(text)
    return own, {name: text.removeprefix("\n") for name, text in zip(rest[::2], rest[1::2], strict=True)}


@lru_cache(maxsize=256)
def _asked(text: str, name: str) -> list[tuple[str, Node]]:
    """The files that a text includes. Kept by the text, since files are looked at every few seconds and hardly ever
    change, and a long watch takes 0.1 s to parse."""
    return _names(read(text, name))


def _names(tree: Node) -> list[tuple[str, Node]]:
    top = tree.value if isinstance(tree.value, dict) else {}
    asked = top.get("include")
    if asked is None:
        return []
    items = asked.value if isinstance(asked.value, list) else [asked]
    return [(str(item.value), item) for item in items]


def _included(folder: Path, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"include {name!r}: write a path below the watch's folder, such as shared/parties.yaml")
    return (folder / name).read_text(encoding="utf-8")


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Faulty([Fault(str(path), 1, 1, f"cannot be read: {error}")]) from error
