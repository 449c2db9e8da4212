"""Reduced datums over the ORM: compared with what is there, then many rows of many events inserted at once.

The columns of each model are the fields of its kind (:data:`bridge.tom.values.WORDS`), by the same names. What comes
stays in columns all the way (:mod:`bridge.tomtoolkit.receiving.batch`); only where something is at the same place
already, or twice among what comes, are datums looked at one by one.
"""

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from bridge.budget import Budget
from bridge.errors import BridgeError, TomAwayError
from bridge.events import KINDS, Column, Datum, Kind
from bridge.tom.compare import RULES, Beside
from bridge.tom.port import NEW, DatumResult, ExistingDatum, Fate, NewDatum
from bridge.tomtoolkit.database import JsonTexts, insert_with_keys, words, writing
from bridge.tomtoolkit.receiving import written
from bridge.tomtoolkit.receiving.batch import Batch, by_kind
from bridge.tomtoolkit.receiving.existing import rows_beside
from bridge.tomtoolkit.receiving.storable import unstorable
from bridge.tomtoolkit.receiving.targets import existing
from bridge.tomtoolkit.receiving.visibility import Visibility
from bridge.tomtoolkit.rows.kinds import MODELS

_LOOKED_AT_CLOSER = ("value", "data_type")
"""Parts of a place that are not compared as they are: where all else is the same, datums are looked at one by one."""
_Results = dict[int, DatumResult]
"""What became of datums that are not simply new, by their place in the answer."""


class DatumWriter:
    """Reads and writes reduced datums of the TOM."""

    def __init__(self, using: str, visibility: Visibility) -> None:
        self._using = using
        self._visibility = visibility

    def rows(self, pk: int, wanted: Sequence[Datum]) -> tuple[ExistingDatum, ...]:
        """Return the target's datums that have to be compared with ``wanted``, which may be of several kinds."""
        of_kinds: dict[Kind, list[Datum]] = defaultdict(list)
        for datum in wanted:
            of_kinds[KINDS[type(datum)]].append(datum)
        return tuple(
            row
            for kind, datums in of_kinds.items()
            for row in rows_beside(self._using, kind, [pk] * len(datums), _column_of(datums)).get(pk, ())
        )

    def add(self, datums: Sequence[NewDatum], budget: Budget) -> list[DatumResult]:
        """Write datums and return the fate of each in the same order."""
        results: _Results = {}
        batches = by_kind(datums)
        with writing(self._using):
            targets = {pk for batch in batches for pk in batch.targets}
            if missing := targets - existing(self._using, targets):
                raise TomAwayError(f"target {min(missing)} was removed meanwhile", mend="It is decided anew")
            for batch in batches:
                budget.check()
                wrong = unstorable(batch)
                results |= {batch.places[row]: _refused(reason) for row, reason in wrong.items()}
                self._write(batch.only([row for row in range(len(batch)) if row not in wrong]), results)
        return [results.get(place, NEW) for place in range(len(datums))] if results else [NEW] * len(datums)

    def _write(self, batch: Batch, results: _Results) -> None:
        """Write what the rows there leave room for; of datums at one place the first goes first."""
        if not len(batch):
            return
        contested, beside = self._contested(batch)
        held_back: set[int] = set()
        followers: dict[int, Fate] = {}
        for row in contested:
            new = batch[row]
            if (found := beside.fate(new)) is not None:
                results[batch.places[row]] = DatumResult(found)
                held_back.add(row)
            elif (found := beside.fate_among_noted(new)) is not None:
                followers[row] = found
            else:
                beside.note(new)
        wanted = batch.only([row for row in range(len(batch)) if row not in held_back and row not in followers])
        self._insert(wanted, results)
        if followers and any(place in results for place in wanted.places):
            # A datum that was to follow another may have to take its place.
            self._write(batch.only(list(followers)), results)
            return
        results |= {batch.places[row]: DatumResult(found) for row, found in followers.items()}

    def _contested(self, batch: Batch) -> tuple[Sequence[int], Beside]:
        """Return which datums share their place with a row there, or with each other, and what is beside these.

        Of spectra all: they are known by their numbers, whatever their place.
        """
        there = rows_beside(self._using, batch.kind, batch.targets, batch.column)
        near = [name for name in RULES[batch.kind].near if name not in _LOOKED_AT_CLOSER]
        places = list(zip(batch.targets, *map(batch.column, near), strict=True))
        taken = {(pk, *(row.values[name] for name in near)) for pk, rows in there.items() for row in rows}
        if len(set(places)) < len(places):
            taken |= {place for place, count in Counter(places).items() if count > 1}
        rows: Sequence[int] = range(len(batch))
        if batch.kind is not Kind.SPECTROSCOPY:
            rows = [row for row, place in enumerate(places) if place in taken] if taken else ()
        beside = Beside([batch[row] for row in rows])
        for pk, those in there.items():
            beside.take_in(pk, those)
        return rows, beside

    def _insert(self, batch: Batch, results: _Results) -> None:
        """Insert rows at once; where the database refuses, halve until what is refused stands alone."""
        if not len(batch):
            return
        try:
            with writing(self._using):
                self._insert_all(batch)
        except BridgeError:  # what says that the database is away was turned into that
            raise
        except Exception as error:  # what doesn't fit: a number, a text, a time that the database can't hold
            rows = range(len(batch))
            if len(rows) > 1:
                middle = len(rows) // 2
                self._insert(batch.only(rows[:middle]), results)
                self._insert(batch.only(rows[middle:]), results)
                return
            # Another process may have written it between our look and the insert.
            _, beside = self._contested(batch)
            found = beside.fate(batch[0])
            results[batch.places[0]] = DatumResult(found) if found is not None else _refused(words(error))

    def _insert_all(self, batch: Batch) -> None:
        model, columns = MODELS[batch.kind], _as_columns(batch)
        keys = insert_with_keys(self._using, model, columns)
        events = (provenance.event for provenance in batch.provenances)
        digests = written.digests(model, columns)
        written.note(self._using, model, zip(keys, events, batch.numbers, digests, strict=True))
        by_topic: dict[str, list[int]] = defaultdict(list)
        for key, provenance in zip(keys, batch.provenances, strict=True):
            by_topic[provenance.topic].append(key)
        for topic, shown in by_topic.items():
            self._visibility.show_datums(model, shown, topic)


def _as_columns(batch: Batch) -> dict[str, Column]:
    """Return the columns of the model, by the attributes of its fields."""
    fields = dict(batch.datums.columns())
    del fields[batch.datums.of.FREE]
    known: dict[bytes, str] = {}
    # One type a column, as the datums have it.
    arrays = {
        name: JsonTexts(_as_json(numbers, known) for numbers in column)
        for name, column in fields.items()
        if isinstance(column[0], tuple)
    }
    return {**fields, **arrays, "target_id": batch.targets, "value": batch.values}


def _as_json(numbers: Iterable[float], known: dict[bytes, str]) -> str:
    """Return numbers as TOM Toolkit's ``FloatArrayField`` keeps them; equal ones as one text, which is ``known`` then.

    Spectra of an instrument often have the same wavelengths, and to write a number takes fifty times as long as this.
    """
    exact = array("d", numbers)
    text = known.get(exact.tobytes())
    if text is None:
        text = known[exact.tobytes()] = json.dumps(exact.tolist())
    return text


def _column_of(datums: Sequence[Datum]) -> Callable[[str], Column]:
    return lambda name: [getattr(datum, name) for datum in datums]


def _refused(reason: str) -> DatumResult:
    return DatumResult(Fate.REFUSED, reason)
