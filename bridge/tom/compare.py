"""What becomes of a datum beside the rows that a TOM has: the one rule a kind, for REST and ORM.

A datum's *place* says what was observed, its *value* what was found. Numbers are compared exactly, as the TOM's own
uniqueness does. Where a TOM can't hold two rows that differ in their place, the second is conflicting as well.
"""

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.events import KINDS, Datum, Kind
from bridge.tom.port import ExistingDatum, Fate
from bridge.tom.reserved import ORIGINAL_SOURCE_KEY, unreserved


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How datums of one kind are compared, by the names of their fields."""

    near: tuple[str, ...]
    """The part of the place that is always seen: rows that differ in it have nothing to do with each other."""
    place: tuple[str, ...]
    """The rest of the place."""
    value: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    """What, beside ``near``, the TOM lets no two rows have in common; null equals nothing."""

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that are compared."""
        return (*self.near, *self.place, *self.value)


RULES: Mapping[Kind, Rule] = {
    Kind.PHOTOMETRY: Rule(
        near=("timestamp", "bandpass"),
        place=("telescope", "instrument", "reduction_version"),
        value=("brightness", "brightness_error", "limit", "unit", "exposure_time"),
        unique=(("brightness", "instrument", "reduction_version"), ("limit", "instrument", "reduction_version")),
    ),
    # The arms and orders of a spectrograph may share time and instrument: set-up and wavelengths tell them.
    Kind.SPECTROSCOPY: Rule(
        near=("timestamp", "telescope", "instrument"),
        place=("setup", "wavelength", "wavelength_unit", "reduction_version"),
        value=("flux", "error", "flux_unit", "exposure_time"),
        unique=(("flux", "reduction_version"),),
    ),
    Kind.ASTROMETRY: Rule(
        near=("timestamp", "telescope", "instrument"),
        place=("reduction_version",),
        value=("ra", "dec", "ra_error", "dec_error", "ra_error_units", "dec_error_units"),
        unique=(("ra", "dec", "reduction_version"),),
    ),
    # Nobody knows which part of a free value says what was observed: another value is another datum.
    Kind.REDUCED_DATUM: Rule(
        near=("timestamp", "data_type", "value"),
        place=("telescope", "instrument", "reduction_version"),
        value=(),
        unique=((),),
    ),
}


SPECTRUM = (
    "wavelength", "flux", "wavelength_unit", "flux_unit", "telescope", "instrument", "setup", "reduction_version",
)  # fmt: skip
"""By what a spectrum is known at any time: :func:`is_same_spectrum`."""


def near(datum: Datum | ExistingDatum) -> Hashable:
    """Return what a datum has in common with all rows that it has to be compared with: kind, time and so on."""
    kind = _kind(datum)
    return kind, *(_hashable(name, _get(datum, name), kind) for name in RULES[kind].near)


def fate(datum: Datum, existing: Iterable[ExistingDatum]) -> Fate | None:
    """Return what ``datum`` is beside the target's ``existing`` rows; None where it may be written.

    * A row of the same place and value: ``duplicate``.
    * A row of the same place and another value: ``conflicting``. The same where the TOM has no room for both.
    * What is hidden can't decide: a row that is equal as far as can be seen leaves it to the TOM (None), and so does
      another value where a part of the row's place is hidden and the datum has one (a reduction version, a set-up).
    """
    rows = list(existing)
    if not rows:
        return None
    rule, here = RULES[_kind(datum)], near(datum)
    rows = [row for row in rows if near(row) == here]
    judged = {_beside(datum, row, rule) for row in rows}
    if Fate.DUPLICATE in judged:
        return Fate.DUPLICATE
    if Fate.CONFLICTING in judged and not any(_equal(datum, row, rule) for row in rows):
        return Fate.CONFLICTING
    return None


def looks_equal(datum: Datum, row: ExistingDatum) -> bool:
    """Return whether ``row`` is ``datum`` as far as can be seen."""
    return near(datum) == near(row) and _equal(datum, row, RULES[_kind(datum)])


def is_same_spectrum(spectrum: Datum | ExistingDatum, other: Datum | ExistingDatum) -> bool:
    """Return whether two spectra have the same wavelengths and fluxes, and agree in all else of which both tell.

    Whatever their times: TOM Toolkit's data processors date what they read from a FITS file *now*.
    """
    mine, theirs = ([_get(one, name) for name in SPECTRUM] for one in (spectrum, other))
    agree = all(a == b or "" in (a, b) for a, b in zip(mine[2:], theirs[2:], strict=True))
    return mine[:2] == theirs[:2] and agree


def as_existing(datum: Datum) -> ExistingDatum:
    """Return the row that ``datum`` becomes."""
    kind = _kind(datum)
    return ExistingDatum(kind=kind, values={name: getattr(datum, name) for name in RULES[kind].fields})


def _beside(datum: Datum, row: ExistingDatum, rule: Rule) -> Fate | None:
    if _same(datum, row, rule.place):
        if _same(datum, row, rule.value):
            return None if row.hidden else Fate.DUPLICATE
        unknown = any(getattr(datum, name) != "" for name in rule.place if name in row.hidden)
        return None if unknown else Fate.CONFLICTING
    return Fate.CONFLICTING if _no_room_for_both(datum, row, rule) else None


def _equal(datum: Datum, row: ExistingDatum, rule: Rule) -> bool:
    return _same(datum, row, rule.place) and _same(datum, row, rule.value)


def _same(datum: Datum, row: ExistingDatum, names: Iterable[str]) -> bool:
    return all(getattr(datum, name) == row.values.get(name) for name in names if name not in row.hidden)


def _no_room_for_both(datum: Datum, row: ExistingDatum, rule: Rule) -> bool:
    return any(
        row.hidden.isdisjoint(key) and None not in (mine := [getattr(datum, name) for name in key])
        and mine == [row.values.get(name) for name in key]
        for key in rule.unique
    )  # fmt: skip


def _kind(datum: Datum | ExistingDatum) -> Kind:
    return datum.kind if isinstance(datum, ExistingDatum) else KINDS[type(datum)]


def _get(datum: Datum | ExistingDatum, name: str) -> Any:
    return datum.values.get(name) if isinstance(datum, ExistingDatum) else getattr(datum, name)


def _hashable(name: str, value: Any, kind: Kind) -> Hashable:
    """Return what is compared: types without case (TOM Toolkit's API makes them small), free values as text.

    A free value is taken as a TOM keeps it, and without what only one of two ways to it has added.
    """
    if name == "data_type":
        return str(value).lower()
    if name != "value":
        return value  # type: ignore[no-any-return]
    kept = {key: each for key, each in unreserved(value, kind).items() if key != ORIGINAL_SOURCE_KEY}
    return json.dumps(kept, sort_keys=True)
