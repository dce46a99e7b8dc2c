"""Settings of the notifier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.settings import setting


@dataclass(frozen=True)
class NotifierSettings:
    """What the notifier needs beside the common settings."""

    data: Path = setting(Path("data"), help="folder of the key file notifier.key, where no key is given")
    notifier_key: str = setting(
        "",
        help="keys that seal subscribers' secrets in the database, 32 bytes in base64, the newest first, separated by "
        "commas; default: generated once into the data folder",
        secret=True,
    )
    api_host: str = setting("127.0.0.1", help="the address on which the public port of the notifier listens")
    api_port: int = setting(0, help="the public port of the notifier: subscriptions and alerts over HTTP; 0: none")
    api_origin: str = setting(
        "",
        help="who we say we are when a receiver is asked for its consent, such as news.example.org; default: the host",
    )
    delivery_in_flight: int = setting(512, help="requests to receivers at the same time, over all subscriptions")
    delivery_poll: timedelta = setting(
        timedelta(seconds=1), help="how often the database is asked for retries and for other replicas' deliveries"
    )
    delivery_lease: timedelta = setting(
        timedelta(seconds=60), help="how long a replica owns a subscription unless it renews; at least 60s"
    )
