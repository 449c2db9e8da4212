"""Positions: where a TOM stands in each partition, and setting them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bridge.errors import AwayError, ConfigurationError, StopError
from bridge.ledger.port import Ledger, Position
from bridge.operations.opening import away_of
from bridge.operations.status import PartitionStatus, partitions
from bridge.receiving.starting import offset_for
from bridge.stream import Stream
from bridge.stream.names import split
from bridge.stream.routed import RoutedStream


def show_positions(stream: RoutedStream, ledger: Ledger, topics: Sequence[str]) -> list[PartitionStatus]:
    """Return where the TOM stands in each partition of ``topics``, by the ledger alone where a stream can't be asked.

    Raises AwayError or StopError where none can.
    """
    away = away_of(stream, {split(topic)[0] for topic in topics})
    failures: dict[str, AwayError | StopError] = {}
    found: list[PartitionStatus] = []
    for topic in dict.fromkeys(topics):
        label, _ = split(topic)
        try:
            if label in away:
                raise away[label]
            found += partitions(stream, ledger, topic)
        except (AwayError, StopError) as error:
            failures[topic] = error
            if isinstance(error, AwayError):
                away[label] = error
            known = partitions(None, ledger, topic) or [_unknown(topic)]
            found += [replace(one, problem=str(error)) for one in known]
    if failures.keys() >= set(topics):
        raise next(iter(failures.values()))
    return found


def _unknown(topic: str) -> PartitionStatus:
    return PartitionStatus(topic=topic, partition=0, position=None, first=None, end=None, lag=None)


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
