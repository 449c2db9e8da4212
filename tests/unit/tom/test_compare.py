"""What a datum is beside the rows of a TOM."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parts.events import datum, position, spectrum

from bridge.events import Datum, EventRef, Kind, Point, ReducedDatum, uuid7
from bridge.tom.compare import Beside, as_existing, fate
from bridge.tom.port import ExistingDatum, Fate, NewDatum, Provenance
from bridge.tom.reserved import ORIGINAL_SOURCE_KEY
from bridge.tom.values import WORDS

HIDDEN = WORDS[Kind.PHOTOMETRY].hidden
T0 = datetime(2024, 5, 1, tzinfo=UTC)


def a_point(**fields: Any) -> Point:
    return Point(**{"timestamp": T0, "bandpass": "r", "brightness": 0.0, "telescope": "T", "instrument": "I", **fields})


def a_row(*, hidden: frozenset[str] = frozenset(), **fields: Any) -> ExistingDatum:
    values = as_existing(a_point(**fields)).values
    return ExistingDatum(kind=Kind.PHOTOMETRY, values={**values, **dict.fromkeys(hidden)}, hidden=hidden)


def test_a_point_beside_nothing_may_be_written() -> None:
    assert fate(a_point(), []) is None


def test_an_equal_point_is_a_duplicate_even_beside_conflicting_ones() -> None:
    assert fate(a_point(), [a_row(brightness=1.0), a_row()]) is Fate.DUPLICATE


@pytest.mark.parametrize(
    "other", [{"brightness": 0.1}, {"brightness_error": 0.1}, {"limit": 20.0}, {"unit": "Jy"}, {"unit": "Mag(AB)"}]
)
def test_another_value_at_the_same_place_is_conflicting(other: dict[str, Any]) -> None:
    assert fate(a_point(**other), [a_row()]) is Fate.CONFLICTING


@pytest.mark.parametrize(
    "other", [{"timestamp": T0 + timedelta(microseconds=1)}, {"bandpass": "R"}, {"instrument": "J"},
              {"reduction_version": "2"}, {"telescope": "U", "brightness": 1.0}]
)  # fmt: skip
def test_another_place_is_another_point(other: dict[str, Any]) -> None:
    assert fate(a_point(**other), [a_row()]) is None


def test_another_telescope_with_the_same_brightness_has_no_room_in_the_tom() -> None:
    assert fate(a_point(telescope="U"), [a_row()]) is Fate.CONFLICTING


def test_a_row_that_looks_equal_but_hides_something_is_for_the_tom_to_judge() -> None:
    hidden = a_row(hidden=HIDDEN)
    assert fate(a_point(), [hidden]) is None
    assert fate(a_point(), [hidden, a_row(brightness=1.0)]) is None


def test_another_brightness_beside_a_hidden_version_is_conflicting_unless_the_point_has_a_version() -> None:
    hidden = a_row(hidden=HIDDEN)
    assert fate(a_point(brightness=1.0), [hidden]) is Fate.CONFLICTING
    assert fate(a_point(brightness=1.0, reduction_version="2"), [hidden]) is None


# -- what many ways to a TOM drop ------------------------------------------------------------------------------------


def from_source(source: str | None, **fields: Any) -> Point:
    """Return a point whose publisher had ``source``, as it is written; None: nobody knows."""
    return a_point(extra={} if source is None else {ORIGINAL_SOURCE_KEY: source}, source_name="Alpha TOM", **fields)


def of(*sources: str | None, **fields: Any) -> list[ExistingDatum]:
    return [as_existing(from_source(source, **fields)) for source in sources]


@pytest.mark.parametrize("known", ["ZTF", "", None])
def test_a_source_that_is_not_known_of_both_keeps_nothing_apart(known: str | None) -> None:
    for other in ("", None):
        assert fate(from_source(known), of(other)) is Fate.DUPLICATE
        assert fate(from_source(other), of(known)) is Fate.DUPLICATE
        assert fate(from_source(known, brightness=1.0), of(other)) is Fate.CONFLICTING
        assert fate(from_source(other, brightness=1.0), of(known)) is Fate.CONFLICTING


def test_two_surveys_at_one_time_are_two_points() -> None:
    assert fate(from_source("CSS", brightness=1.0), of("ZTF")) is None
    assert fate(from_source("ZTF", brightness=1.0), of("ZTF")) is Fate.CONFLICTING


def test_two_surveys_that_found_the_same_have_no_room_in_the_tom() -> None:
    assert fate(from_source("CSS"), of("ZTF")) is Fate.CONFLICTING


def test_a_source_that_is_hidden_keeps_nothing_apart() -> None:
    assert fate(from_source("CSS", brightness=1.0), [a_row()]) is Fate.CONFLICTING


def test_an_exposure_time_keeps_apart_only_where_it_is_known_of_both() -> None:
    thirty = a_point(exposure_time=30.0)
    assert fate(thirty, [a_row()]) is Fate.DUPLICATE
    assert fate(a_point(), [a_row(exposure_time=30.0)]) is Fate.DUPLICATE
    assert fate(thirty, [a_row(brightness=1.0)]) is Fate.CONFLICTING
    assert fate(thirty, [a_row(brightness=1.0, exposure_time=60.0)]) is None
    assert fate(thirty, [a_row(brightness=1.0, exposure_time=0.0)]) is None
    assert fate(thirty, [a_row(brightness=1.0, exposure_time=30.0)]) is Fate.CONFLICTING


def test_mag_and_an_empty_unit_are_one() -> None:
    assert fate(a_point(unit="mag"), [a_row()]) is Fate.DUPLICATE
    assert fate(a_point(), [a_row(unit="mag")]) is Fate.DUPLICATE
    assert fate(a_point(unit="mag"), [a_row(unit="mmag")]) is Fate.CONFLICTING


# -- what one event brings together ------------------------------------------------------------------------------------

EVENT = EventRef("alpha", uuid7())


def new(datum: Datum, event: EventRef = EVENT) -> NewDatum:
    return NewDatum(target_pk=1, datum=datum, provenance=Provenance(event=event, origin_name="Alpha TOM"))


def fates(datums: list[NewDatum], *rows: ExistingDatum) -> list[Fate]:
    """Return what becomes of datums that are written together, one after the other, beside ``rows``."""
    beside = Beside(datums)
    beside.take_in(1, rows)
    found = []
    for one in datums:
        judged = beside.fate(one) or beside.fate_among_noted(one)
        if judged is None:
            beside.note(one)
        found.append(judged or Fate.NEW)
    return found


BRIGHTER, FAINTER, LIMIT = a_point(), a_point(brightness=1.0), a_point(brightness=None, limit=20.0)


def test_what_one_event_brings_together_never_conflicts_within_itself() -> None:
    together = [new(one) for one in (BRIGHTER, FAINTER, LIMIT, FAINTER)]
    assert fates(together) == [Fate.NEW, Fate.NEW, Fate.NEW, Fate.DUPLICATE]


@pytest.mark.parametrize("there", [[BRIGHTER], [FAINTER], [FAINTER, LIMIT], [BRIGHTER, FAINTER, LIMIT]], ids=len)
def test_nor_with_what_an_earlier_try_of_it_has_written(there: list[Point]) -> None:
    together = [new(one) for one in (BRIGHTER, FAINTER, LIMIT)]
    expected = [Fate.DUPLICATE if one.datum in there else Fate.NEW for one in together]
    assert fates(together, *(as_existing(one) for one in there)) == expected


def test_what_two_events_bring_conflicts_also_within_one_call() -> None:
    other = EventRef("alpha", uuid7())
    assert fates([new(BRIGHTER), new(FAINTER, other)]) == [Fate.NEW, Fate.CONFLICTING]
    assert fates([new(BRIGHTER), new(LIMIT)], as_existing(FAINTER)) == [Fate.CONFLICTING, Fate.CONFLICTING]


def test_what_the_tom_has_no_room_for_conflicts_also_within_one_event() -> None:
    assert fates([new(BRIGHTER), new(a_point(telescope="U"))]) == [Fate.NEW, Fate.CONFLICTING]
    assert fates([new(a_point(exposure_time=30.0)), new(a_point(exposure_time=60.0))]) == [Fate.NEW, Fate.CONFLICTING]


# -- the other kinds -------------------------------------------------------------------------------------------------

NEW, DUPLICATE, CONFLICTING = None, Fate.DUPLICATE, Fate.CONFLICTING


def beside(there: Datum, *hidden: str, **fields: Any) -> Fate | None:
    """Return what a datum like ``there``, but for ``fields``, is beside it."""
    row = as_existing(there)
    values = {**row.values, **dict.fromkeys(hidden, "")}
    new = there.model_copy(update=fields)
    return fate(new, [ExistingDatum(kind=row.kind, values=values, hidden=frozenset(hidden))])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, DUPLICATE),
        ({"extra": {"a": 1}}, DUPLICATE),
        ({"flux": (1.0, 2.0, 3.0)}, CONFLICTING),
        ({"error": ()}, DUPLICATE),
        ({"exposure_time": 0.0}, DUPLICATE),
        ({"timestamp": T0}, DUPLICATE),
        ({"reduction_version": "2"}, DUPLICATE),
        ({"instrument": "J"}, DUPLICATE),
        ({"setup": "blue arm"}, DUPLICATE),
        ({"flux": (1.0, 2.0, 3.0), "setup": "blue arm"}, NEW),
        ({"flux": (1.0, 2.0), "wavelength": (1.0, 2.0)}, NEW),
        ({"flux": (1.0, 2.0, 3.0), "timestamp": T0}, NEW),
        ({"flux_unit": "Jy"}, CONFLICTING),
        ({"flux_unit": "Jy", "timestamp": T0}, NEW),
    ],
    ids=str,
)
def test_a_spectrum_beside_another(fields: dict[str, Any], expected: Fate | None) -> None:
    assert beside(spectrum(3), **fields) is expected


@pytest.mark.parametrize("name", ["telescope", "instrument", "setup", "reduction_version"])
def test_what_is_known_to_differ_keeps_two_spectra_of_the_same_numbers_apart(name: str) -> None:
    there = spectrum(3, **{name: "one"})
    for time in (there.timestamp, T0):
        assert beside(there, **{name: "two"}, timestamp=time) is not DUPLICATE
        assert beside(there, **{name: ""}, timestamp=time) is DUPLICATE


def test_a_spectrum_is_known_by_its_numbers_also_within_one_event_and_at_any_target_of_its_own() -> None:
    there, later = spectrum(3), spectrum(3, timestamp=T0)
    assert fates([new(there), new(later)]) == [Fate.NEW, Fate.DUPLICATE]
    assert fates([new(later)], as_existing(there)) == [Fate.DUPLICATE]
    elsewhere = NewDatum(target_pk=2, datum=later, provenance=new(later).provenance)
    assert fates([elsewhere], as_existing(there)) == [Fate.NEW]


def test_what_is_hidden_of_a_spectrum_is_left_to_the_tom_where_it_could_tell_two_apart() -> None:
    hidden = WORDS[Kind.SPECTROSCOPY].hidden
    assert beside(spectrum(3), *hidden) is DUPLICATE
    assert beside(spectrum(3), *hidden, setup="blue arm") is None
    assert beside(spectrum(3), *hidden, setup="blue arm", timestamp=T0) is DUPLICATE
    assert beside(spectrum(3), *hidden, flux=(1.0, 2.0, 3.0)) is CONFLICTING
    assert beside(spectrum(3), *hidden, flux=(1.0, 2.0, 3.0), setup="blue arm") is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, DUPLICATE),
        ({"ra": 10.1}, CONFLICTING),
        ({"ra_error": 0.0}, CONFLICTING),
        ({"ra": 10.1, "reduction_version": "2"}, NEW),
        ({"ra": 10.1, "telescope": "T"}, NEW),
    ],
    ids=str,
)
def test_a_position_beside_another(fields: dict[str, Any], expected: Fate | None) -> None:
    assert beside(position(), **fields) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, DUPLICATE),
        ({"data_type": "Polarimetry"}, DUPLICATE),
        ({"value": {"u": 1, "q": 0.0, "original_source_name": "ZTF"}}, DUPLICATE),
        ({"value": {"q": 0.1, "u": 1}}, NEW),
        ({"data_type": "radio"}, NEW),
        ({"telescope": "T"}, CONFLICTING),
    ],
    ids=str,
)
def test_a_datum_of_another_type_beside_another(fields: dict[str, Any], expected: Fate | None) -> None:
    assert beside(datum(), **fields) is expected


def test_a_value_under_a_reserved_name_is_the_one_that_the_tom_keeps_under_another() -> None:
    there = datum(value={"shared_target": 1})
    assert beside(there, value={"target": 1}) is DUPLICATE


def test_datums_of_two_kinds_have_nothing_to_do_with_each_other() -> None:
    assert fate(position(), [as_existing(spectrum())]) is None


# -- free values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "given_back"),
    [
        (1e16, 10**16),
        (1.5e43, 15 * 10**42),
        (1e23, 10**23),
        (-1.2345678901234568e20, -123456789012345680000),
        (-0.0, 0.0),
    ],
)
def test_a_number_that_a_database_writes_out_is_the_one_that_it_took(taken: float, given_back: float) -> None:
    datum = ReducedDatum(timestamp=T0, data_type="flux", value={"a": [taken, {"b": taken}]})
    row = as_existing(datum.with_free({"a": [given_back, {"b": given_back}]}))
    assert fate(datum, [row]) is Fate.DUPLICATE


@pytest.mark.parametrize(("one", "other"), [(1e16, 10**16 + 1), (1e23, int(1e23)), (2**63, 2**63 + 1), (1, True)])
def test_numbers_that_differ_are_two_data(one: float, other: float) -> None:
    datum = ReducedDatum(timestamp=T0, data_type="flux", value={"a": one})
    assert fate(datum, [as_existing(datum.with_free({"a": other}))]) is None
