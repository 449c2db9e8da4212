"""Reduced datums over the ORM: compared with what is there, then many rows of many events in one bulk insert a model.

The columns of each model are the fields of its kind (:data:`bridge.tom.values.WORDS`), by the same names.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import FloatField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from tom_dataproducts.models import ReducedDatum

from bridge.budget import Budget
from bridge.errors import BridgeError, TomAwayError
from bridge.events import KINDS, TYPED, Datum, Kind, Spectrum
from bridge.events.fields import TOO_DEEP, is_too_deep
from bridge.tom.compare import RULES, Beside, is_same_spectrum
from bridge.tom.port import DatumResult, ExistingDatum, Fate, NewDatum
from bridge.tom.reserved import kept, source_of
from bridge.tom.values import WORDS, row_of
from bridge.tomtoolkit.database import MANY, words, writing
from bridge.tomtoolkit.receiving import written
from bridge.tomtoolkit.receiving.targets import existing
from bridge.tomtoolkit.receiving.visibility import Visibility
from bridge.tomtoolkit.rows.kinds import MODELS

_DATA_TYPES = {kind: data_type for data_type, kind in TYPED.items()}

_YEARS = (1000, 3000)
"""What a TOM's pages can show, in whatever time zone."""
_Rows = dict[int, list[ExistingDatum]]
"""Rows by target."""


@dataclass(frozen=True)
class _Fresh:
    """A datum that may be written, and its place in the answer."""

    index: int
    new: NewDatum


class DatumWriter:
    """Reads and writes reduced datums of the TOM."""

    def __init__(self, using: str, visibility: Visibility) -> None:
        self._using = using
        self._visibility = visibility

    def rows(self, pk: int, wanted: Sequence[Datum]) -> tuple[ExistingDatum, ...]:
        """Return the target's datums of the kinds and timestamps of ``wanted``, and the spectra of the same numbers."""
        of_kinds: dict[Kind, list[tuple[int, Datum]]] = defaultdict(list)
        for datum in wanted:
            of_kinds[KINDS[type(datum)]].append((pk, datum))
        return tuple(row for kind, datums in of_kinds.items() for row in self._rows(kind, datums).get(pk, ()))

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
        beside = self._beside(kind, [one.new for one in fresh])
        wanted: list[_Fresh] = []
        followers: list[tuple[_Fresh, Fate]] = []
        for one in fresh:
            if (found := beside.fate(one.new)) is not None:
                results[one.index] = DatumResult(found)
            elif (found := beside.fate_among_noted(one.new)) is not None:
                followers.append((one, found))
            else:
                beside.note(one.new)
                wanted.append(one)
        self._insert(kind, wanted, results)
        if any(results[one.index] is not None for one in wanted):
            # A datum that was to follow another may have to take its place.
            self._write(kind, [one for one, _ in followers], results)
            return
        for one, found in followers:
            results[one.index] = DatumResult(found)

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
            found = self._beside(kind, [one.new]).fate(one.new)
            results[one.index] = DatumResult(found) if found is not None else _refused(words(error))

    def _show(self, wanted: Sequence[_Fresh], rows: Sequence[Any]) -> None:
        by_topic: dict[str, list[Any]] = defaultdict(list)
        for one, row in zip(wanted, rows, strict=True):
            by_topic[one.new.provenance.topic].append(row)
        for topic, shown in by_topic.items():
            self._visibility.show_datums(shown, topic)

    def _beside(self, kind: Kind, datums: Sequence[NewDatum]) -> Beside:
        """Return what the TOM has beside datums of one kind."""
        beside = Beside(datums)
        for pk, rows in self._rows(kind, [(new.target_pk, new.datum) for new in datums]).items():
            beside.take_in(pk, rows)
        return beside

    def _rows(self, kind: Kind, datums: Iterable[tuple[int, Datum]]) -> _Rows:
        """Return the rows of a kind at the targets and times of these: those of its model, and those from before 3.1.

        Of spectra also those of other times that begin with the same wavelength and flux.
        """
        found: _Rows = defaultdict(list)
        given = list(datums)
        columns = tuple(dict.fromkeys(("pk", "target_id", *RULES[kind].fields, "value")))
        seen: set[int] = set()
        for at in [*_at_times(given), *self._of_like_spectra(given)]:
            for values in MODELS[kind].objects.using(self._using).filter(**at).values(*columns):
                if values["pk"] not in seen and (row := _existing(kind, values)) is not None:
                    found[values["target_id"]].append(row)
                seen.add(values["pk"])
        if kind is Kind.REDUCED_DATUM:
            return found
        for at in _at_times(given):
            legacy = ReducedDatum.objects.using(self._using).filter(**at, data_type__iexact=_DATA_TYPES[kind])
            for datum in legacy.values("target_id", "timestamp", "data_type", "value", *_LEGACY_COLUMNS):
                if (old := legacy_row(datum)) is not None:
                    found[datum["target_id"]].append(old)
        return found

    def _of_like_spectra(self, datums: Iterable[tuple[int, Datum]]) -> Iterator[dict[str, Any]]:
        """Yield by what the spectra are found that begin with the same wavelength and flux, at any time."""
        begins: dict[int, set[str]] = defaultdict(set)
        for pk, datum in datums:
            if isinstance(datum, Spectrum):
                begins[pk] |= _rounded(datum.wavelength[0], datum.flux[0])
        alike = _that_begin_so(self._using, begins) if begins else []
        for some in range(0, len(alike), MANY):
            yield {"pk__in": alike[some : some + MANY]}


