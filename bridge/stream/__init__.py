"""Streams: one port (:mod:`bridge.stream.port`), two implementations, chosen by the address, and several as one."""

from collections.abc import Mapping
from pathlib import Path

from bridge.errors import ConfigurationError
from bridge.stream.port import Ends, Fetched, Headers, Partition, Record, Stream, Subscription, Topic

__all__ = [
    "Ends",
    "Fetched",
    "Headers",
    "Partition",
    "Record",
    "Stream",
    "Subscription",
    "Topic",
    "open_hopskotch",
    "open_stream",
]


def open_stream(url: str, options: Mapping[str, str | int | float | bool] | None = None) -> Stream:
    """Return the stream at ``url``: ``kafka://host:9092,host:9092`` or ``sqlite:///path/to/file``.

    ``options`` are those of librdkafka (Kafka alone). Opening a Kafka stream does not wait for the broker.
    Raises :class:`~bridge.errors.ConfigurationError` for any other address and for an option that a guarantee rests on.
    """
    if url.startswith("kafka://"):
        from bridge.stream.kafka import KafkaStream  # noqa: PLC0415 (librdkafka loads only where it is used)

        return KafkaStream(url, options or {})
    if url.startswith("sqlite:///"):
        from bridge.stream.sqlite import SqliteStream  # noqa: PLC0415

        return SqliteStream(url)
    raise ConfigurationError(
        f"{url.rsplit('@', maxsplit=1)[-1][:80]!r} is no stream",
        where="stream.url",
        mend="Write kafka://host:9092 or sqlite:///path/to/file",
    )


def open_hopskotch(url: str, options: Mapping[str, str | int | float | bool], auth: Path | None = None) -> Stream:
    """Return HOPSKOTCH at ``kafka://[user@]host``, logged in by ``options`` or by hop's file ``auth``.

    Raises :class:`~bridge.errors.ConfigurationError` as :func:`open_stream` does, and where there is no log-in.
    """
    from bridge.stream.hopskotch import HopskotchStream  # noqa: PLC0415

    return HopskotchStream(url, options, auth)
