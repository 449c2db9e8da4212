"""Bytes to events the short way: data as this release writes them.

Events come in runs: those of one share have all of the envelope but the event's id in common, and datums have the same
few targets and texts. What was read and checked once is known again by its bytes, as no Avro datum is the beginning of
another one of its schema. Datums become columns at once, and nothing is checked that is known to be right.

What is not as expected gives nothing here: it is read the long way (:mod:`bridge.codec.avro`), by fastavro and the
models, which say what is wrong. A test holds that both read the same; this takes a third of the time.
"""

import json
import re
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from bridge.codec.datums import ReaderOfDatums, keep
from bridge.codec.headers import agree, source_of
from bridge.codec.schemas import newest
from bridge.codec.values import raw_text, record
from bridge.codec.writing import MARKER
from bridge.events import BODIES, DATUMS, Event, Kind, Share, TargetReference
from bridge.microseconds import from_microseconds
from bridge.stream.port import Record

_UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IDS = re.compile(rb"H(%b)(H%b)" % (_UUID, _UUID))
"""Two texts of 36 bytes, by which an envelope begins: the ids of the event and of its share."""
_SHARES, _TARGETS, _LONGEST = 64, 1_000, 4_096
"""So many are kept, and none of more bytes: 1,000 targets of 200 long aliases would take 180 MB."""


class _Share(NamedTuple):
    raw: bytes
    values: Mapping[str, Any]
    source: bytes
    """Its origin, as a header says it."""


class ShortReader:
    """Reads data of one kind that are written with its newest schema. Not thread-safe."""

    def __init__(self, kind: Kind) -> None:
        """Put together what reads each part."""
        self._schema = newest(kind)
        self.prefix = MARKER + self._schema.fingerprint
        """How a record begins that is written with this schema."""
        self._kind, self._body = kind, BODIES[kind]
        envelope, target, items = (field["type"] for field in json.loads(self._schema.text)["fields"])
        self._read_share = record(envelope["fields"][1:-1])
        self._read_target = record(target["fields"])
        self._datums = ReaderOfDatums(DATUMS[self._body], self._body.MOST, items["items"]["fields"])
        self._shares: dict[bytes, _Share] = {}
        """By the bytes of their ids."""
        self._targets: dict[bytes, tuple[bytes, TargetReference]] = {}
        """Each with its bytes, by those of its name."""

    def read(self, given: Record) -> Event | None:
        """Return the event of a record that begins with :attr:`prefix`; None where it has to be read the long way."""
        try:
            return self._event(given)
        except (IndexError, ValueError, OverflowError, RecursionError, struct.error):
            return None

    def _event(self, given: Record) -> Event | None:
        data = given.value
        if (ids := _IDS.match(data, len(self.prefix))) is None:
            return None
        event_id, share_id = ids.groups()
        share = self._share_at(data, ids.start(2), share_id)
        if not agree(dict(given.headers), self._schema, event_id, share.source):
            return None
        at = ids.start(2) + len(share.raw)
        if data[at]:  # it replaces another one
            return None
        target, at = self._target_at(data, at + 1)
        if (datums := self._datums.read(data, at)) is None:
            return None
        body = self._body.of_checked({"target": target, "kind": self._kind, self._body.ITEMS: datums})
        return Event.of_checked({**share.values, "id": UUID(event_id.decode()), "replaces": None, "body": body})

    def _share_at(self, data: bytes, at: int, share_id: bytes) -> _Share:
        known = self._shares.get(share_id)
        if known is None or not data.startswith(known.raw, at):
            values, end = self._read_share(data, at)
            share = Share.model_validate(values | {"shared_at": from_microseconds(values["shared_at"])})
            known = _Share(data[at:end], vars(share), source_of(share.origin))
            if end - at <= _LONGEST:
                keep(self._shares, share_id, known, _SHARES)
        return known

    def _target_at(self, data: bytes, at: int) -> tuple[TargetReference, int]:
        name, _ = raw_text(data, at)
        known = self._targets.get(name)
        if known is None or not data.startswith(known[0], at):
            values, end = self._read_target(data, at)
            known = data[at:end], TargetReference.model_validate(values)
            if end - at <= _LONGEST:
                keep(self._targets, name, known, _TARGETS)
        return known[1], at + len(known[0])
