"""What differs between versions of TOM Toolkit, as seen over REST.

From 3.1 on a photometric datum is a typed row: known keys of ``value`` become columns, and the list shows only some of
them. Before, ``value`` is a free dictionary that is kept and shown as it was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from bridge.errors import ConfigurationError
from bridge.events import Point
from bridge.tom.port import ExistingPoint
from bridge.tom.reserved import unreserved

HIDDEN_SINCE_3_1 = frozenset({"limit", "exposure_time", "reduction_version"})
"""What the list of datums of 3.1 leaves out of ``value`` (``ReducedDatumSerializer._get_typed_value``)."""

_BRIGHTNESS = ("magnitude", "brightness", "mag")
_ERROR = ("error", "magnitude_error", "brightness_error", "mag_err")
_BANDPASS = ("filter", "bandpass", "band", "f")


@dataclass(frozen=True, kw_only=True)
class Toolkit:
    """The traits of one TOM's TOM Toolkit."""

    typed_datums: bool
    """Photometry is typed rows (3.1 and later)."""
    shared_from: bool
    """Targets have ``shared_from`` and ``shared_by`` (3.1 and later)."""

    @classmethod
    def forced(cls, version: str) -> "Toolkit":
        """Return the traits of a version that a setting names, as ``3.1`` or ``2.32``."""
        try:
            number = tuple(int(part) for part in version.split("."))
        except ValueError:
            raise ConfigurationError(
                f"{version!r} is no version of TOM Toolkit", where="tom.toolkit", mend='Write "auto", "3.1" or "2.32"'
            ) from None
        return cls(typed_datums=number >= (3, 1), shared_from=number >= (3, 1))

    @classmethod
    def seen(cls, target_fields: Mapping[str, Any], datum_fields: Mapping[str, Any]) -> "Toolkit":
        """Return the traits that the TOM's own description of its API shows (``actions.POST`` of two ``OPTIONS``).

        A typed datum needs no ``value``; before, ``value`` is all that there is, and required.
        """
        value = datum_fields.get("value", {})
        return cls(typed_datums=not value.get("required", True), shared_from="shared_from" in target_fields)

    def value_of(self, point: Point) -> dict[str, JsonValue]:
        """Return what is sent as the ``value`` of ``point``: without what is absent; 0.0 is a value."""
        names = (
            ("brightness", "brightness_error", "bandpass") if self.typed_datums else ("magnitude", "error", "filter")
        )
        known: dict[str, JsonValue] = {
            names[0]: point.brightness,
            names[1]: point.brightness_error,
            names[2]: point.bandpass,
            "limit": point.limit,
            "unit": point.unit or None,
            "exposure_time": point.exposure_time,
            "telescope": point.telescope or None,
            "instrument": point.instrument or None,
            "reduction_version": point.reduction_version or None,
        }
        return {name: value for name, value in known.items() if value is not None} | unreserved(point.extra)

    def row_of(self, datum: Mapping[str, Any]) -> ExistingPoint | None:
        """Return a datum of the list as a row; None where its ``value`` is no photometry."""
        value = datum.get("value")
        if not isinstance(value, dict):
            return None
        return ExistingPoint(
            timestamp=datetime.fromisoformat(datum["timestamp"]),
            bandpass=str(_first(value, _BANDPASS) or ""),
            brightness=_number(_first(value, _BRIGHTNESS)),
            brightness_error=_number(_first(value, _ERROR)),
            limit=_number(value.get("limit")),
            unit=str(value.get("unit") or ""),
            telescope=str(value.get("telescope") or ""),
            instrument=str(value.get("instrument") or ""),
            reduction_version=str(value.get("reduction_version") or ""),
            exposure_time=_number(value.get("exposure_time")),
            hidden=HIDDEN_SINCE_3_1 if self.typed_datums else frozenset(),
        )


def _first(value: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if name in value), None)


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
