"""A spectrum is one spectrum, however it came: as a datum or in a file, and whatever time a processor gave it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from parts.django_tom import InProcessTom
from parts.shares import product

from bridge.events import DataProduct, EventRef, Spectrum, uuid7
from bridge.tom.port import Fate, NewDatum, Provenance

T0 = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
CHANNELS = 100


def elsewhere() -> Provenance:
    return Provenance(event=EventRef("another-tom", uuid7()), origin_name="Alpha TOM", shared_by="ada")


def write(tom: Any, pk: int, *spectra: Spectrum) -> list[Fate]:
    return [
        one.fate for one in tom.add_datums([NewDatum(target_pk=pk, datum=s, provenance=elsewhere()) for s in spectra])
    ]


def spectrum(**given: Any) -> Spectrum:
    fields = {
        "timestamp": T0, "wavelength": (4000.5, 4001.5, 4002.5), "flux": (1.5e-17, 2.25e-16, 0.1), "flux_unit": "erg",
    }  # fmt: skip
    return Spectrum.model_validate(fields | given)


def in_a_file(number: int = 0) -> DataProduct:
    """Return a FITS spectrum as an observatory delivers it; TOM Toolkit's processor dates it *now*."""
    import numpy as np
    from astropy.io import fits

    header = fits.Header({"CRVAL1": 4000.0, "CRPIX1": 1.0, "CDELT1": 2.0, "CTYPE1": "WAVE", "DATE-OBS": "2023-05-20"})
    file = BytesIO()
    fits.PrimaryHDU(np.round(np.linspace(1.0, 2.0, CHANNELS), 3) + number, header).writeto(file)
    return product(file.getvalue(), filename=f"s{number}.fits", data_product_type="spectroscopy")


def kept(orm_tom: InProcessTom) -> Sequence[Any]:
    from tom_dataproducts.models import SpectroscopyReducedDatum

    return list(SpectroscopyReducedDatum.objects.order_by("pk"))


@pytest.mark.parametrize("days", [0, -1, 400])
def test_the_same_spectrum_at_another_time_is_a_duplicate(tom: Any, orm_tom: InProcessTom, days: int) -> None:
    pk = orm_tom.make_target("A")
    assert write(tom, pk, spectrum()) == [Fate.NEW]
    assert write(tom, pk, spectrum(timestamp=T0 + timedelta(days=days))) == [Fate.DUPLICATE]
    assert len(kept(orm_tom)) == 1


def test_of_two_that_come_at_once_one_is_written(tom: Any, orm_tom: InProcessTom) -> None:
    pk, other = orm_tom.make_target("A"), orm_tom.make_target("B")
    later = spectrum(timestamp=T0 + timedelta(days=1))
    assert write(tom, pk, spectrum(), later) == [Fate.NEW, Fate.DUPLICATE]
    assert write(tom, other, later) == [Fate.NEW]


@pytest.mark.parametrize("orm_tom", ["sqlite"], indirect=True)  # PostgreSQL's JSON knows no minus zero
def test_numbers_that_several_spectra_have_are_written_as_they_are_in_each(tom: Any, orm_tom: InProcessTom) -> None:
    pk, zero, minus = orm_tom.make_target("A"), (1.0, 0.0, 2.5e-17), (1.0, -0.0, 2.5e-17)
    some = [spectrum(flux=zero, error=minus), spectrum(flux=(2.0, *zero[1:]), error=zero, setup="blue")]
    assert write(tom, pk, *some) == [Fate.NEW] * 2
    rows = orm_tom.query("SELECT flux, error FROM tom_dataproducts_spectroscopyreduceddatum ORDER BY id")
    assert [(row["flux"], row["error"]) for row in rows] == [
        ("[1.0, 0.0, 2.5e-17]", "[1.0, -0.0, 2.5e-17]"),
        ("[2.0, 0.0, 2.5e-17]", "[1.0, 0.0, 2.5e-17]"),
    ]


@pytest.mark.parametrize(
    "differs",
    [
        {"flux": (1.5e-17, 2.25e-16, 0.2)},
        {"wavelength": (4000.5, 4001.5, 4003.5)},
        {"flux_unit": "W"},
        {"setup": "blue"},
        {"reduction_version": "2"},
        {"instrument": "en12"},
    ],
)
def test_another_spectrum_at_another_time_is_another_one(
    tom: Any, orm_tom: InProcessTom, differs: dict[str, Any]
) -> None:
    pk = orm_tom.make_target("A")
    first = spectrum(setup="red", reduction_version="1", instrument="en06")
    other = first.model_copy(update={"timestamp": T0 + timedelta(days=1), **differs})
    assert write(tom, pk, first, other) == [Fate.NEW, Fate.NEW]


def test_a_file_of_a_spectrum_that_is_here_adds_no_second_one(tom: Any, orm_tom: InProcessTom) -> None:
    pk, sender = orm_tom.make_target("A"), orm_tom.make_target("B")
    tom.add_product(sender, in_a_file(), "sent", elsewhere())
    (made,) = kept(orm_tom)
    shared = Spectrum(timestamp=T0, wavelength=tuple(made.wavelength), flux=tuple(made.flux), flux_unit=made.flux_unit)
    assert write(tom, pk, shared) == [Fate.NEW]
    assert tom.add_product(pk, in_a_file(), "p1", elsewhere()).fate is Fate.NEW
    assert [(row.target_id, row.data_product_id is None) for row in kept(orm_tom)] == [(sender, False), (pk, True)]
    tom.add_product(pk, in_a_file(7), "p2", elsewhere())
    assert [row.target_id for row in kept(orm_tom)] == [sender, pk, pk]


def test_a_spectrum_of_which_the_file_is_here_is_a_duplicate(tom: Any, orm_tom: InProcessTom) -> None:
    pk = orm_tom.make_target("A")
    tom.add_product(pk, in_a_file(), "p1", elsewhere())
    (made,) = kept(orm_tom)
    shared = spectrum(wavelength=tuple(made.wavelength), flux=tuple(made.flux), flux_unit=made.flux_unit)
    assert write(tom, pk, shared, spectrum()) == [Fate.DUPLICATE, Fate.NEW]


def test_the_same_file_under_two_ids_makes_one_spectrum(tom: Any, orm_tom: InProcessTom) -> None:
    pk = orm_tom.make_target("A")
    for product_id in ("p1", "p2"):
        tom.add_product(pk, in_a_file(), product_id, elsewhere())
    assert len(kept(orm_tom)) == 1
    assert len(orm_tom.products()) == 2
