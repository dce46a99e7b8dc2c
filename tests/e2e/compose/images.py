"""Images: stand-ins under the official tags (in an engine of our own only), and the product from its Dockerfile."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.compose.engine import BUILD, ROOT, TOOLS, Engine, archive, run
from tests.fakes.kafka_broker import LIBRARIES, libraries

STAND_INS = ROOT / "deploy" / "stand-ins"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
BASE = "wirewatch-stand-in"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
INCLUDED = ("ca-certificates", "openjdk-17-jre-headless", "postgresql-15", "python3", "python3-venv", "wget")
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
    with ThreadPoolExecutor() as pool:  # the artifacts and the base come from different places
        artifacts = pool.submit(libraries)
        _make_base(engine, say)
        artifacts.result()
    context = _make_context()
    for tag in tags:
        target = TARGETS[tag.partition(":")[0]]
        say(f"stand-in for {tag}")
        engine.run("build", "--quiet", "--network", "host", "--target", target, "--tag", tag, str(context))


def _make_base(engine: Engine, say: Say) -> None:
    """A bare Debian 12 in the engine, once for each list of packages."""
    wanted = f"{BASE}:{'-'.join(INCLUDED)}"[:120]
    if not engine.run("image", "inspect", wanted, check=False).strip("[]\n"):
        say("bare Debian 12 for the stand-ins, a minute or two")
        with tempfile.TemporaryDirectory(dir=BUILD) as folder:
            run(["debootstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}", "bookworm", folder, archive()])
            excluded = " ".join(f"--exclude=./{path}" for path in NOT_NEEDED)
            pipe = f"set -o pipefail; tar -C {folder} {excluded} -c . | docker import - {wanted}"
            run(["bash", "-c", pipe], environment=engine.environment)
    engine.run("tag", wanted, BASE)


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
