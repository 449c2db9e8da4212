"""A TOM in memory, as its contract has it (:mod:`bridge.tom.port`), over REST or in process.

:class:`Holdings` is what the TOM holds, whoever writes; :class:`SimulatedTom` is what one process opens. With intents
it behaves as a TOM over REST: each write is there at once, and a process may end between any two. Without, writes
belong to the transaction that is open (:meth:`Holdings.transaction`), as over the ORM. ``tests/contracts/test_tom.py``
holds it beside the real ones, so that it can't drift from them.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from simulation.holdings import DatumRow, Holdings, TargetRow

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import RejectedError, TomAwayError
from bridge.events import DataProduct, Datum, Target
from bridge.ledger.port import Intents
from bridge.names import simplify, simplify_all
from bridge.tom.compare import fate, near
from bridge.tom.port import (
    Additions,
    Creation,
    DatumResult,
    ExistingDatum,
    Fate,
    LocalProduct,
    LocalTarget,
    NewDatum,
    NewTarget,
    ProductResult,
    Provenance,
    Tom,
    Written,
)

T = TypeVar("T")
TYPES = frozenset({"photometry", "spectroscopy", "image_file", "fits_file"})


def _at_once(what: str, act: Callable[[], T], names: Collection[str] = ()) -> T:
    del what, names
    return act()


class SimulatedTom(Tom):
    """One process's way to what a TOM holds.

    ``ask`` carries out every single question and write (its kind, the act, the names that it is about): there the
    simulator says away, refuses, fails oddly, hangs or ends the process.
    """

    identity = "simulated"

    def __init__(
        self,
        holdings: Holdings,
        intents: Intents | None = None,
        *,
        ask: Callable[..., T] = _at_once,
        groups: Sequence[str] = (),
        wrote: Callable[[DatumRow], object] = lambda _row: None,
    ) -> None:
        self._held = holdings
        self._intents = intents
        self._ask = ask
        self._groups = frozenset(groups)
        self._wrote = wrote

    # -- finding ------------------------------------------------------------------------------------------------------

    def find(self, names: Iterable[str]) -> tuple[LocalTarget, ...]:
        wanted = simplify_all(names)
        return self._ask(
            "find", lambda: tuple(row.local(self._held.choices, wanted) for row in self._held.matching(wanted)), wanted
        )

    def appeared(self, simplified: Collection[str]) -> frozenset[str]:
        return self._ask(
            "appeared", lambda: frozenset(name for name in simplified if self._held.matching([name])), simplified
        )

    # -- targets ------------------------------------------------------------------------------------------------------

    def create_targets(self, new: Sequence[NewTarget], budget: Budget = NO_LIMIT) -> list[Creation]:
        written: list[Creation] = []
        for one in new:
            budget.check()
            is_begun = bool(self.began_creating([one.target], one.provenance))
            try:
                written.append(self._create(one.target, one.lists, one.provenance, is_begun=is_begun))
            except RejectedError as error:
                written.append(error)
        return written

    def _create(self, target: Target, lists: Sequence[str], provenance: Provenance, *, is_begun: bool) -> Creation:
        names = simplify_all(target.names)
        matching = self._ask("find", lambda: self._held.matching(names, hidden=True), names)
        if any(row.hidden for row in matching):
            raise RejectedError("a target of that name is there that the account may not see", where=target.name)
        own = [row for row in matching if row.name == target.name]
        if matching and not (is_begun and len(matching) == len(own) == 1):
            return None
        if self._intents is not None:
            self._intents.begin(provenance.event, [_creation(target)])
        if own:
            row = own[0]
            additions = Additions(
                aliases=tuple(name for name in target.aliases if name not in row.aliases),
                extras={key: value for key, value in target.extras.items() if key not in row.extras},
            )
            if additions:
                self._ask("add", lambda: self._held.add(row.pk, additions), names)
        else:
            row = self._ask("create", lambda: self._held.create(target, self._groups), names)
        for name in lists:
            self._ask("join", lambda name=name: self._join(name, row.pk), names)
        return Written(pk=row.pk)

    def began_creating(self, targets: Sequence[Target], provenance: Provenance) -> frozenset[str]:
        if self._intents is None:
            return frozenset()
        begun = self._intents.begin(provenance.event, ())
        return frozenset(target.name for target in targets if _creation(target) in begun)

    def add_to_target(self, pk: int, additions: Additions, provenance: Provenance) -> Written:
        names = simplify_all(self._names_of(pk))
        row = self._changeable(pk)
        free, taken = [], []
        for alias in additions.aliases:
            others = [one for one in self._held.matching([simplify(alias)], hidden=True) if one.pk != pk]
            (taken if others else free).append(alias)
        left = Additions(
            aliases=tuple(alias for alias in free if alias not in row.aliases),
            extras={key: value for key, value in additions.extras.items() if key not in row.extras},
            fields={key: value for key, value in additions.fields.items() if row.fields.get(key) in (None, "")},
        )
        if left:
            self._ask("add", lambda: self._held.add(pk, left), names)
        return Written(pk=pk, unverified=tuple(f"alias {alias}: another target has it" for alias in taken))

    def _names_of(self, pk: int) -> Sequence[str]:
        row = self._held.targets.get(pk)
        return row.names if row is not None else ()

    def _changeable(self, pk: int) -> TargetRow:
        row = self._held.targets.get(pk)
        if row is None or not row.may_change:
            raise RejectedError("the account lacks the permission to change this target", where=f"target {pk}")
        return row

    # -- lists --------------------------------------------------------------------------------------------------------

    def list_names(self) -> frozenset[str]:
        return self._ask("lists", lambda: frozenset(self._held.lists))

    def open_list(self, name: str) -> str:
        if self._intents is None:  # over REST a list comes into being with its first member
            self._ask("lists", lambda: self._held.open_list(name))
        return name

    def add_to_list(
        self, handle: str, pks: Sequence[int], provenance: Provenance, budget: Budget = NO_LIMIT
    ) -> list[Written | RejectedError]:
        found: list[Written | RejectedError] = []
        for pk in pks:
            budget.check()
            try:
                self._changeable(pk)
                names = simplify_all(self._names_of(pk))
                self._ask("join", lambda pk=pk: self._join(handle, pk), names)
                found.append(Written(pk=pk))
            except RejectedError as error:
                found.append(error)
        return found

    def _join(self, name: str, pk: int) -> None:
        self._changeable(pk)
        self._held.join(name, pk)

    # -- datums -------------------------------------------------------------------------------------------------------

    def datums(self, pk: int, wanted: Sequence[Datum]) -> tuple[ExistingDatum, ...]:
        times = {datum.timestamp for datum in wanted}
        rows = self._held.datums.get(pk, ())
        return self._ask("datums", lambda: tuple(row.existing for row in rows if row.datum.timestamp in times))

    def add_datums(self, datums: Sequence[NewDatum], budget: Budget = NO_LIMIT) -> list[DatumResult]:
        asked: set[tuple[object, str]] = set()
        results = []
        for new in datums:
            budget.check()
            try:
                results.append(self._add_datum(new, asked))
            except RejectedError as error:
                results.append(DatumResult(Fate.REFUSED, str(error)))
        return results

    def _add_datum(self, new: NewDatum, asked: set[tuple[object, str]]) -> DatumResult:
        names = simplify_all(self._names_of(new.target_pk))
        event = new.provenance.event
        self._changeable(new.target_pk)
        step = f"datum {new.target_pk} {new.datum.model_dump_json()}" if self._intents is not None else ""
        if self._intents is not None and (event, step) not in asked:
            equal = Fate.DUPLICATE is self._beside(new)
            begun = self._intents.begin(event, () if equal else [step])
            asked.add((event, step))
            if equal and step in begun:
                return DatumResult(Fate.NEW)  # sent by a call that did not end
        return DatumResult(self._ask("write", lambda: self._written(new), names))

    def _beside(self, new: NewDatum) -> Fate | None:
        here = near(new.datum)
        rows = self._held.datums.get(new.target_pk, ())
        return fate(new.datum, [row.existing for row in rows if row.near == here])

    def _written(self, new: NewDatum) -> Fate:
        """Write a datum where the TOM has neither it nor another in its place: as one act, as its database does."""
        self._changeable(new.target_pk)
        judged = self._beside(new)
        if judged is None:
            self._wrote(self._held.write(new))
        return judged or Fate.NEW

    # -- products -----------------------------------------------------------------------------------------------------

    def find_product(self, product_id: str) -> LocalProduct | None:
        def found() -> LocalProduct | None:
            row = self._held.products.get(product_id)
            return None if row is None else row.local()

        return self._ask("product", found)

    def prepare_product(
        self, pk: int, product: DataProduct, product_id: str, provenance: Provenance, budget: Budget = NO_LIMIT
    ) -> None:
        if self._intents is None:  # in process the processor runs outside of the transaction
            self._store(pk, product, product_id, provenance)

    def add_product(self, pk: int, product: DataProduct, product_id: str, provenance: Provenance) -> ProductResult:
        return self._store(pk, product, product_id, provenance)

    def _store(self, pk: int, product: DataProduct, product_id: str, provenance: Provenance) -> ProductResult:
        names = simplify_all(self._names_of(pk))
        there = self._held.products.get(product_id)
        if there is not None:
            if there.pk != pk:
                return ProductResult(fate=Fate.CONFLICTING, pk=there.number, reason="it is on another target")
            if there.content != product.content:
                return ProductResult(fate=Fate.CONFLICTING, pk=there.number, reason="its content is another")
            if there.event != provenance.event:
                return ProductResult(fate=Fate.DUPLICATE, pk=there.number)
            return ProductResult(fate=Fate.NEW, pk=there.number, unverified=_unprocessed(product))
        self._changeable(pk)
        if product.data_product_type not in TYPES:
            raise RejectedError(f"the TOM has no such type, but {', '.join(sorted(TYPES))}")
        row = self._ask("store", lambda: self._held.store(pk, product, product_id, provenance.event), names)
        return ProductResult(fate=Fate.NEW, pk=row.number, unverified=_unprocessed(product))

    # -- the rest -----------------------------------------------------------------------------------------------------

    def probe(self, *, writing: bool) -> None:
        self._ask("probe", lambda: self._probed(writing=writing))

    def _probed(self, *, writing: bool) -> None:
        if writing and self._held.in_transaction:
            raise TomAwayError("the database is locked")

    def close(self) -> None:
        return


def _creation(target: Target) -> str:
    return f"target {target.name}"


def _unprocessed(product: DataProduct) -> tuple[str, ...]:
    fails = product.process and product.data_product_type == "photometry" and b"\x00" in product.content
    return ("kept, not processed: the TOM's data processor can't read it",) if fails else ()
