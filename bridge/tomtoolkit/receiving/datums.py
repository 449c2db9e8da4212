"""Reduced datums over the ORM: compared with what is there, then many rows of many events in one bulk insert a model.

The columns of each model are the fields of its kind (:data:`bridge.tom.values.WORDS`), by the same names.
"""

import json
import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import JSONField
from django.db.models.fields.json import KeyTransform
from tom_dataproducts.models import ReducedDatum

from bridge.budget import Budget
from bridge.errors import BridgeError, TomAwayError
from bridge.events import KINDS, TYPED, Datum, Kind, Spectrum
from bridge.tom.compare import RULES, SPECTRUM, as_existing, fate, is_same_spectrum, near
from bridge.tom.port import DatumResult, ExistingDatum, Fate, NewDatum
from bridge.tom.reserved import kept
from bridge.tom.values import WORDS, row_of
from bridge.tomtoolkit.database import MANY, words, writing
from bridge.tomtoolkit.receiving import written
from bridge.tomtoolkit.receiving.targets import existing
from bridge.tomtoolkit.receiving.visibility import Visibility
from bridge.tomtoolkit.rows.kinds import MODELS

_DATA_TYPES = {kind: data_type for data_type, kind in TYPED.items()}

_YEARS = (1000, 3000)
"""What a TOM's pages can show, in whatever time zone."""
_Place = tuple[int, datetime]
"""Target and time."""
_Rows = dict[tuple[int, Hashable], list[ExistingDatum]]
"""Rows by target and what they have in common with all that is compared with them."""


@dataclass(frozen=True)
class _Fresh:
    """A datum that may be written, and its place in the answer."""

    index: int
    new: NewDatum

    @property
    def place(self) -> _Place:
        return self.new.target_pk, self.new.datum.timestamp

    @property
    def beside(self) -> tuple[int, Hashable]:
        """By what the rows to compare with are found."""
        return self.new.target_pk, near(self.new.datum)


