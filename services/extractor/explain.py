"""Why a field is what it is: everything that was offered for it, and what decided (`wirewatch extract --explain`).

Each function tells of one field, from what the choice itself kept or by asking the same functions again, so that what
is shown is what was done. Nothing here is called while pages of the stream are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import exp

from services.extractor.body.choose import AGREE, RESCUE, SHORTEST_COPY, Body
from services.extractor.body.clean import clean
from services.extractor.body.vote import grams, similar, tallied
from services.extractor.language.identify import Evidence
from services.extractor.language.variety import PRIOR, marks_of
from services.extractor.metadata.address import LONGEST_IMAGE, images_of
from services.extractor.metadata.agency import Credit
from services.extractor.metadata.head import Metadata
from services.extractor.metadata.section import sections_of
from services.extractor.reading import Candidate, ExtractOutcome, NoArticle
from shared.events import Language, PageFetched

SHOWN = 60
"""Characters of a text that are shown beside its length."""
RUNNERS_UP = 4
"""Languages that are shown."""


def body(found: Body, copies: Mapping[str, str]) -> Iterator[Candidate]:
    """The voters' texts with their agreement with the one that was taken, and the publisher's own copies."""
    taken, chosen = found.method.removeprefix("vote "), grams(found.text)
    texts = found.outputs.texts or {taken: found.text if taken not in copies else ""}
    for name, text in texts.items():
        yield _text(name, text, similar(grams(text), chosen), name == taken, _why_voter(found, name))
    if taken not in texts and taken not in copies:
        yield _text(taken, found.text, 1.0, True, "nothing else found a text")
    longest = max(map(len, texts.values()), default=0)
    for name, copy in ((name, clean(copy)) for name, copy in copies.items() if copy):
        yield _text(name, copy, similar(grams(copy), chosen), name == taken, _why_copy(copy, longest, name == taken))


def _text(name: str, text: str, alike: float, won: bool, why: str) -> Candidate:
    shown = f"{len(text)} characters: {' '.join(text[:SHOWN].split())}{'…' if len(text) > SHOWN else ''}"
    return Candidate("text", name, shown, round(alike, 2), won, why)


def _why_voter(found: Body, name: str) -> str:
    outputs = found.outputs
    if outputs.alike is None:
        return "the element that the site's profile names" if name == "profile" else "read cheaply, by one extractor"
    if outputs.alike >= AGREE:
        return f"the first two are alike by {outputs.alike:.2f}, at least {AGREE}: no vote, the strict one is taken"
    if name == "resiliparse":
        halves = found.method == "vote resiliparse"
        return "two others are halves of what this has whole" if halves else "the wide one: decides between equals"
    ballots = {voter: text for voter, text in outputs.texts.items() if voter != "resiliparse"}
    votes = tallied(ballots, outputs.texts["resiliparse"]).get(name, 0.0)
    return f"{votes:.2f} votes; the first two are alike by {outputs.alike:.2f}, under {AGREE}: all are asked"


def _why_copy(copy: str, longest: int, won: bool) -> str:
    if won:
        return f"a rescue: the voters found {longest} characters, under {RESCUE:.0%} of it"
    if len(copy) < SHORTEST_COPY:
        return f"a check only: under {SHORTEST_COPY} characters"
    return f"a check only: the voters found {longest} characters, at least {RESCUE:.0%} of it"


def agencies(told: Iterable[Credit]) -> Iterator[Candidate]:
    """Every place that credits an agency, with what stands there; the first wins."""
    for at, one in enumerate(told):
        why = f"{'the surest place, ' if at == 0 else ''}“{one.surface}”"
        yield Candidate("agency", one.where, one.agency, one.sure, at == 0, why)


def languages(evidence: Evidence, found: Language) -> Iterator[Candidate]:
    """The likeliest languages with the parts of their scores, and what speaks for each variety."""
    scores = evidence.scores()
    if not scores:
        yield Candidate("language", found.origin or "none", found.macro, found.confidence, True, "too few letters")
    best = max(scores.values(), default=0.0)
    total = sum(exp(score - best) for score in scores.values())
    for code in sorted(scores, key=lambda code: -scores[code])[:RUNNERS_UP]:
        parts = ", ".join(f"{name} {part:+.1f}" for name, part in evidence.parts(code) if part)
        sure = round(exp(scores[code] - best) / total, 3)
        yield Candidate("language", "score", code, sure, code == found.macro, f"{scores[code]:.1f}: {parts}")
    if found.macro == "hbs":
        yield from _varieties(evidence, found)


def _varieties(evidence: Evidence, found: Language) -> Iterator[Candidate]:
    if evidence.script == "Cyrl":
        why = "Cyrillic is Serbian, unless the outlet writes Montenegrin or Bosnian in it"
        yield Candidate("variety", "script", found.variety, 0.0, True, why)
        return
    scores: dict[str, list[str]] = {}
    for says, words in marks_of(evidence.sample):
        for variety, weight in says.items():
            scores.setdefault(variety, []).append(f"{', '.join(words)} {weight * sum(words.values()):+.1f}")
    for variety, told in scores.items():
        yield Candidate("variety", "markers", variety, 0.0, variety == found.variety, "; ".join(told))
    if evidence.outlet:
        prior = f"the outlet's own, {PRIOR:+.1f}"
        yield Candidate("variety", "outlet", evidence.outlet, 0.0, not scores and bool(found.variety), prior)
    if not found.variety:
        yield Candidate("variety", "none", "", 0.0, True, "neither markers nor the outlet tell: honestly the group")


def sections(head: Metadata, page: PageFetched, section: str) -> Iterator[Candidate]:
    """The places that name a section; the first that does wins."""
    for at, (origin, name) in enumerate(one for one in sections_of(head, page.entry) if one[1]):
        why = "" if at else "the first place that has one"
        yield Candidate("section", origin, name, 0.0, at == 0 and bool(section), why)


def images(head: Metadata, image: str) -> Iterator[Candidate]:
    """The places that name a picture; the first that does wins, if it is an address."""
    for at, (origin, claim) in enumerate(one for one in images_of(head) if one[1]):
        refused = "" if image else f"no address of a page, or over {LONGEST_IMAGE} characters"
        why = "" if at else refused or "the first place that has one"
        yield Candidate("image", origin, claim[:LONGEST_IMAGE], 0.0, at == 0 and bool(image), why)


def kinds(told: Iterable[tuple[str, str]], kind: str) -> Iterator[Candidate]:
    """The special kinds that an article may be, and how each shows."""
    for name, detail in told:
        yield Candidate("kind", "signs", name, 0.0, name == kind, detail or "no sign of it")
    if kind == "article":
        yield Candidate("kind", "signs", kind, 0.0, True, "a text, and no sign of another kind")


def refusal(
    told: Iterable[tuple[ExtractOutcome, str]], found: Body, refused: NoArticle, shortest: int
) -> Iterator[Candidate]:
    """What a page that is no article may be instead, in the order in which it is asked, and what it was taken for."""
    length = f"{len(found.text)} characters of text, an article has at least {shortest}"
    if refused.outcome is ExtractOutcome.CHALLENGE:
        yield Candidate("verdict", "signs", refused.outcome, 0.0, True, refused.detail)
        return
    listed = list(told)
    for outcome, detail in listed:
        yield Candidate("verdict", "signs", outcome, 0.0, outcome is refused.outcome, detail or "no sign of it")
    if refused.outcome not in {outcome for outcome, _ in listed}:
        yield Candidate("verdict", "length", refused.outcome, 0.0, True, length)
