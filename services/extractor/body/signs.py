"""Signs that a page is something else than an article, or an article of a special kind.

Bot checks, pages built by scripts, galleries and live blogs, in the languages of the pack and of those who report from
beside it. Each sign alone is weak; `verdict` asks for them only where a page gave no text or too little of it.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from services.extractor.metadata.head import GALLERY_TYPES, Metadata

SCRIPT_SHARE = 0.6
"""Share of a page's characters inside script elements from which a page without text is built by scripts."""
CHALLENGE_TEXT = 1_500
"""Characters of text up to which a page with the title of a bot check can be one: they are short."""
CODE_TEXT = 400
"""Characters of text up to which the code of a bot check makes a page one: it may guard a comment form elsewhere."""
MANY_PICTURES = 6
"""Pictures in figures from which a page without text is a gallery."""
ENTRIES = 3
"""Paragraphs that begin with a time of day from which a text that calls itself live is a live blog."""

_CHALLENGE_TITLES = """
just a moment|just a second|one more step|attention required|access denied|access to this page has been denied
ddos-guard|checking your browser|please wait|verify you are human|verifying you are human|are you a human
are you a robot|bot verification|human verification|security check|security verification|robot check|captcha
pardon our interruption|request unsuccessful|request rejected|request blocked|403 forbidden|error 403
you have been blocked|before you continue
samo trenutak|sačekajte trenutak|bezbednosna provera|sigurnosna provjera|provjera preglednika|pristup odbijen
pristup je odbijen|pristup zabranjen|pristup je zabranjen|само тренутак|безбедносна провера|приступ је одбијен
само момент|безбедносна проверка|пристапот е одбиен|един момент|момент, моля|проверка за сигурност|достъпът е отказан
достъпът е забранен|një moment|vetëm një moment|kontroll sigurie|kontrolli i sigurisë|qasja u refuzua
samo trenutek|varnostno preverjanje|dostop zavrnjen|один момент|проверка браузера|проверка безопасности|вы не робот
доступ запрещен|доступ запрещён|доступ ограничен|nur einen moment|einen moment bitte|sicherheitsüberprüfung
sicherheitsabfrage|zugriff verweigert|un instant|vérification de sécurité|accès refusé|un momento|accesso negato
acceso denegado|um momento|egy pillanat|un moment, vă rugăm|μια στιγμή|bir dakika lütfen|cierpliwości|even geduld
"""
"""How the titles of such pages begin, in the order of the languages: English, Serbian to Macedonian, Bulgarian,
Albanian, Slovenian, Russian, German, the Romance ones, and others."""
_BEGINNINGS = _CHALLENGE_TITLES.strip().replace("\n", "|").split("|")
_CHALLENGE = re.compile(rf"\W*(?:{'|'.join(map(re.escape, _BEGINNINGS))})\b", re.IGNORECASE)
_CHALLENGE_CODE = re.compile(
    r"_cf_chl_opt|cf-chl-|/cdn-cgi/challenge-platform/h/|captcha-delivery\.com|_Incapsula_Resource|px-captcha|"
    r"ddos-guard/|sucuri_cloudproxy|awsWafCookieDomainList|/_sec/cp_challenge|geo\.captcha|hcaptcha\.com/1/api|"
    r"consent\.(?:google|youtube|yahoo)\.com",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"java-?script")
