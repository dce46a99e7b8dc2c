"""Settings: one frozen object per service, built once at the process edge from the environment and files.

A settings class is a frozen dataclass whose fields are declared with `setting(...)`: the environment variable
(`WIREWATCH_` + name in capitals unless given), a default, help text, and whether it is secret. Every variable may
instead be given as `<NAME>_FILE`, the path of a file holding the value (container secrets). A wrong value is one clear
line naming the variable, what stands there and what to write instead (`Misconfigured`), exit code 2.

This is the only module that reads the environment.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_type_hints

from shared.errors import Misconfigured

PREFIX = "WIREWATCH_"
MASK = "********"
S = TypeVar("S")
Network = IPv4Network | IPv6Network
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def setting(default: Any = MISSING, *, help: str, env: str = "", secret: bool = False) -> Any:  # noqa: A002 - reads as the word it is
    """A field of a settings class; without a default it must be given."""
    metadata = {"help": help, "env": env, "secret": secret}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def load(kind: type[S], environment: Mapping[str, str] | None = None) -> S:
    """Build `kind` from the environment. Raises Misconfigured naming the first variable that is wrong."""
    source = os.environ if environment is None else environment
    hints = get_type_hints(kind)
    values = {item.name: _value(item, hints[item.name], source) for item in fields(cast("Any", kind))}
    return kind(**values)


def _value(item: Field[Any], hint: Any, source: Mapping[str, str]) -> Any:
    name = variable(item)
    text = _text(name, source)
    if text is None:
        if item.default is MISSING:
            raise Misconfigured(f"{name} is not set: {item.metadata['help']}")
        return item.default
    try:
        return parse(text, hint)
    except ValueError as error:
        shown = MASK if item.metadata.get("secret") else repr(text)
        raise Misconfigured(f"{name} is {shown}: {error}") from error


def variable(item: Field[Any]) -> str:
    """The environment variable of a field."""
    return item.metadata.get("env") or PREFIX + item.name.upper()


def _text(name: str, source: Mapping[str, str]) -> str | None:
    path = source.get(name + "_FILE")
    if path and source.get(name):
        raise Misconfigured(f"{name} and {name}_FILE are both set: keep one")
    if not path:
        return source.get(name) or None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{name}_FILE is {path!r}, which cannot be read: {error}") from error


def parse(text: str, hint: Any) -> Any:
    """`text` as a value of the type `hint`. Raises ValueError that says what to write instead."""
    options = [option for option in get_args(hint) if option is not type(None)]
    if type(None) in get_args(hint):
        hint = options[0]
    for kind, convert in _PARSERS.items():
        if hint == kind:
            return convert(text)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _choice(text, hint)
    raise TypeError(f"no parser for {hint!r}")


def _choice(text: str, hint: type[StrEnum]) -> StrEnum:
    try:
        return hint(text)
    except ValueError:
        raise ValueError(f"write one of {', '.join(hint)}") from None


def _boolean(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError("write true or false")
    return words[text.lower()]


def _number(kind: Callable[[str], Any], what: str) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"write {what}") from None

    return convert


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("write a duration such as 500ms, 30s, 5m, 2h or 14d")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("write networks separated by commas, such as 10.0.0.0/8,fd00::/8") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_PARSERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: _number(int, "a whole number"),
    float: _number(float, "a number"),
    bool: _boolean,
    Path: Path,
    timedelta: _duration,
    tuple[Network, ...]: _networks,
    tuple[str, ...]: _words,
}


def masked(settings: Any) -> dict[str, str]:
    """Every variable with its effective value, secrets masked: for the log, `/info` and `doctor`."""
    shown = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        shown[variable(item)] = MASK if item.metadata.get("secret") and value else plain(value)
    return shown


def plain(value: Any) -> str:
    """A value as one would write it in the environment, passwords in addresses masked."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        unit = next((one for one in ("d", "h", "m") if seconds and seconds % _UNITS[one] == 0), "s")
        return f"{seconds / _UNITS[unit]:g}{unit}"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    if isinstance(value, str) and "://" in value:
        return re.sub(r"(://[^:/@]*):[^@/]*@", rf"\1:{MASK}@", value)
    return "" if value is None else str(value)


def replace(settings: S, **changes: Any) -> S:
    """A copy with other values, for tests and the demo."""
    return cast("S", dataclasses.replace(cast("Any", settings), **changes))


class KafkaSecurity(StrEnum):
    """How brokers are talked to."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class KafkaMechanism(StrEnum):
    """How we say who we are."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


@dataclass(frozen=True)
class CommonSettings:
    """What every process needs."""

    bus: str = setting(
        "embedded", help="embedded (one machine) or the bootstrap servers of a Kafka cluster, host:port,…"
    )
    data: Path = setting(Path("data"), help="folder of the embedded log and of the default database")
    database: str = setting("", help="sqlite:///path or postgresql://user:password@host/name; default: in data")
    pack: Path = setting(Path("deploy/packs/alliance"), help="folder of the story pack: sources, watches, entities")
    admin_host: str = setting("127.0.0.1", help="address of the admin port; 0.0.0.0 inside a container")
    admin_port: int = setting(9464, help="admin port: /livez /readyz /metrics /info; 0 takes a free one")
    log_level: str = setting("info", help="debug, info, warning or error")
    log_json: bool | None = setting(None, help="JSON log lines; default: pretty on a terminal, JSON elsewhere")
    drain: timedelta = setting(timedelta(seconds=25), help="how long SIGTERM waits for work in hand")
    allow_networks: tuple[Network, ...] = setting(
        (), help="private networks that may be reached, for intranet receivers"
    )
    user_agent: str = setting("Wirewatch/0.1 (news monitor)", help="how publishers see us: add a contact URL")
    topic_prefix: str = setting("", help="put before every topic name, for a shared Kafka cluster")
    replication_factor: int = setting(1, help="copies of each topic on Kafka")
    kafka_security: KafkaSecurity = setting(KafkaSecurity.PLAINTEXT, help="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
    kafka_sasl_mechanism: KafkaMechanism = setting(
        KafkaMechanism.SCRAM_SHA_512, help="PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
    )
    kafka_username: str = setting("", help="SASL user")
    kafka_password: str = setting("", help="SASL password", secret=True)
    kafka_ca_file: str = setting("", help="CA certificates of the brokers, PEM")
    session_timeout: timedelta = setting(
        timedelta(seconds=10), help="a member silent for this long loses its partitions"
    )

    @property
    def database_url(self) -> str:
        """The database address, the default one in the data folder."""
        return self.database or f"sqlite:///{self.data}/wirewatch.db"
