"""The stream between organisations: Apache Kafka, and what speaks its protocol."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from bridge.errors import ConfigurationError, DeniedError, StreamAwayError
from bridge.stream.kafka_admin import ROOM, KafkaAdmin
from bridge.stream.kafka_history import KafkaHistory
from bridge.stream.kafka_options import Client, HouseRules, Options, servers
from bridge.stream.kafka_subscription import KafkaSubscription
from bridge.stream.kafka_writer import KafkaWriter, check_size
from bridge.stream.names import gone
from bridge.stream.port import Ends, Headers, Partition, Record, StartAt, Topic


class KafkaStream:
    """A stream on Kafka; see :class:`bridge.stream.port.Stream`."""

    def __init__(self, url: str, options: Options, rules: HouseRules | None = None) -> None:
        """Take the address and librdkafka's options; nothing is waited for."""
        bootstrap = servers(url)
        self.url = f"kafka://{bootstrap}"
        self._client = Client(bootstrap, options, rules or HouseRules())
        self._account = str(options.get("sasl.username", ""))
        self._classic = options.get("group.protocol", "classic") == "classic"
        self._admin = KafkaAdmin(self._client)
        self._writer: KafkaWriter | None = None
        self._largest: dict[str, int] = {}

    def account(self, topic: str) -> str:  # noqa: ARG002 (one for all)
        """Return the user name that this client logs in with."""
        return self._account

    def publish(self, topic: str, *, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Hand over one record; waits while more than ``queue.buffering.max.kbytes`` are unconfirmed."""
        check_size(topic, value, self._largest_of(topic))
        if self._writer is None:
            self._writer = KafkaWriter(self._client, self._largest_message_anew)
        self._writer.publish(topic, key, value, headers)

    def _largest_of(self, topic: str) -> int:
        """Return the largest value by topic, asked once: a topic that is missing is asked for again each time."""
        known = self._largest.get(topic)
        return self._largest_message_anew(topic) - ROOM if known is None else known

    def _largest_message_anew(self, topic: str) -> int:
        largest = self._admin.largest_message(topic)
        self._largest[topic] = largest - ROOM
        return largest

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when the brokers have confirmed every record."""
        if self._writer is not None:
            self._writer.flush(timeout_s)

    def subscribe(
        self, topics: Sequence[str], group: str, start_at: StartAt, *, missing_ok: bool = False
    ) -> KafkaSubscription:
        """Join ``group``: the classic protocol, cooperative; ``group.protocol=consumer`` takes the newer one."""
        if not missing_ok and not self._admin.identities(topics):
            raise self._client.rules.missing(topics[0])
        own = self._client.rules.group(group)
        return KafkaSubscription(self._client, self._admin, topics, own, start_at=start_at, classic=self._classic)

    def read(
        self, partition: Partition, first: int, until: int | None = None, *, follow: bool = False
    ) -> Iterator[Record]:
        """Yield records of ``partition`` from ``first`` on; ``first`` is checked at once."""
        held = self._admin.held(partition.topic)
        ends = held.ends
        if partition not in ends:
            raise ConfigurationError(
                f"{partition} does not exist", where="partition", mend=f"{partition.topic} has {len(ends)}, from 0 on"
            )
        there = ends[partition]
        if first < there.first or (follow and first > there.next):
            raise gone(partition, first, there)
        last = until if follow else min(there.next, there.next if until is None else until)
        return self._records(partition, held.identity, first, last, follow)

    def _records(
        self, partition: Partition, identity: str, first: int, until: int | None, follow: bool
    ) -> Iterator[Record]:
        # Nothing is opened before the first record is asked for, so that what nobody iterates need not be closed.
        yield from KafkaHistory(self._client, self._admin, partition, identity, first).records(until, follow=follow)

    def reach(self, within_s: float) -> None:
        """Return when a broker has answered."""
        self._admin.names(within_s)

    def identity(self, topic: str) -> str:
        """Return a topic's id."""
        return self._admin.identity(topic)

    def topic(self, name: str) -> Topic:
        """Return one topic."""
        return self._admin.topic(name)

    def topics(self) -> dict[str, Topic]:
        """Return all topics by name, without internal ones."""
        return self._admin.topics()

    def create_topic(self, name: str, *, partitions: int = 1, compacted: bool = False) -> Topic:
        """Make a topic; its messages may have 9 MiB, for data products."""
        return self._admin.create(name, partitions=partitions, compacted=compacted)

    def ends(self, topic: str) -> dict[Partition, Ends]:
        """Return what each partition holds."""
        return self._admin.ends(topic)

    def offsets_at(self, topic: str, moment: datetime) -> dict[Partition, int]:
        """Return the first offset at or after ``moment`` (whole milliseconds), or the end."""
        return self._admin.offsets_at(topic, moment)

    def largest_value(self, topic: str) -> int:
        """Return the bytes that a value may have: the topic's ``max.message.bytes`` less room for key and headers."""
        return self._largest_message_anew(topic) - ROOM

    def lacking(self, topic: str, wanted: Collection[str], group: str | None = None) -> list[str]:
        """Ask the brokers what the account may do."""
        lacks = [f"{right} on the topic" for right in sorted(set(wanted).difference(self._allowed(topic, wanted)))]
        if group is not None and not self._may_join(own := self._client.rules.group(group)):
            lacks.append(f"READ on the group {own}")
        return lacks

    def _allowed(self, topic: str, otherwise: Collection[str]) -> Collection[str]:
        try:
            return self._admin.operations(topic) or otherwise
        except DeniedError:
            return ()

    def _may_join(self, group: str) -> bool:
        try:
            return "READ" in (self._admin.group_operations(group) or ("READ",))
        except DeniedError:
            return False
        except StreamAwayError:  # so answers a coordinator that has just begun: joining it will tell
            return True

    def check(self) -> None:
        """Do nothing: brokers look after what they store."""

    def close(self) -> None:
        """Drop what is not confirmed; subscriptions are closed by those who made them."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
