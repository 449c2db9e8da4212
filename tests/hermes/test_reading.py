"""Messages of Hermes, row by row: each value is right, or its row is refused and the others are taken."""

import json
import time
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import fastavro
import pytest
from parts.events import share, target
from parts.hermes import (
    MESSAGE_ID,
    SN,
    captured,
    datum_of,
    events_of,
    headers,
    left_of,
    message,
    point,
    record,
    target_of,
)

from bridge.codec import Left, Noted
from bridge.errors import EventError, InvalidEventError, UndecodableError
from bridge.hermes import HermesFormat
from bridge.hermes.embedded import as_json
from bridge.hermes.incoming import MOST_TOLD
from bridge.hermes.record import INSTALLATION, origin_name_of, origin_of


def read(data: object, **how: Any) -> Any:
    return HermesFormat(**how).decode(message(data))


def photometry(*rows: object) -> Any:
    return read({"targets": [SN], "photometry": list(rows)})


# -- identity ---------------------------------------------------------------------------------------------------------


def test_the_same_message_has_the_same_events_and_content_whatever_way_it_came() -> None:
    data = {"targets": [SN], "photometry": [point(), point(bandpass="g")]}
    by_kafka = HermesFormat().decode(message(data))
    payload = json.loads(message(data).value)
    turned = dict(reversed(payload.items()))
    by_archive = HermesFormat().decode(record(json.dumps(turned, indent=1).encode(), headers()))
    assert by_kafka == by_archive
    assert events_of(by_kafka)[1].share_id == MESSAGE_ID
    assert events_of(by_kafka)[1].installation == INSTALLATION


def test_another_content_under_one_id_has_the_same_event_and_another_content() -> None:
    (_, one), (_, other) = photometry(point()), photometry(point(brightness=18.26))
    assert one.event.id == other.event.id
    assert one.content != other.content


def test_a_message_without_id_has_one_of_its_sender_and_content() -> None:
    data = {"targets": [SN]}
    one, again, others, another = (
        HermesFormat().decode(message(*given, message_id=None, sender=sender))[0]
        for *given, sender in ((data, "a"), (data, "a"), (data, "b"), ({"targets": [SN | {"ra": 11}]}, "a"))
    )
    assert one == again
    assert len({one.event.id, others.event.id, another.event.id}) == 3
    assert one.content is None


@pytest.mark.parametrize("given", [MESSAGE_ID.bytes, str(MESSAGE_ID).encode()])
def test_an_id_is_16_bytes_or_text(given: bytes) -> None:
    (one,) = HermesFormat().decode(record(message({"targets": [SN]}).value, [("_id", given)]))
    assert one.event.share_id == MESSAGE_ID


def test_two_senders_never_have_one_origin() -> None:
    made = origin_of(b"Alice A")
    senders = [b"alice", b"Alice", b"ALICE", b"alice ", b"Alice A", b"alice-a", made.encode()[7:], b"\xff", b"\xfe",
               b"", b"a" * 300, b"a" * 299 + b"b", b".", b"-a"]  # fmt: skip
    origins = [origin_of(sender) for sender in senders]
    assert len(set(origins)) == len(senders)
    for origin in origins:
        (one,) = (item for item in events_of(HermesFormat().decode(message({"targets": [SN]}, sender=origin[7:]))))
        assert one.origin_name.startswith("Hermes: ")
    assert origin_name_of(origin_of(b"alice-1a2b3c4d")) == "Hermes: alice-1a2b3c4d"


def test_what_our_own_credential_sent_is_ours() -> None:
    (left,) = read({"targets": [SN]}, own_sender=lambda: "alice-1a2b3c4d")
    assert (left.reason, left.hints.origin) == ("ours", "hermes.alice-1a2b3c4d")


def test_what_bears_our_origin_inside_is_ours() -> None:
    inside = {"v": 1, "events": [{"origin": "tom.a"}]}
    (left,) = read({"targets": [SN], "tom_bridge": inside}, origin="tom.a")
    assert left.reason == "ours"
    assert events_of(read({"targets": [SN], "tom_bridge": inside}, origin="tom.b"))


