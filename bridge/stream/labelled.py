"""A stream that is one of several: its topics bear its label in all that is asked and told."""

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bridge.errors import BridgeError, NotDeliveredError, TomAwayError
from bridge.stream.names import joined, split
from bridge.stream.port import (
    MOST_BYTES,
    Ends,
    Fetched,
    Headers,
    Partition,
    Record,
    StartAt,
    Stream,
    Subscription,
    Topic,
)

T = TypeVar("T")


class Label:
    """The label of a stream: topics, partitions, records and errors with it, and without it."""

    def __init__(self, label: str) -> None:
        self.label = label

    def bare(self, topic: str) -> str:
        """Return the name that a topic has on its stream."""
        return split(topic)[1]

    def full(self, topic: str) -> str:
        """Return a topic's name with the label."""
        return joined(self.label, topic)

    def bare_partition(self, partition: Partition) -> Partition:
        """Return a partition as the stream names it."""
        return Partition(self.bare(partition.topic), partition.number)

    def full_partition(self, partition: Partition) -> Partition:
        """Return a partition with the label."""
        return Partition(self.full(partition.topic), partition.number)

    def partitions(self, found: Mapping[Partition, T]) -> dict[Partition, T]:
        """Return what is told of partitions, with the label."""
        return {self.full_partition(partition): told for partition, told in found.items()}

    def record(self, record: Record) -> Record:
        """Return a record with the label."""
        return replace(record, partition=self.full_partition(record.partition)) if self.label else record

    def topic(self, topic: Topic) -> Topic:
        """Return what is told of a topic, with the label."""
        return replace(topic, name=self.full(topic.name))

    @contextmanager
    def telling(self, *topics: str) -> Iterator[None]:
        """Let errors of the stream name it, and these topics (by their bare names) with the label."""
        try:
            yield
        except TomAwayError:
            raise
        except BridgeError as error:
            if not self.label:
                raise
            raise self.told(error, topics) from error

    def told(self, error: BridgeError, topics: Collection[str]) -> BridgeError:
        """Return an error of the stream as one that names it, and these topics with the label."""
        if not self.label:
            return error
        changed = type(error).__new__(type(error))
        changed.__dict__.update(error.__dict__)
        if isinstance(changed, NotDeliveredError):
            topics = {topic for topic, _ in changed.undelivered}
            changed.undelivered = tuple((self.full(topic), key) for topic, key in changed.undelivered)
            changed.refused = tuple((self.full(topic), key) for topic, key in changed.refused)
        changed.what, changed.where, changed.mend = (
            self._text(text, topics) for text in (error.what, error.where, error.mend)
        )
        if f"{self.label}:" not in str(changed) and f"streams.{self.label}" not in str(changed):
            changed.where = f"stream {self.label}" + (f" ({error.where})" if error.where else "")
        changed.args = (changed.what, changed.where, changed.mend)
        return changed

    def _text(self, text: str, topics: Collection[str]) -> str:
        for topic in topics:
            text = re.sub(rf"(?<![\w.:-]){re.escape(topic)}(?![\w-]|\.\w)", self.full(topic), text)
        return re.sub(r"\bstream\.(?=kafka\b|url\b|auth\b)", f"streams.{self.label}.", text)


@dataclass(frozen=True)
class Opening:
    """A stream that is yet to be opened."""

    url: str
    """Its address, without secrets."""
    open: Callable[[], Stream]


