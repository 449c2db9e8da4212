"""The simulated TOM as the contract suite asks a running one: what a person makes in it, and what it holds."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from parts.toms import Row
from simulation.holdings import Holdings, TargetRow

from bridge.events import COORDINATE_FIELDS, Point, TargetType


class SimulatedLab:
    """Follows :class:`parts.toms.Tom`, as far as the contract suite uses it."""

    version = (3, 1)

    def __init__(self) -> None:
        self.holdings = Holdings()

    def make_target(
        self,
        name: str,
        *,
        aliases: Sequence[str] = (),
        extras: Mapping[str, str] | None = None,
        users: Sequence[str] = ("bridge",),
        lists: Sequence[str] = (),
        may_change: bool = True,
        **fields: Any,
    ) -> int:
        kind = fields.pop("type", TargetType.SIDEREAL)
        given = dict.fromkeys(COORDINATE_FIELDS) | {"ra": 10.0, "dec": 20.0} | fields
        held = self.holdings
        row = TargetRow(held.next_pk(), name, TargetType(kind), [], given, dict(extras or {}))
        row.may_change, row.hidden = may_change, not users
        held.insert(row, aliases)
        for each in lists:
            held.join(each, row.pk)
        return row.pk

    def delete_targets(self) -> None:
        for pk in list(self.holdings.targets):
            self.holdings.remove(pk)

    def targets(self) -> list[Row]:
        return [{"id": row.pk, "name": row.name, **row.fields} for row in self.holdings.targets.values()]

    def _named(self, name: str) -> TargetRow:
        (row,) = [row for row in self.holdings.targets.values() if row.name == name]
        return row

    def target(self, name: str) -> Row:
        return {"id": self._named(name).pk, **self._named(name).fields}

    def aliases(self, name: str) -> set[str]:
        return set(self._named(name).aliases)

    def extras(self, name: str) -> dict[str, str]:
        return self._named(name).extras

    def viewers(self, name: str) -> set[str]:
        return set(self._named(name).viewers)

    def lists(self) -> dict[str, list[str]]:
        targets = self.holdings.targets
        return {name: sorted(targets[pk].name for pk in members) for name, members in self.holdings.lists.items()}

    def photometry(self, name: str | None = None) -> list[Row]:
        return [
            {
                **{field: getattr(row.datum, field) for field in Point.model_fields},
                "timestamp": row.datum.timestamp.replace(tzinfo=None).isoformat(),
                "value": row.further,
                "target": self.holdings.targets[row.pk].name,
            }
            for rows in self.holdings.datums.values()
            for row in rows
            if isinstance(row.datum, Point) and name in (None, self.holdings.targets[row.pk].name)
        ]

    def products(self) -> list[Row]:
        found = []
        for row in self.holdings.products.values():
            path = Path(tempfile.mkdtemp()) / row.filename
            path.write_bytes(row.content)
            target = self.holdings.targets[row.pk].name
            found.append({"id": row.number, "product_id": row.product_id, "target": target,
                          "extra_data": row.extra_data, "path": path})  # fmt: skip
        return found
