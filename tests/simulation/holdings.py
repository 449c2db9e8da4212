"""What the simulated TOM holds, whoever writes it, and the transaction in which that may be undone."""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bridge.events import COORDINATE_FIELDS, DataProduct, Datum, EventRef, Target, TargetType
from bridge.names import simplify, simplify_all
from bridge.tom.compare import as_existing, near
from bridge.tom.port import Additions, ExistingDatum, FieldValue, LocalProduct, LocalTarget, NewDatum
from bridge.tom.reserved import kept


@dataclass
class TargetRow:
    """One target."""

    pk: int
    name: str
    type: TargetType
    aliases: list[str] = field(default_factory=list)
    fields: dict[str, FieldValue] = field(default_factory=dict)
    extras: dict[str, str] = field(default_factory=dict)
    viewers: frozenset[str] = frozenset()
    may_change: bool = True
    hidden: bool = False

    @property
    def names(self) -> list[str]:
        return [self.name, *self.aliases]

    def local(self, choices: dict[str, int], wanted: Iterable[str]) -> LocalTarget:
        """Return it as a TOM tells of it; whether a person chose it for one of the names ``wanted``."""
        return LocalTarget(
            pk=self.pk,
            name=self.name,
            aliases=tuple(self.aliases),
            type=self.type,
            fields=dict(self.fields),
            extras=dict(self.extras),
            chosen=any(choices.get(name) == self.pk for name in wanted),
        )


@dataclass(frozen=True)
class DatumRow:
    """One datum, and which event brought it."""

    pk: int
    datum: Datum
    further: dict[str, Any]
    event: EventRef
    number: int
    existing: ExistingDatum
    near: Hashable


@dataclass(frozen=True)
class ProductRow:
    """One data product."""

    number: int
    product_id: str
    pk: int
    filename: str
    content: bytes
    extra_data: str
    event: EventRef

    def local(self) -> LocalProduct:
        """Return it as a TOM tells of it."""
        digest = hashlib.sha256(self.content).hexdigest()
        return LocalProduct(
            pk=self.number, product_id=self.product_id, target_pk=self.pk, filename=self.filename, sha256=digest
        )