_NEEDED = re.compile(
    r"enabl|requir|needed|disabled|turn on|activat|uključ|isključ|omoguć|onemoguć|potreban|omogoč|onemogoč|укључ|"
    r"искључ|омогућ|потребан|включ|изключ|отключ|необходим|вклуч|исклуч|овозможет|активир|aktivizo|mundëso|nevojsh|"
    r"aktivier|activer|désactiv|habilit|attiv|desactiv|włącz|engedélyez|ενεργοποι"
)
_NEAR = 40
"""Characters around the word JavaScript in which a page says that it is needed."""
_MOST_SCRIPTS = 200
"""Times the word is looked at: a page full of scripts has it in their addresses."""
_READ = 500_000
"""Characters of a page in which signs are looked for; bot checks are far shorter."""
_GALLERY_PATHS = re.compile(
    r"^(?:(?:photo|image|picture)?-?galler(?:y|ies)|photos|slideshows?|(?:foto-?)?galerij[ae]|(?:foto-?)?galeri[ae]?|"
    r"fotografije|foto|fotoreportaz[ahe]+|bildergalerie|fotostrecken?|галерия|галерија|снимки)$",
    re.IGNORECASE,
)
_LIVE = re.compile(
    r"\b(?:live(?: ?blog| updates?)?|as it happened|uživo|minut[aeu] (?:po|za) minut\w*|iz minute u minutu|уживо|"
    r"минут[ауо] (?:по|за) минут\w*|на живо|во живо|v živo|drejtpërdrejt|minutë pas minute|liveticker|en direct|"
    r"in diretta|en directo|онлайн|прямой эфир)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"^\W{0,3}(?:[01]?\d|2[0-3])[:.][0-5]\d\b")


def is_challenge(page: str, head: Metadata, text: str) -> bool:
    """Whether this is a bot check, a block or a consent page served in place of the article."""
    if _CHALLENGE.match(head.title):
        return len(text) < CHALLENGE_TEXT
    return len(text) < CODE_TEXT and bool(_CHALLENGE_CODE.search(page[:_READ]))


def scripted(page: str, tree: Any) -> str:
    """How it shows that scripts build the page, "" when it does not."""
    inside = sum(len(one.text or "") for one in tree.iter("script")) if tree is not None else 0
    if inside > SCRIPT_SHARE * len(page):
        return f"{inside} of {len(page)} characters are scripts"
    if _asks_for_scripts(page[:_READ].lower()):
        return "it asks to turn scripts on"
    return "an empty element and scripts" if _is_shell(tree) else ""


def _asks_for_scripts(page: str) -> bool:
    """Whether the word stands near one that demands it."""
    places = (found.span() for found, _ in zip(_SCRIPT.finditer(page), range(_MOST_SCRIPTS), strict=False))
    return any(_NEEDED.search(page, max(0, start - _NEAR), end + _NEAR) for start, end in places)


def gallery(head: Metadata, tree: Any, url: str) -> str:
    """How it shows that the page is pictures or a film, "" when it does not."""
    told = min(GALLERY_TYPES & head.types, default="")
    if told or head.first("og:type").startswith("video"):
        return told or head.first("og:type")
    part = next((part for part in urlsplit(url).path.split("/") if _GALLERY_PATHS.match(part)), "")
    pictures = sum(1 for one in tree.iter("figure") if one.find(".//img") is not None) if tree is not None else 0
    return f"/{part}/" if part else f"{pictures} pictures" if pictures >= MANY_PICTURES else ""


def is_live(head: Metadata, text: str) -> bool:
    """Whether a text is a live blog: the publisher says so, or it calls itself live and is told by the clock."""
    if "liveblogposting" in head.types:
        return True
    told = f"{head.title} {head.first('og:title')}"
    return bool(_LIVE.search(told)) and sum(bool(_CLOCK.match(line)) for line in text.split("\n")) >= ENTRIES


def updates_of(head: Metadata) -> str:
    """The entries of a live blog in its JSON-LD, newest first as published; "" without any."""
    updates = head.article.get("liveBlogUpdate")
    entries = updates if isinstance(updates, list) else [updates]
    texts = (one.get("articleBody") or one.get("headline") for one in entries if isinstance(one, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def _is_shell(tree: Any) -> bool:
    """A body of nothing but an empty mounting point and scripts."""
    body = tree.find(".//body") if tree is not None else None
    if body is None or tree.find(".//script") is None:
        return False
    shown = (part.text or "" for part in body.iter() if part.tag not in ("script", "style", "noscript"))
    return not "".join(shown).strip()
