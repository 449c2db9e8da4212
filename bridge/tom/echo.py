"""By what a row that the bridge wrote is known when the TOM gives it out again: never by a name alone.

A TOM Toolkit of 3.x leaves out some fields of a datum (limits, exposure times, further values): what remains, with time
and source, is what is compared.
"""

import hashlib
import json

from bridge.events import KINDS, Datum, Point, Spectrum
from bridge.names import simplify
from bridge.tom.compare import near
from bridge.tom.values import WORDS


def of_datum(datum: Datum) -> bytes:
    """Return the digest of a datum, its source and further values as the TOM has them."""
    words = WORDS[KINDS[type(datum)]]
    shown = {name: getattr(datum, name) for name in words.fields if name not in words.hidden}
    return _digest("datum", repr(near(datum)), datum.source_name, json.dumps(shown, sort_keys=True))


def of_values(datum: Datum) -> bytes:
    """Return the digest of what a message of Hermes says of a datum: when, with what, and how bright.

    TOM Toolkit writes no source there, and another unit. What is left out for this is told to who shares.
    """
    match datum:
        case Point():
            values: tuple[object, ...] = (
                datum.limit if datum.brightness is None else datum.brightness,
                datum.brightness_error,
                datum.telescope,
                datum.instrument,
            )
        case Spectrum():
            values = (datum.wavelength, datum.flux)
        case _:
            return of_datum(datum)
    return _digest("values", repr(near(datum)), json.dumps(values))


def of_target_name(name: str) -> bytes:
    """Return the digest of a target by its name, which no other one of a TOM has."""
    return _digest("target's name", simplify(name))


def of_target(pk: int, name: str) -> bytes:
    """Return the digest of a target by the TOM's key and name."""
    return _digest("target", str(pk), simplify(name))


def of_product(product_id: str, sha256: str) -> bytes:
    """Return the digest of a data product by its id and content."""
    return _digest("product", product_id, sha256)


def of_products_datums(pk: int) -> bytes:
    """Return the digest of what the TOM itself makes of the data product of this key."""
    return _digest("datums of product", str(pk))


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
