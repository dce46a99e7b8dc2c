"""A real PostgreSQL server for tests: a throw-away cluster on a free loopback port.

The server's own programs do the work (`initdb`, `pg_ctl`, found on PATH or where Debian puts them). PostgreSQL refuses
to run as root, so under root it runs as `postgres` or, where there is none, `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")
USERS = ("postgres", "nobody")
QUICK = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB")
"""The data is thrown away at the end: a crash of the machine may lose it. A killed server loses nothing."""


class Absent(Exception):
    """This machine cannot run PostgreSQL; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the server's programs are and what to put before their command lines."""

    initdb: str
    pg_ctl: str
    user: pwd.struct_passwd | None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `stop` and `start` are for tests of outages."""

    programs: Programs
    folder: Path
    port: int

    def url(self, database: str = "postgres") -> str:
        """The address of a database in it, in the product's own spelling."""
        return f"postgresql://wirewatch:secret@127.0.0.1:{self.port}/{database}"

    @property
    def pid_file(self) -> Path:
        """Where a running server keeps its process id (first line)."""
        return self.folder / "data" / "postmaster.pid"

    def start_if_stopped(self) -> None:
        """Start it unless it runs."""
        if not self.pid_file.exists():
            self.start()

    def stop(self, how: str = "fast") -> None:
        """Stop it: `fast` cuts connections, `immediate` is a crash."""
        _run(self.programs, [self.programs.pg_ctl, "-D", str(self.folder / "data"), "-m", how, "-w", "stop"])

    def start(self) -> None:
        """Start it (again) on its port and wait until it accepts connections."""
        options = " ".join(f"-c {item}" for item in (*QUICK, "listen_addresses=127.0.0.1", f"port={self.port}"))
        sockets = f"-c unix_socket_directories={self.folder}"
        log = str(self.folder / "log")
        command = [self.programs.pg_ctl, "-D", str(self.folder / "data"), "-l", log, "-w", "-t", "60"]
        _run(self.programs, [*command, "-o", f"{options} {sockets}", "start"])


def find() -> Programs:
    """The programs to use, the newest version first. Raises Absent."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        raise Absent("initdb and pg_ctl are neither on PATH nor under /usr/lib/postgresql: install PostgreSQL 15+")
    if os.geteuid() != 0:
        return Programs(initdb, pg_ctl, None)
    if shutil.which("setpriv") is None:
        raise Absent("PostgreSQL refuses to run as root and setpriv is missing: install util-linux")
    return Programs(initdb, pg_ctl, _unprivileged())


def _program(name: str) -> str | None:
    versions = sorted(DEBIAN.glob("*/bin"), key=lambda path: int(path.parent.name.partition(".")[0]), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, versions), os.environ.get("PATH", "")]))


def _unprivileged() -> pwd.struct_passwd:
    for name in USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Absent(f"PostgreSQL refuses to run as root and there is no user {' or '.join(USERS)}")


@contextmanager
def server() -> Iterator[Server]:
    """A server with an empty cluster, stopped and removed at the end. Raises Absent."""
    programs = find()
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-pg-", dir="/tmp"))  # short: a socket path has 107 bytes
    if programs.user is not None:
        os.chown(folder, programs.user.pw_uid, programs.user.pw_gid)
    running = Server(programs, folder, _free_port())
    try:
        _create(programs, folder)
        running.start()
        yield running
    finally:
        _remove(running)


def _remove(running: Server) -> None:
    if running.pid_file.exists():
        running.stop("immediate")
    shutil.rmtree(running.folder, ignore_errors=True)


def _create(programs: Programs, folder: Path) -> None:
    password = folder / "password"
    password.write_text("secret\n", encoding="utf-8")
    password.chmod(0o644)
    where = ["-D", str(folder / "data"), "-U", "wirewatch", f"--pwfile={password}"]
    _run(programs, [programs.initdb, *where, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"])


def _run(programs: Programs, command: Sequence[str]) -> None:
    """Run to the end. Output goes to a file: a server inherits a pipe and would keep the reader waiting for ever."""
    prefix: list[str] = []
    if programs.user is not None:
        ids = [f"--reuid={programs.user.pw_uid}", f"--regid={programs.user.pw_gid}", "--clear-groups"]
        prefix = ["setpriv", *ids, "--"]
    with tempfile.TemporaryFile() as said:
        done = subprocess.run([*prefix, *command], stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd="/",
                              check=False)  # fmt: skip
        if done.returncode:
            said.seek(0)
            raise RuntimeError(f"{Path(command[0]).name} failed: {said.read().decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
