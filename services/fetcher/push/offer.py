"""Where a publisher says that its changes are pushed: hub and topic (WebSub section 4, "Discovery").

Link headers go before what the feed says. A publisher that names a hub and no topic means the address asked. Of several
hubs the first counts.

Left out on purpose: `.well-known/host-meta` and HTML `<link>` elements, which are for pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

LONGEST_HEADER = 16_384
LONGEST_ADDRESS = 2_048

_LINK = re.compile(r'<([^<>]*)>((?:[^,"]|"(?:[^"\\]|\\.)*")*)')
_PARAMETER = re.compile(r';\s*([^\s;=,"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))')


@dataclass(frozen=True, slots=True)
class Offer:
    """A hub and the topic to subscribe to, both absolute."""

    hub: str
    topic: str


def offered(headers: Mapping[str, str], *, hub: str, topic: str, base: str) -> Offer | None:
    """The offer of an answer from `base`; `hub` and `topic` are what its feed names, "" for nothing."""
    said = links(headers.get("link", ""))
    where = _absolute(said.get("hub") or hub, base)
    about = _absolute(said.get("self") or topic or base, base)
    return Offer(where, about) if where and about else None


def links(header: str) -> dict[str, str]:
    """Relation (in lower case) to the first target named for it (RFC 8288 section 3). A link that speaks of another
    document (`anchor`) is not about this one."""
    found: dict[str, str] = {}
    for target, relations in _links(header[:LONGEST_HEADER]):
        for relation in relations.lower().split():
            found.setdefault(relation, target.strip())
    return found


def _links(header: str) -> Iterator[tuple[str, str]]:
    for target, parameters in _LINK.findall(header):
        said = [(name.lower(), quoted or bare) for name, quoted, bare in _PARAMETER.findall(parameters)]
        relations = next((value for name, value in said if name == "rel"), "")  # further ones do not count
        if relations and not any(name == "anchor" for name, _ in said):
            yield target, relations


def _absolute(address: str, base: str) -> str:
    """An http(s) address without its fragment, "" for anything else."""
    try:
        parts = urlsplit(urljoin(base, address)) if address else None
        good = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    absolute = parts._replace(fragment="").geturl() if good and parts is not None else ""
    return absolute if len(absolute) <= LONGEST_ADDRESS and not re.search(r"\s", absolute) else ""
