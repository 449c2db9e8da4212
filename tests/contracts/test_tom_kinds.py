"""The contract of a TOM for spectra, positions and data of other types, on real TOMs of every kind.

What is asserted is what the TOM's database holds. Photometry, and all that is not datums, is in ``test_tom.py``.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parts.django_tom import InProcessTom
from parts.events import NOON, datum, position, spectrum
from parts.tom_intents import MemoryIntents
from parts.tom_site import BRIDGE_PASSWORD, GROUP
from parts.toms import Tom as RunningTom

from bridge.errors import TomAwayError
from bridge.events import Datum, EventRef, ReducedDatum, Spectrum, uuid7
from bridge.tom.port import DatumResult, Fate, NewDatum, Provenance, Tom
from bridge.tom.rest import RestAccount, RestTom

pytestmark = pytest.mark.tom

TYPES = {name: (name, name) for name in ("photometry", "spectroscopy", "fits_file", "astrometry", "polarimetry")}
OVER_REST: dict[str, int | str] = {"toolkit3": 3, "toolkit3.0": "3.0", "toolkit2": 2}
COMMON: dict[str, Any] = {
    "telescope": "2m0-01", "instrument": "en06", "reduction_version": "2", "source_name": "Another TOM",
    "source_location": "https://example.org/1",
}  # fmt: skip
A_SPECTRUM = spectrum(3, setup="red arm", exposure_time=0.0, extra={"airmass": 1.2, "f": 5, "target": "x"}, **COMMON)
A_POSITION = position(
    ra=0.0, dec=-90.0, ra_error=0.0, dec_error=0.1, ra_error_units="mas", dec_error_units="arcsec",
    extra={"catalogue": "Gaia", "ra_deg": 7}, **COMMON,
)  # fmt: skip
A_DATUM = datum(value={"q": 0.0, "flags": [1, None, {"a": "ö"}], "id": 7, "telescope": "other"}, **COMMON)
EACH = pytest.mark.parametrize("each", [A_SPECTRUM, A_POSITION, A_DATUM], ids=["spectrum", "position", "other"])


@pytest.fixture(params=[*OVER_REST, "orm-sqlite", "orm-postgresql"])
def any_tom(request: pytest.FixtureRequest) -> RunningTom:
    """A TOM of each release over REST, and the TOM of this process on each database."""
    if request.param in OVER_REST:
        return request.getfixturevalue("make_tom")(OVER_REST[request.param], DATA_PRODUCT_TYPES=TYPES)
    return request.getfixturevalue("make_orm_tom")(request.param.removeprefix("orm-"))


Open = Callable[[RunningTom], Tom]


@pytest.fixture
def open_tom() -> Iterator[Open]:
    opened: list[Tom] = []

    def open_(running: RunningTom) -> Tom:
        if isinstance(running, InProcessTom):
            from bridge.tomtoolkit.ledger.store import DjangoLedger
            from bridge.tomtoolkit.receiving.tom import DjangoTom

            opened.append(DjangoTom(DjangoLedger(), {"": (GROUP,)}))
        else:
            account = RestAccount(base_url=running.base_url, username="bridge", password=BRIDGE_PASSWORD)
            opened.append(RestTom(account, MemoryIntents()))
        return opened[-1]

    yield open_
    for tom in opened:
        tom.close()


@pytest.fixture
def tom(open_tom: Open, any_tom: RunningTom) -> Tom:
    return open_tom(any_tom)


def write(tom: Tom, pk: int, *datums: Datum) -> list[DatumResult]:
    source = Provenance(event=EventRef("another-tom", uuid7()), origin_name="Another TOM")
    return tom.add_datums([NewDatum(target_pk=pk, datum=each, provenance=source) for each in datums])


def fates(tom: Tom, pk: int, *datums: Datum) -> list[Fate]:
    return [result.fate for result in write(tom, pk, *datums)]


def in_the_words_of_2(value: dict[str, Any]) -> dict[str, Any]:
    """Return the value of a datum of 2.x by the names of 3.1's columns."""
    names = {"flux_units": "flux_unit", "wavelength_units": "wavelength_unit"}
    return {names.get(name, name): each for name, each in value.items()}


def held(any_tom: RunningTom, data_type: str) -> dict[str, Any]:
    """Return the only datum of a type, its columns and its further values (``value``) apart."""
    (row,) = any_tom.datums(data_type)
    assert datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC) == NOON
    if any_tom.version >= (3, 0):
        return row
    value = in_the_words_of_2(row["value"])
    lifted = {name: value.pop(name) for name in list(value) if name in {*Spectrum.model_fields, *COMMON, *POSITION}}
    return row | lifted | {"value": value}


POSITION = ("ra", "dec", "ra_error", "dec_error", "ra_error_units", "dec_error_units")