# -- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-02T03:04:01.678901+00:00", datetime(2026, 11, 2, 3, 4, 1, 678901, tzinfo=UTC)),
        ("2026-11-02T03:04:01", datetime(2026, 11, 2, 3, 4, 1, tzinfo=UTC)),
        ("2026-11-02 03:04:01Z", datetime(2026, 11, 2, 3, 4, 1, tzinfo=UTC)),
        ("2026-11-02 03:04:01 UTC", datetime(2026, 11, 2, 3, 4, 1, tzinfo=UTC)),
        ("2026-11-02T03:04:01+02:00", datetime(2026, 11, 2, 1, 4, 1, tzinfo=UTC)),
        ("2026-11-02", datetime(2026, 11, 2, tzinfo=UTC)),
        ("60981.128", datetime(2025, 11, 2, 3, 4, 19, 200000, tzinfo=UTC)),
        (60981.128, datetime(2025, 11, 2, 3, 4, 19, 200000, tzinfo=UTC)),
        (60981, datetime(2025, 11, 2, tzinfo=UTC)),
        ("2460981.628", datetime(2025, 11, 2, 3, 4, 19, 200000, tzinfo=UTC)),
    ],
)
def test_a_time_is_iso_mjd_or_jd(written: object, moment: datetime) -> None:
    assert datum_of(photometry(point(date_obs=written))).timestamp == moment


@pytest.mark.parametrize(
    "written",
    ["Nov 3", "03/11/2026", "2026", 2026, "20261102", 1793588645, "2026-13-01", "2026-11-02T24:00:01", "soon", True,
     [60981], {"mjd": 60981}, "60,981.5", "nan", float("inf")],
)  # fmt: skip
def test_what_is_no_time_refuses_its_row_and_no_other(written: object) -> None:
    items = photometry(point(date_obs=written), point())
    assert len(events_of(items)[1].body.points) == 1
    ((reason, told),) = left_of(items)
    assert reason == "invalid"
    assert "hermes.test[0]@7: photometry[0]: date_obs is " in told


# -- positions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [10.5, "10.5", " +10.5 ", "1.05e1"])
def test_degrees_are_numbers_or_numeric_text(written: object) -> None:
    assert target_of(read({"targets": [SN | {"ra": written}]})).ra == 10.5


@pytest.mark.parametrize("written", ["-05:06:07.8", "-5 6 7", "-5d6m7s", "5h6m"])
def test_sexagesimal_positions_are_refused_with_what_to_do(written: str) -> None:
    ((reason, told),) = left_of(read({"targets": [SN | {"dec": written}]}))
    assert reason == "invalid"
    assert "targets[0]: dec is" in told
    assert "write decimal degrees" in told


@pytest.mark.parametrize("written", ["ten", True, [10], float("nan"), 10**400, "1_0", "0x10", 361, -1])
def test_what_is_no_position_refuses_the_target_and_its_rows_go_by_name(written: object) -> None:
    items = read({"targets": [SN | {"ra": written}, SN | {"name": "B"}], "photometry": [point()]})
    assert {(str(one.kind), one.subject) for one in events_of(items)} == {("target", "B"), ("photometry", "SN 2026ali")}
    assert {one.body.target.ra for one in events_of(items) if one.kind == "photometry"} == {None}
    assert len(left_of(items)) == 1


def test_a_target_without_a_position_is_known_by_name_alone() -> None:
    items = read({"targets": [{"name": "SN 2026ali", "aliases": ["ZTF26xyz"]}], "photometry": [point()]})
    (data,) = events_of(items)
    assert (data.body.target.names, data.body.target.ra) == (("SN 2026ali", "ZTF26xyz"), None)
    assert [reason for reason, _ in left_of(items)] == ["nothing to take"]


def test_rows_of_a_target_that_the_message_does_not_list_go_by_name() -> None:
    (data,) = events_of(read({"photometry": [point()]}))
    assert data.body.target.names == ("SN 2026ali",)


