"""What the tests of the guarantees share: one supernova, its photometry, a list and a product."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from fastavro import schemaless_writer
from parts.avro import as_avro

from bridge.codec.writing import MARKER, Encoded, encode
from bridge.events import DataProduct, Event, ListMember, Photometry, Point, Target, TargetList, TargetReference

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SUPERNOVA = Target(
    name="SN 2024abc", aliases=("ZTF24xyz",), type="SIDEREAL", ra=10.0, dec=20.0, epoch=2000.0, extras={"class": "Ia"}
)
REFERENCE = SUPERNOVA.reference
GALAXY = Target(name="M 31", type="SIDEREAL", ra=10.68, dec=41.27)
LIGHT_CURVE = b"time,filter,magnitude,error\n55555.5,r,17.1,0.1\n55556.5,r,17.2,0.1\n"


def points(count: int, *, since: datetime = NOON, brightness: float = 17.0) -> tuple[Point, ...]:
    """Return points a minute apart from ``since`` on, each 0.01 fainter than the one before."""
    return tuple(
        Point(timestamp=since + timedelta(minutes=n), bandpass="r", brightness=brightness + n / 100, telescope="1m")
        for n in range(count)
    )


def photometry(count: int = 3, reference: TargetReference = REFERENCE, **given: Any) -> Photometry:
    """Return photometry of the supernova; ``given`` as for :func:`points`."""
    return Photometry(target=reference, points=points(count, **given))


def on_day(day: int, count: int = 1, reference: TargetReference = REFERENCE) -> Photometry:
    """Return photometry of the ``day``-th day after the first."""
    return photometry(count, reference, since=NOON + timedelta(days=day))


def product(content: bytes = LIGHT_CURVE, **given: Any) -> DataProduct:
    """Return a light curve of the supernova as a file."""
    fields = {"target": REFERENCE, "filename": "lc.csv", "data_product_type": "photometry"}
    return DataProduct.of(content, **(fields | given))


def best_of_all(*names: str) -> TargetList:
    """Return a list with the supernova by reference, M 31 in full and ``names`` by reference."""
    named = (ListMember(reference=TargetReference(name=name)) for name in names)
    galaxy = ListMember(reference=GALAXY.reference, target=GALAXY)
    return TargetList(name="Best of all", members=(ListMember(reference=REFERENCE), galaxy, *named))


def one_of_each() -> list[Target | Photometry | TargetList | DataProduct]:
    """Return bodies of every kind, in the order in which a TOM would share them."""
    return [SUPERNOVA, photometry(3), best_of_all(), product()]


def crafted(event: Event, change: Callable[[dict[str, Any]], object]) -> Encoded:
    """Return ``event`` as a record after ``change`` was done to its Avro datum, past all validation."""
    honest = encode(event)
    datum = as_avro(event)
    change(datum)
    buffer = BytesIO()
    buffer.write(MARKER + honest.schema.fingerprint)
    schemaless_writer(buffer, honest.schema.parsed, datum)
    return Encoded(honest.key, buffer.getvalue(), honest.headers, honest.schema)
