"""Copying a topic, to another name or another stream: how a collaboration moves from the embedded stream to Kafka.

Records go over byte for byte, keys and headers with them. So an event keeps its id, and a TOM that has applied it takes
the copy for the duplicate that it is. Times and offsets are those of the stream that is written to.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from bridge.errors import ConfigurationError, TooLargeError
from bridge.operations.opening import stream_of
from bridge.operations.topics import exists
from bridge.settings import Settings
from bridge.stream import Record, Stream, open_stream

log = structlog.get_logger(__name__)

_CONFIRMED_EACH = 1_000
"""Records after which is waited for until they are durable."""


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied, or would be (a dry run)."""

    topic: str
    to: str
    from_stream: str
    to_stream: str
    records: int
    """All that the topic holds."""
    copied: int
    there: int
    """Records that were there from an earlier run."""
    left_out: int
    """Records that the stream could not hand out whole: they can't be copied as they are, and are no events."""
    schemas: int
    """Schemas that were copied."""
    dry_run: bool


@contextmanager
def opened_streams(settings: Settings, from_url: str | None, to_url: str | None) -> Iterator[tuple[Stream, Stream]]:
    """Open two streams for a block, None being the configured ones; Kafka's options are those of the default stream."""
    first = open_stream(from_url, settings.stream.options()) if from_url else stream_of(settings)
    try:
        second = open_stream(to_url, settings.stream.options()) if to_url else stream_of(settings)
        try:
            yield first, second
        finally:
            second.close()
    finally:
        first.close()


def copy_topic(
    source: Stream,
    target: Stream,
    topic: str,
    to: str,
    *,
    schema_topic: str | None,
    to_schema_topic: str | None,
    partitions: int = 1,
    dry_run: bool = False,
    timeout_s: float | None = 60.0,
    progress: Callable[[int], object] = lambda _done: None,
) -> Copied:
    """Copy what ``topic`` holds now to ``to``, in order for each key; durable when this returns.

    ``to`` is made, with ``partitions``, where it is not there, and so is its schema topic, to which the schemas go
    first (None: none are kept beside the topic that is read, or beside ``to``). What
    is there already from a run that was killed is left out: what a run leaves behind is the begin of each key's
    records, for a stream delivers these in order. A record without a key gets an empty one. What the stream could not
    hand out whole (:attr:`bridge.stream.Record.problem`) is left out, told and counted.

    Raises TopicMissingError; ConfigurationError where both are one topic; TooLargeError, with the record's place, where
    ``to`` takes smaller values only; AwayError where ``target`` has not taken all within ``timeout_s``: run it again.
    """
    if _identity(target, to) == source.identity(topic):
        raise ConfigurationError(
            "a topic can't be copied onto itself", where=topic, mend="Name another topic, or another stream"
        )
    schemas = 0
    if schema_topic is not None and to_schema_topic is not None:
        schemas = _copy_schemas(source, target, schema_topic, to_schema_topic, dry_run=dry_run, timeout_s=timeout_s)
    if not dry_run:
        target.create_topic(to, partitions=partitions)
    known = Counter(_digest(record) for record in _everything(target, to))
    largest = target.largest_value(to) if exists(target, to) else None
    done = copied = left_out = 0
    for done, record in enumerate(_everything(source, topic), 1):
        if record.problem:
            left_out += 1
            log.warning("copy.left_out", where=record.where, reason=record.problem)
        elif known[digest := _digest(record)]:
            known[digest] -= 1
        else:
            if largest is not None and len(record.value) > largest:
                raise TooLargeError(
                    f"{to} takes values of {largest} bytes, this one has {len(record.value)}",
                    where=record.where,
                    mend="Raise max.message.bytes of the topic, then run the command again",
                )
            copied += 1
            if not dry_run:
                _hand_over(target, to, record)
                if copied % _CONFIRMED_EACH == 0:
                    target.flush(timeout_s)
        progress(done)
    if not dry_run:
        target.flush(timeout_s)
    return Copied(
        topic=topic,
        to=to,
        from_stream=source.url,
        to_stream=target.url,
        records=done,
        copied=copied,
        there=done - copied - left_out,
        left_out=left_out,
        schemas=schemas,
        dry_run=dry_run,
    )


def _copy_schemas(
    source: Stream, target: Stream, topic: str, to: str, *, dry_run: bool, timeout_s: float | None
) -> int:
    """Copy the schemas on ``topic`` that ``target`` doesn't have on ``to``, and return how many these are."""
    if exists(source, topic) and _identity(target, to) == source.identity(topic):
        return 0
    known = {record.key for record in _everything(target, to)}
    lacking = [
        record
        for record in _everything(source, topic)
        if record.key not in known and record.value and not record.problem
    ]
    if not dry_run:
        target.create_topic(to, compacted=True)
        for record in lacking:
            _hand_over(target, to, record)
        target.flush(timeout_s)
    return len(lacking)


def _identity(stream: Stream, topic: str) -> str | None:
    return stream.identity(topic) if exists(stream, topic) else None


def _everything(stream: Stream, topic: str) -> Iterable[Record]:
    """Yield what a topic holds now, partition by partition; nothing where it isn't there."""
    if exists(stream, topic):
        for partition, held in stream.ends(topic).items():
            yield from stream.read(partition, held.first, held.next)


def _hand_over(target: Stream, topic: str, record: Record) -> None:
    target.publish(topic, key=record.key or b"", value=record.value, headers=record.headers)


def _digest(record: Record) -> bytes:
    """Return what tells a record from others by what is copied of it."""
    digest = hashlib.blake2b(digest_size=16)
    parts = [record.key or b"", record.value]
    parts += [part for name, value in record.headers for part in (name.encode(), value)]
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