def test_orbital_elements_take_times_as_they_come() -> None:
    elements = {
        "epoch_of_elements": "2023-02-25", "orbital_inclination": 1, "longitude_of_the_ascending_node": "2",
        "argument_of_the_perihelion": 3, "eccentricity": 0.9, "perihelion_distance": 1.5,
        "epoch_of_perihelion": 2460000.5,
    }  # fmt: skip
    body = target_of(read({"targets": [{"name": "C/2026 A1", "epoch": "2000.0", "orbital_elements": elements}]}))
    assert (body.type, body.scheme, body.epoch) == ("NON_SIDEREAL", "MPC_COMET", None)
    assert (body.epoch_of_elements, body.epoch_of_perihelion, body.lng_asc_node) == (60000.0, 60000.0, 2.0)


def test_distances_become_parsecs_and_stay_as_said_where_their_unit_is_not() -> None:
    body = target_of(read({"targets": [SN | {"distance": 12.5, "distance_error": 1, "distance_units": "Mpc"}]}))
    assert (body.distance, body.distance_err) == (12.5e6, 1e6)
    body = target_of(read({"targets": [SN | {"distance": 12.5, "distance_units": "furlong"}]}))
    assert (body.distance, body.extras) == (None, {"distance": "12.5", "distance_units": "furlong"})


def test_two_targets_of_one_name_are_told() -> None:
    items = read({"targets": [SN, SN | {"ra": 11}]})
    assert target_of(items).ra == 10.0
    assert "is there twice" in left_of(items)[0][1]


# -- values and units -------------------------------------------------------------------------------------------------


def test_a_brightness_of_zero_is_a_value() -> None:
    datum = datum_of(photometry(point(brightness=0.0, brightness_error=0, exposure_time=0)))
    assert (datum.brightness, datum.brightness_error, datum.exposure_time) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("units", "unit"),
    [
        ({"brightness_unit": "mJy", "limiting_brightness_unit": "AB mag"}, "mJy"),  # a TOM of 2.32
        ({"brightness_unit": "AB mag", "limiting_brightness_unit": "mJy"}, "mJy"),
        ({"brightness_unit": None, "limiting_brightness_unit": "Vega mag"}, "Vega"),
        ({"brightness_unit": None}, ""),
    ],
)
def test_the_unit_of_a_limit_alone_is_the_one_that_is_no_default(units: dict[str, Any], unit: str) -> None:
    datum = datum_of(photometry(point(brightness=None, limiting_brightness=21.0, **units)))
    assert (datum.limit, datum.unit) == (21.0, unit)


def test_a_limit_in_another_unit_than_its_brightness_is_a_further_value() -> None:
    units = {"limiting_brightness": 21.0, "limiting_brightness_unit": "Vega mag"}
    datum = datum_of(photometry(point(**units)))
    assert (datum.brightness, datum.limit, datum.unit, datum.extra) == (18.25, None, "AB", units)


def test_unknown_keys_of_a_row_are_further_values() -> None:
    datum = datum_of(photometry(point(seeing=1.2, flags=[1, 2], observer="o", nothing="")))
    assert datum.extra == {"seeing": 1.2, "flags": [1, 2], "observer": "o"}


@pytest.mark.parametrize("angstrom", ["\u00c5", "\u212b"])
def test_both_angstroms_are_one(angstrom: str) -> None:
    row = point(
        brightness=None, bandpass=None, brightness_unit=None, flux=[1], wavelength=[5000.0], wavelength_units=angstrom
    )
    assert datum_of(read({"targets": [SN], "spectroscopy": [row]})).wavelength_unit == "Angstrom"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"brightness": None}, "a point needs a brightness or a limit"),
        ({"brightness": "bright"}, 'brightness is "bright", which is no finite number'),
        ({"brightness": float("nan")}, "brightness is NaN, which is no finite number"),
        ({"bandpass": None}, "bandpass: "),
        ({"bandpass": "r" * 33}, "bandpass: "),
        ({"date_obs": None}, "has no date_obs"),
        ({"target_name": None}, "has no target_name"),
        ({"target_name": "\ud800"}, "target_name has the control character"),
        ({"telescope": ["1m0"]}, "telescope is"),
    ],
)
def test_a_bad_row_is_told_and_costs_no_other(changed: dict[str, Any], told: str) -> None:
    items = photometry(point(), point(**changed), "no row")
    assert len(events_of(items)[1].body.points) == 1
    first, second = left_of(items)
    assert (first[0], second[0]) == ("invalid", "invalid")
    assert f"hermes.test[0]@7: photometry[1]: {told}" in first[1]
    assert 'photometry[2]: is "no row", not an object' in second[1]