def test_a_spectrum_arrives_in_full(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, A_SPECTRUM) == [Fate.NEW]
    row = held(any_tom, "spectroscopy")
    for name in ("wavelength", "flux", "error"):
        assert row[name] == list(getattr(A_SPECTRUM, name))
    for name in ("wavelength_unit", "flux_unit", "setup", "exposure_time", *COMMON):
        assert row[name] == getattr(A_SPECTRUM, name), name
    assert row["value"] == {"airmass": 1.2, "shared_f": 5, "shared_target": "x"}


def test_a_position_arrives_in_full(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, A_POSITION) == [Fate.NEW]
    row = held(any_tom, "astrometry")
    for name in (*POSITION, *COMMON):
        assert row[name] == getattr(A_POSITION, name), name
    assert row["value"] == {"catalogue": "Gaia", "shared_ra_deg": 7}


def test_a_datum_of_another_type_arrives_in_full(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, A_DATUM) == [Fate.NEW]
    row = held(any_tom, "polarimetry")
    for name in COMMON:
        assert row[name] == getattr(A_DATUM, name), name
    kept = {"q": 0.0, "flags": [1, None, {"a": "ö"}], "shared_id": 7, "shared_telescope": "other"}
    assert row["value"] == kept


@EACH
def test_an_equal_datum_is_a_duplicate_also_within_one_call(tom: Tom, any_tom: RunningTom, each: Datum) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, each, each) == [Fate.NEW, Fate.DUPLICATE]
    assert fates(tom, pk, each) == [Fate.DUPLICATE]


def test_datums_of_all_kinds_go_together_in_order(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, A_SPECTRUM, A_POSITION, A_DATUM, A_POSITION) == [*[Fate.NEW] * 3, Fate.DUPLICATE]
    assert [len(any_tom.datums(name)) for name in ("spectroscopy", "astrometry", "polarimetry")] == [1, 1, 1]
    rows = tom.datums(pk, [A_SPECTRUM, A_DATUM])
    assert {row.kind.value for row in rows} == {"spectroscopy", "reduced-datum"}


def test_another_flux_in_the_same_place_is_conflicting_and_another_grid_is_another_spectrum(
    tom: Tom, any_tom: RunningTom
) -> None:
    pk = any_tom.make_target("A")
    first = spectrum(3, instrument="en06")
    assert fates(tom, pk, first) == [Fate.NEW]
    corrected = first.model_copy(update={"flux": (1.0, 2.0, 3.0)})
    other_order = corrected.model_copy(update={"wavelength": (1.0, 2.0, 3.0)})
    assert fates(tom, pk, corrected, other_order) == [Fate.CONFLICTING, Fate.NEW]
    assert len(any_tom.datums("spectroscopy")) == 2


def test_a_spectrum_is_a_duplicate_of_the_same_numbers_whatever_its_time(tom: Tom, any_tom: RunningTom) -> None:
    pk, other = any_tom.make_target("A"), any_tom.make_target("B")
    there = spectrum(3, instrument="en06", flux=(1.5e-16, 0.0, 2.25e-17))
    later = there.model_copy(update={"timestamp": NOON + timedelta(days=900), "instrument": "", "error": ()})
    assert fates(tom, pk, there, later) == [Fate.NEW, Fate.DUPLICATE]
    assert fates(tom, pk, later) == [Fate.DUPLICATE]
    assert fates(tom, pk, later.model_copy(update={"flux": (1.5e-16, 0.0, 2.5e-17)})) == [Fate.NEW]
    assert fates(tom, other, later) == [Fate.NEW]
    assert fates(tom, other, there) == [Fate.DUPLICATE]
    assert len(any_tom.datums("spectroscopy")) == 3


