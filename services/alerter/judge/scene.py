"""A sentence being read for who acts in it: its actors, verbs, cues and quotes, and who spoke before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.alerter.judge.actors import Actor, Cast, cast
from services.alerter.judge.acts import Cue, reporting
from services.alerter.judge.reading import Reading, Sentence
from shared.events import Mention, Quote

NEGATED_WITHIN = 3
"""Words before a verb in which a negation turns it (measured as enough on 31 statements in six languages)."""
CAPITAL_NOUNS = frozenset({"de"})
"""Languages that write every noun with a capital, and so no verb within a sentence."""
DENIED_WITHIN, CLAUSE_WORDS = 4, 5
"""Words between a denial and the clause that is denied, and of that clause up to its verb."""
GERUND = "ing"
"""How such a clause begins in English where no `that` opens it."""
ASKED_WITHIN = 6
"""Words between `whether` and a verb or feeling that is only asked for."""
OBJECT_WITHIN = 3
"""Words between a verb and its object, or by whom it was done."""


@dataclass(frozen=True, slots=True)
class Found:
    """An act given to somebody; without a mention, to somebody unknown."""

    actor: Mention | None
    act: str
    confidence: float
    quote: Quote | None = None


@dataclass(slots=True)
class Scene:
    """A sentence being read: its actors, verbs by word, cues and quotes; and who spoke before it."""

    reading: Reading
    sentence: Sentence
    words: list[str]
    cast: Cast
    quotes: list[Quote]
    cues: list[Cue] = field(default_factory=list)
    verbs: list[int] = field(default_factory=list)
    told: dict[int, str] = field(default_factory=dict)
    carried: Mention | None = None
    found: list[Found] = field(default_factory=list)

    @property
    def cased(self) -> bool:
        """Whether forms tell subjects from objects."""
        return self.reading.language is not None and self.reading.language.cased


def scene_of(reading: Reading, sentence: Sentence) -> Scene:
    """A sentence with its actors and quotes; cues and verbs are filled in when somebody in it matters."""
    words = [word.folded for word in sentence.words]
    quotes = reading.quotes_in(sentence)
    players = cast(reading, sentence, words, quotes)
    return Scene(reading, sentence, words, players, quotes)


def speaking(scene: Scene) -> dict[int, str]:
    """Verbs of saying and of seeing as, outside quotation marks, with the act they hint at (`say`, `view`)."""
    spoken = scene.reading.language
    told = reporting(spoken.code).found(scene.words) if spoken is not None else {}
    told |= {one.first: "view" for one in scene.cast.marked("view")}
    told |= {one.first: "say" for one in scene.cast.marked("speak")}
    nouns = {one.first for one in scene.cast.marked("noun")}
    if scene.reading.article.language.macro in CAPITAL_NOUNS:
        nouns |= {at for at, word in enumerate(scene.sentence.words) if word.capital and at > 0}
    return {at: act for at, act in told.items() if at not in nouns and _direct_at(scene, at) is None}


def quote_at(scene: Scene, at: int) -> Quote | None:
    """The quotation that a word stands in."""
    start = scene.sentence.words[at].start
    return next((one for one in scene.quotes if one.span.start <= start < one.span.end), None)


def is_denied(scene: Scene, at: int) -> bool:
    """Whether a word stands in what somebody denies: demantovao je (navode) da je osudio; denied having threatened."""
    for denial in scene.cast.marked("deny"):
        opens = [one.end for one in scene.cast.marked("that") if 0 <= one.first - denial.end <= DENIED_WITHIN]
        if scene.words[denial.end : denial.end + 1] and scene.words[denial.end].endswith(GERUND):
            opens.append(denial.end)
        if any(0 <= at - end <= CLAUSE_WORDS for end in opens) and not is_negated(scene, denial.first):
            return True
    return False


def is_asked(scene: Scene, at: int) -> bool:
    """Whether a verb or a feeling is only asked for: asked whether Serbia has reason to worry."""
    return any(0 <= at - one.end <= ASKED_WITHIN for one in scene.cast.marked("whether"))


def is_silent(scene: Scene, at: int) -> bool:
    """Whether a word belongs to a refusal to say anything."""
    return any(one.first <= at < one.end for one in scene.cast.marked("silent"))


def _direct_at(scene: Scene, at: int) -> Quote | None:
    quote = quote_at(scene, at)
    return quote if quote is not None and quote.kind == "direct" else None


def is_negated(scene: Scene, at: int) -> bool:
    """Whether a word before a verb turns it."""
    spoken = scene.reading.language
    before = scene.words[max(0, at - NEGATED_WITHIN) : at]
    if any(at - NEGATED_WITHIN <= one.end <= at for one in scene.cast.marked("never")):
        return True
    return spoken is not None and any(word in spoken.negations for word in before)


def opens_clause(scene: Scene, at: int) -> bool:
    """Whether a clause begins with a word: whoever stands before it is told or accused (pozvao Beograd da odgovori)."""
    return any(one.first == at for one in scene.cast.marked("that"))


def done_by(scene: Scene, verb: int) -> Actor | None:
    """Who stands behind a verb as the one who did it: condemned by Belgrade."""
    return next((one for one in scene.cast.actors if one.agent and verb < one.at <= verb + OBJECT_WITHIN), None)
