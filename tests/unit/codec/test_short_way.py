"""The short way reads what the long way reads, to the last bit, and leaves to it whatever is wrong."""

import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from fastavro import schemaless_writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts import strategies
from parts.avro import as_avro
from parts.bombs import number
from parts.events import (
    NOON,
    astrometry,
    datum,
    event,
    photometry,
    point,
    position,
    record_of,
    share,
    spectroscopy,
    spectrum,
    target,
)

from bridge.codec import Decoder, Schemas, encode
from bridge.codec.datums import _unpacked
from bridge.codec.reading import ShortReader
from bridge.codec.schemas import newest
from bridge.codec.values import OtherError, raw_text
from bridge.codec.writing import MARKER
from bridge.errors import BridgeError
from bridge.events import BODIES, Event, Kind, Photometry, Point, ReducedData
from bridge.stream import Record

quickly = settings(deadline=timedelta(seconds=2), max_examples=50, suppress_health_check=[HealthCheck.too_slow])
bodies = st.one_of(strategies.photometry, strategies.spectroscopy, strategies.astrometry, strategies.reduced_data)
events = strategies.events(bodies)

WRITTEN = [
    event(photometry()),
    event(photometry(20, unit="AB mag", telescope="1m0", brightness_error=0.0, extra={"a": [1]})),
    event(spectroscopy(spectrum(), spectrum(30, error=()))),
    event(astrometry(*(position(one, ra_error=0.1) for one in range(7)))),
    event(ReducedData(target=target().reference, data=(datum(), datum(1, value={})))),
]
"""Events that are read the short way."""


def long_way() -> Decoder:
    decoder = Decoder(Schemas())
    decoder._short = {}
    return decoder


def told(decoder: Decoder, record: Record) -> str:
    """Return the event of a record, with the type of each value, or what is wrong with it."""
    try:
        return repr(decoder.decode(record))
    except BridgeError as error:
        return f"{type(error).__name__}: {error}"


def read_short(record: Record) -> Event | None:
    return ShortReader(_kind(record)).read(record)


def _kind(record: Record) -> Kind:
    (kind,) = (kind for kind in BODIES if newest(kind).fingerprint == record.value[2:10])
    return kind


@pytest.mark.parametrize("each", WRITTEN, ids=lambda each: each.kind)
def test_data_are_read_the_short_way(each: Event) -> None:
    assert read_short(record_of(each)) == each


@quickly
@given(st.lists(events, min_size=1, max_size=4), st.data())
def test_one_reader_reads_one_after_another_as_the_long_way_does(given: list[Event], data: st.DataObject) -> None:
    of_one_share = [
        Event(**{**vars(given[0]), "id": one.id, "body": one.body}) if data.draw(st.booleans()) else one
        for one in given
    ]
    decoder = Decoder(Schemas())
    for each in [*of_one_share, *reversed(of_one_share)]:
        assert told(decoder, record_of(each)) == told(long_way(), record_of(each))


small = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from([NOON, NOON + timedelta(microseconds=1), datetime(1969, 7, 20, tzinfo=UTC)])
        | strategies.moments,
        "bandpass": st.sampled_from(["g", "r", "ip"]),
        "brightness": st.sampled_from([0.0, -0.0, 17.5, 1e308]),
        "brightness_error": st.sampled_from([None, 0.1, 1e308]),
        "telescope": st.sampled_from(["", "1m0", "2m", "\u00e9", "x" * 64, "x" * 63]),
        "extra": st.sampled_from([{}, {"a": 1}, {"b": None}]),
    }
)


@quickly
@given(st.lists(small, min_size=1, max_size=12))
def test_points_are_read_alike_however_they_are_laid_out(rows: list[dict[str, Any]]) -> None:
    record = record_of(event(Photometry(target=target().reference, points=tuple(Point(**row) for row in rows))))
    assert told(Decoder(Schemas()), record) == told(long_way(), record)
    assert read_short(record) is not None


