"""Events to bytes and back; whatever the bytes are, the answer is an event or an error of ours, soon."""

import struct
from datetime import timedelta
from io import BytesIO

import pytest
from fastavro import schemaless_writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts import strategies
from parts.avro import as_avro
from parts.events import event, one_of_each, photometry, record, record_of

from bridge.codec import Decoder, Schemas, encode, peek
from bridge.codec.schemas import newest
from bridge.codec.writing import MARKER
from bridge.errors import (
    BridgeError,
    EventError,
    InvalidEventError,
    NewerVersionError,
    UndecodableError,
    UnknownSchemaError,
)
from bridge.events import Event, Kind
from bridge.stream import Record

WHERE = r"supernovae\[0\]@7"
quickly = settings(deadline=timedelta(seconds=2), suppress_health_check=[HealthCheck.too_slow])


def decode(given: Record) -> Event:
    (event,) = Decoder(Schemas()).decode(given)
    return event


def decoded_or_error(given: Record) -> Event | BridgeError:
    try:
        return decode(given)
    except BridgeError as error:
        return error


@quickly
@given(strategies.events())
def test_every_event_comes_back_as_it_was(given: Event) -> None:
    assert decode(record_of(given)) == given


@quickly
@given(strategies.events())
def test_what_is_written_are_the_bytes_that_fastavro_writes(given: Event) -> None:
    buffer = BytesIO()
    schemaless_writer(buffer, newest(given.kind).parsed, as_avro(given))
    assert encode(given).value == MARKER + newest(given.kind).fingerprint + buffer.getvalue()


def test_many_datums_are_written_as_fastavro_does_too() -> None:
    given = event(photometry(300, brightness_error=None, extra={"seeing": 1.2, "\N{GREEK SMALL LETTER ALPHA}": [None]}))
    buffer = BytesIO()
    schemaless_writer(buffer, newest(given.kind).parsed, as_avro(given))
    assert encode(given).value.endswith(buffer.getvalue())


@pytest.mark.parametrize("each", one_of_each(), ids=lambda each: each.kind)
def test_an_event_without_any_header_is_decoded(each: Event) -> None:
    assert decode(record(encode(each).value, key=None)) == each


def test_a_magnitude_of_zero_and_absent_values_stay_what_they_are() -> None:
    given = event(photometry(1, brightness=0.0, brightness_error=None, limit=None, exposure_time=0.0))
    (got,) = decode(record_of(given)).body.points
    assert (got.brightness, got.brightness_error, got.limit, got.exposure_time) == (0.0, None, None, 0.0)


def test_the_value_begins_as_single_object_encoding_says() -> None:
    encoded = encode(event())
    assert encoded.value[:10] == b"\xc3\x01" + encoded.schema.fingerprint


def test_headers_name_the_schema_and_are_a_cloud_event() -> None:
    given = event()
    headers = {name: value.decode() for name, value in encode(given).headers}
    assert headers == {
        "tom_bridge_schema": "tom_bridge.v1.Photometry",
        "tom_bridge_schema_sha256": newest(Kind.PHOTOMETRY).sha256,
        "ce_specversion": "1.0",
        "ce_id": str(given.id),
        "ce_source": "urn:tom-bridge:tom.a",
        "ce_type": "tom_bridge.v1.Photometry",
        "ce_time": given.shared_at.isoformat(),
        "ce_subject": "SN 2024abc",
        "content-type": "application/avro",
    }


# -- bytes that are no event --------------------------------------------------------------------------------------


@quickly
@given(st.binary(max_size=300), st.sampled_from(Kind))
def test_no_bytes_bring_anything_but_our_errors(tail: bytes, kind: Kind) -> None:
    for value in (tail, MARKER + tail, MARKER + newest(kind).fingerprint + tail):
        with pytest.raises(EventError, match=WHERE):
            decode(record(value))


@quickly
@given(strategies.events(), st.data())
def test_damaged_events_bring_an_event_or_one_of_our_errors(given: Event, data: st.DataObject) -> None:
    value = bytearray(encode(given).value)
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    outcome = decoded_or_error(record(bytes(value)))
    assert isinstance(outcome, Event) or "supernovae[0]@7" in str(outcome)


