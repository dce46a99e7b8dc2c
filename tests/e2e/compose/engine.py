"""A Docker engine for tests: the one this machine runs, with the official images; else, as root on Debian, our own.

Two engines on one machine would take each other's packet filter rules away, so ours starts only where none runs. It is
Debian 13's, unpacked under build/ and never installed, since Debian 12's is too old for `start_interval` (Engine 25);
only its `runc` comes from Debian 12, as the newer one wants a newer libc. Socket, data and configuration are private.

Left out on purpose: podman, which has no health checks without systemd.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
BUILD = ROOT / "build" / "compose"
TOOLS = BUILD / "tools"
LOG = BUILD / "commands.log"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = (
    "docker.io/trixie", "docker-cli/trixie", "containerd/trixie", "docker-buildx/trixie", "docker-compose/trixie",
    "tini/trixie", "prometheus/trixie", "promtool/trixie", "runc/bookworm",
)  # fmt: skip
"""Unpacked into build/. The last one is unpacked last: Debian 13's containerd brings no runc of its own."""
INSTALLED = {"iptables": "iptables", "debootstrap": "debootstrap"}
"""Programs that have to be installed, and their packages."""
POOL = "base=172.29.0.0/16,size=24"
"""Where container networks lie: private, and off the range that a machine's own engine starts with."""
START_SECONDS = 60.0


class Absent(Exception):
    """No engine is to be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that runs. `own` is false for the machine's."""

    environment: Mapping[str, str]
    own: bool

    def run(self, *command: str, check: bool = True, give: str | None = None, seconds: float = 900) -> str:
        """Run a docker command to its end; returns what it prints. Raises RuntimeError with the end of its output."""
        return run(["docker", *command], environment=self.environment, check=check, give=give, seconds=seconds)


def run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, check: bool = True,
    give: str | None = None, seconds: float = 900,
) -> str:  # fmt: skip
    """Run a program to its end in the root of the checkout, with its output in build/compose/commands.log, too."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, env=environment, input=give, capture_output=True, text=True, check=False,
                          timeout=seconds, cwd=ROOT)  # fmt: skip
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}-- {done.returncode}\n")
    if check and done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        raise RuntimeError(f"{' '.join(command[:4])} … ended with {done.returncode}:\n{said}")
    return done.stdout


@contextmanager
def engine() -> Iterator[Engine]:
    """An engine, stopped at the end if it is ours. Raises Absent."""
    found = Engine(dict(os.environ), own=False)
    if own_is_possible():
        install()
        unpack()
        with _own() as started:
            yield started
    elif _answers(found) and _has_compose(found):
        yield found
    else:
        raise Absent("needs a running Docker Engine 25+ with Compose, or root on Debian to start one")


def own_is_possible() -> bool:
    """Whether we may start one: root, on Debian, and none runs."""
    if _answers(Engine(dict(os.environ), own=False)):
        return False
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and Path(KEYRING).exists()


def _answers(candidate: Engine) -> bool:
    try:
        return bool(candidate.run("version", "--format", "{{.Server.Version}}", check=False, seconds=20).strip())
    except (OSError, subprocess.TimeoutExpired):
        return False


def _has_compose(candidate: Engine) -> bool:
    return bool(candidate.run("compose", "version", "--short", check=False, seconds=20).strip())


def install() -> None:
    """Install what has to be installed. Raises RuntimeError when the package archive does not give it."""
    missing = [package for program, package in INSTALLED.items() if _which(program) is None]
    if missing:
        run(["apt-get", "update"])
        run(["apt-get", "install", "--yes", "--no-install-recommends", *missing])


def unpack() -> None:
    """Unpack what need not be installed, once."""
    stamp = TOOLS / "stamp"
    if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
        _unpack()
        stamp.write_text(" ".join(PACKAGES))


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def archive() -> str:
    """The package archive this machine uses for Debian."""
    said = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
    found = [line for line in said.splitlines() if line.rstrip("/").endswith("/debian")]
    if not found:
        raise RuntimeError("apt knows no Debian archive: put one into its sources")
    return found[0]


def _unpack() -> None:
    """Download with an apt configuration of our own: the machine's lists and packages stay as they are."""
    shutil.rmtree(TOOLS, ignore_errors=True)
    work = TOOLS / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    source = f"deb [signed-by={KEYRING}] {archive()}"
    (work / "sources.list").write_text(f"{source} bookworm main\n{source} trixie main\n")
    options = [
        f"Dir::Etc::sourcelist={work}/sources.list", "Dir::Etc::sourceparts=-", f"Dir::State::lists={work}/lists",
        f"Dir::Cache={work}/cache", f"Dir::State::status={work}/status", "APT::Sandbox::User=root",
    ]  # fmt: skip
    apt = ["apt-get", *(part for option in options for part in ("-o", option))]
    run([*apt, "update"])
    for package in PACKAGES:  # one by one, so that the file of each is known
        before = set((work / "debs").iterdir())
        run(["env", "--chdir", str(work / "debs"), *apt, "download", package])
        (fresh,) = set((work / "debs").iterdir()) - before
        run(["dpkg-deb", "-x", str(fresh), str(TOOLS)])
    shutil.rmtree(work)


@contextmanager
def _own() -> Iterator[Engine]:
    folder = Path(tempfile.mkdtemp(prefix="wirewatch-engine-", dir="/tmp"))  # short: a socket path has 107 bytes
    plugins = folder / "config" / "cli-plugins"
    shutil.copytree(TOOLS / "usr/libexec/docker/cli-plugins", plugins)
    path = f"{TOOLS}/usr/bin:{TOOLS}/usr/sbin:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    environment = {**os.environ, "PATH": path, "DOCKER_HOST": f"unix://{folder}/docker.sock",
                   "DOCKER_CONFIG": str(folder / "config"), "DOCKER_BUILDKIT": "1"}  # fmt: skip
    started = Engine(environment, own=True)
    daemon = _start(folder, environment)
    try:
        _wait(started, daemon)
        yield started
    finally:
        _stop(daemon)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    _end_left_over(BUILD / "engine.pid")
    command = [
        "dockerd", "--host", f"unix://{folder}/docker.sock", "--data-root", str(BUILD / "engine"), "--exec-root",
        str(folder / "exec"), "--pidfile", str(BUILD / "engine.pid"), "--bridge", "none",
        "--default-address-pool", POOL,
        # nothing here may raise a limit above its own, and some machines have no unified cgroups
        "--default-ulimit", "nofile=16384:16384", "--default-ulimit", "nproc=4096:4096",
        "--exec-opt", "native.cgroupdriver=cgroupfs",
    ]  # fmt: skip
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "engine.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _end_left_over(pid_file: Path) -> None:
    """An engine that an interrupted run left behind on the same data."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        if str(BUILD / "engine").encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)
            for _ in range(200):
                os.kill(pid, 0)
                time.sleep(0.1)


def _wait(started: Engine, daemon: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if daemon.poll() is not None:
            raise RuntimeError(f"the engine did not start: {(BUILD / 'engine.log').read_text()[-1500:]}")
        if _answers(started):
            return
        time.sleep(0.3)
    raise RuntimeError(f"the engine does not answer after {START_SECONDS:.0f} s, see {BUILD / 'engine.log'}")


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(60)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
