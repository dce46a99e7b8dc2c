"""An article whose text may not be mined: what its outlet tells of it in a feed stands alone, nothing of the page does.

The headline and the link are what a feed hands out to be passed on; with them a watch can still point to an article
that it has not read. A page that no feed or listing gave a headline for is `reserved` and leads to nothing.
"""

from __future__ import annotations

from services.extractor.entities.recognise import mentions
from services.extractor.language import Identifier, identify
from services.extractor.metadata.address import address_of
from services.extractor.metadata.head import Metadata
from services.extractor.metadata.titles import title
from services.extractor.reading import RESERVED, Answer, ExtractOutcome, NoArticle, Reading
from shared import ids
from shared.events import PageFetched
from shared.text.gazetteer import Gazetteer


def withheld(
    page: PageFetched, head: Metadata, reserved: tuple[str, ...], identifier: Identifier, gazetteer: Gazetteer
) -> Answer:
    """The article without its text. `head` gives its canonical address and nothing else."""
    headline = title(Metadata(), page.entry, page.source)
    if not headline.text:
        return NoArticle(outcome=ExtractOutcome.RESERVED, detail=", ".join(reserved))
    address = address_of(page, head)
    article_id = page.article_id or ids.article(address.url)
    language = identify(identifier, headline.text, "", "", page.source.language)
    when = page.published.at if page.published is not None else page.observed
    fields = (("title", headline.text),)
    normalised = " ".join(headline.text.casefold().split()) + "\n"
    return Reading(
        article_id=article_id, version_id=ids.article_version(article_id, normalised),
        text_hash=ids.of("text", normalised), canonical_url=address.url, title=headline.text, lead="", text="",
        language=language, kind=RESERVED, published=page.published, reservations=reserved, headline=headline.text,
        entities=mentions(gazetteer, fields, language.macro, when, page.source.country),
        methods={"title": headline.origin, "canonical_url": address.origin, "text": RESERVED},
    )  # fmt: skip
