"""Topics of a stream: which there are, and making one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.errors import AwayError, StopError, TopicMissingError
from bridge.operations.opening import away_of
from bridge.settings import Settings
from bridge.stream import Stream, Topic
from bridge.stream.routed import RoutedStream


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


def list_topics(settings: Settings, stream: RoutedStream) -> tuple[list[TopicInfo], list[str]]:
    """Return all topics, by stream and name, and why others are not listed: a stream that does not answer.

    Raises AwayError or StopError where none answers.
    """
    found: list[TopicInfo] = []
    away = away_of(stream)
    failures: list[AwayError | StopError] = []
    for label, part in stream.parts().items():
        try:
            if label in away:
                raise away[label]
            found += [_info(settings, part, topic) for _, topic in sorted(part.topics().items())]
        except (AwayError, StopError) as error:
            failures.append(error)
    if len(failures) == len(stream.parts()):
        raise failures[0]
    return found, [str(error) for error in failures]


def create_topics(settings: Settings, stream: Stream, names: Sequence[str], *, partitions: int = 1) -> list[Created]:
    """Make topics for events and, where they are not there yet, the schema topics; what exists is left as it is.

    Raises ConfigurationError for a topic of HOPSKOTCH.
    """
    wanted = list(dict.fromkeys(names))
    schema_topics = list(dict.fromkeys(one for name in wanted if (one := settings.schema_topic_of(name)) is not None))
    there = {name for name in (*schema_topics, *wanted) if exists(stream, name)}
    made = [stream.create_topic(name, compacted=True) for name in schema_topics]
    made += [stream.create_topic(name, partitions=partitions) for name in wanted]
    return [Created(name=topic.name, partitions=topic.partitions, existed=topic.name in there) for topic in made]


def exists(stream: Stream, name: str) -> bool:
    """Return whether there is a topic of that name."""
    try:
        stream.identity(name)
    except TopicMissingError:
        return False
    return True


def _info(settings: Settings, stream: Stream, topic: Topic) -> TopicInfo:
    return TopicInfo(
        name=topic.name,
        partitions=topic.partitions,
        records=sum(ends.next - ends.first for ends in stream.ends(topic.name).values()),
        role="schemas" if topic.name == settings.schema_topic_of(topic.name) else "events",
        subscribed=any(subscription.topic == topic.name for subscription in settings.subscribe),
    )