@quickly
@given(events, st.data())
def test_damage_is_told_as_the_long_way_tells_it_and_spoils_nothing_that_comes_later(
    given: Event, data: st.DataObject
) -> None:
    right = record_of(given)
    value = bytearray(right.value)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(10, len(value)))
        taken, put = data.draw(st.integers(0, 2)), data.draw(st.binary(max_size=2))
        value[at : at + taken] = put
    damaged = replace(right, value=bytes(value))
    decoder = Decoder(Schemas())
    for record in (right, damaged, right, damaged):
        assert told(decoder, record) == told(long_way(), record)


@pytest.mark.parametrize("each", WRITTEN, ids=lambda each: each.kind)
def test_an_event_cut_anywhere_spoils_nothing_that_comes_later(each: Event) -> None:
    reader, right = ShortReader(each.kind), record_of(each)
    for end in range(10, len(right.value)):
        assert reader.read(replace(right, value=right.value[:end])) is None
        assert reader.read(right) == each


# -- what is not written as this release writes it --------------------------------------------------------------------


def with_datum(change: dict[str, Any], count: int = 6) -> Record:
    """Return a record of points of which the third has other values, whether they are right or not."""
    given = event(photometry(count))
    datums = as_avro(given)
    datums["points"] = list(datums["points"])
    datums["points"][2] |= change
    buffer = BytesIO()
    schemaless_writer(buffer, newest(Kind.PHOTOMETRY).parsed, datums)
    return replace(record_of(given), value=MARKER + newest(Kind.PHOTOMETRY).fingerprint + buffer.getvalue())


