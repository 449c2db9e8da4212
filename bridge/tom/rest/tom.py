"""A TOM over REST: any TOM Toolkit from 2.32 on, without a change to it. The contract is :mod:`bridge.tom.port`."""

from collections.abc import Collection, Iterable, Sequence

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import RejectedError
from bridge.events import DataProduct, Datum, Target
from bridge.ledger.port import Intents
from bridge.tom.port import (
    Additions,
    Creation,
    DatumResult,
    ExistingDatum,
    LocalProduct,
    LocalTarget,
    NewDatum,
    NewTarget,
    ProductResult,
    Provenance,
    Tom,
    Written,
)
from bridge.tom.rest.datums import RestDatums
from bridge.tom.rest.products import RestProducts
from bridge.tom.rest.session import RestAccount, RestSession
from bridge.tom.rest.targets import RestTargets

__all__ = ["RestAccount", "RestTom"]


class RestTom(Tom):
    """One TOM as one account sees it.

    ``intents`` are those of this TOM's ledger: noted before what can't be undone is asked for, read after a crash.
    ``budget`` ends the calls that are given none of their own: a stop is obeyed whatever is under way.
    The first request logs in; beside the port's errors every method may raise ConfigurationError where the TOM does
    not accept the account, or a configured group is not one of the account's, and BudgetSpentError.
    """

    def __init__(self, account: RestAccount, intents: Intents, budget: Budget = NO_LIMIT) -> None:
        self.session = RestSession(account, budget)
        self.identity = self.session.base_url
        self._targets = RestTargets(self.session, intents)
        self._datums = RestDatums(self.session, intents)
        self._products = RestProducts(self.session, intents)

    def find(self, names: Iterable[str]) -> tuple[LocalTarget, ...]:
        return self._targets.find_each([tuple(names)])[0]

    def find_each(self, wanted: Sequence[Sequence[str]], budget: Budget = NO_LIMIT) -> list[tuple[LocalTarget, ...]]:
        with self.session.within(budget):
            return self._targets.find_each(wanted)

    def appeared(self, simplified: Collection[str]) -> frozenset[str]:
        return self._targets.appeared(simplified)

    def create_targets(self, new: Sequence[NewTarget], budget: Budget = NO_LIMIT) -> list[Creation]:
        with self.session.within(budget):
            return self._targets.create(new)

    def began_creating(self, targets: Sequence[Target], provenance: Provenance) -> frozenset[str]:
        return self._targets.began_creating(targets, provenance)

    def add_to_target(self, pk: int, additions: Additions, provenance: Provenance) -> Written:  # noqa: ARG002
        return self._targets.add(pk, additions)

    def list_names(self) -> frozenset[str] | None:
        return self._targets.list_names()

    def open_list(self, name: str) -> str:
        return name

    def add_to_list(
        self,
        handle: str,
        pks: Sequence[int],
        provenance: Provenance,  # noqa: ARG002
        budget: Budget = NO_LIMIT,
    ) -> list[Written | RejectedError]:
        with self.session.within(budget):
            return self._targets.add_to_list(handle, pks)

    def datums(self, pk: int, wanted: Sequence[Datum]) -> tuple[ExistingDatum, ...]:
        return self._datums.rows(pk, wanted)

    def add_datums(self, datums: Sequence[NewDatum], budget: Budget = NO_LIMIT) -> list[DatumResult]:
        with self.session.within(budget) as chosen:
            return self._datums.add(datums, chosen)

    def find_product(self, product_id: str) -> LocalProduct | None:
        return self._products.find(product_id)

    def add_product(self, pk: int, product: DataProduct, product_id: str, provenance: Provenance) -> ProductResult:
        try:
            return self._products.add(pk, product, product_id, provenance)
        finally:
            self._datums.forget(pk)  # the TOM makes datums of a file

    def probe(self, *, writing: bool) -> None:
        self.session.prove(writing=writing)

    def close(self) -> None:
        self.session.close()