def test_of_many_bad_rows_some_are_told_one_by_one_and_the_others_together() -> None:
    items = photometry(point(), *(point(brightness="x") for _ in range(100)))
    told = left_of(items)
    assert len(told) == MOST_TOLD + 1
    assert "of 80 more the same can be said; the first: " in told[-1][1]
    assert "photometry[21]: brightness" in told[-1][1]


# -- what is bad as a whole -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [b"", b"garbage", b"\xff\xfe", b"[1]", b'"x"', b"{" * 100_000, b'{"data": {"a": 1, "a": 2}}',
     b'{"a": 1' + b"0" * 5000 + b"}",
     b"\xc3\x01" + b"12345678", b"Obj\x01", b"Obj\x01" + b"\xff" * 60],
)  # fmt: skip
def test_bytes_that_are_no_message_are_undecodable(value: bytes) -> None:
    with pytest.raises(UndecodableError, match=r"hermes.test\[0\]@7"):
        HermesFormat().decode(record(value))


@pytest.mark.parametrize("data", [1, [SN], {"targets": SN}, {"targets": [SN], "photometry": point()}])
def test_a_message_that_has_no_rows_where_they_belong_is_invalid(data: object) -> None:
    with pytest.raises(InvalidEventError, match="not a"):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        {"photometry": [{}] * 50_001},
        {"targets": [{}] * 5_001},
        {"photometry": [{"target_name": str(number), "date_obs": 60000, "bandpass": "r", "brightness": 1}
                        for number in range(5_001)]},
    ],
    ids=["rows", "targets", "names"],
)  # fmt: skip
def test_a_message_of_more_than_any_has_is_refused_as_a_whole(data: object) -> None:
    with pytest.raises(InvalidEventError, match=r"the message has 5\d+1 (rows|targets); 5\d+ are the most"):
        read(data)


@pytest.mark.parametrize("form", ["voevent", "circular", "gcntextnotice", "blob", "something"])
def test_other_formats_are_left(form: str) -> None:
    given = record(b"x", [("_format", form.encode())])
    assert [reason for reason, _ in left_of(HermesFormat().decode(given))] == ["nothing to take"]


def test_the_envelope_of_old_clients_is_opened() -> None:
    payload = json.loads(message({"targets": [SN]}).value)
    old = json.dumps({"format": "json", "content": payload}).encode()
    assert target_of(HermesFormat().decode(record(old))).name == "SN 2026ali"


# -- Avro files -------------------------------------------------------------------------------------------------------


def container(payload: dict[str, Any], schema: object, codec: str = "null") -> bytes:
    buffer = BytesIO()
    fastavro.writer(buffer, fastavro.parse_schema(schema), [payload], codec=codec)
    return buffer.getvalue()


ROW = {"type": "record", "name": "row", "fields": [
    {"name": "target_name", "type": "string"}, {"name": "date_obs", "type": "string"},
    {"name": "bandpass", "type": "string"}, {"name": "brightness", "type": "double"},
]}  # fmt: skip
AVRO = {"type": "record", "name": "m", "fields": [
    {"name": "title", "type": "string"},
    {"name": "data", "type": {"type": "record", "name": "d", "fields": [
        {"name": "photometry", "type": {"type": "array", "items": ROW}}]}},
]}  # fmt: skip
IN_AVRO = {"title": "t", "data": {"photometry": [
    {"target_name": "SN 2026ali", "date_obs": "60981.128", "bandpass": "r", "brightness": 0.0}]}}  # fmt: skip


