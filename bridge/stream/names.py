"""What both streams say alike: which names topics may have, what is missing, what is gone."""

import re

from bridge.errors import ConfigurationError, HistoryGoneError, TopicMissingError, TopicReplacedError
from bridge.stream.port import Ends, Partition
from bridge.topics import joined, split

__all__ = ["LARGEST_VALUE", "check_topic_name", "gone", "joined", "missing", "replaced", "split"]

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")

LARGEST_VALUE = 9 * 1024 * 1024
"""Bytes that a value may have on a topic made by the bridge: a data product of 8 MiB and what belongs to it."""


def check_topic_name(name: str) -> None:
    """Raise ConfigurationError for a name that Kafka would not take either."""
    if not _TOPIC.fullmatch(name) or name in {".", ".."}:
        raise ConfigurationError(
            f"{name[:80]!r} is no name of a topic",
            where="topic",
            mend="1 to 249 letters, digits, '.', '_' and '-' are allowed, as in supernovae.public",
        )


def missing(topic: str) -> TopicMissingError:
    """Return the error for a topic that does not exist."""
    return TopicMissingError(
        f"topic {topic!r} does not exist on the stream", mend=f"Create it: tom-bridge topics create {topic}"
    )


def replaced(topic: str) -> TopicReplacedError:
    """Return the error for a topic that has another identity than it had."""
    return TopicReplacedError(
        "the topic was removed and made again",
        where=topic,
        mend="Set the position by hand: tom-bridge position set",
    )


def gone(partition: Partition, wanted: int, ends: Ends) -> HistoryGoneError:
    """Return the error for an offset that the stream does not hold: no longer, or not yet."""
    what = "is no longer in the stream" if wanted < ends.first else "is beyond the stream's end"
    return HistoryGoneError(
        f"offset {wanted} {what}, which holds {ends.first} to {ends.next} (exclusive)",
        where=str(partition),
        mend="Set the position by hand: tom-bridge position set",
    )
