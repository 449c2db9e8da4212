"""Datums of many events as the columns of one model: what is compared, checked and inserted at once."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bridge.events import KINDS, Column, Datum, Datums, Kind
from bridge.events.columns import once
from bridge.tom.port import NewDatum, NewDatums
from bridge.tom.reserved import unreserved
from bridge.tomtoolkit.database import in_utc


@dataclass(frozen=True, kw_only=True)
class Batch(NewDatums):
    """Datums of one kind; of ``places`` and ``values`` too there is one a datum."""

    places: Sequence[int]
    """Where each stands in what was given."""
    values: Sequence[dict[str, Any]]
    """The further values of each as a TOM keeps them."""

    @classmethod
    def at(cls, places: Sequence[int], new: NewDatums) -> "Batch":
        """Return datums of one type, which stand at these places of what was given."""
        frees = _shared(new.datums.column(new.datums.of.FREE))
        return cls(
            datums=new.datums.having(timestamp=in_utc(new.datums.column("timestamp"))),
            targets=new.targets,
            provenances=new.provenances,
            numbers=new.numbers,
            places=places,
            values=once(partial(unreserved, kind=KINDS[new.datums.of]), frees),
        )

    @property
    def kind(self) -> Kind:
        """The kind of events that bring such datums."""
        return KINDS[self.datums.of]

    def column(self, name: str) -> Column:
        """Return the values of a field."""
        return self.datums.column(name)

    def only(self, rows: Sequence[int]) -> "Batch":
        """Return those of these rows."""
        if len(rows) == len(self):
            return self

        def those(column: Sequence[Any]) -> list[Any]:
            return [column[row] for row in rows]

        columns: dict[str, Column] = {name: those(column) for name, column in self.datums.columns().items()}
        columns["timestamp"] = in_utc(columns["timestamp"])
        return replace(
            self,
            datums=Datums(self.datums.of, columns),
            **{name: those(getattr(self, name)) for name in ("targets", "provenances", "numbers", "places", "values")},
        )


def by_kind(datums: Sequence[NewDatum]) -> list[Batch]:
    """Return ``datums`` as one batch a kind."""
    if isinstance(datums, NewDatums):
        return [Batch.at(range(len(datums)), datums)]
    places: dict[type[Datum], list[int]] = defaultdict(list)
    for place, new in enumerate(datums):
        places[type(new.datum)].append(place)
    return [Batch.at(those, NewDatums.of([datums[place] for place in those])) for those in places.values()]


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
