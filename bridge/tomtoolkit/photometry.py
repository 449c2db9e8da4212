"""Photometry over the ORM: compared with what is there, then many rows of many events in one bulk insert."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import DataError, IntegrityError
from tom_dataproducts.models import PhotometryReducedDatum, ReducedDatum

from bridge.errors import TomAwayError
from bridge.events import Point
from bridge.tom.compare import as_existing, fate
from bridge.tom.port import ExistingPoint, NewPoint, PointFate, PointResult
from bridge.tom.reserved import unreserved
from bridge.tom.toolkit_versions import Toolkit
from bridge.tomtoolkit import written
from bridge.tomtoolkit.database import MANY, words, writing
from bridge.tomtoolkit.targets import existing
from bridge.tomtoolkit.visibility import Visibility

_COLUMNS = (
    "timestamp", "bandpass", "brightness", "brightness_error", "limit", "unit", "telescope", "instrument",
    "reduction_version", "exposure_time",
)  # fmt: skip
_NUMBERS = ("brightness", "brightness_error", "limit", "exposure_time")
_TEXTS = ("bandpass", "unit", "telescope", "instrument", "reduction_version", "source_name", "source_location")
_LEGACY = Toolkit(typed_datums=False, shared_from=True)
"""How photometry was kept before 3.1, and still is in a TOM that hasn't run ``migrate_reduced_datums``."""

_Rows = dict[tuple[int, datetime, str], list[ExistingPoint]]
"""Rows by target, time and bandpass."""


@dataclass(frozen=True)
class _Fresh:
    """A point that may be written, and its place in the answer."""

    index: int
    new: NewPoint

    @property
    def place(self) -> tuple[int, datetime]:
        """Target and time."""
        return self.new.target_pk, self.new.point.timestamp


