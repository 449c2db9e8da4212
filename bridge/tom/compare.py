"""What becomes of a datum beside the rows that a TOM has: the one rule a kind, for REST and ORM.

A datum's *place* says what was observed, its *value* what was found. Numbers are compared exactly, as the TOM's own
uniqueness does. Where a TOM can't hold two rows that differ in their place, the second is conflicting as well.

Source and exposure time belong to the place, but many ways to a TOM drop them: they keep two datums apart only where
both are known and differ, so that a light curve that arrives two ways does not double. What one event brings together
was put together by people: none of it conflicts with the rest, unless the TOM has no room for both.
"""

import json
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.events import KINDS, Datum, EventRef, Kind, Spectrum
from bridge.tom.numbers import as_taken
from bridge.tom.port import ExistingDatum, Fate, NewDatum
from bridge.tom.reserved import ORIGINAL_SOURCE_KEY, source_of, unreserved


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How datums of one kind are compared, by the names of their fields."""

    near: tuple[str, ...]
    """The part of the place that is always seen: rows that differ in it have nothing to do with each other."""
    place: tuple[str, ...]
    """The rest of the place."""
    apart: tuple[str, ...] = ()
    """What belongs to the place only where it is known of both, as the source does."""
    value: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    """What, beside ``near``, the TOM lets no two rows have in common; null equals nothing."""

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that are compared, beside the source."""
        return (*self.near, *self.place, *self.apart, *self.value)