def test_the_same_flux_on_another_grid_has_no_room_in_the_tom(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    first = spectrum(3)
    other = first.model_copy(update={"wavelength": (1.0, 2.0, 3.0)})
    # Over REST 3.1 hides the reduction version, without which nobody knows: it is asked, and answers with the first.
    assert fates(tom, pk, first, other) == [Fate.NEW, Fate.CONFLICTING]
    assert len(any_tom.datums("spectroscopy")) == 1


def test_another_position_in_the_same_place_is_conflicting_and_another_instrument_is_another_one(
    tom: Tom, any_tom: RunningTom
) -> None:
    pk = any_tom.make_target("A")
    there, moved = position(), position(ra=10.1)
    assert fates(tom, pk, there) == [Fate.NEW]
    assert fates(tom, pk, moved, position(ra=10.1, instrument="J")) == [Fate.CONFLICTING, Fate.NEW]
    assert len(any_tom.datums("astrometry")) == 2


def test_another_value_is_another_datum(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, datum(), datum(value={"q": 0.1}), datum()) == [Fate.NEW, Fate.NEW, Fate.DUPLICATE]
    assert len(any_tom.datums("polarimetry")) == 2


@pytest.mark.parametrize("any_tom", ["toolkit3", "orm-sqlite", "orm-postgresql"], indirect=True)
def test_a_type_is_the_same_whatever_its_case_where_the_settings_do_not_say(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    wanted = datum(data_type="Polarimetry")
    assert fates(tom, pk, wanted) == [Fate.NEW]
    assert fates(tom, pk, wanted, datum(data_type="polarimetry")) == [Fate.DUPLICATE] * 2


def test_many_spectra_are_written_and_read_back(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    spectra = [spectrum(200, setup=str(number), flux=(number + 0.5,) * 200) for number in range(30)]
    assert fates(tom, pk, *spectra) == [Fate.NEW] * 30
    assert len(any_tom.datums("spectroscopy")) == 30


# -- traps of each -----------------------------------------------------------------------------------------------------


def test_a_spectrum_that_postgresql_cannot_index_is_refused_alone(
    make_orm_tom: Callable[..., InProcessTom], open_tom: Open
) -> None:
    running = make_orm_tom("postgresql")
    pk = running.make_target("A")
    noise = tuple((number * 7919 % 4001) / 3.7 for number in range(4_000))
    long = spectrum(4_000, flux=noise, error=())
    results = write(open_tom(running), pk, spectrum(3), long, position())
    assert [result.fate for result in results] == [Fate.NEW, Fate.REFUSED, Fate.NEW]
    assert "index row" in results[1].reason
    assert len(running.datums("spectroscopy")) == 1


def test_what_was_kept_before_3_1_is_compared_too(make_orm_tom: Callable[..., InProcessTom], open_tom: Open) -> None:
    running = make_orm_tom("sqlite")
    pk = running.make_target("A")
    from tom_dataproducts.models import ReducedDatum as Row

    value = {"flux": [0.0, 1e-16, 2e-16], "wavelength": [4000.0, 4001.0, 4002.0], "error": [0.0, 1e-16, 2e-16],
             "flux_units": "erg / (Angstrom s cm2)", "wavelength_units": "Angstrom"}  # fmt: skip
    Row.objects.create(target_id=pk, data_type="spectroscopy", timestamp=NOON, value=value)
    Row.objects.create(target_id=pk, data_type="astrometry", timestamp=NOON, value={"ra": 10.0, "dec": -5.0})
    tom = open_tom(running)
    assert fates(tom, pk, spectrum(3), position()) == [Fate.DUPLICATE] * 2
    assert fates(tom, pk, spectrum(3, flux=(1.0, 2.0, 3.0)), position(ra=1.0)) == [Fate.CONFLICTING] * 2


def test_2_refuses_a_type_that_is_not_in_its_settings_and_that_is_told(tom2: RunningTom, open_tom: Open) -> None:
    pk = tom2.make_target("A")
    tom = open_tom(tom2)
    results = write(tom, pk, position(), datum(), spectrum(2))
    assert [result.fate for result in results] == [Fate.REFUSED, Fate.REFUSED, Fate.NEW]
    assert "DATA_PRODUCT_TYPES: is 'astrometry' one?" in results[0].reason
    assert "DATA_PRODUCT_TYPES: is 'polarimetry' one?" in results[1].reason


def test_an_empty_value_does_not_make_3_1_fail(tom3: RunningTom, open_tom: Open) -> None:
    pk = tom3.make_target("A")
    tom = open_tom(tom3)
    empty = ReducedDatum(timestamp=NOON, data_type="note")
    assert fates(tom, pk, empty) == [Fate.NEW]
    assert fates(tom, pk, empty) == [Fate.DUPLICATE]
    assert [row["value"] for row in tom3.datums("note")] == [{}]


def test_a_200_of_3_1_for_another_spectrum_is_not_taken_for_a_duplicate(tom3: RunningTom, open_tom: Open) -> None:
    pk = tom3.make_target("A")
    tom = open_tom(tom3)
    assert fates(tom, pk, spectrum(3, setup="red", reduction_version="1")) == [Fate.NEW]
    other = spectrum(3, setup="blue", wavelength=(1.0, 2.0, 3.0), reduction_version="1")
    assert fates(tom, pk, other) == [Fate.CONFLICTING]
    assert len(tom3.datums("spectroscopy")) == 1


def test_another_version_of_a_spectrum_is_written_though_3_1_hides_versions(tom3: RunningTom, open_tom: Open) -> None:
    pk = tom3.make_target("A")
    tom = open_tom(tom3)
    versions = [spectrum(3, reduction_version=version) for version in ("1", "2", "1")]
    assert [fates(tom, pk, each) for each in versions] == [[Fate.NEW], [Fate.NEW], [Fate.DUPLICATE]]
    assert len(tom3.datums("spectroscopy")) == 2


def test_spectra_for_a_target_that_was_removed_meanwhile_are_decided_anew(
    make_orm_tom: Callable[..., InProcessTom], open_tom: Open
) -> None:
    running = make_orm_tom("sqlite")
    pk = running.make_target("A")
    running.shell("from tom_targets.models import Target; Target.objects.all().delete()")
    with pytest.raises(TomAwayError, match="removed meanwhile"):
        write(open_tom(running), pk, spectrum(2))