class PhotometryWriter:
    """Reads and writes photometric rows of the TOM."""

    def __init__(self, using: str, visibility: Visibility) -> None:
        self._using = using
        self._visibility = visibility

    def rows(self, pk: int, points: Sequence[Point]) -> tuple[ExistingPoint, ...]:
        """Return the target's rows at the timestamps of ``points``."""
        return tuple(row for rows in self._rows([(pk, point.timestamp) for point in points]).values() for row in rows)

    def add(self, points: Sequence[NewPoint]) -> list[PointResult]:
        """Write points and return the fate of each in the same order."""
        results: list[PointResult | None] = [_refused(unstorable(new.point)) for new in points]
        with writing(self._using):
            targets = {new.target_pk for new in points}
            if missing := targets - existing(self._using, targets):
                raise TomAwayError(f"target {min(missing)} was removed meanwhile", mend="It is decided anew")
            self._write([_Fresh(index, new) for index, new in enumerate(points) if results[index] is None], results)
        return [result or PointResult(PointFate.NEW) for result in results]

    def _write(self, fresh: Sequence[_Fresh], results: list[PointResult | None]) -> None:
        """Write what the rows there leave room for; of points at one place the first goes first."""
        there = self._rows([one.place for one in fresh])
        wanted: list[_Fresh] = []
        followers: list[tuple[_Fresh, PointFate]] = []
        at_hand: _Rows = defaultdict(list)
        for one in fresh:
            point, place = one.new.point, (*one.place, one.new.point.bandpass)
            if (found := fate(point, there[place])) is not None:
                results[one.index] = PointResult(found)
            elif (found := fate(point, at_hand[place])) is not None:
                followers.append((one, found))
            else:
                at_hand[place].append(as_existing(point))
                wanted.append(one)
        self._insert(wanted, results)
        if any(results[one.index] is not None for one in wanted):
            # A point that was to follow another may have to take its place.
            self._write([one for one, _ in followers], results)
            return
        for one, found in followers:
            results[one.index] = PointResult(found)

    def _insert(self, wanted: Sequence[_Fresh], results: list[PointResult | None]) -> None:
        """Insert rows at once; where the database refuses, halve until what is refused stands alone."""
        if not wanted:
            return
        try:
            with writing(self._using):
                # Made anew at each try: a failed insert may leave keys in the rows.
                rows = PhotometryReducedDatum.objects.using(self._using).bulk_create([_row(one.new) for one in wanted])
                events = (one.new.provenance.event_id for one in wanted)
                written.note(self._using, PhotometryReducedDatum, zip((row.pk for row in rows), events, strict=True))
                self._show(wanted, rows)
        except (IntegrityError, DataError, ValueError) as error:
            if len(wanted) > 1:
                middle = len(wanted) // 2
                self._insert(wanted[:middle], results)
                self._insert(wanted[middle:], results)
                return
            (one,) = wanted
            # Another process may have written it between our look and the insert.
            beside = self._rows([one.place])[(*one.place, one.new.point.bandpass)]
            found = fate(one.new.point, beside)
            results[one.index] = PointResult(found) if found is not None else _refused(words(error))

    def _show(self, wanted: Sequence[_Fresh], rows: Sequence[Any]) -> None:
        by_topic: dict[str, list[Any]] = defaultdict(list)
        for one, row in zip(wanted, rows, strict=True):
            by_topic[one.new.provenance.topic].append(row)
        for topic, shown in by_topic.items():
            self._visibility.show_datums(shown, topic)

    def _rows(self, places: Iterable[tuple[int, datetime]]) -> _Rows:
        """Return the rows at these places (target and time): typed ones, and those of before 3.1."""
        found: _Rows = defaultdict(list)
        ordered = sorted(set(places))
        for first in range(0, len(ordered), MANY):
            chunk = ordered[first : first + MANY]
            at = {"target_id__in": {target for target, _ in chunk}, "timestamp__in": {time for _, time in chunk}}
            typed = PhotometryReducedDatum.objects.using(self._using).filter(**at)
            for target, *values in typed.values_list("target_id", *_COLUMNS):
                row = ExistingPoint(**dict(zip(_COLUMNS, values, strict=True)))
                found[(target, row.timestamp, row.bandpass)].append(row)
            legacy = ReducedDatum.objects.using(self._using).filter(**at, data_type="photometry")
            for datum in legacy.values("target_id", "timestamp", "value", "telescope", "instrument"):
                if (old := _legacy(datum)) is not None:
                    found[(datum["target_id"], old.timestamp, old.bandpass)].append(old)
        return found


def unstorable(point: Point) -> str:
    """Return why a database can't hold ``point``, or nothing: SQLite takes what fails a whole batch on PostgreSQL."""
    for name in _NUMBERS:
        value = getattr(point, name)
        if value is not None and not math.isfinite(value):
            return f"{name}: {value} is no finite number"
    longest = _longest()
    for name in _TEXTS:
        value = getattr(point, name)
        if len(value) > longest[name]:
            return f"{name}: has {len(value)} characters; this TOM holds {longest[name]}"
        if "\x00" in value:
            return f"{name}: has a NUL character"
    try:
        text = json.dumps(unreserved(point.extra), allow_nan=False)
    except ValueError as error:
        return f"extra: {error}"
    return "extra: has a NUL character" if "\\u0000" in text.replace("\\\\", "") else ""


@cache
def _longest() -> Mapping[str, int]:
    return {name: PhotometryReducedDatum._meta.get_field(name).max_length for name in _TEXTS}


def _refused(reason: str) -> PointResult | None:
    return PointResult(PointFate.REFUSED, reason) if reason else None


def _row(new: NewPoint) -> Any:
    values = {name: getattr(new.point, name) for name in (*_COLUMNS, "source_name", "source_location")}
    return PhotometryReducedDatum(target_id=new.target_pk, value=unreserved(new.point.extra), **values)


def _legacy(datum: Mapping[str, Any]) -> ExistingPoint | None:
    if not isinstance(datum["value"], dict):
        return None
    columns = {name: datum[name] for name in ("telescope", "instrument") if datum[name]}
    return _LEGACY.row_of({"timestamp": datum["timestamp"].isoformat(), "value": columns | datum["value"]})
