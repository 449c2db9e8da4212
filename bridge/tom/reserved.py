"""Extra values that TOM Toolkit would take for something else travel under a name of their own."""

from collections.abc import Mapping

from pydantic import JsonValue

from bridge.events import KINDS, Datum, Kind

PREFIX = "shared_"
ORIGINAL_SOURCE_KEY = "original_source_name"
"""The extra value that keeps a datum's own source, because ``source_name`` becomes the sending TOM's name.

It is always there, and empty where the publisher knew none: so what the bridge wrote is told from a TOM's own rows.
"""
HERMES_SOURCE = "Hermes:"
"""How the source of what came from Hermes begins, before the topic: tom_hermes writes it so too."""

_COMMON = frozenset({
    "id", "target", "data_product", "data_type", "timestamp", "value", "source_name", "source_location", "message",
    "telescope", "instrument", "reduction_version",
})  # fmt: skip
RESERVED: Mapping[Kind, frozenset[str]] = {
    Kind.PHOTOMETRY: _COMMON | {
        "brightness", "magnitude", "mag", "brightness_error", "magnitude_error", "mag_err", "error", "bandpass",
        "filter", "band", "f", "limit", "unit", "exposure_time",
    },
    Kind.SPECTROSCOPY: _COMMON | {
        "flux", "f", "wavelength", "wave", "wl", "lambda", "error", "err", "flux_error", "f_error", "flux_unit",
        "f_unit", "flux_units", "f_units", "wavelength_unit", "w_unit", "wavelength_units", "w_units", "lambda_unit",
        "lambda_units", "setup", "exposure_time",
    },
    Kind.ASTROMETRY: _COMMON | {
        "ra", "right_ascension", "ra_deg", "dec", "declination", "dec_deg", "ra_error", "right_ascension_error",
        "ra_err", "dec_error", "declination_error", "dec_err", "ra_error_units", "ra_err_units", "dec_error_units",
        "dec_err_units",
    },
    Kind.REDUCED_DATUM: _COMMON,
}  # fmt: skip
"""Keys that TOM Toolkit lifts out of a datum's value: its columns and their synonyms.

Source: ``tom_dataproducts.models`` of TOM Toolkit 3.1 (``_build_*_reduced_datum``) and what the pages of 2.32 read. As
an extra value, ``target`` or ``f`` make the TOM answer 500, and ``timestamp`` replaces the datum's own.
"""


def unreserved(extra: Mapping[str, JsonValue], kind: Kind) -> dict[str, JsonValue]:
    """Return ``extra`` with every reserved key under ``shared_<key>`` (``shared_shared_<key>`` where that is taken)."""
    reserved = RESERVED[kind]
    free: dict[str, JsonValue] = {key: value for key, value in extra.items() if key not in reserved}
    for key in extra:
        if key in reserved:
            renamed = PREFIX + key
            while renamed in free:
                renamed = PREFIX + renamed
            free[renamed] = extra[key]
    return free


def kept(datum: Datum) -> dict[str, JsonValue]:
    """Return the further values of ``datum`` as a TOM keeps them."""
    return unreserved(datum.free, KINDS[type(datum)])


def source_of(free: Mapping[str, JsonValue]) -> str:
    """Return the source that a datum with these further values had at its publisher; empty where it is not known.

    Of a row without :data:`ORIGINAL_SOURCE_KEY` nobody knows whether ``source_name`` is a survey or some TOM, and a
    topic of Hermes is a way and no source: a light curve that also comes by another one must not double.
    """
    source = free.get(ORIGINAL_SOURCE_KEY)
    return source if isinstance(source, str) and not source.startswith(HERMES_SOURCE) else ""


def with_source(free: Mapping[str, JsonValue], source: str) -> dict[str, JsonValue]:
    """Return these further values with ``source`` kept; what has come a longer way keeps its first publisher's."""
    return {ORIGINAL_SOURCE_KEY: source} | dict(free)
