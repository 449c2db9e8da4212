"""Datums of many events as the columns of one model: what is compared, checked and inserted at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

from bridge.events import KINDS, Column, Datum, Datums, Kind
from bridge.events.columns import once
from bridge.tom.port import NewDatum, Provenance, Runs
from bridge.tom.reserved import unreserved


@dataclass(frozen=True)
class Batch:
    """Datums of one kind; each of the sequences has one value a datum, in the order in which they were given."""

    kind: Kind
    datums: Datums[Datum]
    places: Sequence[int]
    """Where each stands in what was given."""
    targets: Sequence[int]
    provenances: Sequence[Provenance]
    numbers: Sequence[int]
    """Which datum of its event each is."""
    values: Sequence[dict[str, Any]]
    """The further values of each as a TOM keeps them."""

    def __len__(self) -> int:
        return len(self.places)

    def column(self, name: str) -> Column:
        """Return the values of a field."""
        return self.datums.column(name)

    def new(self, row: int) -> NewDatum:
        """Return one of them."""
        return NewDatum(
            target_pk=self.targets[row],
            datum=self.datums[row],
            provenance=self.provenances[row],
            number=self.numbers[row],
        )

    def only(self, rows: Sequence[int]) -> "Batch":
        """Return those of these rows."""
        if len(rows) == len(self):
            return self

        def those(column: Sequence[Any]) -> list[Any]:
            return [column[row] for row in rows]

        columns = {name: those(column) for name, column in self.datums.columns().items()}
        return Batch(
            self.kind,
            Datums(self.datums.of, columns),
            *map(those, (self.places, self.targets, self.provenances, self.numbers, self.values)),
        )


def by_kind(runs: Runs) -> list[Batch]:
    """Return ``runs`` as one batch a kind."""
    gathered: dict[type[Datum], _Gathered] = {}
    place = 0
    for run in runs.runs:
        of = run.datums.of
        if of not in gathered:
            gathered[of] = _Gathered(of)
        count = len(run)
        gathered[of].take(run.datums, range(place, place + count), run.target_pk, run.provenance, run.number)
        place += count
    return [one.batch() for one in gathered.values()]


class _Gathered:
    """The columns of one batch while it is gathered."""

    def __init__(self, of: type[Datum]) -> None:
        self._of = of
        self._columns: dict[str, list[Any]] = {name: [] for name in of.model_fields}
        self._places: list[int] = []
        self._targets: list[int] = []
        self._provenances: list[Provenance] = []
        self._numbers: list[int] = []

    def take(self, datums: Datums[Datum], places: range, target: int, provenance: Provenance, number: int) -> None:
        for name, column in self._columns.items():
            column.extend(datums.column(name))
        count = len(places)
        self._places.extend(places)
        self._targets.extend(repeat(target, count))
        self._provenances.extend(repeat(provenance, count))
        self._numbers.extend(range(number, number + count))

    def batch(self) -> Batch:
        kind = KINDS[self._of]
        values = once(partial(unreserved, kind=kind), self._columns[self._of.FREE])
        datums = Datums(self._of, self._columns)
        return Batch(kind, datums, self._places, self._targets, self._provenances, self._numbers, values)
