"""Everything that was offered for the fields, the winners marked: what `wirewatch extract --explain` shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from services.extractor.reading import Candidate


def judged(offered: Iterable[Candidate], methods: Mapping[str, str], whys: Mapping[str, str]) -> tuple[Candidate, ...]:
    """`offered` with the first of each field that stands where the field was found marked as the winner, unless one is
    marked already; `whys` gives each field's reason."""
    offered = tuple(offered)
    settled = {one.field for one in offered if one.won}
    listed = []
    for one in offered:
        origin = methods.get(one.field, "").partition(" ")[0]
        if one.origin == origin and one.field not in settled:
            settled.add(one.field)
            listed.append(msgspec.structs.replace(one, won=True, why=whys.get(one.field, "") or one.why))
        else:
            listed.append(one)
    return tuple(listed)