RULES: Mapping[Kind, Rule] = {
    Kind.PHOTOMETRY: Rule(
        near=("timestamp", "bandpass"),
        place=("telescope", "instrument", "reduction_version"),
        apart=("exposure_time",),
        value=("brightness", "brightness_error", "limit", "unit"),
        unique=(("brightness", "instrument", "reduction_version"), ("limit", "instrument", "reduction_version")),
    ),
    # The arms and orders of a spectrograph may share time and instrument: set-up and wavelengths tell them.
    Kind.SPECTROSCOPY: Rule(
        near=("timestamp", "telescope", "instrument"),
        place=("setup", "wavelength", "wavelength_unit", "reduction_version"),
        apart=("exposure_time",),
        value=("flux", "error", "flux_unit"),
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


_SPECTRUM_NUMBERS = ("wavelength", "flux")
_SPECTRUM_PLACE = ("telescope", "instrument", "setup", "reduction_version", "wavelength_unit", "flux_unit")
"""What keeps two spectra of the same numbers apart, where it is known of both."""

_ODD_NUMBER = re.compile(r"\d{17}|-0\.0")
"""What may have been another number before a database took it."""

_Place = tuple[int, Hashable]
"""A target, and what rows that are compared have in common."""


def near(datum: Datum | ExistingDatum) -> Hashable:
    """Return what a datum has in common with all rows that it has to be compared with: kind, time and so on."""
    kind = _kind(datum)
    return kind, *(_hashable(name, _get(datum, name), kind) for name in RULES[kind].near)


def numbers(datum: Datum | ExistingDatum) -> Hashable | None:
    """Return by what a spectrum is known whatever its time: wavelengths and fluxes. None for other kinds.

    TOM Toolkit dates a spectrum of a FITS file with the moment in which its processor runs, which differs at each TOM.
    """
    if _kind(datum) is not Kind.SPECTROSCOPY:
        return None
    return tuple(_get(datum, name) for name in _SPECTRUM_NUMBERS)


def is_same_spectrum(one: Datum | ExistingDatum, other: Datum | ExistingDatum) -> bool:
    """Return whether two spectra have the same numbers, and nothing is known to differ but the time."""
    known = numbers(one)
    if known is None or known != numbers(other):
        return False
    told = ((_get(one, name), _get(other, name)) for name in _SPECTRUM_PLACE)
    return not any(mine not in (None, "") and theirs not in (None, "") and mine != theirs for mine, theirs in told)


class Beside:
    """What the TOM has beside datums that are to be written, and what becomes of each.

    ``datums`` are all that are written together: those of one event are known to belong together.
    """

    def __init__(self, datums: Sequence[NewDatum]) -> None:
        self._brought: dict[tuple[EventRef, _Place], list[Datum]] = defaultdict(list)
        for new in datums:
            self._brought[new.provenance.event, place(new)].append(new.datum)
        self._rows: dict[_Place, list[ExistingDatum]] = defaultdict(list)
        self._by_numbers: dict[_Place, list[ExistingDatum]] = defaultdict(list)
        self._noted: dict[_Place, list[tuple[EventRef, ExistingDatum]]] = defaultdict(list)
        self._noted_numbers: dict[_Place, list[ExistingDatum]] = defaultdict(list)

    def take_in(self, pk: int, rows: Iterable[ExistingDatum]) -> None:
        """Take in rows that target ``pk`` has."""
        for row in rows:
            self._rows[pk, near(row)].append(row)
            if (known := numbers(row)) is not None:
                self._by_numbers[pk, known].append(row)

    def rows(self, new: NewDatum) -> Sequence[ExistingDatum]:
        """Return the rows of the TOM that have to do with ``new``."""
        found = self._rows[place(new)]
        if (known := numbers(new.datum)) is None:
            return found
        here = near(new.datum)
        return [*found, *(row for row in self._by_numbers[new.target_pk, known] if near(row) != here)]

    def fate(self, new: NewDatum) -> Fate | None:
        """Return what ``new`` is beside what the TOM has, as :func:`fate` does."""
        others = self._brought[new.provenance.event, place(new)]
        return fate(new.datum, self.rows(new), others if len(others) > 1 else ())

    def fate_among_noted(self, new: NewDatum) -> Fate | None:
        """Return what ``new`` is beside what is about to be written; None where it may be written too."""
        event, rule = new.provenance.event, RULES[_kind(new.datum)]
        noted = self._noted[place(new)]
        judged = {
            _within(new.datum, row, rule) if other == event else _beside(new.datum, row, rule) for other, row in noted
        }
        if (known := numbers(new.datum)) is not None:
            judged |= {_as_spectra(new.datum, row) for row in self._noted_numbers[new.target_pk, known]}
        return next((one for one in (Fate.DUPLICATE, Fate.CONFLICTING) if one in judged), None)

    def note(self, new: NewDatum) -> None:
        """Note that ``new`` is about to be written."""
        row = as_existing(new.datum)
        self._noted[place(new)].append((new.provenance.event, row))
        if (known := numbers(row)) is not None:
            self._noted_numbers[new.target_pk, known].append(row)


def place(new: NewDatum) -> tuple[int, Hashable]:
    """Return under what the rows stand that ``new`` has to be compared with: its target, and what is near."""
    return new.target_pk, near(new.datum)


def fate(datum: Datum, existing: Iterable[ExistingDatum], together: Sequence[Datum] = ()) -> Fate | None:
    """Return what ``datum`` is beside the target's ``existing`` rows; None where it may be written.

    * A row of the same place and value: ``duplicate``. A spectrum of the same wavelengths and fluxes is one, whatever
      its time.
    * A row of the same place and another value: ``conflicting``, unless it is one of ``together``, which the same
      event brings. The same where the TOM has no room for both.
    * What is hidden can't decide: a row that is equal as far as can be seen leaves it to the TOM (None), and so does
      another value where a part of the row's place is hidden and the datum has one (a reduction version, a set-up).
    """
    rule, here = RULES[_kind(datum)], near(datum)
    judged: set[Fate | None] = set()
    looks_like_one = False
    for row in existing:
        if near(row) != here:
            judged.add(_as_spectra(datum, row))
            continue
        found = _beside(datum, row, rule)
        if found is Fate.CONFLICTING and any(_equal(other, row, rule) for other in together):
            found = _within(datum, row, rule)
        judged.add(found)
        looks_like_one = looks_like_one or _equal(datum, row, rule)
    if Fate.DUPLICATE in judged:
        return Fate.DUPLICATE
    return Fate.CONFLICTING if Fate.CONFLICTING in judged and not looks_like_one else None


def looks_equal(datum: Datum, row: ExistingDatum) -> bool:
    """Return whether ``row`` is ``datum`` as far as can be seen."""
    return near(datum) == near(row) and _equal(datum, row, RULES[_kind(datum)])


def as_existing(datum: Datum) -> ExistingDatum:
    """Return the row that ``datum`` becomes."""
    kind = _kind(datum)
    values = {name: getattr(datum, name) for name in RULES[kind].fields}
    return ExistingDatum(kind=kind, values=values, source=source_of(datum.free))


def _beside(datum: Datum, row: ExistingDatum, rule: Rule) -> Fate | None:
    """Return what ``datum`` is beside a row that is near it."""
    if (found := _as_spectra(datum, row)) is not None:
        return found
    if not _at_one_place(datum, row, rule):
        return _without_room(datum, row, rule)
    if _same(datum, row, rule.value):
        return Fate.DUPLICATE if row.hidden.isdisjoint(rule.place + rule.value) else None
    return None if _has_of(datum, row.hidden, rule.place) else Fate.CONFLICTING


def _within(datum: Datum, row: ExistingDatum, rule: Rule) -> Fate | None:
    """Return what ``datum`` is beside a row of its own event."""
    found = _beside(datum, row, rule)
    return _without_room(datum, row, rule) if found is Fate.CONFLICTING else found


def _as_spectra(datum: Datum, row: ExistingDatum) -> Fate | None:
    """Return ``duplicate`` for two spectra of the same numbers of which nothing is known to differ but the time.

    At the same time a set-up or a reduction version that the row hides is left to the TOM, which knows them.
    """
    if not isinstance(datum, Spectrum) or not _same(datum, row, _SPECTRUM_NUMBERS):
        return None
    if _known_to_differ(datum, row, _SPECTRUM_PLACE):
        return None
    for_the_tom = near(datum) == near(row) and _has_of(datum, row.hidden, _SPECTRUM_PLACE)
    return None if for_the_tom else Fate.DUPLICATE


def _at_one_place(datum: Datum, row: ExistingDatum, rule: Rule) -> bool:
    source = source_of(datum.free)
    if source and row.source and source != row.source:
        return False
    return not _known_to_differ(datum, row, rule.apart) and _same(datum, row, rule.place)


def _equal(datum: Datum, row: ExistingDatum, rule: Rule) -> bool:
    return _at_one_place(datum, row, rule) and _same(datum, row, rule.value)


def _same(datum: Datum, row: ExistingDatum, names: Iterable[str]) -> bool:
    return all(
        _meant(name, getattr(datum, name)) == _meant(name, row.values.get(name))
        for name in names
        if name not in row.hidden
    )


def _has_of(datum: Datum, hidden: frozenset[str], names: Iterable[str]) -> bool:
    """Return whether ``datum`` has one of these fields that are hidden in a row."""
    return any(getattr(datum, name) != "" for name in names if name in hidden)


def _known_to_differ(datum: Datum, row: ExistingDatum, names: Iterable[str]) -> bool:
    for name in names:
        mine, theirs = getattr(datum, name), None if name in row.hidden else row.values.get(name)
        if mine not in (None, "") and theirs not in (None, "") and mine != theirs:
            return True
    return False


def _without_room(datum: Datum, row: ExistingDatum, rule: Rule) -> Fate | None:
    """Return ``conflicting`` where the TOM lets no row stand beside ``row`` that is like ``datum``."""
    for key in rule.unique:
        mine = [getattr(datum, name) for name in key]
        if row.hidden.isdisjoint(key) and None not in mine and mine == [row.values.get(name) for name in key]:
            return Fate.CONFLICTING
    return None


def _meant(name: str, value: Any) -> Any:
    """Return what ``value`` means: without a unit a brightness is in magnitudes."""
    return "" if name == "unit" and value == "mag" else value


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
    text = json.dumps(kept, sort_keys=True)
    return json.dumps(_as_taken(text), sort_keys=True) if _ODD_NUMBER.search(text) else text


def _as_taken(text: str) -> Any:
    """Return JSON with its numbers as they were before PostgreSQL took it, which knows no -0.0 either."""
    return json.loads(text, parse_int=lambda digits: as_taken(int(digits)), parse_float=lambda read: float(read) + 0.0)
