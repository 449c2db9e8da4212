"""Topics of a stream: which there are, and making one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.settings import Settings
from bridge.stream import Stream, Topic


@dataclass(frozen=True, kw_only=True)
class TopicInfo:
    """What people want to know of a topic."""

    name: str
    partitions: int
    records: int
    """Offsets between the first and the next one, over all partitions; of a compacted topic an upper bound."""
    role: Literal["events", "schemas"]
    subscribed: bool


@dataclass(frozen=True, kw_only=True)
class Created:
    """What became of a request to make a topic."""

    name: str
    partitions: int
    existed: bool


def list_topics(settings: Settings, stream: Stream) -> list[TopicInfo]:
    """Return all topics, by name."""
    return [_info(settings, stream, topic) for _, topic in sorted(stream.topics().items())]


def create_topics(settings: Settings, stream: Stream, names: Sequence[str], *, partitions: int = 1) -> list[Created]:
    """Make topics for events and, where it is not there yet, the schema topic; what exists is left as it is."""
    before = stream.topics()
    schemas = stream.create_topic(settings.stream.schema_topic, compacted=True)
    made = [stream.create_topic(name, partitions=partitions) for name in dict.fromkeys(names)]
    return [
        Created(name=topic.name, partitions=topic.partitions, existed=topic.name in before)
        for topic in (schemas, *made)
    ]


def _info(settings: Settings, stream: Stream, topic: Topic) -> TopicInfo:
    return TopicInfo(
        name=topic.name,
        partitions=topic.partitions,
        records=sum(ends.next - ends.first for ends in stream.ends(topic.name).values()),
        role="schemas" if topic.name == settings.stream.schema_topic else "events",
        subscribed=any(subscription.topic == topic.name for subscription in settings.subscribe),
    )
