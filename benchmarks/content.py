"""What is sent in lines: light curves as any survey gives them, spectra, targets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from fastavro import schemaless_reader

from bridge.codec import encode
from bridge.codec.schemas import newest
from bridge.events import (
    Body,
    Event,
    ListMember,
    Photometry,
    Point,
    Spectroscopy,
    Spectrum,
    Target,
    TargetList,
    TargetReference,
)

START = datetime(2000, 1, 1, tzinfo=UTC)
_TURN = timedelta(days=400)
_CHANNELS = 3_000
PREFIX = 10
"""Bytes of single-object encoding before the datum."""


def points(turn: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield ``count`` photometric points as a TOM's rows have them; those of no two turns are equal."""
    start = START + turn * _TURN
    for number in range(count):
        yield {
            "timestamp": start + timedelta(seconds=17 * number),
            "bandpass": "gri"[number % 3],
            "brightness": 17.0 + number / 10_000,
            "brightness_error": 0.05,
            "unit": "AB mag",
            "telescope": "1m0",
            "instrument": "fa15",
        }


def light_curves(turn: int, count: int, each: int, names: list[str]) -> Iterator[Body]:
    """Yield photometry of ``count`` points in all, ``each`` an event, of these targets in turn."""
    given = points(turn, count)
    for number in range(count // each):
        reference = TargetReference(name=names[number % len(names)])
        yield Photometry(target=reference, points=tuple(Point(**next(given)) for _ in range(each)))


def spectra(turn: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield ``count`` spectra of 3,000 channels as a TOM's rows have them."""
    wavelength = [3500.0 + 2 * channel for channel in range(_CHANNELS)]
    for number in range(count):
        # Values that repeat: TOM Toolkit has an index on them, and PostgreSQL's takes 8 kB after compression.
        flux = [round(1e-16 * (1_000 * turn + number + 1 + channel % 40), 18) for channel in range(_CHANNELS)]
        yield {
            "timestamp": START + turn * _TURN + timedelta(minutes=number),
            "telescope": "2m0",
            "instrument": "floyds",
            "wavelength": wavelength,
            "wavelength_unit": "Angstrom",
            "flux": flux,
            "flux_unit": "erg / (Angstrom s cm2)",
            "error": [round(one / 20, 19) for one in flux],
        }


def spectroscopy(turn: int, count: int, name: str) -> Iterator[Body]:
    """Yield the same, each an event."""
    for row in spectra(turn, count):
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        yield Spectroscopy(target=TargetReference(name=name), spectra=(Spectrum(**given),))


def targets(turn: int, count: int, side: str = "") -> Iterator[Target]:
    """Yield ``count`` targets in full: coordinates with all that belongs to them, two aliases, two extras."""
    for number in range(count):
        name = f"SN {side}{turn} {number}"
        yield Target(
            name=name,
            type="SIDEREAL",
            ra=number % 360 + 0.5,
            dec=number % 89 + 0.25,
            epoch=2000.0,
            pm_ra=1.5,
            pm_dec=-2.5,
            parallax=0.1,
            distance=100.0 + number,
            distance_err=1.0,
            aliases=(f"AT {side}{turn} {number}", f"ZTF{side}{turn}x{number}"),
            extras={"redshift": "0.01", "host": f"NGC {number}"},
        )


def listed(turn: int, count: int, side: str = "") -> TargetList:
    """Return a list of ``count`` such targets."""
    members = tuple(ListMember(reference=one.reference, target=one) for one in targets(turn, count, f"{side}L"))
    return TargetList(name=f"List {side}{turn}", members=members)


def as_avro(event: Event) -> Any:
    """Return an event as fastavro has it."""
    return schemaless_reader(BytesIO(encode(event).value[PREFIX:]), newest(event.kind).parsed)
