"""A world to watch, for a container: one feed, at first empty, and a receiver that keeps what it gets.

Runs alone with the standard library; prints nothing. The article appears when the file /records/publish does, so that
a subscription can be there before it. What the receiver gets is written to /records, one JSON file for each request,
with headers and body as they came.
"""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 8000
SITE = f"http://world.test:{PORT}"
RECORDS = Path("/records")
GO = RECORDS / "publish"
NUMBERS = itertools.count(1)
TITLE = "Kosovo, Albania and Croatia sign a defence declaration in Tirana"
TEXT = """
Ministers of Kosovo, Albania and Croatia signed a joint declaration on defence cooperation in Tirana on Tuesday.
The declaration on defence cooperation covers joint exercises, procurement and the exchange of information between the
armed forces of the three countries, officials said after the ceremony.
A first joint exercise under the declaration is planned for the autumn, and working groups are to meet every three
months, according to a statement handed out to reporters.
Diplomats from neighbouring countries attended the ceremony as guests. The text of the declaration is to be sent to the
parliaments of the three countries within thirty days.
"""
PARAGRAPHS = [" ".join(part.split("\n")) + "." for part in TEXT.strip().removesuffix(".").split(".\n")]


def feed() -> str:
    """The feed as it is now."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>World Test</title><link>{SITE}/</link><description>One article</description>
{item() if GO.exists() else ""}</channel></rss>
"""


def item() -> str:
    """The article's entry."""
    return f"""<item><title>{TITLE}</title><link>{SITE}/declaration</link><guid>declaration-1</guid>
<pubDate>{format_datetime(published())}</pubDate><description>{PARAGRAPHS[0]}</description></item>
"""


def published() -> datetime:
    """When the article appeared."""
    return datetime.fromtimestamp(int(GO.stat().st_mtime), UTC)


def page() -> str:
    """The article."""
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>
<link rel="canonical" href="{SITE}/declaration">
<meta property="article:published_time" content="{published().isoformat()}"></head>
<body><header><nav><a href="/">Home</a></nav></header><main><article><h1>{TITLE}</h1>
{"".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)}</article></main></body></html>
"""


PAGES = {"/feed.xml": ("application/rss+xml", feed), "/declaration": ("text/html; charset=utf-8", page)}


class Handler(BaseHTTPRequestHandler):
    """The site on GET, the receiver on POST."""

    def do_GET(self) -> None:
        kind, write = PAGES.get(self.path, ("text/plain", str))
        body = write()
        self._answer(200 if body else 404, kind, body.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        record = {"path": self.path, "headers": headers, "body": body.decode()}
        half = RECORDS / ".half"
        half.write_text(json.dumps(record), encoding="utf-8")
        half.rename(RECORDS / f"{next(NUMBERS):04}.json")
        self._answer(204, "text/plain", b"")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """The services' own logs tell more."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", PORT), Handler).serve_forever()