class Holdings:
    """Targets, lists, datums and products."""

    def __init__(self) -> None:
        self.targets: dict[int, TargetRow] = {}
        self.lists: dict[str, dict[int, None]] = {}
        self.datums: dict[int, list[DatumRow]] = {}
        self.products: dict[str, ProductRow] = {}
        self.choices: dict[str, int] = {}
        """Which target a person chose for a simplified name."""
        self.written: list[DatumRow] = []
        """Every datum that was ever written, in order; what was undone is not among them."""
        self.ever: set[tuple[object, ...]] = set()
        """What was there at any time: ``("name", simplified)``, ``("member", list, simplified)``, ``("product", id)``,
        ``("datum", time, bandpass)``. What was undone is not in it, what was deleted is."""
        self._by_name: defaultdict[str, dict[int, None]] = defaultdict(dict)
        self._pks = itertools.count(1)
        self._undo: list[Callable[[], object]] | None = None

    # -- transactions -------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo everything that is written in the block where it fails."""
        self._undo = []
        try:
            yield
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            raise
        finally:
            self._undo = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open: nobody else can write."""
        return self._undo is not None

    def keep(self) -> None:
        """Commit what was written until now."""
        if self._undo is not None:
            self._undo.clear()

    def _undone_by(self, undo: Callable[[], object]) -> None:
        if self._undo is not None:
            self._undo.append(undo)

    def _was_there(self, *what: object) -> None:
        if what not in self.ever:
            self.ever.add(what)
            self._undone_by(lambda: self.ever.discard(what))

    # -- targets ------------------------------------------------------------------------------------------------------

    def matching(self, simplified: Iterable[str], *, hidden: bool = False) -> list[TargetRow]:
        """Return the targets that have one of these simplified names, the ``hidden`` ones only where asked for."""
        pks = {pk: None for name in simplified for pk in self._by_name.get(name, ())}
        return [row for pk in sorted(pks) if (row := self.targets[pk]) and (hidden or not row.hidden)]

    def create(self, target: Target, groups: frozenset[str] = frozenset(), **fields: Any) -> TargetRow:
        """Make a target as it was shared."""
        given = {name: getattr(target, name) for name in COORDINATE_FIELDS} | fields
        row = TargetRow(next(self._pks), target.name, target.type, [], given, dict(target.extras), groups)
        return self.insert(row, target.aliases)

    def insert(self, row: TargetRow, aliases: Iterable[str] = ()) -> TargetRow:
        """Put a target among the others."""
        self.targets[row.pk] = row
        self._undone_by(lambda: self.remove(row.pk))
        for name in (row.name, *aliases):
            self.name(row.pk, name)
        return row

    def next_pk(self) -> int:
        """Return a primary key that no target has had."""
        return next(self._pks)

    def name(self, pk: int, name: str) -> None:
        """Give a target one name more."""
        row = self.targets[pk]
        if name != row.name:
            row.aliases.append(name)
            self._undone_by(lambda: self.unname(pk, name))
        self._by_name[simplify(name)][pk] = None
        self._was_there("name", simplify(name))

    def unname(self, pk: int, name: str) -> None:
        """Take an alias from a target."""
        row = self.targets.get(pk)
        if row is None or name not in row.aliases:
            return
        row.aliases.remove(name)
        if simplify(name) not in simplify_all(row.names):
            self._by_name[simplify(name)].pop(pk, None)

    def remove(self, pk: int) -> None:
        """Delete a target with all that belongs to it."""
        row = self.targets.pop(pk, None)
        if row is None:
            return
        for name in simplify_all(row.names):
            self._by_name[name].pop(pk, None)
        for members in self.lists.values():
            members.pop(pk, None)
        self.datums.pop(pk, None)
        for product_id in [one.product_id for one in self.products.values() if one.pk == pk]:
            del self.products[product_id]
        self.choices = {name: chosen for name, chosen in self.choices.items() if chosen != pk}

    def add(self, pk: int, additions: Additions) -> None:
        """Give a target what it lacks."""
        row = self.targets[pk]
        extras, fields = dict(row.extras), dict(row.fields)

        def undo() -> None:
            row.extras, row.fields = extras, fields

        self._undone_by(undo)
        for alias in additions.aliases:
            self.name(pk, alias)
        row.extras |= additions.extras
        row.fields |= additions.fields

    # -- lists --------------------------------------------------------------------------------------------------------

    def open_list(self, name: str) -> None:
        """Make a list where there is none of that name."""
        if name not in self.lists:
            self.lists[name] = {}
            self._undone_by(lambda: self.lists.pop(name, None))

    def join(self, name: str, pk: int) -> None:
        """Put a target in a list."""
        self.open_list(name)
        members = self.lists[name]
        if pk not in members and pk in self.targets:
            members[pk] = None
            self._undone_by(lambda: members.pop(pk, None))
            for simple in simplify_all(self.targets[pk].names):
                self._was_there("member", name, simple)

    # -- datums and products ------------------------------------------------------------------------------------------

    def write(self, new: NewDatum) -> DatumRow:
        """Write one datum."""
        datum = new.datum
        row = DatumRow(
            new.target_pk, datum, kept(datum), new.provenance.event, new.number, as_existing(datum), near(datum)
        )
        rows = self.datums.setdefault(new.target_pk, [])
        rows.append(row)
        self.written.append(row)
        self._was_there("datum", datum.timestamp, getattr(datum, "bandpass", ""))
        self._undone_by(lambda: (rows.remove(row), self.written.remove(row)))
        return row

    def store(self, pk: int, product: DataProduct, product_id: str, event: EventRef) -> ProductRow:
        """Store one product."""
        row = ProductRow(next(self._pks), product_id, pk, product.filename, product.content, product.extra_data, event)
        self.products[product_id] = row
        self._was_there("product", product_id)
        self._undone_by(lambda: self.products.pop(product_id, None))
        return row