@pytest.mark.parametrize("form", [[("_format", b"avro")], []], ids=["said", "not said"])
def test_a_message_in_an_avro_file_is_read(form: list[tuple[str, bytes]]) -> None:
    items = HermesFormat().decode(record(container(IN_AVRO, AVRO), form))
    assert (datum_of(items).brightness, events_of(items)[0].title) == (0.0, "t")


def test_a_packed_avro_file_is_refused() -> None:
    with pytest.raises(UndecodableError, match="packed by b'deflate'"):
        HermesFormat().decode(record(container(IN_AVRO, AVRO, codec="deflate")))


def test_an_avro_file_that_would_unfold_without_bound_is_refused() -> None:
    empty = {"type": "record", "name": "e", "fields": []}
    bomb = {"type": "record", "name": "m", "fields": [{"name": "a", "type": {"type": "array", "items": empty}}]}
    with pytest.raises(UndecodableError, match="take no bytes"):
        HermesFormat().decode(record(container({"a": [{}] * 3}, bomb)))


def test_an_avro_file_of_more_than_any_message_has_is_refused_unread() -> None:
    item = {"type": "record", "name": "i", "fields": [{"name": "x", "type": "int"}]}
    many = {"type": "record", "name": "m", "fields": [{"name": "a", "type": {"type": "array", "items": item}}]}
    with pytest.raises(UndecodableError, match="would unfold into more"):
        HermesFormat().decode(record(container({"a": [{"x": 0}] * 300_000}, many)))


@pytest.mark.parametrize("name", ["hermes-rest-full", "hop-avro-one", "hop-json-with-nan"])
def test_a_record_cut_anywhere_brings_items_or_an_error_of_ours(name: str) -> None:
    whole = captured(name)
    for length in range(0, len(whole.value), 13):
        try:
            found = HermesFormat().decode(record(whole.value[:length], whole.headers))
        except EventError:
            continue
        assert all(isinstance(one, Noted | Left) for one in found)


def test_a_second_look_numbers_the_items_alike() -> None:
    rows = [point(), point(date_obs="soon"), point(target_name="B"), point(flux=1, target_name="SN 2026ali")]
    items = photometry(*rows)
    assert items == photometry(*rows)
    assert [type(one).__name__ for one in items] == ["Noted", "Noted", "Noted", "Left"]


# -- what an attack found ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2026-11-02+01:00", "2026-11-02-05:00", "2026-11-02+0100", "2026-11-02Z"])
def test_an_offset_behind_a_day_is_never_a_time_of_the_day(day: str) -> None:
    ((_, why),) = left_of(photometry(point(date_obs=day)))
    assert "no time" in why


def test_further_orbital_elements_stay_as_they_are_said() -> None:
    elements = {
        "epoch_of_elements": "60000", "orbital_inclination": 1, "longitude_of_the_ascending_node": 2,
        "argument_of_the_perihelion": 3, "eccentricity": 0.1, "semimajor_axis": 2, "mean_anomaly": 4, "abs_mag": 18.1,
    }  # fmt: skip
    target = target_of(read({"targets": [{"name": "A", "orbital_elements": elements}]}))
    assert target.extras == {"orbital_elements": '{"abs_mag": 18.1}'}


@pytest.mark.parametrize("epoch", ["60000", 2460000.5, 999])
def test_an_epoch_that_is_no_year_refuses_its_target(epoch: object) -> None:
    ((_, why),) = left_of(read({"targets": [SN | {"epoch": epoch}]}))
    assert "targets[0]: epoch is" in why


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"targets": [SN | {"odd": float("nan")}]}, "odd is NaN"),
        ({"targets": [SN | {"pm_ra": "x"}]}, 'pm_ra is "x"'),
        ({"targets": [SN | {"aliases": [1.5, None]}]}, "aliases is null"),
        ({"targets": [SN | {"distance": "far", "distance_units": "pc"}]}, 'distance is "far"'),
        ({"photometry": [point(brightness_unit=["AB mag"])]}, 'brightness_unit is ["AB mag"]'),
        ({"photometry": [point(limiting_brightness_unit=["AB mag"])]}, 'limiting_brightness_unit is ["AB mag"]'),
    ],
)
def test_what_is_wrong_in_a_row_is_told_with_its_key(data: object, key: str) -> None:
    ((_, why),) = left_of(read(data))
    assert f"[0]: {key}" in why


