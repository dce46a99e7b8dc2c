"""Challenge pages: a bot wall's page told from any other page, and from an empty feed, by its shape.

A wall answers 200, 202, 403, 429 or 503 with a page that runs a script, sets a cookie and loads again. Nothing of it is
content, and it is no fault of the feed: the outlet does not want to be read by programs, or its content network
believes so. A feed that quotes these words is no wall: the body must be a web page, and most marks are names of scripts
and tokens that a page about walls does not carry.

Sources: the pages of the walls themselves; `cf-mitigated` is Cloudflare's own sign ("Detect a Challenge Page
response").

Left out on purpose: getting past a wall.
"""

from __future__ import annotations

import re

from shared.http import Response

HEAD = 65_536
"""Bytes looked at: walls are small, and their scripts stand in front."""

_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_FEED = re.compile(rb"<(?:rss|feed|rdf:rdf|urlset|sitemapindex)[\s>]", re.IGNORECASE)

WALLS: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (name, re.compile(marks, re.IGNORECASE))
    for name, marks in (
        ("Cloudflare", rb"/cdn-cgi/challenge-platform/|_cf_chl_opt|cf[-_]chl[-_]|id=[\"']cf-(?:wrapper|error-details)"),
        ("DataDome", rb"captcha-delivery\.com|geo\.captcha|ct\.datadome"),
        ("Imperva", rb"_Incapsula_Resource|Incapsula incident"),
        ("Sucuri", rb"sucuri_cloudproxy_js|Sucuri WebSite Firewall"),
        ("HUMAN", rb"px-captcha|_pxAppId"),
        ("AWS WAF", rb"awswaf\.com|gokuProps|AwsWafIntegration"),
        ("DDoS-Guard", rb"ddos-guard\.net|/\.well-known/ddos-guard/"),
        ("Akamai", rb"sec-if-cpt-container|Reference&#32;&#35;|errors\.edgesuite\.net"),
        ("Anubis", rb"id=[\"']anubis_(?:version|challenge)"),
        ("Qrator", rb"__qrator|qauth_utm"),
        ("of unknown make", (rb"<title>\s*(?:just a moment|checking your browser|attention required|one moment, please"
                             rb"|are you a robot|bot verification|human verification|access to this page has been)")),
    )
)  # fmt: skip
"""Marks by wall, the surest first."""


def is_page(body: bytes) -> bool:
    """Whether `body` is a web page (and no feed that has one inside)."""
    page, feed = _PAGE.search(body, 0, HEAD), _FEED.search(body, 0, HEAD)
    return page is not None and (feed is None or page.start() < feed.start())


def wall_of(response: Response) -> str | None:
    """The wall that answered instead of the site, by name; None when the site answered itself."""
    if response.headers.get("cf-mitigated", "").lower() == "challenge":
        return "Cloudflare"
    if not is_page(response.body):
        return None
    return next((name for name, marks in WALLS if marks.search(response.body, 0, HEAD)), None)