@pytest.mark.parametrize("each", one_of_each(), ids=lambda each: each.kind)
def test_an_event_cut_anywhere_is_undecodable(each: Event) -> None:
    value = encode(each).value
    for length in range(len(value)):
        with pytest.raises(UndecodableError, match=WHERE):
            decode(record(value[:length]))


@pytest.mark.parametrize(
    "count", [2**62, -(2**62), 2**40, -1], ids=["huge", "huge block", "larger than memory", "negative"]
)
def test_a_count_or_length_that_is_not_there_is_undecodable(count: int) -> None:
    given = event()
    value = encode(given).value
    microseconds = as_avro(given)["points"][0]["timestamp"]
    id_at, points_at = 10, value.index(_zigzag(microseconds)) - 1
    assert value[points_at] == 2  # one point
    for place in (id_at, points_at):
        with pytest.raises(UndecodableError, match=WHERE):
            decode(record(value[:place] + _zigzag(count) + value[place + 1 :]))


def test_bytes_after_the_end_are_undecodable() -> None:
    with pytest.raises(UndecodableError, match="2 bytes follow the end"):
        decode(record(encode(event()).value + b"\0\0"))


def test_a_wrong_magic_byte_is_told_with_what_is_there() -> None:
    with pytest.raises(UndecodableError, match=r"begins with 00 00 00 01.*c3 01"):
        decode(record(b"\x00\x00\x00\x01{}"))


def test_text_that_is_no_utf8_is_undecodable() -> None:
    given = event()
    value = encode(given).value.replace(b"tom.a", b"t\xff\xfe.a")
    with pytest.raises(UndecodableError, match="UnicodeDecodeError"):
        decode(record(value))


def test_an_event_larger_than_any_that_is_written_is_undecodable() -> None:
    with pytest.raises(UndecodableError, match="are the most for a photometry"):
        decode(record(encode(event()).value + bytes(3_000_000)))


# -- events that break a rule ---------------------------------------------------------------------------------------


def write(given: Event, **changed: object) -> Record:
    """Return a record of ``given`` with values that :mod:`bridge.events` would refuse."""
    datum = as_avro(given)
    for path, value in changed.items():
        where, _, name = path.rpartition("__")
        place = datum["points"][0] if where == "point" else datum[where] if where else datum
        place[name] = value
    schema = newest(given.kind)
    buffer = BytesIO(MARKER + schema.fingerprint)
    buffer.seek(10)
    schemaless_writer(buffer, schema.parsed, datum)
    return record(buffer.getvalue())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"target__ra": 400.0}, "ra: .*360"),
        ({"point__brightness": float("nan")}, r"points\[0\].brightness: .*finite"),
        ({"point__timestamp": 2**62}, r"points\[0\].timestamp: .*years 1 to 9999"),
        ({"point__extra": "{"}, r"points\[0\].extra: .*JSON"),
        ({"point__extra": "[1]"}, r"points\[0\].extra: .*dictionary"),
        ({"point__extra": '{"a": NaN}'}, r"points\[0\].extra.*: .*finite"),
        ({"point__extra": "[" * 100_000}, r"points\[0\].extra: "),
        ({"point__extra": '{"a":' * 500 + "1" + "}" * 500}, ""),
        ({"envelope__shared_at": -(2**62)}, "shared_at: "),
        ({"envelope__id": "7"}, "id: .*UUID"),
        ({"envelope__origin": "TOM A"}, "origin: .*pattern"),
        ({"target__type": "EXTRAGALACTIC"}, "type: .*SIDEREAL"),
        ({"points": []}, "points: .*at least 1"),
    ],
)
def test_an_event_that_breaks_a_rule_is_invalid(changed: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidEventError, match=f"{WHERE}: event.*{told}"):
        decode(write(event(), **changed))


def test_more_points_than_an_event_may_have_are_invalid() -> None:
    small = as_avro(event())["points"][0] | {"timestamp": 0, "brightness": None}
    with pytest.raises(InvalidEventError, match=f"{WHERE}: points: there are 50001; 50000 are the most"):
        decode(write(event(), points=[small] * 50_001))


def test_an_invalid_product_is_told() -> None:
    (product,) = (each for each in one_of_each() if each.kind is Kind.DATA_PRODUCT)
    with pytest.raises(InvalidEventError, match=r"sha256 says .* send the file again"):
        decode(write(product, content=b"time,mag\n1,3\n"))
    with pytest.raises(InvalidEventError, match="is a path"):
        decode(write(product, filename="../../x"))


