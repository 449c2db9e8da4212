"""Extra values that TOM Toolkit would take for something else travel under a name of their own."""

from collections.abc import Mapping

from pydantic import JsonValue

PREFIX = "shared_"

_COLUMNS = {
    "id", "target", "data_product", "data_type", "timestamp", "value", "source_name", "source_location", "message",
    "brightness", "brightness_error", "limit", "unit", "bandpass", "exposure_time", "telescope", "instrument",
    "reduction_version",
}  # fmt: skip
_SYNONYMS = {"magnitude", "mag", "error", "magnitude_error", "mag_err", "filter", "band", "f"}

RESERVED = frozenset(_COLUMNS | _SYNONYMS)
"""Keys that TOM Toolkit lifts out of a datum's value: its columns and their synonyms.

Source: ``tom_dataproducts.models`` of TOM Toolkit 3.1 (``_build_photometry_reduced_datum``) and what the pages of
2.32 read. As an extra value, ``target`` or ``f`` make the TOM answer 500, and ``timestamp`` replaces the datum's own.
"""


def unreserved(extra: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return ``extra`` with every reserved key under ``shared_<key>`` (``shared_shared_<key>`` where that is taken)."""
    free: dict[str, JsonValue] = {key: value for key, value in extra.items() if key not in RESERVED}
    for key in extra:
        if key in RESERVED:
            renamed = PREFIX + key
            while renamed in free:
                renamed = PREFIX + renamed
            free[renamed] = extra[key]
    return free