class DatumWriter:
    """Reads and writes reduced datums of the TOM."""

    def __init__(self, using: str, visibility: Visibility) -> None:
        self._using = using
        self._visibility = visibility

    def rows(self, pk: int, wanted: Sequence[Datum]) -> tuple[ExistingDatum, ...]:
        """Return the target's datums of the kinds and timestamps of ``wanted``."""
        places: dict[Kind, list[_Place]] = defaultdict(list)
        for datum in wanted:
            places[KINDS[type(datum)]].append((pk, datum.timestamp))
        return tuple(row for kind in places for rows in self._rows(kind, places[kind]).values() for row in rows)

    def add(self, datums: Sequence[NewDatum], budget: Budget) -> list[DatumResult]:
        """Write datums and return the fate of each in the same order."""
        results: list[DatumResult | None] = [_refused(unstorable(new.datum)) for new in datums]
        fresh: dict[Kind, list[_Fresh]] = defaultdict(list)
        for index, new in enumerate(datums):
            if results[index] is None:
                fresh[KINDS[type(new.datum)]].append(_Fresh(index, new))
        with writing(self._using):
            targets = {new.target_pk for new in datums}
            if missing := targets - existing(self._using, targets):
                raise TomAwayError(f"target {min(missing)} was removed meanwhile", mend="It is decided anew")
            for kind, of_kind in fresh.items():
                budget.check()
                self._write(kind, of_kind, results)
        return [result or DatumResult(Fate.NEW) for result in results]

    def _write(self, kind: Kind, fresh: Sequence[_Fresh], results: list[DatumResult | None]) -> None:
        """Write what the rows there leave room for; of datums at one place the first goes first."""
        there = self._rows(kind, [one.place for one in fresh])
        wanted: list[_Fresh] = []
        followers: list[tuple[_Fresh, Fate]] = []
        at_hand: _Rows = defaultdict(list)
        for one in fresh:
            datum, beside = one.new.datum, one.beside
            if (found := fate(datum, there[beside]) or self._twin(one.new)) is not None:
                results[one.index] = DatumResult(found)
            elif (found := fate(datum, at_hand[beside]) or _twin_among(one, wanted)) is not None:
                followers.append((one, found))
            else:
                at_hand[beside].append(as_existing(datum))
                wanted.append(one)
        self._insert(kind, wanted, results)
        if any(results[one.index] is not None for one in wanted):
            # A datum that was to follow another may have to take its place.
            self._write(kind, [one for one, _ in followers], results)
            return
        for one, found in followers:
            results[one.index] = DatumResult(found)

    def _twin(self, new: NewDatum) -> Fate | None:
        """Return ``duplicate`` for a spectrum that the target has under another time."""
        spectrum = new.datum
        if isinstance(spectrum, Spectrum) and twins_of(self._using, new.target_pk, as_existing(spectrum)):
            return Fate.DUPLICATE
        return None

    def _insert(self, kind: Kind, wanted: Sequence[_Fresh], results: list[DatumResult | None]) -> None:
        """Insert rows at once; where the database refuses, halve until what is refused stands alone."""
        if not wanted:
            return
        model = MODELS[kind]
        try:
            with writing(self._using):
                # Made anew at each try: a failed insert may leave keys in the rows.
                rows = model.objects.using(self._using).bulk_create([_row(model, one.new) for one in wanted])
                written.note(self._using, model, map(_note, wanted, rows))
                self._show(wanted, rows)
        except BridgeError:  # what says that the database is away was turned into that
            raise
        except Exception as error:  # what doesn't fit: a number, a text, a time that the database can't hold
            if len(wanted) > 1:
                middle = len(wanted) // 2
                self._insert(kind, wanted[:middle], results)
                self._insert(kind, wanted[middle:], results)
                return
            (one,) = wanted
            # Another process may have written it between our look and the insert.
            found = fate(one.new.datum, self._rows(kind, [one.place])[one.beside])
            results[one.index] = DatumResult(found) if found is not None else _refused(words(error))

    def _show(self, wanted: Sequence[_Fresh], rows: Sequence[Any]) -> None:
        by_topic: dict[str, list[Any]] = defaultdict(list)
        for one, row in zip(wanted, rows, strict=True):
            by_topic[one.new.provenance.topic].append(row)
        for topic, shown in by_topic.items():
            self._visibility.show_datums(shown, topic)

    def _rows(self, kind: Kind, places: Iterable[_Place]) -> _Rows:
        """Return the rows of a kind at these places: those of its model, and those kept as before 3.1."""
        found: _Rows = defaultdict(list)
        fields = RULES[kind].fields
        ordered = sorted(set(places))
        for first in range(0, len(ordered), MANY):
            chunk = ordered[first : first + MANY]
            at = {"target_id__in": {target for target, _ in chunk}, "timestamp__in": {time for _, time in chunk}}
            for target, *values in (
                MODELS[kind].objects.using(self._using).filter(**at).values_list("target_id", *fields)
            ):
                row = _existing(kind, dict(zip(fields, values, strict=True)))
                if row is not None:
                    found[target, near(row)].append(row)
            if kind is Kind.REDUCED_DATUM:
                continue
            legacy = ReducedDatum.objects.using(self._using).filter(**at, data_type__iexact=_DATA_TYPES[kind])
            for datum in legacy.values("target_id", "timestamp", "data_type", "value", *_LEGACY_COLUMNS):
                if (old := legacy_row(datum)) is not None:
                    found[datum["target_id"], near(old)].append(old)
        return found


def _existing(kind: Kind, values: dict[str, Any]) -> ExistingDatum | None:
    """Return a row of a model; None for one that no event can be compared with: a value that is no dictionary."""
    if kind is Kind.REDUCED_DATUM and not isinstance(values["value"], dict):
        return None
    return ExistingDatum(kind=kind, values=_with_tuples(values))


def twins_of(using: str, target_pk: int, spectrum: ExistingDatum) -> set[int]:
    """Return the keys of the target's rows that are this spectrum, at whatever time.

    The database looks for those that begin alike, so that not all spectra of the target are read.
    """
    model = MODELS[Kind.SPECTROSCOPY]
    rows = model.objects.using(using).filter(target_id=target_pk)
    for name in ("wavelength", "flux"):
        if not spectrum.values[name]:
            return set()
        first = KeyTransform("0", name, output_field=JSONField())
        rows = rows.alias(**{f"first_{name}": first}).filter(**{f"first_{name}": spectrum.values[name][0]})
    found = set()
    for pk, *values in rows.values_list("pk", *SPECTRUM):
        if is_same_spectrum(spectrum, spectrum_of(dict(zip(SPECTRUM, values, strict=True)))):
            found.add(pk)
    return found