def _that_begin_so(using: str, begins: Mapping[int, set[str]]) -> list[int]:
    """Return the keys of spectra, by target, whose first wavelength and flux are these (:func:`_rounded`).

    The database gives the first numbers alone, so that not all spectra of the targets are read.
    """
    first = {name: Cast(KeyTextTransform("0", name), FloatField()) for name in ("wavelength", "flux")}
    rows = MODELS[Kind.SPECTROSCOPY].objects.using(using).filter(target_id__in=begins)
    return [
        pk
        for pk, target, wavelength, flux in rows.values_list("pk", "target_id", first["wavelength"], first["flux"])
        if None not in (wavelength, flux) and not begins[target].isdisjoint(_rounded(wavelength, flux))
    ]


def _at_times(datums: Iterable[tuple[int, Datum]]) -> Iterator[dict[str, Any]]:
    """Yield by what the rows are found that the targets have at the times of these datums, some at a time."""
    ordered = sorted({(pk, datum.timestamp) for pk, datum in datums})
    for first in range(0, len(ordered), MANY):
        chunk = ordered[first : first + MANY]
        yield {"target_id__in": {pk for pk, _ in chunk}, "timestamp__in": {time for _, time in chunk}}


def _rounded(wavelength: float, flux: float) -> set[str]:
    """Return two numbers as texts of which equal ones share one: a database may read a number in its last digit."""
    ways = [{f"{number * (1 + by) + 0.0:.6e}" for by in (-1e-10, 1e-10)} for number in (wavelength, flux)]
    return {f"{one} {other}" for one in ways[0] for other in ways[1]}


def _existing(kind: Kind, values: Mapping[str, Any]) -> ExistingDatum | None:
    """Return a row of a model; None for one that no event can be compared with: a value that is no dictionary."""
    free = values["value"]
    if kind is Kind.REDUCED_DATUM and not isinstance(free, dict):
        return None
    compared = {name: values[name] for name in RULES[kind].fields}
    arrays = {name: tuple(value) for name, value in compared.items() if isinstance(value, list)}
    return ExistingDatum(kind=kind, values=compared | arrays, source=source_of(free) if isinstance(free, dict) else "")


def twins_of(using: str, spectrum: Any) -> set[int]:
    """Return the keys of other rows of the target of a row that are the same spectrum, at whatever time."""
    columns = tuple(dict.fromkeys((*RULES[Kind.SPECTROSCOPY].fields, "value")))
    mine = _existing(Kind.SPECTROSCOPY, {name: getattr(spectrum, name) for name in columns})
    if mine is None or not mine.values["wavelength"] or not mine.values["flux"]:
        return set()
    begins = {spectrum.target_id: _rounded(mine.values["wavelength"][0], mine.values["flux"][0])}
    alike = [pk for pk in _that_begin_so(using, begins) if pk != spectrum.pk]
    rows = MODELS[Kind.SPECTROSCOPY].objects.using(using).filter(pk__in=alike).values("pk", *columns)
    found = ((row.pop("pk"), _existing(Kind.SPECTROSCOPY, row)) for row in list(rows))
    return {pk for pk, other in found if other is not None and is_same_spectrum(mine, other)}


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
    if is_too_deep(getattr(datum, datum.FREE), text):
        return f"{datum.FREE}: {TOO_DEEP}"
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