def test_both_angstroms_are_one_unit_of_brightness_and_limit() -> None:
    per = "erg / s / cm² / {}"
    row = point(
        brightness_unit=per.format("\u212b"), limiting_brightness=1, limiting_brightness_unit=per.format("\u00c5")
    )
    assert (datum_of(photometry(row)).limit, datum_of(photometry(row)).extra) == (1.0, {})


def test_no_row_says_for_the_bridge_where_it_came_from() -> None:
    ((_, why),) = left_of(photometry(point(original_source_name="ATLAS")))
    assert "photometry[0]: has original_source_name" in why


def test_an_id_inside_stands_for_one_event() -> None:
    one, other = (share().event(target(name=name)) for name in "AB")
    twice = [as_json(one), as_json(other), as_json(one) | {"body": as_json(other)["body"]}]
    items = read({"tom_bridge": {"v": 1, "events": twice}}, full=True)
    assert events_of(items) == [one, other]
    ((_, why),) = left_of(items)
    assert f"data.tom_bridge.events[2]: event {one.id} is there twice" in why


def test_many_bad_events_inside_are_few_items() -> None:
    right = as_json(share().event(target()))
    items = read({"tom_bridge": {"v": 1, "events": [*[{}] * 100, right]}}, full=True)
    assert (len(events_of(items)), len(left_of(items))) == (1, MOST_TOLD + 1)
    with pytest.raises(InvalidEventError, match="20001 events; 20000 are the most"):
        read({"tom_bridge": {"v": 1, "events": [{}] * 20_001}}, full=True)


def test_no_event_inside_speaks_for_a_sender_of_hermes() -> None:
    forged = share(origin="hermes.alice-1a2b3c4d").event(target())
    items = read({"tom_bridge": {"v": 1, "events": [as_json(forged)]}}, full=True)
    assert events_of(items) == []
    ((_, why),) = left_of(items)
    assert "no bridge sends what came from Hermes" in why


def test_rows_beside_the_events_inside_are_told_and_not_taken() -> None:
    right = share().event(target(SN["name"]))
    inside = {"tom_bridge": {"v": 1, "events": [as_json(right)]}}
    items = read({"targets": [SN, SN | {"name": "Other"}], "photometry": [point(), point()], **inside}, full=True)
    assert events_of(items) == [right]
    assert left_of(items) == [
        (
            "nothing to take",
            "rows stand beside the events inside, and are not taken: 1 of targets, 2 of photometry",
        )
    ]
    assert left_of(read({"targets": [SN], **inside}, full=True)) == []


# -- what costs more than it weighs ------------------------------------------------------------------------------------

_LONG = 40_000
LONG_TEXTS = {
    "a number too large": "1" * _LONG,
    "digits": "1" * _LONG + "x",
    "digits and a point": "1" * _LONG + "." + "1" * _LONG + "x",
    "blanks": "1" + " " * _LONG + "x",
    "lines": "1" + "\n" * _LONG + ":",
    "an exponent": "1e" + "1" * _LONG,
}


@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS.keys())
def test_a_long_text_that_is_nearly_a_value_costs_no_more_than_its_length(text: str) -> None:
    """Else a single message would keep the consumer at it for hours, and no signal would be heard meanwhile."""
    row = {"target_name": "SN 2026ali", "date_obs": text}
    data = {
        "targets": [SN | {"name": name, key: text} for name, key in (("A", "ra"), ("B", "dec"), ("C", "pm_ra"))],
        "photometry": [point(brightness=text), point(date_obs=text), point(brightness_unit=text)],
        "spectroscopy": [row | {"flux": [text], "wavelength": [text]}],
        "astrometry": [row | {"ra": text, "dec": text}],
    }
    began = time.process_time()
    items = read(data)
    assert time.process_time() - began < 1.0
    assert not [one for one in events_of(items) if one.kind != "target"]
