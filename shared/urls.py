"""Addresses as identities: one article has one canonical address, whoever links to it and however.

`canonical` is an identity and a thing to show, not an address to dial: it forgets the scheme (`https` unless the port
says otherwise), `www.` and mobile hosts, AMP forms, tracking parameters and fragments. What is fetched is always the
address that was given. Pure functions: no look-ups, no network; the list of public suffixes is the bundled one.

Sources of the rules: RFC 3986 section 6.2 (case, escapes, dot segments, default ports), the forms of AMP pages and
of AMP caches (amp.dev, "AMP URL format"), and the tracking parameters of the large mail, search and social senders.

Left out on purpose: `rel=canonical` of a page (the extractor weighs that) and rules for single sites.
"""

from __future__ import annotations

import functools
import re
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

import tldextract

TRACKING = frozenset(
    """fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid li_fat_id igshid igsh mc_cid mc_eid
    mkt_tok _ga _gl _hsenc _hsmi __hstc __hssc hsctatracking vero_id vero_conv oly_anon_id oly_enc_id rb_clickid s_cid
    s_kwcid cmpid cmp ocid icid ncid sref smid xtor wt_mc wickedid ref ref_src ref_url referrer referer share shared
    sharesource fb_action_ids fb_action_types fb_source fb_ref action_object_map action_type_map spm scm ito
    __twitter_impression guccounter guce_referrer guce_referrer_sig sr_share __cf_chl_tk""".split()  # noqa: SIM905 - a list of forty short words reads best as words
)
TRACKING_PREFIXES = ("utm_", "pk_", "mtm_", "piwik_", "matomo_", "hsa_", "at_", "ns_", "itm_", "__s", "trk_")
"""Parameter names, and beginnings of names, that say how a reader came and never what is shown."""

FEED_WORDS = frozenset({"rss", "feed", "atom", "rssfeed", "rss_feed", "xml"})
FEED_NAMES = frozenset({"source", "from", "src", "via", "origin", "feed", "rss", "medium", "campaign"})
"""`?source=rss`: a way of coming; `?source=beta`: perhaps content, so it stays."""

FORM_PARAMETERS = frozenset({"amp", "amp_js_v", "amp_gsa", "usqp", "outputtype", "output", "mobile", "m", "nomobile"})
FORM_VALUES = frozenset({"", "1", "true", "amp", "0.1", "mobile", "yes"})

MOBILE_LABELS = ("www.", "m.", "mobile.", "mobil.", "amp.", "wap.", "touch.")
AMP_ENDS = ("/amp", "/amp.html", ".amp.html", ".amp", "/index.html", "/index.htm", "/index.php")
DEFAULT_PORTS = {"http": 80, "https": 443}
LONGEST = 2_048
"""Longer addresses are traps or mistakes (the bound Media Cloud settled on)."""

LONE = re.compile("[\ud800-\udfff]")
"""Halves of characters, as broken JSON has them: they cannot go over the wire."""

_ROUNDS = 8
_UNRESERVED = "-._~"
_PATH_SAFE = _UNRESERVED + "!$&'()*+,;=:@/"
_SUFFIXES = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
_AMP_CACHE = re.compile(r"^/(?:[cvi]|wp)/(s/)?([^/]+)(/.*)?$")
_GOOGLE_AMP = re.compile(r"^/amp/(s/)?([^/]+)(/.*)?$")


@functools.lru_cache(maxsize=16_384)
def canonical(url: str) -> str:
    """The canonical form of an absolute http or https address; "" for anything else. Applying it again changes
    nothing."""
    current = url
    for _ in range(_ROUNDS):
        following = _once(current)
        if following == current:
            break
        current = following
    return current


@functools.lru_cache(maxsize=16_384)
def registered_domain(host_or_url: str) -> str:
    """The name somebody registered (`b92.net` of `www.b92.net`), as it goes over the wire, the address itself for an
    IP address, the last two labels under an unknown suffix; "" when there is no host, or a blank in it."""
    host = _ascii(host_of(host_or_url) if "/" in host_or_url else host_or_url.lower().strip("[]").rstrip("."))
    if re.search(r"\s", host):
        return ""
    if not host or _is_address(host):
        return host
    found = _SUFFIXES(host)
    if found.suffix and found.domain:
        return _ascii(f"{found.domain}.{found.suffix}")
    return _ascii(".".join(host.split(".")[-2:]))  # a part may be a name where the whole, with an empty label, is none


