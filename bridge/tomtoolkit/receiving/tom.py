"""The TOM in process: the port :class:`~bridge.tom.port.Tom` over Django's ORM.

What is written within a unit of :class:`~bridge.tomtoolkit.ledger.store.DjangoLedger` is committed with it. The TOM's
own match manager, hooks, extra fields, target model and permissions are honoured.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import DEFAULT_DB_ALIAS

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import RejectedError
from bridge.events import DataProduct, Datum, Target
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
from bridge.tomtoolkit import children
from bridge.tomtoolkit.conf import AppSettings
from bridge.tomtoolkit.database import translating, writing
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.receiving.datums import DatumWriter
from bridge.tomtoolkit.receiving.products import ProductRules, Products
from bridge.tomtoolkit.receiving.targets import Targets
from bridge.tomtoolkit.receiving.visibility import Visibility
from bridge.tomtoolkit.rows.echoes import following
from bridge.tomtoolkit.rows.names import Names


class DjangoTom(Tom):
    """The TOM that this process is part of. ``groups`` are the names of the groups that see what comes, by topic."""

    def __init__(
        self, ledger: DjangoLedger, groups: Mapping[str, Sequence[str]], products: ProductRules | None = None
    ) -> None:
        self.identity = f"installation {ledger.installation}"
        self._using = DEFAULT_DB_ALIAS
        visibility = Visibility(groups)
        self._names = Names(self._using)
        self._targets = Targets(self._using, self._names, visibility)
        self._datums = DatumWriter(self._using, visibility)
        self._products = Products(self._using, visibility, products or ProductRules())

    @classmethod
    def of(cls, settings: AppSettings, ledger: DjangoLedger) -> "DjangoTom":
        """Return the TOM as the settings want it."""
        rules = ProductRules(
            limit_s=settings.limits.processor_s,
            limit_bytes=settings.limits.processor_mb << 20,
            refuse_active=settings.products.active_content == "refuse",
        )
        return cls(ledger, settings.groups_by_topic(), rules)

    def find(self, names: Iterable[str]) -> tuple[LocalTarget, ...]:
        """Return every target with a name or alias that matches any of ``names``."""
        with translating(self._using):
            return self._targets.find_each([list(names)])[0]

    def find_each(
        self,
        wanted: Sequence[Sequence[str]],
        budget: Budget = NO_LIMIT,  # noqa: ARG002 (a few queries)
    ) -> list[tuple[LocalTarget, ...]]:
        """Return for each of these sequences of names the targets that match any of them."""
        with translating(self._using):
            return self._targets.find_each(wanted)

    def appeared(self, simplified: Collection[str]) -> frozenset[str]:
        """Return which of these simplified names the TOM has now."""
        with translating(self._using):
            return self._names.appeared(simplified)

    def create_targets(self, new: Sequence[NewTarget], budget: Budget = NO_LIMIT) -> list[Creation]:
        """Create targets; None for those where one that matches has appeared meanwhile."""
        return self._targets.create(new, budget)

    def began_creating(self, targets: Sequence[Target], provenance: Provenance) -> frozenset[str]:  # noqa: ARG002
        """Nothing: a target is there in full or not at all, as it is made in one transaction."""
        return frozenset()

    def add_to_target(self, pk: int, additions: Additions, provenance: Provenance) -> Written:
        """Give the target what it lacks."""
        with writing(self._using), following(self._using, pk):
            return self._targets.add(pk, additions, provenance)

    def list_names(self) -> frozenset[str]:
        """Return the names of all target lists."""
        with translating(self._using):
            return self._targets.list_names()

    def open_list(self, name: str) -> str:
        """Return a handle for the target list ``name``, made where there is none."""
        with translating(self._using):
            return self._targets.open_list(name)

    def add_to_list(
        self,
        handle: str,
        pks: Sequence[int],
        provenance: Provenance,
        budget: Budget = NO_LIMIT,  # noqa: ARG002 (one statement)
    ) -> list[Written | RejectedError]:
        """Put targets in a list; those that are in it stay."""
        return self._targets.add_to_list(handle, pks, provenance)

    def datums(self, pk: int, wanted: Sequence[Datum]) -> tuple[ExistingDatum, ...]:
        """Return the target's datums of the kinds and timestamps of ``wanted``, legacy ones as well."""
        with translating(self._using):
            return self._datums.rows(pk, wanted)

    def add_datums(self, datums: Sequence[NewDatum], budget: Budget = NO_LIMIT) -> list[DatumResult]:
        """Write datums in bulk, and return the fate of each in the same order."""
        return self._datums.add(datums, budget)

    def find_product(self, product_id: str) -> LocalProduct | None:
        """Return the data product of that id, or None."""
        with translating(self._using):
            return self._products.find(product_id)

    def prepare_product(
        self,
        pk: int,
        product: DataProduct,
        product_id: str,
        provenance: Provenance,
        budget: Budget = NO_LIMIT,
    ) -> None:
        """Store file and row and run the TOM's data processor, outside of the ledger's transaction.

        Goes on beyond a deadline, but for no longer than the TOM's limit: a processor can't be taken up where it was.
        """
        with translating(self._using):
            self._products.prepare(pk, product, product_id, provenance, budget)

    def add_product(self, pk: int, product: DataProduct, product_id: str, provenance: Provenance) -> ProductResult:
        """Say what became of a product that was prepared; prepare it where that wasn't done."""
        with translating(self._using):
            return self._products.add(pk, product, product_id, provenance)

    def sweep(self) -> int:
        """Remove what products left on their way whose events have ended otherwise; return how many."""
        return self._products.sweep()

    def probe(self, *, writing: bool) -> None:
        """Raise TomAwayError where the database can't be read or, with ``writing``, not be written."""
        self._targets.probe(writes=writing)

    def close(self) -> None:
        """End the process from which the TOM's own code is run; the connection is the ledger's to close."""
        children.NURSERY.close()
