"""Where schemas come from: the ones of this release, and those that publishers announced on the schema topic.

A federation of TOMs shares no registry, so every schema travels on the stream itself: a compacted topic holds each
one, keyed by its SHA-256. A publisher announces before the first use; a reader that meets an unknown schema reads
that topic to its end before it says so.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import structlog

from bridge.codec.announced import Announced
from bridge.codec.schema import MAJOR, RECORD_NAMES, Schema
from bridge.errors import TopicMissingError
from bridge.events import Kind
from bridge.stream.port import Partition, Record, Stream

SCHEMA_TOPIC = "tom-bridge.schemas"
"""The default name of the schema topic."""

log = structlog.get_logger(__name__)


@cache
def bundled() -> dict[tuple[int, int, Kind], Schema]:
    """Return every schema of this release by major version, minor version and kind."""
    return {
        (int(major.name), int(minor.name), kind): schema
        for major in _folders(files("bridge") / "schemas")
        for minor in _folders(major)
        for kind, schema in load_version(minor).items()
    }


def load_version(folder: Traversable) -> dict[Kind, Schema]:
    """Return the schemas of one version, each complete in itself: a shared type is defined where it is first used."""
    definitions = {
        f"{each['namespace']}.{each['name']}": each
        for path in folder.iterdir()
        if path.name.endswith(".avsc")
        for each in [json.loads(path.read_text(encoding="utf-8"))]
    }
    return {
        kind: Schema.of(_complete(definition, definition["namespace"], definitions, set()))
        for kind, name in RECORD_NAMES.items()
        for definition in definitions.values()
        if definition["name"] == name
    }


@cache
def newest(kind: Kind) -> Schema:
    """Return the schema that this release writes ``kind`` with, and reads it by."""
    minor = max(minor for major, minor, each in bundled() if major == MAJOR and each is kind)
    return bundled()[MAJOR, minor, kind]


def _folders(parent: Traversable) -> Iterator[Traversable]:
    return (each for each in parent.iterdir() if each.name.isdigit())


def _complete(node: Any, namespace: str, definitions: dict[str, Any], used: set[str]) -> Any:
    """Return ``node`` with the definition in place of the first use of each shared type."""
    if isinstance(node, list):
        return [_complete(each, namespace, definitions, used) for each in node]
    if isinstance(node, dict):
        if node.get("type") == "record":
            used.add(f"{namespace}.{node['name']}")
            fields = [
                field | {"type": _complete(field["type"], namespace, definitions, used)} for field in node["fields"]
            ]
            return node | {"fields": fields}
        inner = {"array": "items", "map": "values"}.get(node["type"])
        return node | {inner: _complete(node[inner], namespace, definitions, used)} if inner else node
    full_name = f"{namespace}.{node}"
    if full_name in definitions and full_name not in used:
        return _complete(definitions[full_name], namespace, definitions, used)
    return node


SchemaTopics = Callable[[str], str | None]
"""Says for a topic which one holds the schemas beside it; None where none does."""


class SchemasOfStreams:
    """The schemas of several streams: of each, those announced on its own schema topic. Not thread-safe."""

    def __init__(self, stream: Stream, schema_topic_of: SchemaTopics) -> None:
        self._stream = stream
        self._schema_topic_of = schema_topic_of
        self._by_topic: dict[str | None, Schemas] = {}

    def beside(self, topic: str) -> "Schemas":
        """Return the schemas of the stream that holds ``topic``."""
        schema_topic = self._schema_topic_of(topic)
        if schema_topic not in self._by_topic:
            self._by_topic[schema_topic] = Schemas() if schema_topic is None else Schemas(self._stream, schema_topic)
        return self._by_topic[schema_topic]


class Schemas:
    """The schemas that are known: bundled ones and, where there is a stream, those announced on its schema topic.

    Not thread-safe. ``stream`` None means that only what this release brings is known, and nothing is announced.
    """

    def __init__(self, stream: Stream | None = None, topic: str = SCHEMA_TOPIC) -> None:
        self.topic = topic
        self._stream = stream
        self._by_sha256 = {schema.sha256: schema for schema in bundled().values()}
        self._by_fingerprint: dict[bytes, Schema] = {}
        for schema in bundled().values():
            self._by_fingerprint.setdefault(schema.fingerprint, schema)
        self._announced = Announced(self._read_one)
        self._on_topic: set[str] = set()
        """Those of this release that are known to be on the topic."""
        self._topic_id = ""
        self._read_to: dict[Partition, int] = {}
        self._looked_at = float("-inf")

    def beside(self, topic: str) -> "Schemas":  # noqa: ARG002
        """Return the schemas of the stream that holds ``topic``: these, where there is but one."""
        return self

    def find(self, fingerprint: bytes, sha256: str | None = None, *, taken_at: float | None = None) -> Schema | None:
        """Return the schema that a payload names, or None where neither this release nor the schema topic has it.

        With a ``sha256`` (as a header gives it) exactly that one, whatever its fingerprint is; else one with this
        fingerprint. Reads the schema topic on from where it was last read to, unless that was since ``taken_at``
        (``time.monotonic()``; None: now), when the payload was in our hands and its schema had been announced long
        before: however many records of one batch name what does not exist, the topic is asked once. Errors as those
        of a stream.
        """
        found = self._known(fingerprint, sha256)
        if found is None and self._stream is not None and (taken_at is None or self._looked_at < taken_at):
            looked_at = time.monotonic()
            with suppress(TopicMissingError):
                self._learn(self._stream)
            self._looked_at = looked_at
            found = self._known(fingerprint, sha256)
        return found

    def announce(self, schema: Schema, timeout_s: float | None = None) -> None:
        """Make sure that ``schema`` is on the schema topic, durably; at once where it is known to be there.

        Flushes the stream. Raises :class:`~bridge.errors.TopicMissingError` where there is no schema topic, and
        :class:`~bridge.errors.AwayError` where ``timeout_s`` was not enough (None waits without end).
        """
        if self._stream is None or schema.sha256 in self._on_topic:
            return
        try:
            self._learn(self._stream)
            if schema.sha256 not in self._on_topic:
                self._stream.publish(self.topic, key=schema.sha256.encode(), value=schema.text.encode())
                self._stream.flush(timeout_s)
                log.info("schema.announced", topic=self.topic, schema=schema.full_name, sha256=schema.sha256)
        except TopicMissingError:
            raise TopicMissingError(
                "the topic that holds the schemas does not exist",
                where=self.topic,
                mend="`tom-bridge topics create TOPIC` makes it as well, also where TOPIC exists already",
            ) from None
        self._on_topic.add(schema.sha256)

    def _known(self, fingerprint: bytes, sha256: str | None) -> Schema | None:
        if sha256 is not None:
            return self._by_sha256.get(sha256) or self._announced.find(sha256)
        return self._by_fingerprint.get(fingerprint) or self._announced.by_fingerprint(fingerprint)

    def _learn(self, stream: Stream) -> None:
        """Read the schema topic from where it was last read to, to its end."""
        identity = stream.identity(self.topic)
        if identity != self._topic_id:  # made, or removed and made again
            self._topic_id, self._read_to, self._on_topic = identity, {}, set()
        passed_over: list[str] = []
        for partition, ends in stream.ends(self.topic).items():
            first = max(ends.first, self._read_to.get(partition, ends.first))
            if first < ends.next:
                for record in stream.read(partition, first, ends.next):
                    if why := self._take(record):
                        passed_over.append(f"{record.where}: {why}")
            self._read_to[partition] = ends.next
        if passed_over:
            log.warning("schema.passed_over", records=len(passed_over), first=passed_over[0])

    def _take(self, record: Record) -> str:
        """Take one record of the schema topic; return why it is passed over, where that is to be told."""
        ours = self._by_sha256.get((record.key or b"").decode(errors="replace"))
        if ours is None or record.value != ours.text.encode():
            return self._announced.take(record)
        self._on_topic.add(ours.sha256)
        return ""

    def _read_one(self, partition: Partition, offset: int) -> Record | None:
        assert self._stream is not None  # what is announced came from it
        return next(iter(self._stream.read(partition, offset, offset + 1)), None)
