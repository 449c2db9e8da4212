"""Options of librdkafka: those that a guarantee rests on, our defaults, and the user's own; secrets masked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException

from bridge.errors import BridgeError, ConfigurationError, DeniedError, StopError, StreamAwayError, TopicMissingError
from bridge.stream.names import missing

log = structlog.get_logger(__name__)

Options = Mapping[str, str | int | float | bool]

CEILING = 64 * 1024 * 1024
"""Bytes that a message may have whatever its topic allows."""

PRODUCER = {
    "enable.idempotence": True,
    "acks": "all",
    # A record has no age: with the default of 300 s an outage loses it, and its retry comes after newer ones.
    "message.timeout.ms": 0,
    # A record that fails for good stops the producer before anything newer goes out (kafka_writer goes on from there).
    "enable.gapless.guarantee": True,
    "partitioner": "murmur2_random",
    "message.max.bytes": CEILING,
}
CONSUMER = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # The ledger says where to start; a position that is gone is an error, never a jump.
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "allow.auto.create.topics": False,
    # Where a partition ends is told with the offset up to which it was read: behind the last record may be markers.
    "enable.partition.eof": True,
}
_FORBIDDEN = {
    *PRODUCER,
    *CONSUMER,
    *("bootstrap.servers", "metadata.broker.list", "group.id", "partition.assignment.strategy"),
    # Other names of the same, and what would undo them.
    *("request.required.acks", "delivery.timeout.ms", "retries", "message.send.max.retries", "transactional.id"),
    *("auto.commit.enable", "offset.store.method", "max.in.flight", "max.in.flight.requests.per.connection"),
}
_PRODUCER_DEFAULTS: dict[str, str | int | float | bool] = {
    "batch.size": 500_000,  # smaller than what Kafka's topics take by default, so that no batch is refused
    "queue.buffering.max.kbytes": 65_536,
    "compression.type": "lz4",
}
_COMMON_DEFAULTS: dict[str, str | int | float | bool] = {
    "client.id": "tom-bridge",
    "socket.keepalive.enable": True,
    "reconnect.backoff.max.ms": 5_000,
}
_CONSUMER_DEFAULTS: dict[str, str | int | float | bool] = {
    # One event of thousands of points can take a slow TOM many minutes; a process that died or froze is noticed by
    # session.timeout.ms long before, whatever this is.
    "max.poll.interval.ms": 3_600_000,
    # How soon a topic that was made (again) and a partition's new leader are found.
    "topic.metadata.refresh.interval.ms": 10_000,
}
_SESSION_MS = 45_000
"""librdkafka's default of session.timeout.ms, and brokers' of group.consumer.session.timeout.ms."""
_PRODUCER_ONLY = {"compression.type", "compression.codec", "batch.size", "linger.ms", "queue.buffering.max.kbytes"}
_SECRET = re.compile(r"password|secret|token|jaas|sasl\.username|\.key(\.pem)?$|private|assertion|oauthbearer\.config")

_AUTHENTICATION = {
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError._SSL,
}
DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
UNKNOWN_TOPIC = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.UNKNOWN_TOPIC_ID,
}


def servers(url: str) -> str:
    """Return the ``host:port`` list of ``kafka://host:port,host:port``; raise ConfigurationError where it is none."""
    if "@" in url:
        raise ConfigurationError(
            "an address of Kafka takes no user and password",
            where="stream.url",
            mend="Put them into the options: sasl.username and sasl.password",
        )
    found = [server.strip() for server in url.removeprefix("kafka://").rstrip("/").split(",")]
    for server in found:
        if not re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?", server):
            raise ConfigurationError(
                f"{server[:80]!r} is no address of a broker",
                where="stream.url",
                mend="Write kafka://host:9092 or kafka://host:9092,host:9092",
            )
    return ",".join(server if re.search(r":\d{1,5}$", server) else f"{server}:9092" for server in found)


@dataclass(frozen=True)
class HouseRules:
    """What differs from broker to broker: how groups are called, who makes topics and gives rights."""

    group_prefix: str = ""
    """What every group's name begins with."""
    missing: Callable[[str], TopicMissingError] = missing
    """Tells that a topic is not there."""
    denied: str = "Ask who runs the broker for the permission"
    """What to do where a right is lacking."""

    def group(self, name: str) -> str:
        """Return how a group is called on the broker."""
        return f"{self.group_prefix}{name}"


