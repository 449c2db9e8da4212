"""Events and records to test with."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bridge.codec import encode
from bridge.events import (
    Astrometry,
    Body,
    DataProduct,
    Event,
    ListMember,
    Photometry,
    Point,
    Position,
    ReducedData,
    ReducedDatum,
    Share,
    Spectroscopy,
    Spectrum,
    Target,
    TargetList,
)
from bridge.stream import Headers, Partition, Record

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def share(**fields: Any) -> Share:
    """Return a share of the TOM ``tom.a``."""
    return Share(**({"origin": "tom.a", "origin_name": "TOM A", "installation": UUID(int=1)} | fields))


def target(name: str = "SN 2024abc", **fields: Any) -> Target:
    """Return a sidereal target."""
    return Target(name=name, **({"type": "SIDEREAL", "ra": 10.0, "dec": -5.0} | fields))


def point(number: int = 0, **fields: Any) -> Point:
    """Return the ``number``-th point of a light curve, a minute after the one before."""
    given = {"timestamp": NOON + timedelta(minutes=number), "bandpass": "r", "brightness": 18.0 + number / 1000}
    return Point(**(given | fields))


def photometry(points: int = 1, **fields: Any) -> Photometry:
    """Return photometry of ``points`` points."""
    return Photometry(target=target().reference, points=tuple(point(number, **fields) for number in range(points)))


def spectrum(channels: int = 3, **fields: Any) -> Spectrum:
    """Return a spectrum of ``channels`` wavelengths, with errors."""
    wavelength = tuple(4000.0 + number for number in range(channels))
    flux = tuple(1e-16 * number for number in range(channels))
    units = {"wavelength_unit": "Angstrom", "flux_unit": "erg / (Angstrom s cm2)"}
    return Spectrum(**({"timestamp": NOON, "wavelength": wavelength, "flux": flux, "error": flux} | units | fields))


def spectroscopy(*spectra: Spectrum) -> Spectroscopy:
    """Return these spectra, one where none is given."""
    return Spectroscopy(target=target().reference, spectra=spectra or (spectrum(),))


def position(number: int = 0, **fields: Any) -> Position:
    """Return the ``number``-th measured position, a minute after the one before."""
    return Position(**({"timestamp": NOON + timedelta(minutes=number), "ra": 10.0, "dec": -5.0} | fields))


def astrometry(*positions: Position) -> Astrometry:
    """Return these positions, one where none is given."""
    return Astrometry(target=target().reference, positions=positions or (position(),))


def datum(number: int = 0, **fields: Any) -> ReducedDatum:
    """Return the ``number``-th datum of polarimetry, a minute after the one before."""
    given = {"timestamp": NOON + timedelta(minutes=number), "data_type": "polarimetry", "value": {"q": 0.0, "u": 1}}
    return ReducedDatum(**(given | fields))


def reduced_data(*data: ReducedDatum) -> ReducedData:
    """Return these datums, one where none is given."""
    return ReducedData(target=target().reference, data=data or (datum(),))


def event(body: Body | None = None) -> Event:
    """Return an event of ``body``, photometry where none is given."""
    return share().event(body or photometry())


def one_of_each() -> list[Event]:
    """Return an event of each kind."""
    member = ListMember(reference=target().reference, target=target())
    product = DataProduct.of(
        b"time,mag\n1,2\n", target=target().reference, filename="a.csv", data_product_type="photometry"
    )
    data = (photometry(3), spectroscopy(), astrometry(), reduced_data(), product)
    return [event(body) for body in (target(), TargetList(name="A list", members=(member,)), *data)]


def record(value: bytes, headers: Headers = (), key: bytes | None = b"tom.a/sn2024abc") -> Record:
    """Return a record of the topic ``supernovae`` at offset 7."""
    return Record(partition=Partition("supernovae", 0), offset=7, timestamp=NOON, key=key, value=value, headers=headers)


def read_again(given: Record) -> Record:
    """Return ``given`` as it is when it is read anew."""
    return replace(given, taken_at=time.monotonic())


def record_of(given: Event, headers: Mapping[str, bytes | None] | None = None) -> Record:
    """Return ``given`` as a record; ``headers`` replace its own, None takes one away."""
    encoded = encode(given)
    changed = dict(encoded.headers) | dict(headers or {})
    kept = tuple((name, value) for name, value in changed.items() if value is not None)
    return record(encoded.value, kept, encoded.key)
