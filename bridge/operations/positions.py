"""Positions: where a TOM stands in each partition, and setting them."""

from datetime import datetime

from bridge.errors import ConfigurationError
from bridge.ledger.port import Ledger, Position
from bridge.operations.status import PartitionStatus, partitions
from bridge.receiving.starting import offset_for
from bridge.stream import Stream


def show_positions(stream: Stream, ledger: Ledger, topics: list[str]) -> list[PartitionStatus]:
    """Return where the TOM stands in each partition of ``topics``. Raises TopicMissingError."""
    return [one for topic in topics for one in partitions(stream, ledger, topic)]


def set_position(
    stream: Stream, ledger: Ledger, topic: str, to: str | int | datetime, *, partition: int | None = None
) -> list[PartitionStatus]:
    """Set the position in ``topic`` (in one partition, or in all) and return the new ones.

    ``to``: "earliest", "now", an offset, or a time. A consumer that runs goes on from there within a batch. Raises
    TopicMissingError, and ConfigurationError for an offset or a partition that the topic doesn't have.
    """
    found = stream.topic(topic)
    held = stream.ends(topic)
    chosen = [one for one in found.each_partition() if partition in (None, one.number)]
    if not chosen:
        raise ConfigurationError(
            f"there is no partition {partition}", where=topic, mend=f"It has 0 to {found.partitions - 1}"
        )
    offsets = {}
    for one in chosen:
        offset = to if isinstance(to, int) else offset_for(stream, one, to)
        if not held[one].first <= offset <= held[one].next:
            raise ConfigurationError(
                f"there is no offset {offset}", where=str(one), mend=f"It has {held[one].first} to {held[one].next}"
            )
        offsets[one] = offset
    for one, offset in offsets.items():
        ledger.set_position(one, Position(found.id, offset))
    return partitions(stream, ledger, topic)
