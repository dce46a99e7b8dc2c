"""A real Apache Kafka broker for tests, from plain Maven artifacts: one combined KRaft node on free loopback ports.

`deploy/kafka/pom.xml` pins the artifacts. Data are kept over `kill` and `restart`, and so are the ports, so that a
client sees what it would see of a broker that comes back. The options are Kafka's defaults but for what a single node
on a small machine needs, and for intervals that let a test see retention at work. A broker that was killed may register
again when the session of the one before has run out: after 2 s here instead of 9.

Left out on purpose: SASL and TLS listeners, and several nodes.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
POM = ROOT / "deploy/kafka/pom.xml"
LIBRARIES = ROOT / "build/kafka/lib"
JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
CLUSTER = "WwTestsKafkaClusterAAA"
START_SECONDS = 60.0

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
log.initial.task.delay.ms=300
log.retention.check.interval.ms=300
log.segment.delete.delay.ms=1000
log.cleaner.enable=false
"""

LOGGING = """
status = error
name = broker
appender.file.type = File
appender.file.name = file
appender.file.fileName = {log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c{{1}} %m%n
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
"""


class Unavailable(Exception):
    """There is no broker to be had here; the message says why."""


def libraries() -> str:
    """The class path, fetched once. Raises Unavailable."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"a Kafka broker needs {program}, which is not installed")
    stamp = LIBRARIES.parent / "stamp"
    wanted = POM.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        fetch()
        stamp.write_text(wanted)
    return f"{LIBRARIES}/*"


def fetch() -> None:
    """Let Maven fetch what the pom pins."""
    shutil.rmtree(LIBRARIES, ignore_errors=True)
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    done = subprocess.run([*command, f"-DoutputDirectory={LIBRARIES}"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"Maven could not fetch the Kafka artifacts: {(done.stdout + done.stderr)[-500:]}")


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on. They lie below the range clients get theirs from, so that no connection
    takes them while the broker is down."""
    ports: list[int] = []
    for port in range(20000 + os.getpid() % 10000, 32000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                ports.append(port)
        if len(ports) == count:
            return ports
    raise Unavailable("no free loopback ports")


class Broker:
    """A broker process: `start`, then `kill`, `pause`, `resume` or `restart` as a test needs, and `stop` at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._controller = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None
        self.bootstrap = f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Format the data folder if it is new, start, and wait until the broker answers."""
        classes = libraries()
        self._folder.mkdir(parents=True, exist_ok=True)
        properties = self._folder / "server.properties"
        if not properties.exists():
            self._write(properties)
            self._java(classes, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(properties)).wait()
        self._process = self._java(classes, "kafka.Kafka", str(properties))
        self._wait()

    def kill(self) -> None:
        """kill -9: nothing is flushed, nobody is told."""
        process = self._running()
        process.kill()
        process.wait()

    def restart(self) -> None:
        """Come back with the same data at the same address."""
        if self.alive:
            self.kill()
        self.start()

    def pause(self) -> None:
        """Stop the process in its tracks; connections stay open and nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the process; its data are not needed any more."""
        if self.alive:
            self.resume()
            self.kill()

    @property
    def alive(self) -> bool:
        """Is there a process?"""
        return self._process is not None and self._process.poll() is None

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the broker was not started"
        return self._process

    def _write(self, properties: Path) -> None:
        data = self._folder / "data"
        properties.write_text(PROPERTIES.format(port=self._port, controller=self._controller, data=data))
        (self._folder / "log4j2.properties").write_text(LOGGING.format(log=self._folder / "broker.log"))

    def _java(self, classes: str, *arguments: str) -> subprocess.Popen[bytes]:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}"
        with (self._folder / "output.txt").open("ab") as output:
            return subprocess.Popen(["java", *JVM, logging, "-cp", classes, *arguments], stdout=output, stderr=output)

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._running().poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise Unavailable(f"the Kafka broker did not start: {(self._folder / 'output.txt').read_text()[-500:]}")
