"""What the TOM has beside datums that come: the rows of the same targets and times, found by indexes alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connections
from django.db.models import TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Substr
from tom_dataproducts.models import ReducedDatum

from bridge.events import TYPED, Column, Kind
from bridge.tom.compare import RULES, is_same_spectrum
from bridge.tom.port import ExistingDatum
from bridge.tom.reserved import source_of
from bridge.tom.values import row_of
from bridge.tomtoolkit.database import among, as_stored, as_table, chunks, same_as_wanted, select
from bridge.tomtoolkit.rows.kinds import MODELS

_DATA_TYPES = {kind: data_type for data_type, kind in TYPED.items()}
_Values = tuple[Any, ...]
_LEGACY_COLUMNS = ("telescope", "instrument", "reduction_version")

# All SQL below is put together from Django's own names of tables and columns; values go in as parameters.
# ruff: noqa: S608


def rows_beside(
    using: str, kind: Kind, targets: Sequence[int], column: Callable[[str], Column]
) -> dict[int, list[ExistingDatum]]:
    """Return by target the rows that datums of ``kind`` are compared with: those of its model, and those of before 3.1.

    ``targets`` has the target of each datum, ``column`` gives the values of a field. Found are rows of the same time,
    of photometry in the same bandpass; of spectra also those of other times that begin with the same wavelength and
    flux.
    """
    model = MODELS[kind]
    found: dict[int, list[ExistingDatum]] = defaultdict(list)
    names = ("timestamp", "bandpass") if kind is Kind.PHOTOMETRY else ("timestamp",)
    stored = {name: as_stored(model._meta.get_field(name), column(name), connections[using]) for name in names}
    keys = _keys(using, model, targets, stored)
    if kind is Kind.SPECTROSCOPY:
        keys |= _alike(using, targets, column("wavelength"), column("flux"))
    wanted = tuple(dict.fromkeys(("target_id", *RULES[kind].fields, "value")))
    for some in chunks(sorted(keys)):
        for values in model.objects.using(using).filter(pk__in=some).values(*wanted):
            if (row := _existing(kind, values)) is not None:
                found[values["target_id"]].append(row)
    if kind is not Kind.REDUCED_DATUM and _any_of_before(using, targets):
        old = _keys(using, ReducedDatum, targets, {"timestamp": stored["timestamp"]})
        for pk, row in _of_before(using, kind, sorted(old)):
            found[pk].append(row)
    return found


def _any_of_before(using: str, targets: Sequence[int]) -> bool:
    """Return whether any of these targets has rows where all data were before 3.1: few have."""
    one_of, value = among(using, set(targets))
    return bool(select(using, f"SELECT 1 FROM {ReducedDatum._meta.db_table} WHERE target_id {one_of} LIMIT 1", [value]))


def _of_before(using: str, kind: Kind, keys: Sequence[int]) -> Iterator[tuple[int, ExistingDatum]]:
    for some in chunks(keys):
        legacy = ReducedDatum.objects.using(using).filter(pk__in=some, data_type__iexact=_DATA_TYPES[kind])
        for datum in legacy.values("target_id", "timestamp", "data_type", "value", *_LEGACY_COLUMNS):
            if (row := legacy_row(datum)) is not None:
                yield datum["target_id"], row


def _keys(using: str, model: Any, targets: Sequence[int], stored: Mapping[str, Column]) -> set[int]:
    """Return the keys of the rows that have any of these targets together with the values beside it, as stored.

    One statement looks for each by itself: by an index it is seen at once that there is none, however many rows its
    target has. (The keys that TOM Toolkit's models are unique by begin so; ``ReducedDatum`` has none, and so
    :func:`~bridge.tomtoolkit.rows.kinds.create_index`.) Before that one looks between the first and the last time of
    each target, which is enough where data are later than all that is there.
    """
    moments = stored["timestamp"]
    names = ["target", *(name for name in stored if name != "timestamp")]
    near = list(zip(targets, *(stored[name] for name in names[1:]), strict=True))
    ends = _ends(near, moments)
    taken = _between(using, model, names, [(*each, *ends[each]) for each in ends])
    wanted = dict.fromkeys((*each, moment) for each, moment in zip(near, moments, strict=True) if each in taken)
    return _at(using, model, [*names, "timestamp"], list(wanted)) if wanted else set()


def _ends(near: Iterable[_Values], moments: Column) -> dict[_Values, tuple[Any, Any]]:
    """Return the first and the last of the moments (as stored) of all that is near each other."""
    ends: dict[_Values, tuple[Any, Any]] = {}
    for each, moment in zip(near, moments, strict=True):
        first, last = ends.get(each, (moment, moment))
        if not first <= moment <= last or each not in ends:
            ends[each] = (min(first, moment), max(last, moment))
    return ends


def _between(using: str, model: Any, names: Sequence[str], wanted: Sequence[_Values]) -> set[_Values]:
    """Return of which of these values of ``names`` there is any row between two times, which stand behind them."""
    connection, quote = connections[using], connections[using].ops.quote_name
    fields = [model._meta.get_field(name) for name in (*names, "timestamp", "timestamp")]
    source, given = as_table(connection, fields, wanted)
    values, when, count = same_as_wanted(connection, fields[:-2]), quote(fields[-1].column), len(names)
    look = (
        f"SELECT 1 FROM {quote(model._meta.db_table)} AS held WHERE {values}"
        f" AND held.{when} BETWEEN wanted.v{count} AND wanted.v{count + 1} LIMIT 1"
    )
    shown = ", ".join(f"v{number}" for number in range(count))
    return {tuple(row) for row in select(using, f"SELECT {shown} FROM {source} WHERE ({look}) IS NOT NULL", given)}


def _at(using: str, model: Any, names: Sequence[str], wanted: Sequence[_Values]) -> set[int]:
    """Return the keys of the rows that have any of these values of ``names``."""
    connection, quote = connections[using], connections[using].ops.quote_name
    fields = [model._meta.get_field(name) for name in names]
    source, given = as_table(connection, fields, wanted)
    table, pk, same = quote(model._meta.db_table), quote(model._meta.pk.column), same_as_wanted(connection, fields)
    # In this order whatever a planner thinks: SQLite keeps to that of a CROSS JOIN, PostgreSQL to an OFFSET.
    look = (
        f"CROSS JOIN LATERAL (SELECT {pk} FROM {table} AS held WHERE {same} OFFSET 0) AS held"
        if connection.vendor == "postgresql"
        else f"CROSS JOIN {table} AS held ON {same}"
    )
    return {key for (key,) in select(using, f"SELECT held.{pk} FROM {source} {look}", given)}


def _alike(using: str, targets: Sequence[int], wavelengths: Column, fluxes: Column) -> set[int]:
    """Return the keys of spectra of these targets that begin with the same wavelength and flux, whatever their time."""
    begins: dict[int, set[str]] = defaultdict(set)
    for target, wavelength, flux in zip(targets, wavelengths, fluxes, strict=True):
        begins[target] |= _rounded(wavelength[0], flux[0])
    return set(_that_begin_so(using, begins))


def _that_begin_so(using: str, begins: Mapping[int, set[str]]) -> list[int]:
    """Return the keys of spectra, by target, whose first wavelength and flux are these (:func:`_rounded`).

    The database gives the first numbers alone, so that not all spectra of the targets are read: SQLite the beginning of
    the text, as it would take its JSON apart to the end.
    """
    rows = MODELS[Kind.SPECTROSCOPY].objects.using(using).filter(target_id__in=begins)
    if connections[using].vendor == "sqlite":
        first = [Substr(Cast(name, TextField()), 1, _LONGEST_NUMBER) for name in ("wavelength", "flux")]
    else:
        first = [Cast(KeyTextTransform("0", name), TextField()) for name in ("wavelength", "flux")]
    found = []
    for pk, target, *texts in rows.values_list("pk", "target_id", *first):
        wavelength, flux = map(_first_number, texts)
        if wavelength is not None and flux is not None and not begins[target].isdisjoint(_rounded(wavelength, flux)):
            found.append(pk)
    return found


_LONGEST_NUMBER = 40
"""Characters of an array that its first number is among."""


def _first_number(text: str | None) -> float | None:
    """Return the first number of a JSON array, or of the part of one, or a number alone; None where there is none."""
    try:
        return float((text or "").lstrip("[").partition(",")[0].rstrip("]"))
    except ValueError:
        return None


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


def legacy_row(datum: Mapping[str, Any]) -> ExistingDatum | None:
    """Return a typed datum that is kept as before 3.1, in ``ReducedDatum`` (until ``migrate_reduced_datums`` has run).

    None where its value is no dictionary.
    """
    if not isinstance(datum["value"], dict):
        return None
    columns = {name: datum[name] for name in _LEGACY_COLUMNS if datum[name]}
    shown = {"timestamp": datum["timestamp"].isoformat(), "data_type": datum["data_type"]}
    return row_of(shown | {"value": columns | datum["value"]}, typed=False)
