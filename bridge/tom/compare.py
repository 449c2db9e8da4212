"""What becomes of a photometric point beside the rows that a TOM has: the one rule for REST and ORM.

A point's *place* is its time, bandpass, telescope, instrument and reduction version; its *value* is brightness, error,
limit, unit and exposure time. Numbers are compared exactly, as the TOM's own uniqueness does.
"""

from collections.abc import Iterable

from bridge.events import Point
from bridge.tom.port import ExistingPoint, PointFate

_PLACE = ("telescope", "instrument", "reduction_version")
_VALUE = ("brightness", "brightness_error", "limit", "unit", "exposure_time")


def fate(point: Point, existing: Iterable[ExistingPoint]) -> PointFate | None:
    """Return what ``point`` is beside the target's ``existing`` rows; None where it may be written.

    * A row of the same place and value: ``duplicate``.
    * A row of the same place and another value: ``conflicting``. The same where the TOM's uniqueness (time, bandpass,
      instrument, reduction version and brightness, or limit) has no room for both.
    * What is hidden can't decide: a row that is equal as far as can be seen leaves it to the TOM (None), and so does
      another value where the row's reduction version is hidden and the point has one.
    """
    rows = [row for row in existing if row.timestamp == point.timestamp and row.bandpass == point.bandpass]
    judged = {_beside(point, row) for row in rows}
    if PointFate.DUPLICATE in judged:
        return PointFate.DUPLICATE
    if PointFate.CONFLICTING in judged and not any(looks_equal(point, row) for row in rows):
        return PointFate.CONFLICTING
    return None


def looks_equal(point: Point, row: ExistingPoint) -> bool:
    """Return whether ``row`` is ``point`` as far as can be seen."""
    return (
        row.timestamp == point.timestamp
        and row.bandpass == point.bandpass
        and _same(point, row, _PLACE)
        and _same(point, row, _VALUE)
    )


def as_existing(point: Point) -> ExistingPoint:
    """Return the row that ``point`` becomes."""
    return ExistingPoint(**{name: getattr(point, name) for name in ("timestamp", "bandpass", *_PLACE, *_VALUE)})


def _beside(point: Point, row: ExistingPoint) -> PointFate | None:
    if _same(point, row, _PLACE):
        if _same(point, row, _VALUE):
            return None if row.hidden else PointFate.DUPLICATE
        versions_unknown = "reduction_version" in row.hidden and point.reduction_version != ""
        return None if versions_unknown else PointFate.CONFLICTING
    return PointFate.CONFLICTING if _no_room_for_both(point, row) else None


def _same(point: Point, row: ExistingPoint, names: Iterable[str]) -> bool:
    return all(getattr(point, name) == getattr(row, name) for name in names if name not in row.hidden)


def _no_room_for_both(point: Point, row: ExistingPoint) -> bool:
    if "reduction_version" in row.hidden or not _same(point, row, ("instrument", "reduction_version")):
        return False
    one_brightness = point.brightness is not None and point.brightness == row.brightness
    one_limit = "limit" not in row.hidden and point.limit is not None and point.limit == row.limit
    return one_brightness or one_limit
