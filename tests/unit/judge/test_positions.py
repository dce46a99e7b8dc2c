"""Positions by rule and language, with the names of the shipped pack: who is found for a sentence on an alliance."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.alerter.judge.reaction import reactions
from services.alerter.judge.reading import Reading
from services.extractor.entities.recognise import load_gazetteer
from services.operate.watches.texts import Text, article_of
from shared import ids
from shared.events import ArticleMatched, Hit
from tests.fakes.small import spans

PACK = load_gazetteer(Path("deploy/packs/alliance"))
WHEN = datetime(2025, 3, 20, 12, tzinfo=UTC)
TOPIC = r"\b(?:savez\w*|савез\w*|alliance\w*|aleanc\w*|съюз\w*|сојуз\w*|zavezništv\w*|bündnis\w*|alleanz\w*|союз\w*)"
SURE = 0.6
OFFICIALS = "officials-serbia"


def found(code: str, text: str, title: str = "", url: str = "") -> dict[str, set[str]]:
    """The acts of the Serbian side by actor."""
    article = article_of(Text("t", title, text, code, WHEN, url), PACK, WHEN)
    hits = [Hit(concept="alliance", term="alliance", span=span) for span in spans(title, text, TOPIC)]
    match = ArticleMatched(
        id=ids.match("w", article.id), observed=WHEN, watch_id="w", watch_version=1, article=article,
        hits=tuple(hits), concepts=("alliance",),
    )  # fmt: skip
    acts: dict[str, set[str]] = {}
    for one in reactions(Reading(match), "serbia"):
        if one.confidence >= SURE:
            acts.setdefault(one.actor.entity_id, set()).add(one.act)
    return acts


@pytest.mark.parametrize(
    ("rule", "code", "text", "actor", "act"),
    [
        ("group by adjective", "sr", "Srpski zvaničnici protestuju zbog saveza.", OFFICIALS, "protest"),
        ("group by adjective", "sr", "Српске власти осуђују савез.", OFFICIALS, "condemn"),
        ("group by adjective", "sq", "Zyrtarët serbë e dënojnë aleancën.", OFFICIALS, "condemn"),
        ("group by adjective", "mk", "Српските функционери го критикуваат сојузот.", OFFICIALS, "condemn"),
        ("group by adjective", "bg", "Сръбските власти протестират срещу съюза.", OFFICIALS, "protest"),
        ("group by adjective", "en", "Serbian diplomats condemned the alliance.", OFFICIALS, "condemn"),
        ("group by country", "hr", "Vlasti u Srbiji prosvjeduju i kritiziraju savez.", OFFICIALS, "condemn"),
        ("group by country", "en", "Authorities in Serbia condemned the alliance.", OFFICIALS, "condemn"),
        ("office of one named", "sr", "Vučić je u Nišu. Predsednik Srbije osudio je savez.", "vucic", "condemn"),
        ("office alone", "sr", "Gašić je u Nišu sa vojskom Srbije. Ministar je osudio savez.", "gasic", "condemn"),
        ("feeling, object", "sr", "Vučića je naljutio savez Zagreba i Tirane.", "vucic", "condemn"),
        ("feeling, object", "sl", "Zavezništvo je razburilo Vučića.", "vucic", "condemn"),
        ("feeling, object", "en", "The alliance has alarmed Vucic.", "vucic", "condemn"),
        ("feeling, object", "mk", "Сојузот го разлути Вучиќ.", "vucic", "condemn"),
        ("feeling, subject", "en", "Belgrade was angered by the alliance.", "city-belgrade", "condemn"),
        ("feeling, subject", "hr", "Srbija je ogorčena zbog saveza.", "serbia", "condemn"),
        ("feeling, subject", "sq", "Serbia është e pakënaqur me aleancën.", "serbia", "condemn"),
        ("seeing as", "en", "Vucic sees the alliance as a danger.", "vucic", "condemn"),
        ("seeing as", "bs", "Beograd savez vidi kao opasnost.", "city-belgrade", "condemn"),
        ("seeing as", "sq", "Vuçiq e konsideron aleancën rrezik.", "vucic", "condemn"),
        ("seeing as", "it", "La Serbia considera l'alleanza una minaccia.", "serbia", "condemn"),
        ("verb last", "sr", "Savez Zagreba i Tirane Ministarstvo odbrane Srbije najoštrije je osudilo.", "mod-serbia",
         "condemn"),
        ("behind what is said", "ru", "Этот союз угрожает миру, заявил Вучич.", "vucic", "condemn"),
        ("colon", "sr", "Vučić: Savez je opasnost za sve.", "vucic", "condemn"),
        ("relative clause", "hr", "Plenković je govorio s Vučićem, koji savez naziva prijetnjom.", "vucic", "condemn"),
        ("according to", "bg", "Според Вучич съюзът е заплаха.", "vucic", "condemn"),
        ("out of", "sr", "Iz Beograda poručuju da je savez opasnost.", "city-belgrade", "condemn"),
        ("inside", "sr", "U Beogradu smatraju da je savez opasnost.", "city-belgrade", "condemn"),
        ("reaction without a verb", "sl", "V Beogradu je zavezništvo izzvalo ogorčenje.", "city-belgrade", "condemn"),
        ("reaction of", "hr", "Savez je naišao na osudu Beograda.", "city-belgrade", "condemn"),
        ("agent", "en", "The alliance was condemned by the Serbian government.", "government-serbia", "condemn"),
        ("claim", "bs", "Anušić je odbacio tvrdnje Vučića da je savez opasan.", "vucic", "condemn"),
        ("wants to know", "en", "Serbia wants to know what the alliance is for.", "serbia", "demand"),
        ("state", "de", "Serbien kritisiert das Bündnis.", "serbia", "condemn"),
        ("unlisted verb", "en", "Vucic reckons that the alliance will fail.", "vucic", "comment"),
    ],
)  # fmt: skip
def test_somebody_takes_a_position(rule: str, code: str, text: str, actor: str, act: str) -> None:
    assert act in found(code, text).get(actor, set()), rule


@pytest.mark.parametrize(
    ("rule", "code", "text"),
    [
        ("former", "sr", "Bivši ministar Srbije osudio je savez."),
        ("former", "en", "Former Serbian officials condemned the alliance."),
        ("expert", "sr", "Stručnjak Petar Perić kaže da Srbija brine zbog saveza."),
        ("expert", "mk", "Експертот оцени дека сојузот е закана."),
        ("newspaper", "en", "The Serbian daily Politika called the alliance a threat."),
        ("another side", "en", "Albin Kurti accused Serbia of threats and praised the alliance."),
        ("another side tells", "sq", "Albin Kurti tha se Serbia kërcënon aleancën."),
        ("another side's office", "hr", "Hrvatski ministar odgovorio je Srbiji: savez je obramben."),
        ("told somebody", "sr", "Anušić je poručio Vučiću da savez nije pretnja."),
        ("called upon", "sr", "Anušić je pozvao Beograd da odgovori na savez."),
        ("accused", "hr", "Srbija je optužena za širenje laži o savezu."),
        ("accused", "en", "Serbia was accused of lies about the alliance."),
        ("genitive", "sr", "Reakcija Ministarstva odbrane Srbije na savez bila je po njemu mlaka."),
        ("no need", "bs", "Srbija nema razloga da strahuje od saveza."),
        ("silence", "en", "The Serbian government declined to comment on the alliance."),
        ("silence", "sr", "Beograd je odbio da komentariše savez."),
        ("silence", "bg", "Белград не коментира съюза."),
        ("opposition", "en", "An opposition leader in Serbia called the alliance a failure."),
        ("aside of another", "hr", "Milanović je u Splitu. Srbija, smatra, nije meta saveza."),
        ("neutral", "en", "Serbia takes part in an exercise, and so does the alliance."),
        ("noun like a verb", "sr", "Izjava Srbije i savez bili su tema sastanka."),
    ],
)
def test_nobody_of_the_side_takes_a_position(rule: str, code: str, text: str) -> None:
    assert found(code, text) == {}, rule


def test_an_institution_without_its_country_is_that_of_the_outlet() -> None:
    text = "Ministarstvo odbrane je osudilo savez."
    assert "mod-serbia" in found("sr", text, url="https://www.primer.rs/1")
    assert found("hr", text, url="https://www.primjer.hr/1") == {}


def test_a_capital_speaks_where_nobody_is_named() -> None:
    assert found("sr", "Beograd tvrdi da je savez nov.") == {"city-belgrade": {"comment"}}
    assert "city-belgrade" not in found("sr", "Beograd tvrdi da je savez nov. Vučić je osudio savez.")


def test_a_wrapped_text_is_read_in_whole_sentences() -> None:
    assert "mod-serbia" in found("en", "The alliance is new. Serbia's\nDefence Ministry sees a threat in it.")