def spectrum_of(values: Mapping[str, Any]) -> ExistingDatum:
    """Return a spectrum by these columns of its row."""
    return ExistingDatum(kind=Kind.SPECTROSCOPY, values=_with_tuples(values))


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _twin_among(one: _Fresh, others: Sequence[_Fresh]) -> Fate | None:
    """Return ``duplicate`` for a spectrum that is one of ``others`` of the target, at whatever time."""
    if not isinstance(one.new.datum, Spectrum):
        return None
    same = (
        other.new.target_pk == one.new.target_pk and is_same_spectrum(one.new.datum, other.new.datum)
        for other in others
    )
    return Fate.DUPLICATE if any(same) else None


_LEGACY_COLUMNS = ("telescope", "instrument", "reduction_version")


def legacy_row(datum: Mapping[str, Any]) -> ExistingDatum | None:
    """Return a typed datum that is kept as before 3.1, in ``ReducedDatum`` (until ``migrate_reduced_datums`` has run).

    None where its value is no dictionary.
    """
    if not isinstance(datum["value"], dict):
        return None
    columns = {name: datum[name] for name in _LEGACY_COLUMNS if datum[name]}
    shown = {"timestamp": datum["timestamp"].isoformat(), "data_type": datum["data_type"]}
    return row_of(shown | {"value": columns | datum["value"]}, typed=False)


def unstorable(datum: Datum) -> str:
    """Return why a database can't hold ``datum``, or nothing: SQLite takes what fails a whole batch on PostgreSQL."""
    longest = _longest(KINDS[type(datum)])
    for name in _columns(KINDS[type(datum)]):
        if wrong := _unfit(getattr(datum, name), longest[name]):
            return f"{name}: {wrong}"
    try:
        text = json.dumps(kept(datum), allow_nan=False, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError) as error:
        return f"{datum.FREE}: {error}"
    wrong = _no_text(text.replace("\\\\", "").replace("\\u0000", "\x00"))
    return f"{datum.FREE}: {wrong}" if wrong else ""


def _unfit(value: object, most: int | None) -> str:
    """Return why a column of at most so many characters can't hold ``value``, or nothing."""
    match value:
        case float() if not math.isfinite(value):
            return f"{value} is no finite number"
        case tuple() if not all(map(math.isfinite, value)):
            return "has a value that is no finite number"
        case datetime() if not _YEARS[0] <= value.year <= _YEARS[1]:
            return f"{value:%Y-%m-%d} is not within the years {_YEARS[0]} to {_YEARS[1]}"
        case str() if most is not None and len(value) > most:
            return f"has {len(value)} characters; this TOM holds {most}"
        case str():
            return _no_text(value)
    return ""


def _no_text(text: str) -> str:
    """Return why a database can't hold a text, or nothing."""
    if "\x00" in text:
        return "has a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"has half a character ({text[error.start : error.end]!a})"
    return ""


@cache
def _columns(kind: Kind) -> tuple[str, ...]:
    """Return the columns of a kind beside its further values."""
    return tuple(name for name in WORDS[kind].datum.model_fields if name != WORDS[kind].datum.FREE)


@cache
def _longest(kind: Kind) -> Mapping[str, int | None]:
    fields = {name: MODELS[kind]._meta.get_field(name) for name in _columns(kind)}
    return {name: getattr(field, "max_length", None) for name, field in fields.items()}


def _refused(reason: str) -> DatumResult | None:
    return DatumResult(Fate.REFUSED, reason) if reason else None


def _note(one: _Fresh, row: Any) -> written.Note:
    return row.pk, one.new.provenance.event, one.new.number, written.digest(row)


def _row(model: Any, new: NewDatum) -> Any:
    values = {name: getattr(new.datum, name) for name in _columns(KINDS[type(new.datum)])}
    arrays = {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
    return model(target_id=new.target_pk, value=kept(new.datum), **values | arrays)
