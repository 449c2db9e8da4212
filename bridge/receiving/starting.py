"""Where to begin in a topic: at the position that the ledger has for it, whatever the topic is called now."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from bridge.errors import ConfigurationError, DeniedError, TopicMissingError, TopicReplacedError
from bridge.ledger.model import Position
from bridge.ledger.port import Ledger
from bridge.stream.port import Partition, Stream

log = structlog.get_logger(__name__)

Start = str | datetime
"""Where a subscription begins that has no position yet: ``"earliest"``, ``"now"`` or a time."""


class StartingPlaces:
    """Says where to go on in each partition; ``starts`` says for each topic subscribed to where to begin."""

    def __init__(self, stream: Stream, ledger: Ledger, starts: Mapping[str, Start]) -> None:
        self._stream = stream
        self._ledger = ledger
        self._starts = starts

    def positions(self, partitions: Sequence[Partition]) -> dict[Partition, Position]:
        """Return where to go on in newly assigned partitions: where the ledger stands, else at the topic's start.

        A first position is written at once, so that "now" is resolved one time only. A position goes with the topic's
        identity: where that is known by a name that means it no more (the stream's label has changed), the ledger calls
        it by the new one. Raises TopicReplacedError, and ConfigurationError where another name that
        is subscribed to means the same topic.
        """
        found: dict[Partition, Position] = {}
        for topic in dict.fromkeys(partition.topic for partition in partitions):
            of_topic = [partition for partition in partitions if partition.topic == topic]
            found |= self._of_topic(topic, of_topic)
        return found

    def _of_topic(self, topic: str, partitions: Sequence[Partition]) -> dict[Partition, Position]:
        identity = self._stream.identity(topic)
        recorded = self._recognised(topic, identity)
        missing = [partition for partition in partitions if partition not in recorded]
        if missing:
            known = any(partition.topic == topic for partition in recorded)
            wanted = missing if known else self._stream.topic(topic).each_partition()
            recorded |= self._first_positions(wanted, identity, known)
        for partition in partitions:
            position = recorded[partition]
            if position.topic_id != identity:
                raise TopicReplacedError(
                    f"topic {topic!r} was removed and made again; offset {position.next} meant the old one",
                    where=str(partition),
                    mend=f"To begin anew: tom-bridge position set {topic} earliest",
                )
        return {partition: recorded[partition] for partition in partitions}

    def _recognised(self, topic: str, identity: str) -> dict[Partition, Position]:
        """Return all positions, those of a topic of this identity under the name ``topic``."""
        recorded = self._ledger.positions()
        is_new = not any(partition.topic == topic for partition in recorded)
        others = {one.topic for one, at in recorded.items() if at.topic_id == identity and one.topic != topic}
        names = list(self._starts)
        for other in sorted(others):
            if other in names and self._is(other, identity):
                if is_new or names.index(other) < names.index(topic):
                    raise ConfigurationError(
                        f"{other} and {topic} are one topic under two names",
                        where=f"subscribe: {topic}",
                        mend="Subscribe to it by one of them",
                    )
            elif is_new:
                log.info("topic.renamed", was=other, topic=topic, identity=identity)
                self._ledger.rename_topic(identity, other, topic)
                return self._ledger.positions()
        return recorded

    def _is(self, topic: str, identity: str) -> bool:
        """Return whether a topic that is subscribed to is the one of this identity."""
        try:
            return self._stream.identity(topic) == identity
        except (TopicMissingError, DeniedError):
            return False

    def _first_positions(
        self, partitions: Sequence[Partition], topic_id: str, known: bool
    ) -> dict[Partition, Position]:
        """Write and return where to begin in ``partitions``, all of a topic: in one that was added later, at its start.

        All at once, also those that go to another member of the group: "now" is the same moment for all of them.
        """
        found = {}
        with self._ledger.unit() as unit:
            for partition in partitions:
                start = "earliest" if known else self._starts[partition.topic]
                found[partition] = Position(topic_id, offset_for(self._stream, partition, start))
                unit.move(partition, topic_id, None, found[partition].next)
        return found


def offset_for(stream: Stream, partition: Partition, start: Start) -> int:
    """Return the offset in ``partition`` that ``start`` means now."""
    if isinstance(start, datetime):
        return stream.offsets_at(partition.topic, start)[partition]
    ends = stream.ends(partition.topic)[partition]
    return ends.next if start == "now" else ends.first