class LabelledStream:
    """A stream whose topics bear a label (none, with an empty one); see :class:`bridge.stream.port.Stream`.

    It is opened when it is first asked for something, and tried again at each question where it can't be: one that is
    wrongly configured, or whose file is locked, is nothing to the others.
    """

    def __init__(self, label: str, opening: Opening) -> None:
        self.url = opening.url
        self._label = Label(label)
        self._open = opening.open
        self._opened: Stream | None = None
        self._lock = threading.Lock()

    @property
    def _stream(self) -> Stream:
        with self._lock, self._label.telling():
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def open(self) -> None:
        """Open it now. Raises what is wrong with its settings, and AwayError."""
        self._stream  # noqa: B018 (opens it)

    def account(self, topic: str) -> str:
        """Return the user name that the stream knows."""
        return self._stream.account(self._label.bare(topic))

    def publish(self, topic: str, *, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Hand over one record."""
        bare = self._label.bare(topic)
        with self._label.telling(bare):
            self._stream.publish(bare, key=key, value=value, headers=headers)

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when every record handed over is durable."""
        with self._label.telling():
            self._stream.flush(timeout_s)

    def subscribe(
        self, topics: Sequence[str], group: str, start_at: StartAt, *, missing_ok: bool = False
    ) -> "LabelledSubscription":
        """Join ``group``."""
        bare = [self._label.bare(topic) for topic in topics]
        with self._label.telling(*bare):
            member = self._stream.subscribe(bare, group, _labelled_start(self._label, start_at), missing_ok=missing_ok)
        return LabelledSubscription(self._label, member, bare)

    def read(
        self, partition: Partition, first: int, until: int | None = None, *, follow: bool = False
    ) -> Iterator[Record]:
        """Yield records of ``partition`` from ``first`` on."""
        bare = self._label.bare_partition(partition)
        with self._label.telling(bare.topic):
            records = self._stream.read(bare, first, until, follow=follow)
        return self._records(bare.topic, records)

    def _records(self, topic: str, records: Iterator[Record]) -> Iterator[Record]:
        with self._label.telling(topic):
            for record in records:
                yield self._label.record(record)

    def reach(self, within_s: float) -> None:
        """Return when the stream has answered."""
        with self._label.telling():
            self._stream.reach(within_s)

    def identity(self, topic: str) -> str:
        """Return a topic's identity."""
        bare = self._label.bare(topic)
        with self._label.telling(bare):
            return self._stream.identity(bare)

    def topic(self, name: str) -> Topic:
        """Return one topic."""
        bare = self._label.bare(name)
        with self._label.telling(bare):
            return self._label.topic(self._stream.topic(bare))

    def topics(self) -> dict[str, Topic]:
        """Return all topics by their full names."""
        with self._label.telling():
            return {self._label.full(name): self._label.topic(topic) for name, topic in self._stream.topics().items()}

    def create_topic(self, name: str, *, partitions: int = 1, compacted: bool = False) -> Topic:
        """Make a topic."""
        bare = self._label.bare(name)
        with self._label.telling(bare):
            return self._label.topic(self._stream.create_topic(bare, partitions=partitions, compacted=compacted))

    def ends(self, topic: str) -> dict[Partition, Ends]:
        """Return what each partition holds."""
        bare = self._label.bare(topic)
        with self._label.telling(bare):
            return self._label.partitions(self._stream.ends(bare))

    def offsets_at(self, topic: str, moment: datetime) -> dict[Partition, int]:
        """Return the first offset at or after ``moment``."""
        bare = self._label.bare(topic)
        with self._label.telling(bare):
            return self._label.partitions(self._stream.offsets_at(bare, moment))

    def largest_value(self, topic: str) -> int:
        """Return the bytes that a value may have."""
        bare = self._label.bare(topic)
        with self._label.telling(bare):
            return self._stream.largest_value(bare)

    def lacking(self, topic: str, wanted: Collection[str], group: str | None = None) -> list[str]:
        """Return which rights the account lacks."""
        bare = self._label.bare(topic)
        with self._label.telling(bare):
            return self._stream.lacking(bare, wanted, group)

    def check(self) -> None:
        """Look at all that is stored, where that is this machine's business."""
        with self._label.telling():
            self._stream.check()

    def close(self) -> None:
        """Release all that is held."""
        if self._opened is not None:
            self._opened.close()


class LabelledSubscription:
    """A member of a group on a stream that bears a label; see :class:`bridge.stream.port.Subscription`."""

    def __init__(self, label: Label, member: Subscription, topics: Sequence[str]) -> None:
        self._label = label
        self._member = member
        self._topics = topics

    @property
    def waits_for(self) -> str:
        """What this member waits for."""
        return self._member.waits_for

    def poll(self, most: int, timeout_s: float, most_bytes: int = MOST_BYTES) -> Fetched:
        """Return records, and how the topics are."""
        with self._label.telling(*self._topics):
            fetched = self._member.poll(most, timeout_s, most_bytes)
        return Fetched(
            tuple(self._label.record(record) for record in fetched.records),
            self._label.partitions(fetched.read_to),
            {
                self._label.full(topic): self._label.told(problem, self._topics)
                for topic, problem in fetched.problems.items()
            },
        )

    def keep_alive(self) -> None:
        """Tell the stream that this member lives."""
        self._member.keep_alive()

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on at ``offset``."""
        self._member.seek(self._label.bare_partition(partition), offset)

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions that this member has now."""
        return frozenset(map(self._label.full_partition, self._member.assignment()))

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Tell the stream the next offsets."""
        self._member.commit({self._label.bare_partition(partition): at for partition, at in offsets.items()})

    def close(self) -> None:
        """Leave the group."""
        self._member.close()


def _labelled_start(label: Label, start_at: StartAt) -> StartAt:
    def asked(partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        starts = start_at([label.full_partition(partition) for partition in partitions])
        return {label.bare_partition(partition): at for partition, at in starts.items()}

    return asked
