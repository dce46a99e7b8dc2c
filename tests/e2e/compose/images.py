"""Images: stand-ins under the official tags (in an engine of our own only), and the product from its Dockerfile."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.e2e.compose.engine import BUILD, ROOT, TOOLS, Engine, archive, run
from tests.fakes.kafka_broker import LIBRARIES

STAND_INS = ROOT / "deploy" / "stand-ins"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
INCLUDED = ("ca-certificates", "openjdk-17-jre-headless", "postgresql-15", "python3", "python3-venv", "wget")
BASE = f"wirewatch-stand-in:{zlib.crc32(' '.join(INCLUDED).encode()):08x}"
NOT_NEEDED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale",
              "usr/lib/postgresql/15/lib/bitcode")  # fmt: skip
TARGETS = {
    "apache/kafka": "kafka",
    "postgres": "postgres",
    "prom/prometheus": "prometheus",
    "grafana/grafana": "grafana",
    "python": "python",
}
Say = Callable[[str], None]


def base_images() -> list[str]:
    """What the product's Dockerfile starts from."""
    return sorted(set(re.findall(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)))


def make_stand_ins(engine: Engine, tags: list[str], say: Say) -> None:
    """Build a stand-in for each tag. Raises KeyError for an image nobody has a stand-in for."""
    if not engine.run("image", "ls", "--quiet", BASE).strip():
        say("bare Debian 12 for the stand-ins")
        engine.run("import", str(base()), BASE)
    context = _make_context()
    for tag in tags:
        target = TARGETS[tag.partition(":")[0]]
        say(f"stand-in for {tag}")
        engine.run("build", "--quiet", "--network", "host", "--build-arg", f"BASE={BASE}",
                   "--target", target, "--tag", tag, str(context))  # fmt: skip


def base() -> Path:
    """A bare Debian 12 as an archive, made once. Takes a minute or two."""
    archived = BUILD / f"{BASE.partition(':')[2]}.tar"
    if not archived.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_quick_folder()) as folder, tempfile.TemporaryDirectory(dir=BUILD) as near:
            root, half = Path(folder) / "root", Path(near) / "half.tar"
            run(
                [
                    "debootstrap",
                    "--variant=minbase",
                    f"--include={','.join(INCLUDED)}",
                    "bookworm",
                    str(root),
                    archive(),
                ]
            )
            run(["tar", "-C", str(root), *(f"--exclude=./{path}" for path in NOT_NEEDED), "-cf", str(half), "."])
            half.rename(archived)
    return archived


def _quick_folder() -> Path:
    """Where a system of 1 GB is unpacked: in memory if there is plenty and devices and programs are allowed, since
    every package is synced to disk otherwise."""
    memory = Path("/dev/shm")
    if memory.is_dir():
        found = os.statvfs(memory)
        forbids = found.f_flag & (os.ST_NODEV | os.ST_NOEXEC | os.ST_RDONLY)
        if not forbids and found.f_bavail * found.f_frsize > 4 << 30 and _free_memory() > 4 << 30:
            return memory
    return BUILD


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _make_context() -> Path:
    """What the stand-ins' Dockerfile copies."""
    context = BUILD / "context"
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(STAND_INS, context)
    shutil.copytree(LIBRARIES, context / "kafka")
    shutil.copy(AUTHORITIES, context)
    for program in ("prometheus", "promtool"):
        shutil.copy(TOOLS / "usr/bin" / program, context)
    return context


def make_product(engine: Engine, tag: str, say: Say) -> None:
    """Build the product's image as it ships, from the sources of this checkout."""
    say(f"image {tag} from deploy/Dockerfile")
    network = ("--network", "host") if engine.own else ()
    engine.run("build", "--quiet", *network, "--file", str(DOCKERFILE), "--tag", tag, str(ROOT))
