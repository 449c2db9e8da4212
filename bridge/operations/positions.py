"""Positions: where a TOM stands in each partition, and setting them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bridge.errors import AwayError, ConfigurationError
from bridge.ledger.port import Ledger, Position
from bridge.operations.status import PartitionStatus, partitions
from bridge.receiving.starting import offset_for
from bridge.stream import Stream
from bridge.stream.names import split


def show_positions(stream: Stream, ledger: Ledger, topics: Sequence[str]) -> list[PartitionStatus]:
    """Return where the TOM stands in each partition of ``topics``, by the ledger alone where a stream is away.

    Raises TopicMissingError, and AwayError where nothing answers.
    """
    away: dict[str, AwayError] = {}  # why a stream does not answer, by its label: each is asked once
    found: list[PartitionStatus] = []
    for topic in topics:
        label, _ = split(topic)
        if label not in away:
            try:
                found += partitions(stream, ledger, topic)
                continue
            except AwayError as error:
                away[label] = error
        found += [replace(one, problem=str(away[label])) for one in partitions(None, ledger, topic)]
    if away.keys() >= {split(topic)[0] for topic in topics}:
        raise next(iter(away.values()))
    return found


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
