"""How to reach a cluster, and the settings every client of it shares."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.bus import BusUnavailable, Partition
from shared.errors import was_lost

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """A cluster and this installation's place in it. `topic_prefix` goes before the names of topics and groups, so that
    several installations can share a cluster; outside of this package names are without it."""

    bootstrap: str
    client_id: str = "wirewatch"
    topic_prefix: str = ""
    replication_factor: int = 1
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "PLAIN"
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    request_timeout: float = 20.0
    """Seconds an administrative request, or a message on its way, may take."""
    stop_timeout: float = 10.0
    """Seconds a client may take to stop: aiokafka's own stop waits for ever when a leader is missing."""
    linger_ms: int = 2

    def client(self) -> dict[str, Any]:
        """Arguments common to aiokafka's clients."""
        secure = self.security_protocol in {"SSL", "SASL_SSL"}
        return {
            "bootstrap_servers": self.bootstrap,
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_timeout * 1000),
            "metadata_max_age_ms": 60_000,
            "security_protocol": self.security_protocol,
            "ssl_context": ssl.create_default_context(cafile=self.ca_file) if secure else None,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
        }

    def there(self, partition: Partition) -> TopicPartition:
        """A partition as the cluster knows it."""
        return TopicPartition(self.topic_prefix + partition.topic, partition.number)

    def here(self, partition: TopicPartition) -> Partition:
        """A partition as everybody else here knows it."""
        return Partition(partition.topic.removeprefix(self.topic_prefix), partition.partition)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Whatever the client or the network raises means that the bus is unavailable. aiokafka's error table is
    incomplete (codes 82, 90, 110 and 120 arrive as UnknownError), so classes are not told apart here."""
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise BusUnavailable(f"{what}: {type(error).__name__}: {error}") from error
    except RuntimeError as error:
        if not was_lost(error):
            raise
        raise BusUnavailable(f"{what}: the connection was lost: {error}") from error