class Client:
    """What all clients of one stream share: options, masked logs, and what is known of the brokers' state."""

    def __init__(self, bootstrap: str, options: Options, rules: HouseRules) -> None:
        for name in options:
            if name in _FORBIDDEN:
                raise ConfigurationError(
                    "this option is set by the bridge; a guarantee rests on it",
                    where=f"stream.kafka.{name}",
                    mend="Take it out",
                )
        self.rules = rules
        self._bootstrap = bootstrap
        self._options = dict(options)
        self._secrets = [str(value) for name, value in options.items() if _SECRET.search(name) and str(value)]
        self.met = False
        """Whether a broker has answered since the stream was opened."""
        self.down = False
        """Whether the last that was heard is that no broker can be reached."""
        self._refused: str | None = None

    @property
    def session_s(self) -> float:
        """After how many seconds a member of a group that says nothing counts as gone."""
        return float(self._options.get("session.timeout.ms", _SESSION_MS)) / 1000

    def configuration(self, *parts: Mapping[str, Any], producer: bool = False) -> dict[str, Any]:
        """Return a configuration for confluent-kafka: defaults, the user's options, then what can't be overridden."""
        defaults = {**_COMMON_DEFAULTS, **(_PRODUCER_DEFAULTS if producer else _CONSUMER_DEFAULTS)}
        own = {name: value for name, value in self._options.items() if producer or name not in _PRODUCER_ONLY}
        configuration: dict[str, Any] = {**defaults, **own, "bootstrap.servers": self._bootstrap}
        for part in parts:
            configuration.update(part)
        return {**configuration, "error_cb": self._heard, "logger": self}

    def made(self, make: Callable[[dict[str, Any]], Any], configuration: dict[str, Any]) -> Any:
        """Return ``make(configuration)``; raise ConfigurationError with the option's name where librdkafka refuses."""
        try:
            return make(configuration)
        except (KafkaException, TypeError, ValueError) as error:
            told = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            named = re.search(r'property "([^"]+)"', told)
            raise ConfigurationError(
                self.masked(told),
                where=f"stream.kafka.{named[1]}" if named else "stream.kafka",
                mend="The options are those of librdkafka's CONFIGURATION.md",
            ) from None

    def masked(self, text: str) -> str:
        """Return ``text`` without the values of secret options."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def log(self, level: int, message: str, *arguments: Any, **_: Any) -> None:
        """Take a line of librdkafka's log (the part of ``logging.Logger`` that confluent-kafka calls)."""
        text = self.masked(message % arguments if arguments else message)
        # Which option is for which kind of client is not the user's business.
        log.log(10 if text.startswith("CONFWARN") else level, "kafka.client", text=text)

    def _heard(self, error: KafkaError) -> None:
        if error.code() in _AUTHENTICATION:
            self._refused = self.masked(error.str())
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.down = True

    def answered(self) -> None:
        """Note that a broker has answered."""
        self.met, self.down, self._refused = True, False, None

    def translated(self, error: KafkaError, *, topic: str = "", doing: str = "") -> BridgeError:
        """Return ``error`` as ours.

        A refused log-in is a wrong configuration until a broker has once answered; later it is waited for, as brokers
        and identity services restart.
        """
        told = self.masked(error.str() or error.name())
        where = topic or self._bootstrap
        if error.code() in UNKNOWN_TOPIC and topic:
            return self.rules.missing(topic)
        if error.code() in _AUTHENTICATION or self._refused is not None:
            told = self._refused or told
            mend = "Check security.protocol, sasl.* and ssl.* in stream.kafka"
            if not self.met:
                return ConfigurationError(f"the broker refuses the log-in: {told}", where="stream.kafka", mend=mend)
            return StreamAwayError(f"the broker refuses the log-in: {told}", where=where, mend=mend)
        if error.code() in DENIED:
            what = f"the account may not {doing}" if doing else "the account may not do this"
            return DeniedError(f"{what} ({told})", where=where, mend=self.rules.denied)
        if error.fatal():
            return StopError(f"the client can't go on: {told}", where=where, mend="Restart it")
        return StreamAwayError(f"Kafka can't be reached or can't answer ({told})", where=where)