def test_of_half_a_million_wrong_names_one_is_told() -> None:
    # An error of each took 50 seconds and 13 gigabytes.
    (product,) = (each for each in one_of_each() if each.kind is Kind.DATA_PRODUCT)
    with pytest.raises(InvalidEventError, match=r"aliases\[0\]: [^;]*$"):
        decode(write(product, target__aliases=[""] * 500_000))


# -- headers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", b"0199c000-0000-7000-8000-000000000000"),
        ("ce_id", b"\xff"),
        ("ce_source", b"urn:tom-bridge:tom.b"),
        ("ce_type", b"tom_bridge.v1.Target"),
        ("tom_bridge_schema", b"tom_bridge.v1.Target"),
        ("tom_bridge_schema", b"tom_bridge.v2.Photometry"),
        ("tom_bridge_schema_sha256", newest(Kind.TARGET).sha256.encode()),
        ("tom_bridge_schema_sha256", b"abc"),
    ],
)
def test_a_header_that_contradicts_the_payload_makes_it_undecodable(name: str, value: bytes) -> None:
    with pytest.raises(UndecodableError, match=f"{WHERE}: .*header"):
        decode(record_of(event(), {name: value}))


def test_a_schema_that_is_nowhere_is_unknown() -> None:
    with pytest.raises(UnknownSchemaError, match=r"0102030405060708.*tom-bridge\.schemas"):
        decode(record(MARKER + bytes(range(1, 9)) + b"x"))


@pytest.mark.parametrize("value", [MARKER + bytes(8), b'{"v": 2}'], ids=["unknown schema", "unknown format"])
@pytest.mark.parametrize("name", ["tom_bridge.v2.Photometry", "tom_bridge.v1.Polarimetry"])
def test_a_kind_or_major_version_of_a_later_release_is_newer_and_not_bad(name: str, value: bytes) -> None:
    with pytest.raises(NewerVersionError, match=f"{WHERE}: a {name} is newer.*Upgrade"):
        decode(record(value, (("tom_bridge_schema", name.encode()),)))


@pytest.mark.parametrize("name", ["other.v1.Thing", "tom_bridge.v1.Target", "tom_bridge.vX.Y", ""])
def test_an_unknown_schema_by_another_name_is_not_taken_for_a_newer_version(name: str) -> None:
    with pytest.raises(UnknownSchemaError):
        decode(record(MARKER + bytes(8), (("tom_bridge_schema", name.encode()),)))


# -- hints ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("each", one_of_each(), ids=lambda each: each.kind)
def test_hints_tell_kind_origin_id_and_subject(each: Event) -> None:
    hints = peek(record_of(each))
    assert (hints.kind, hints.origin, hints.event_id, hints.subject) == (each.kind, "tom.a", each.id, each.subject)


def test_hints_of_a_record_without_headers_come_from_its_key() -> None:
    hints = peek(record(b"", key=b"tom.a/list:alist"))
    assert (hints.kind, hints.origin, hints.event_id, hints.subject) == ("list", "tom.a", None, "alist")


def test_hints_name_a_kind_that_this_release_does_not_know() -> None:
    assert peek(record(b"", (("ce_type", b"tom_bridge.v1.Polarimetry"),))).kind == "Polarimetry"


@given(st.binary(), st.dictionaries(st.sampled_from(["ce_id", "ce_type", "ce_source", "ce_subject"]), st.binary()))
def test_hints_are_short_and_printable_whatever_the_headers_are(key: bytes, headers: dict[str, bytes]) -> None:
    hints = peek(record(b"", tuple(headers.items()), key))
    for text in (hints.kind, hints.origin, hints.subject):
        assert len(text) <= 200
        assert not any(ord(character) < 32 for character in text)


def _zigzag(number: int) -> bytes:
    """Return a number as Avro writes a long."""
    number = (number << 1) ^ (number >> 63)
    groups = []
    while True:
        number, group = number >> 7, number & 0x7F
        groups.append(group | (0x80 if number else 0))
        if not number:
            return struct.pack(f"{len(groups)}B", *groups)