@pytest.mark.parametrize(
    "change",
    [
        {"brightness": math.nan},
        {"brightness": math.inf},
        {"brightness": None},
        {"limit": -math.inf},
        {"timestamp": 2**55},
        {"timestamp": -(2**62)},
        {"timestamp": (datetime(1000, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(0, 0, 1) - 1},
        {"timestamp": (datetime(3001, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(0, 0, 1)},
        {"bandpass": ""},
        {"bandpass": "x" * 33},
        {"bandpass": "\x00"},
        {"telescope": "\u202e"},
        {"extra": ""},
        {"extra": "[]"},
        {"extra": "null"},
        {"extra": '{"a": NaN}'},
        {"extra": '{"a": "\\ud800"}'},
        {"extra": '{"a": "\\u0000"}'},
        {"extra": "[" * 5_000},
    ],
    ids=lambda change: str(change)[:30],
)
def test_a_wrong_or_odd_value_is_judged_as_by_the_long_way(change: dict[str, Any]) -> None:
    for count in (3, 6):
        record = with_datum(change, count)
        assert told(Decoder(Schemas()), record) == told(long_way(), record)


def _blocks(items: Sequence[bytes], sizes: Sequence[int], *, sized: bool) -> bytes:
    """Return an array in blocks of so many items."""
    written, first = b"", 0
    for size in sizes:
        block = b"".join(items[first : first + size])
        written += number(-size) + number(len(block)) + block if sized else number(size) + block
        first += size
    return written + b"\0"


@pytest.mark.parametrize("sized", [False, True])
@pytest.mark.parametrize("sizes", [(4,), (2, 2), (1, 3), (3, 1)])
def test_arrays_in_any_blocks_are_read(sizes: Sequence[int], sized: bool) -> None:
    given = event(photometry(4))
    value = encode(given).value
    size = len(encode(event(photometry(3))).value) - len(encode(event(photometry(2))).value)
    begin = len(value) - 1 - 4 * size
    items = [value[begin + size * one : begin + size * (one + 1)] for one in range(4)]
    written = value[: begin - 1] + _blocks(items, sizes, sized=sized)
    assert Decoder(Schemas()).decode(replace(record_of(given), value=written)) == (given,)


def test_numbers_that_take_more_bytes_than_they_need_are_read() -> None:
    given = event(photometry(1))
    value = encode(given).value
    (at,) = (at for at in range(len(value)) if value[at : at + 12] == b"\x14SN 2024abc\x00")
    longer = value[:at] + b"\x94\x00" + value[at + 1 :]
    assert Decoder(Schemas()).decode(replace(record_of(given), value=longer)) == (given,)


@pytest.mark.parametrize("name", ["tom_bridge_schema_sha256", "tom_bridge_schema", "ce_type", "ce_id", "ce_source"])
def test_a_header_that_is_otherwise_or_absent_is_judged_by_the_long_way(name: str) -> None:
    right = record_of(event(photometry(1)))
    for headers in (
        tuple(one for one in right.headers if one[0] != name),
        (*right.headers, (name, b"urn:other")),
        ((name, b"urn:other"), *right.headers),
    ):
        record = replace(right, headers=headers)
        assert told(Decoder(Schemas()), record) == told(long_way(), record)


def test_an_event_that_replaces_another_one_is_read() -> None:
    given = Event(**{**vars(event(photometry(1))), "replaces": event().id})
    assert Decoder(Schemas()).decode(record_of(given)) == (given,)


@pytest.mark.parametrize("kind", BODIES)
def test_more_datums_than_there_may_be_are_left_to_the_long_way(kind: Kind) -> None:
    (given,) = (one for one in WRITTEN[1:] if one.kind is kind)
    reader = ShortReader(kind)
    reader._datums._most = len(given.body.datums) - 1  # type: ignore[union-attr]
    assert reader.read(record_of(given)) is None


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_a_share_or_target_that_changes_under_its_name_is_read_as_it_is() -> None:
    reader, of = ShortReader(Kind.PHOTOMETRY), share()
    for title in ("one", "two", "one"):
        for aliases in ((), ("AT 2024abc",)):
            reference = target(aliases=aliases).reference
            changed = of.model_copy(update={"title": title})
            given = changed.event(Photometry(target=reference, points=(point(),)))
            assert reader.read(record_of(given)) == given


def test_a_text_that_ends_too_early_is_none() -> None:
    with pytest.raises(OtherError):
        raw_text(b"\x08abc", 0)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SHARES", "_TARGETS"):
        monkeypatch.setattr(f"bridge.codec.reading.{name}", 3)
    for name in ("_LAYOUTS", "_TEXTS"):
        monkeypatch.setattr(f"bridge.codec.datums.{name}", 3)
    reader = ShortReader(Kind.PHOTOMETRY)
    for each in range(20):
        one = point(bandpass=f"{each}" * (1 + each % 10))
        given = share().event(Photometry(target=target(f"SN {each}").reference, points=(one,)))
        assert reader.read(record_of(given)) == given
    assert max(map(len, (reader._shares, reader._targets, reader._datums._layouts))) <= 3


def test_what_is_large_is_not_kept() -> None:
    reader = ShortReader(Kind.PHOTOMETRY)
    aliases = tuple(f"{number:03d} {'x' * 80}" for number in range(200))
    for name, known, said in (("SN 1", aliases, {}), ("SN 2", (), {"references": ("x" * 500,) * 50})):
        reference = target(name, aliases=known).reference
        given = share(**said).event(Photometry(target=reference, points=(point(),)))
        assert reader.read(record_of(given)) == given
    kept = [each.raw for each in reader._shares.values()] + [raw for raw, _ in reader._targets.values()]
    assert [len(raw) < 200 for raw in kept] == [True, True]


def test_values_of_one_event_are_not_those_of_another() -> None:
    decoder = Decoder(Schemas())
    first, second = (decoder.decode(record_of(event(photometry(2, extra=extra))))[0].body for extra in ({}, {}))
    assert isinstance(first, Photometry)
    assert isinstance(second, Photometry)
    first.points[0].extra["seeing"] = 1.0
    assert second.points[0].extra == {}
    assert decoder.decode(record_of(event(photometry(2))))[0].body.points[0].extra == {}  # type: ignore[union-attr]


def test_numbers_of_eight_bytes_are_what_they_were() -> None:
    for one in (2**48, 2**50 + 12345, 2**55 - 1, -(2**48) - 1, -(2**55)):
        assert _unpacked(struct.unpack("<Q", number(one))) == [one]
