"""Datums of many events as the columns of one model: what is compared, checked and inserted at once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bridge.events import KINDS, Column, Datum, Datums, Kind
from bridge.events.columns import once
from bridge.tom.port import NewDatum, NewDatums, Provenance, Runs
from bridge.tom.reserved import unreserved
from bridge.tomtoolkit.database import in_utc


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

        columns: dict[str, Column] = {name: those(column) for name, column in self.datums.columns().items()}
        columns["timestamp"] = in_utc(columns["timestamp"])
        return Batch(
            self.kind,
            Datums(self.datums.of, columns),
            *map(those, (self.places, self.targets, self.provenances, self.numbers, self.values)),
        )


def by_kind(runs: Runs) -> list[Batch]:
    """Return ``runs`` as one batch a kind."""
    gathered: dict[type[Datum], list[tuple[int, NewDatums]]] = defaultdict(list)
    place = 0
    for run in runs.runs:
        gathered[run.datums.of].append((place, run))
        place += len(run)
    return [_gathered(of, given) for of, given in gathered.items()]


def _gathered(of: type[Datum], given: Sequence[tuple[int, NewDatums]]) -> Batch:
    """Return runs, each with the place of its first datum, as one batch."""
    kind, runs = KINDS[of], [run for _, run in given]
    datums = Datums.joined(of, [run.datums for run in runs])
    return Batch(
        kind=kind,
        datums=datums.having(timestamp=in_utc(datums.column("timestamp"))),
        places=[place for first, run in given for place in range(first, first + len(run))],
        targets=[run.target_pk for run in runs for _ in range(len(run))],
        provenances=[run.provenance for run in runs for _ in range(len(run))],
        numbers=[number for run in runs for number in range(run.number, run.number + len(run))],
        values=once(partial(unreserved, kind=kind), _shared(datums.column(of.FREE))),
    )


def _shared(frees: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the same values, equal ones as one object: what is made of each is made once then.

    By what they are written as, which tells 1 from 1.0 and from true.
    """
    known: dict[str, dict[str, Any]] = {}

    def shared(free: dict[str, Any]) -> dict[str, Any]:
        try:
            return known.setdefault(repr(free), free)
        except (RecursionError, ValueError):  # too deep, or too large a number: refused later, by itself
            return free

    return once(shared, frees)
