"""What a valid event is, and how an invalid one is told."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts.events import astrometry, datum, event, photometry, position, reduced_data, spectroscopy, spectrum
from parts.strategies import NOT_IN_NAMES

from bridge.errors import InvalidEventError
from bridge.events import DataProduct, Event, ListMember, Photometry, Point, Share, Target, TargetList, uuid7
from bridge.events import TargetReference as Reference
from bridge.events.fields import MAX_DEPTH

SHARE = Share(origin="alpha", origin_name="Alpha TOM", installation=uuid7())
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
POINT = {"timestamp": "2026-01-02T12:00:00Z", "bandpass": "r", "brightness": 17.5}
TARGET = {"kind": "target", "name": "M 31", "type": "SIDEREAL", "ra": 10.68, "dec": 41.27}
ELEMENTS = {
    "kind": "target", "name": "Ceres", "type": "NON_SIDEREAL", "scheme": "MPC_MINOR_PLANET",
    "epoch_of_elements": 60000.0,
    "inclination": 10.6, "lng_asc_node": 80.3, "arg_of_perihelion": 73.6, "eccentricity": 0.0, "mean_anomaly": 0.0,
    "semimajor_axis": 2.77,
}  # fmt: skip


def told(body: dict, **envelope) -> str:
    """Return what is said of an event with this body."""
    data = SHARE.model_dump(mode="json") | {"id": str(uuid7()), "body": body} | envelope
    with pytest.raises(InvalidEventError) as caught:
        Event.checked(data, where="supernovae[0]@7")
    return str(caught.value)


def points(**changed) -> dict:
    return {"kind": "photometry", "target": {"name": "M 31"}, "points": [POINT, POINT | changed]}


def test_an_error_names_the_place_the_event_the_field_and_the_mend():
    message = told(TARGET | {"ra": 400.0})
    assert message.startswith("supernovae[0]@7: event ")
    assert "ra: Input should be less than or equal to 360" in message
    assert "400" in message


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("brightness", float("nan"), "finite"),
        ("brightness", float("inf"), "finite"),
        ("brightness", None, "needs a brightness or a limit"),
        ("bandpass", "", "at least 1 character"),
        ("bandpass", "x" * 33, "at most 32 characters"),
        ("telescope", "a\0b", "control character"),
        ("timestamp", "2026-01-02T12:00:00", "timezone"),
        ("extra", {"a": float("nan")}, "finite"),
        ("extra", {"a": "\0"}, "NUL"),
        ("colour", "red", "not permitted"),
        ("brightness", 10**400, "valid number"),
        ("timestamp", "0999-12-31T23:59:59Z", "is not in the years 1000 to 3000"),
        ("timestamp", "3001-01-01T00:00:00Z", "is not in the years 1000 to 3000"),
        ("timestamp", "0001-01-01T00:00:00+14:00", "is not in the years 1000 to 3000"),
        ("timestamp", "9999-12-31T23:59:59-14:00", "is not in the years 1000 to 3000"),
        ("timestamp", 1e300, "is a number"),
        ("timestamp", 60000.5, "60000.5 is a number; write a time as"),
        ("timestamp", "60000.5", "is a number"),
        ("timestamp", 1767355200, "is a number"),
        ("timestamp", "1767355200000", "is a number"),
        ("timestamp", "", "datetime"),
    ],
)
def test_a_wrong_field_of_one_point_is_told_by_its_number(field, value, words):
    message = told(points(**{field: value}))
    assert "points[1]" in message
    assert words in message


@pytest.mark.parametrize("time_", ["1" * 40_000 + "x", "1_" * 40_000 + ".x", "1." + "1" * 40_000 + "x"])
def test_a_long_text_in_place_of_a_time_costs_no_more_than_its_length(time_: str) -> None:
    began = time.process_time()
    assert "points[1]" in told(points(timestamp=time_))
    assert time.process_time() - began < 1.0


SURROGATES = st.characters(categories=["Cs"])


@st.composite
def holding_a_surrogate(draw: st.DrawFn) -> Any:
    """Draw a free value with a lone surrogate in a key or a text, at any depth."""
    around = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
    text = draw(around) + draw(SURROGATES) + draw(around)
    value: Any = {text: 1} if draw(st.booleans()) else text
    for _ in range(draw(st.integers(0, 4))):
        value = [1, value] if draw(st.booleans()) else {"a": value}
    return {"a": value}


@given(holding_a_surrogate())
def test_a_lone_surrogate_is_refused_wherever_it_is_in_a_free_value(free: Any) -> None:
    assert "lone surrogate" in told(points(extra=free))
    datum_of_another_type = {"timestamp": POINT["timestamp"], "data_type": "polarimetry", "value": free}
    data = {"kind": "reduced-datum", "target": {"name": "M 31"}, "data": [datum_of_another_type]}
    message = told(data)
    assert "data[0].value" in message
    assert "lone surrogate" in message
    message.encode()


@pytest.mark.parametrize(
    "wrong",
    [{"name": "a\ud800"}, {"aliases": ["\udfff"]}, {"extras": {"\ud800": "v"}}, {"extras": {"k": "\ud800"}}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_lone_surrogate_is_refused_in_every_text_of_a_target(wrong: dict[str, Any]) -> None:
    told(TARGET | wrong).encode()


def test_a_character_beyond_the_first_plane_is_no_lone_surrogate() -> None:
    free = {"😀": ["a \\ud800", "😀"]}
    assert Point(**POINT, extra=free).extra == free
    given = event(photometry(1, extra=free))
    assert Event.checked(json.dumps(given.model_dump(mode="json"))) == given


def nested(levels: int, *, in_lists: bool) -> Any:
    """Return a free value of so many levels, the value itself being the first."""
    value: Any = 1
    for _ in range(levels - 1):
        value = [0, value] if in_lists else {"a": value, "b": 0}
    return {"a": value}


@pytest.mark.parametrize("in_lists", [False, True])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 300, 5_000])
def test_what_is_nested_too_deeply_is_invalid_with_every_python_and_no_crash(levels: int, in_lists: bool) -> None:
    found = told(points(extra=nested(levels, in_lists=in_lists)))
    assert "nested too deeply" in found or "maximum validation depth" in found
    assert len(found) < 2_000


@pytest.mark.parametrize("in_lists", [False, True])
def test_what_is_nested_as_deeply_as_may_be_is_valid_however_wide(in_lists: bool) -> None:
    free = nested(MAX_DEPTH, in_lists=in_lists)
    free["wide"] = [[number] for number in range(1_000)]
    assert Point(**POINT, extra=free).extra == free


@pytest.mark.parametrize("year", [1000, 1866, 2026, 3000])
def test_a_time_that_people_have_observed_at_is_valid(year: int) -> None:
    assert Point(**POINT | {"timestamp": f"{year}-07-01T00:00:00Z"}).timestamp.year == year


def test_a_time_is_judged_in_utc() -> None:
    assert Point(**POINT | {"timestamp": "3001-01-01T01:00:00+02:00"}).timestamp.year == 3000
    assert "years 1000 to 3000" in told(points(timestamp="1000-01-01T01:00:00+02:00"))
    assert "shared_at: 0999" in told(TARGET, shared_at="0999-01-01T00:00:00Z")


@pytest.mark.parametrize("character", [*NOT_IN_NAMES, "\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9b"])
def test_a_name_has_no_tags_no_controls_and_no_turned_writing(character: str) -> None:
    wrong = f"SN{character}2024"
    reference = {"name": "M 31", "aliases": ["ok", wrong]}
    assert f"{character!r} at 2 of {wrong!r}; remove it" in told(TARGET | {"name": wrong})
    assert "aliases[1]: has the character" in told(TARGET | {"aliases": ["ok", wrong]})
    assert "target.aliases[1]: has the character" in told(points() | {"target": reference})
    assert "name: has the character" in told({"kind": "list", "name": wrong, "members": []})
    assert "members[0].reference.name" in told(
        {"kind": "list", "name": "L", "members": [{"reference": {"name": wrong}}]}
    )


@pytest.mark.parametrize("name", ["-", "()", "α Cen", "2MASS J1234−56", "SN\xa02024abc", "V838 Mon's", "a & b; #1"])
def test_an_odd_name_is_no_wrong_one(name: str) -> None:
    assert Target(**TARGET | {"name": name}).name == name


def test_a_brightness_of_zero_is_a_value():
    assert Point(**POINT | {"brightness": 0.0}).brightness == 0.0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ra": None}, "needs ra"),
        ({"ra": None, "dec": None}, "needs ra, dec"),
        ({"dec": -90.1}, "greater than or equal to -90"),
        ({"type": "GALAXY"}, "type"),
        ({"name": " "}, "at least 1 character"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"extras": {"k" * 201: "v"}}, "at most 200 characters"),
    ],
)
def test_a_target_that_no_tom_can_hold_is_refused(changed, words):
    assert words in told(TARGET | changed)


def test_a_moving_body_needs_the_elements_of_its_scheme_and_zero_is_one():
    assert Target(**ELEMENTS).eccentricity == 0.0
    assert "needs semimajor_axis" in told(ELEMENTS | {"semimajor_axis": None})
    assert "needs scheme" in told(ELEMENTS | {"scheme": ""})


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a\\b", "..", "", "a\0"])
def test_a_file_name_is_never_a_path(name):
    product = DataProduct.of(b"1", target=Reference(name="M 31"), filename="a", data_product_type="photometry")
    assert "filename" in told(product.model_dump(mode="json") | {"filename": name})


@pytest.mark.parametrize(("changed", "words"), [({"size": 2}, "size says 2"), ({"sha256": "0" * 64}, "sha256 says")])
def test_content_that_is_not_what_was_sent_is_refused(changed, words):
    product = DataProduct.of(b"1", target=Reference(name="M 31"), filename="a", data_product_type="photometry")
    assert words in told(product.model_dump(mode="json") | changed)


def test_an_extra_value_may_speak_of_a_nul_without_being_one():
    assert Point(**POINT, extra={"a": "\\u0000"}).extra == {"a": "\\u0000"}


def test_times_become_utc():
    shared_at = datetime(2026, 1, 2, 14, tzinfo=timezone(timedelta(hours=2)))
    assert Share(**SHARE.model_dump() | {"shared_at": shared_at}).shared_at == NOON
    assert Share(**SHARE.model_dump() | {"shared_at": shared_at}).shared_at.tzinfo is UTC


@pytest.mark.parametrize("origin", ["", "Alpha", "a b", "a/b", "-a", "a" * 101])
def test_an_origin_is_a_plain_permanent_word(origin):
    assert "origin" in told(TARGET, origin=origin)


def test_an_event_survives_json_unchanged():
    product = DataProduct.of(b"\x00\xff", target=Reference(name="M 31"), filename="a", data_product_type="fits_file")
    for body in (
        Target(**TARGET),
        TargetList(name="Best", members=(ListMember(reference=Reference(name="M 31"), target=Target(**TARGET)),)),
        Photometry(target=Reference(name="M 31"), points=(Point(**POINT, extra={"a": [1, None, {"b": "ö"}]}),)),
        product,
    ):
        event = SHARE.event(body)
        assert Event.checked(event.model_dump_json()) == event


def test_the_key_tells_origin_and_target_and_a_list_is_no_target():
    assert SHARE.event(Target(**TARGET)).key == b"alpha/m31"
    assert SHARE.event(TargetList(name="M 31")).key == b"alpha/list:m31"


def test_event_ids_are_of_version_7_and_grow_with_time():
    first, second = uuid7(), uuid7()
    assert (first.version, first.variant) == (7, UUID(int=first.int).variant)
    assert first.int >> 80 <= second.int >> 80
    assert first != second


# -- reduced data of the other kinds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"flux": (1.0, 2.0)}, r"spectra\[0\]: flux: there are 2 for 3 wavelengths"),
        ({"error": (1.0,)}, r"spectra\[0\]: error: there are 1 for 3 wavelengths; one each is needed, or none"),
        ({"wavelength": ()}, r"spectra\[0\]\.wavelength: .*at least 1"),
        ({"flux": (1.0, float("nan"), 2.0)}, r"spectra\[0\]\.flux\[1\]: .*finite number"),
        ({"flux": (float("inf"),) * 100_000}, r"spectra\[0\]\.flux\[0\]: .*finite number \(it is 'inf'\)$"),
        ({"exposure_time": float("inf")}, r"spectra\[0\]\.exposure_time: .*finite number"),
        ({"setup": "x" * 2_001}, r"spectra\[0\]\.setup: .*2000"),
    ],
    ids=lambda each: str(each)[:60],
)
def test_a_wrong_spectrum_is_told(fields: dict[str, Any], told: str) -> None:
    wrong = {"kind": "spectroscopy", "target": {"name": "M 31"}, "spectra": [spectrum(3).model_dump() | fields]}
    with pytest.raises(InvalidEventError, match=told):
        Event.checked(event().model_dump() | {"body": wrong})


@pytest.mark.parametrize("data_type", ["photometry", "Spectroscopy", "ASTROMETRY"])
def test_data_of_a_kind_of_their_own_are_not_taken_as_other_data(data_type: str) -> None:
    given = {"timestamp": NOON, "data_type": data_type, "value": {}}
    wrong = {"kind": "reduced-datum", "target": {"name": "M 31"}, "data": [given]}
    with pytest.raises(InvalidEventError, match=rf"data\[0\]\.data_type: .*share it as {data_type.lower()}"):
        Event.checked(event().model_dump() | {"body": wrong})


def test_zeros_are_values_in_every_kind() -> None:
    bodies = (
        spectroscopy(spectrum(2, flux=(0.0, 0.0), error=(0.0, 0.0), exposure_time=0.0)),
        astrometry(position(ra=0.0, dec=0.0, ra_error=0.0)),
        reduced_data(datum(value={"q": 0.0, "none": None})),
    )
    for body in bodies:
        assert Event.checked(event(body).model_dump_json()).body == body