def host_of(url: str) -> str:
    """The host in lower case, without port and closing dot; "" when there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _once(url: str) -> str:
    parts = _split(url)
    if parts is None:
        return ""
    unwrapped = _unwrap(parts)
    if unwrapped:
        return unwrapped
    path, query = _path(parts.path), _query(parts.query)
    return f"{_origin(parts)}{path}{'?' + query if query else ''}"


def _split(url: str) -> SplitResult | None:
    """The parts of a usable address, else None."""
    text = LONE.sub("\ufffd", url.strip())
    if not text or len(text) > LONGEST:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable and parts.hostname and not re.search(r"[\s\\<>\"%]", parts.hostname) else None


def _unwrap(parts: SplitResult) -> str:
    """The publisher's address inside that of an AMP cache or viewer, "" if this is none."""
    host = parts.hostname or ""
    match = None
    if host.endswith(".cdn.ampproject.org"):
        match = _AMP_CACHE.match(parts.path)
    elif registered_domain(host).startswith("google."):
        match = _GOOGLE_AMP.match(parts.path)
    if match is None:
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return f"http{'s' if match[1] else ''}://{match[2]}{match[3] or ''}{query}"


def _origin(parts: SplitResult) -> str:
    host = _host(parts.hostname or "")
    shown = f"[{host}]" if ":" in host else host
    port = parts.port
    if port is None or port == DEFAULT_PORTS[parts.scheme]:
        return f"https://{shown}"
    return f"{parts.scheme}://{shown}:{port}"


def _host(host: str) -> str:
    host = _ascii(host.rstrip("."))
    if _is_address(host):
        return host
    for label in MOBILE_LABELS:
        if host.startswith(label) and _is_whole(host[len(label) :]):
            return host[len(label) :]
    return host


def _ascii(host: str) -> str:
    """A name with letters outside ASCII as it goes over the wire."""
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host.lower()


def _is_whole(rest: str) -> bool:
    """Whether what is left is still a name under a registered domain (`m.co` and `www.rs` are not mobile forms)."""
    return "." in rest and bool(registered_domain(rest)) and _SUFFIXES(rest).suffix != rest


def _path(path: str) -> str:
    path = _dots(re.sub(r"/{2,}", "/", _escapes(path)))
    if path.startswith("/amp/"):
        path = path[4:]
    for ending in AMP_ENDS:
        if path.lower().endswith(ending):
            path = path[: -len(ending)] + (".html" if ending == ".amp.html" else "")
            break
    return path.rstrip("/")


def _escapes(text: str) -> str:
    """Escapes in one spelling: unreserved characters bare, everything else in capital hexadecimal digits."""
    return "".join(_piece(piece) for piece in re.split(r"(%[0-9A-Fa-f]{2})", text))


def _piece(piece: str) -> str:
    if not re.fullmatch(r"%[0-9A-Fa-f]{2}", piece):
        return quote(piece, safe=_PATH_SAFE)
    byte = unquote_to_bytes(piece)
    bare = byte.isalnum() or byte in (b"-", b".", b"_", b"~")
    return byte.decode("ascii") if bare else piece.upper()


def _dots(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in (".", ""):
            kept.append(segment)
    return "/" + "/".join(kept) if kept else ""


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="surrogateescape", max_num_fields=None)
    return urlencode(sorted(pair for pair in pairs if not _is_noise(*pair)), errors="surrogateescape")


def _is_noise(name: str, value: str) -> bool:
    name, value = name.lower(), value.lower()
    if not name or name in TRACKING or name.startswith(TRACKING_PREFIXES):
        return True
    if name in FEED_NAMES and (value in FEED_WORDS or (name in FEED_WORDS and value in FORM_VALUES)):
        return True
    return name in FORM_PARAMETERS and value in FORM_VALUES
