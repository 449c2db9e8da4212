"""Records that a stranger forges: each sort is bad in a way of its own, and none is to be more than a dead letter."""

import os
from collections.abc import Callable, Sequence

from parts.shares import crafted, on_day, photometry

from bridge.codec.schema import Schema
from bridge.codec.writing import MARKER, Encoded, encode
from bridge.events import Event, Share, uuid7

Forged = tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]
"""Key, value and headers."""


class Forger:
    """Forges records of every sort in turn; ``victim`` publishes honestly, ``ours`` is the origin of the receiver."""

    def __init__(self, victim: Share, ours: str, seen: Sequence[Event]) -> None:
        self._victim = victim
        self._mallory = Share(origin="mallory", origin_name="Mallory", installation=uuid7())
        self._as_us = Share(origin=ours, origin_name="We", installation=uuid7())
        self._seen = seen
        self._sorts: tuple[Callable[[int], Forged], ...] = (
            self._garbage,
            self._long_garbage,
            self._wrong_magic,
            self._unknown_schema,
            self._named_schema,
            self._foreign_namespace,
            self._invalid,
            self._of_our_origin,
            self._odd_headers,
            self._cut,
            self._with_the_header_of_another,
        )

    def forge(self, number: int) -> Forged:
        """Return a record; of each sort in turn, as ``number`` goes up."""
        return self._sorts[number % len(self._sorts)](number)

    def _garbage(self, number: int) -> Forged:
        return self._key(number), os.urandom(64), ()

    def _long_garbage(self, number: int) -> Forged:
        return self._key(number), b"\x00" + os.urandom(19_999), ()

    def _wrong_magic(self, number: int) -> Forged:
        honest = self._honest()
        return honest.key, b"\xc3\x02" + honest.value[2:], honest.headers

    def _unknown_schema(self, number: int) -> Forged:
        return self._key(number), MARKER + os.urandom(100), ()

    def _named_schema(self, number: int) -> Forged:
        sha256 = os.urandom(32).hex().encode()
        return self._key(number), MARKER + os.urandom(100), (("tom_bridge_schema_sha256", sha256),)

    def _foreign_namespace(self, number: int) -> Forged:
        fields = [{"name": "a", "type": "string"}]
        schema = Schema.of({"type": "record", "name": "Thing", "namespace": "mallory.v1", "fields": fields})
        headers = (("tom_bridge_schema", b"mallory.v1.Thing"), ("tom_bridge_schema_sha256", schema.sha256.encode()))
        return self._key(number), MARKER + schema.fingerprint + b"\x02a", headers

    def _invalid(self, number: int) -> Forged:
        changed = crafted(
            self._mallory.event(photometry(1)), lambda it: it["points"][0].update(brightness=float("nan"))
        )
        return changed.key, changed.value, changed.headers

    def _of_our_origin(self, number: int) -> Forged:
        forged = encode(self._as_us.event(photometry(1)))
        return forged.key, forged.value, forged.headers

    def _odd_headers(self, number: int) -> Forged:
        return (
            self._key(number),
            b"{}",
            (("ce_id", b"\xff\xfe"), ("ce_source", b"\x1b[2J\n" * 50), ("ce_type", b"\xc3")),
        )

    def _cut(self, number: int) -> Forged:
        honest = self._honest()
        return honest.key, honest.value[:-5], honest.headers

    def _with_the_header_of_another(self, number: int) -> Forged:
        """Bytes that are no event, under the headers of one that was applied or is to come."""
        seen = encode(self._seen[number % len(self._seen)])
        return seen.key, seen.value[:40], seen.headers

    def _honest(self) -> Encoded:
        return encode(self._victim.event(photometry(1)))

    def _key(self, number: int) -> bytes:
        return f"{self._victim.origin}/{number}".encode()


def with_the_ids_of(events: Sequence[Event]) -> list[Event]:
    """Return valid events of another TOM that has taken the ids of these."""
    thief = Share(origin="thief", origin_name="Thief", installation=uuid7())
    bodies = (on_day(1000 + number) for number in range(len(events)))
    return [thief.event(body).model_copy(update={"id": event.id}) for body, event in zip(bodies, events, strict=True)]
