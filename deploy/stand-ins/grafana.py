"""A stub of Grafana: the health check's answer, once everything it is told to provision can be read.

It draws nothing. What it does check is what breaks a first start: the admin password file, the provisioning folders
and that each dashboard is JSON with a uid and a title.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def check() -> list[str]:
    """Titles of the dashboards found; exits with a line when something is missing."""
    password = Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text(encoding="utf-8")
    provisioned = [*Path("/etc/grafana/provisioning").glob("*/*.yaml")]
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in Path("/etc/grafana/dashboards").glob("*.json")]
    if not (password and provisioned and boards and all(board["uid"] for board in boards)):
        sys.exit("grafana stub: password, provisioning or dashboards are missing")
    return [board["title"] for board in boards]


class Handler(BaseHTTPRequestHandler):
    """Answers GET."""

    def do_GET(self) -> None:
        """The health check, and the titles of what was provisioned."""
        known = {"/api/health": {"database": "ok", "version": "stub"}, "/api/search": TITLES}
        body = json.dumps(known.get(self.path, {"message": "not found"})).encode()
        self.send_response(200 if self.path in known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing about health checks."""


if __name__ == "__main__":
    TITLES = check()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container is not ended by default
    ThreadingHTTPServer(("0.0.0.0", 3000), Handler).serve_forever()  # noqa: S104 - inside a container
