"""Several streams as one: what is asked of a topic goes to the stream that its name bears the label of.

None of them keeps another waiting: each has its own member of a group, and its own flush.
"""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial

from bridge.clock import CLOCK, Clock
from bridge.errors import ConfigurationError, NotDeliveredError
from bridge.stream.labelled import LabelledStream, Opening
from bridge.stream.names import split
from bridge.stream.port import Ends, Headers, Partition, Record, StartAt, Stream, Subscription, Topic
from bridge.stream.routed_subscription import SLICE_S, RoutedSubscription


class RoutedStream:
    """The default stream (label "") and others by their labels; see :class:`bridge.stream.port.Stream`."""

    def __init__(
        self,
        streams: Mapping[str, Opening],
        others: Mapping[str, str] | None = None,
        *,
        clock: Clock = CLOCK,
        slice_s: float = SLICE_S,
    ) -> None:
        """Take streams by label, each opened when it is needed. Topics of each are called by their full names.

        One that is alone is opened at once, and what is wrong with it raised. ``others`` are labels of what is no
        stream, and what to do about their topics. ``slice_s`` is how long each is waited for while nothing comes.
        """
        self._clock = clock
        self._slice_s = slice_s
        self._others = others or {}
        self._parts = {label: LabelledStream(label, opening) for label, opening in streams.items()}
        if len(self._parts) == 1:
            for part in self._parts.values():
                part.open()
        self.url = ", ".join(part.url if not label else f"{label}: {part.url}" for label, part in self._parts.items())
        self._unflushed: set[str] = set()

    def parts(self) -> Mapping[str, Stream]:
        """Return the single streams by label; each takes and gives the full names of its topics, as this one does."""
        return self._parts

    def _part(self, topic: str) -> Stream:
        return self._parts[self._label(topic)]

    def _label(self, topic: str) -> str:
        label, _ = split(topic)
        if label in self._others:
            raise ConfigurationError("can't be asked", where=f"topic {topic[:300]}", mend=self._others[label])
        if label not in self._parts:
            others = ", ".join(other for other in self._parts if other) or "none but the default one"
            raise ConfigurationError(
                f"there is no stream {label!r}",
                where=f"topic {topic[:300]}",
                mend=f"Add it under [streams.{label[:30]}]; there are: {others}",
            )
        return label

    def account(self, topic: str) -> str:
        """Return the user name that the topic's stream knows."""
        return self._part(topic).account(topic)

    # -- writing ----------------------------------------------------------------------------------------------------

    def publish(self, topic: str, *, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Hand over one record to the topic's stream."""
        label = self._label(topic)
        self._unflushed.add(label)
        self._parts[label].publish(topic, key=key, value=value, headers=headers)

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when every record is durable on its stream: each is flushed beside the others."""
        labels = sorted(self._unflushed)
        failures: dict[str, Exception] = {}

        def flush(label: str) -> None:
            try:
                self._parts[label].flush(timeout_s)
            except Exception as error:  # raised below, by the caller's thread
                failures[label] = error

        # Not by an executor: Python waits for its threads at the end, also for one that waits for a frozen broker.
        threads = [threading.Thread(target=flush, args=(label,), daemon=True) for label in labels[1:]]
        for thread in threads:
            thread.start()
        for label in labels[:1]:
            flush(label)
        for thread in threads:
            thread.join()
        self._unflushed = set(failures)
        if failures:
            raise _together([failures[label] for label in labels if label in failures])

    # -- reading ----------------------------------------------------------------------------------------------------

    def subscribe(
        self, topics: Sequence[str], group: str, start_at: StartAt, *, missing_ok: bool = False
    ) -> Subscription:
        """Join ``group`` on each stream that one of the topics is of."""
        by_label: dict[str, list[str]] = {}
        for topic in topics:
            by_label.setdefault(self._label(topic), []).append(topic)
        if len(by_label) == 1:
            (label,) = by_label
            return self._parts[label].subscribe(topics, group, start_at, missing_ok=missing_ok)
        # None is waited for here, or one that is frozen, or can't be opened, would keep the others from beginning.
        return RoutedSubscription(
            [
                (partial(self._parts[label].subscribe, of_label, group, start_at, missing_ok=True), of_label)
                for label, of_label in by_label.items()
            ],
            clock=self._clock,
            slice_s=self._slice_s,
        )

    def read(
        self, partition: Partition, first: int, until: int | None = None, *, follow: bool = False
    ) -> Iterator[Record]:
        """Yield records of ``partition`` from ``first`` on."""
        return self._part(partition.topic).read(partition, first, until, follow=follow)

    # -- topics -----------------------------------------------------------------------------------------------------

    def reach(self, within_s: float) -> None:
        """Return when each stream has answered."""
        for part in self._parts.values():
            part.reach(within_s)

    def identity(self, topic: str) -> str:
        """Return a topic's identity."""
        return self._part(topic).identity(topic)

    def topic(self, name: str) -> Topic:
        """Return one topic."""
        return self._part(name).topic(name)

    def topics(self) -> dict[str, Topic]:
        """Return all topics of all streams by their full names; all have to answer."""
        return {name: topic for part in self._parts.values() for name, topic in part.topics().items()}

    def create_topic(self, name: str, *, partitions: int = 1, compacted: bool = False) -> Topic:
        """Make a topic on the stream of its label."""
        return self._part(name).create_topic(name, partitions=partitions, compacted=compacted)

    def ends(self, topic: str) -> dict[Partition, Ends]:
        """Return what each partition holds."""
        return self._part(topic).ends(topic)

    def offsets_at(self, topic: str, moment: datetime) -> dict[Partition, int]:
        """Return the first offset at or after ``moment``."""
        return self._part(topic).offsets_at(topic, moment)

    def largest_value(self, topic: str) -> int:
        """Return the bytes that a value may have."""
        return self._part(topic).largest_value(topic)

    def lacking(self, topic: str, wanted: Collection[str], group: str | None = None) -> list[str]:
        """Return which rights the account lacks on the topic's stream."""
        return self._part(topic).lacking(topic, wanted, group)

    def check(self) -> None:
        """Look at all that is stored on this machine."""
        for part in self._parts.values():
            part.check()

    def close(self) -> None:
        """Close all streams."""
        with ExitStack() as stack:
            for part in self._parts.values():
                stack.callback(part.close)


def _together(failures: Sequence[Exception]) -> Exception:
    """Return the failures of several flushes as one; what is worse than not delivered is told as it is."""
    not_delivered = [error for error in failures if isinstance(error, NotDeliveredError)]
    if len(not_delivered) < len(failures):
        return next(error for error in failures if not isinstance(error, NotDeliveredError))
    if len(failures) == 1:
        return failures[0]
    return NotDeliveredError(
        "; ".join(error.what for error in not_delivered),
        undelivered=[place for error in not_delivered for place in error.undelivered],
        refused=[place for error in not_delivered for place in error.refused],
        mend=not_delivered[0].mend,
    )
