"""`wirewatch health`: is the process on this machine's admin port ready? So no image needs curl for its check.

A container engine asks every few seconds, for every container. So this module speaks HTTP with the standard library
alone and also runs by itself, `python -m services.operate.health 9464`: measured 0.07 s of processor time, against
0.5 s through the one door to the outside and 2 s with the whole command line.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException

SECONDS = 3.0


def is_ready(host: str, port: int) -> bool:
    """Whether `/livez` and `/readyz` answer 200, each within three seconds."""
    return all(_status(host, port, path) == 200 for path in ("/livez", "/readyz"))


def _status(host: str, port: int, path: str) -> int:
    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready("127.0.0.1", int(sys.argv[1])) else 1)
