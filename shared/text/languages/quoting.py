"""What a language file says about quoting, apart from its reporting verbs: who is nobody, which offices there are, how
one speaks of a source. Every list may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.text.fold import fold_text


@dataclass(frozen=True, slots=True)
class Quoting:
    """Words around quotations, all folded.

    `verbs` (stems) also introduce speech, but hint at no act; `pronouns` are subjects; `nobody` are people without a
    name, in subject forms; `works` (stems) stand before and `works_after` behind the title of a work. `offices` are
    subject forms by the title that the list of entities uses. `strong` opens nothing but what somebody says or thinks;
    `bare` verbs (words) take such a clause without it if a name or one of `begins` follows, `after_comma` (stems) do
    behind a comma; where there are `tells`, only those may have somebody told between verb and clause. `nominal` ends
    the verb of a clause that stands before its reporting verb. `according_after` follows the name. `oblique_names` ends
    surnames that are no subject, as do `governing` words before a name. `joining` words join two clauses, and a word of
    `no_clause` begins none that is said. `auxiliaries` may stand before a verb; `refusals` (stems) are verbs whose
    clause is what somebody will not do. `relatives` open a clause about the name before them, `fillers` stand between
    what opens a clause and the clause, `nouns` are verbs only right behind their subject, `adverbs` beside a verb are
    no subject, what stands with one of `impersonal` or ends like `impersonal_ends` has none at all, and
    `according_them` are phrases that mean whoever was named last. `participle_before` are words behind a verb that make
    it a participle (announced in 2021), `lookalikes` words that only fold to one that opens a clause, as they are
    written (së), and `keeps_subject` says that a verb always has one.
    """

    verbs: tuple[str, ...] = ()
    pronouns: frozenset[str] = frozenset()
    nobody: frozenset[str] = frozenset()
    works: tuple[str, ...] = ()
    works_after: tuple[str, ...] = ()
    offices: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    strong: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    begins: frozenset[str] = frozenset()
    tells: frozenset[str] = frozenset()
    after_comma: tuple[str, ...] = ()
    nominal: tuple[str, ...] = ()
    according_after: frozenset[str] = frozenset()
    oblique_names: tuple[str, ...] = ()
    governing: frozenset[str] = frozenset()
    joining: frozenset[str] = frozenset()
    no_clause: frozenset[str] = frozenset()
    auxiliaries: frozenset[str] = frozenset()
    refusals: tuple[str, ...] = ()
    relatives: frozenset[str] = frozenset()
    fillers: frozenset[str] = frozenset()
    nouns: frozenset[str] = frozenset()
    adverbs: frozenset[str] = frozenset()
    impersonal: frozenset[str] = frozenset()
    impersonal_ends: tuple[str, ...] = ()
    participle_before: frozenset[str] = frozenset()
    lookalikes: frozenset[str] = frozenset()
    keeps_subject: bool = False
    according_them: tuple[tuple[str, ...], ...] = ()


def read_quoting(data: Mapping[str, Any]) -> Quoting:
    """The part `quoting` of a language file. Raises what a wrong type raises; the caller names the file."""
    words = {name: tuple(dict.fromkeys(fold_text(data.get(name) or "").split())) for name in _WORDS}
    return Quoting(
        verbs=words["verbs"], pronouns=frozenset(words["pronouns"]), nobody=frozenset(words["nobody"]),
        works=words["works"], works_after=words["works_after"], offices=_offices(data.get("offices") or {}),
        strong=frozenset(words["strong"]), bare=frozenset(words["bare"]), begins=frozenset(words["begins"]),
        tells=frozenset(words["tells"]),
        after_comma=words["after_comma"],
        nominal=words["nominal"], according_after=frozenset(map(fold_text, data.get("according_after") or ())),
        oblique_names=words["oblique_names"], governing=frozenset(words["governing"]),
        joining=frozenset(words["joining"]), no_clause=frozenset(words["no_clause"]),
        auxiliaries=frozenset(words["auxiliaries"]), refusals=words["refusals"],
        relatives=frozenset(words["relatives"]), fillers=frozenset(words["fillers"]), nouns=frozenset(words["nouns"]),
        adverbs=frozenset(words["adverbs"]),
        impersonal=frozenset(words["impersonal"]), impersonal_ends=words["impersonal_ends"],
        participle_before=frozenset(words["participle_before"]),
        lookalikes=frozenset((data.get("lookalikes") or "").split()), keeps_subject=bool(data.get("keeps_subject")),
        according_them=tuple(_apart(one) for one in data.get("according_them") or ()),
    )  # fmt: skip


_WORDS = (
    "verbs", "pronouns", "nobody", "works", "works_after", "strong", "bare", "begins", "tells", "after_comma",
    "nominal", "oblique_names", "governing", "joining", "no_clause", "auxiliaries", "refusals", "relatives", "fillers",
    "nouns", "adverbs", "impersonal", "impersonal_ends", "participle_before",
)  # fmt: skip


def _offices(data: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """The words of every form of an office to the title."""
    return {_apart(form): title for title, forms in data.items() for form in forms}


def _apart(form: str) -> tuple[str, ...]:
    return tuple("".join(one if one.isalnum() else " " for one in fold_text(form)).split())
