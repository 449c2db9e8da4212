"""Data products over the ORM: the file, the row, and the TOM's data processor.

A file is no part of a transaction, and a processor may run for minutes. So a product goes in before the ledger's unit,
in small steps that a :class:`~bridge.tomtoolkit.models.ProductRun` tells of: its row says beforehand which file will be
there, then which product, then that the processor has ended. A process that is killed leaves this row, and whoever
tries the event again (its position has not moved) removes what the unfinished run made and begins anew. The unit that
records the outcome takes the row out.
"""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import structlog
from django.db import connections
from tom_dataproducts.models import DATA_TYPE_CHOICES, REDUCED_DATUM_MODELS
from tom_dataproducts.models import DataProduct as ProductModel

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import RejectedError, TomAwayError
from bridge.events import DataProduct, EventRef, Kind
from bridge.ledger.port import Outcome
from bridge.tom.port import Fate, LocalProduct, ProductResult, Provenance
from bridge.tom.reserved import with_source
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import MANY, processing, refusing, writing
from bridge.tomtoolkit.receiving import files, written
from bridge.tomtoolkit.receiving.existing import twins_of
from bridge.tomtoolkit.receiving.processing import has_processor, process
from bridge.tomtoolkit.receiving.targets import existing
from bridge.tomtoolkit.receiving.visibility import Visibility
from bridge.tomtoolkit.rows.kinds import MODELS

log = structlog.get_logger(__name__)

_SETTLED = (Outcome.APPLIED.value, Outcome.DUPLICATE.value, Outcome.DEAD.value, Outcome.IGNORED.value)


@dataclass(frozen=True, kw_only=True)
class ProductRules:
    """What an administrator may choose."""

    limit_s: float = 300.0
    """Seconds that the hook and the data processor of one product may take."""
    limit_bytes: int = 2 << 30
    """Memory that they may take."""
    refuse_active: bool = False
    """Whether files of kinds that browsers run are refused, instead of kept as plain text."""


class Products:
    """The data products of the TOM."""

    def __init__(self, using: str, visibility: Visibility, rules: ProductRules) -> None:
        self._using = using
        self._visibility = visibility
        self._rules = rules

    def find(self, product_id: str) -> LocalProduct | None:
        """Return the data product of that id, or None."""
        row = ProductModel.objects.filter(product_id=product_id).first()
        if row is None:
            return None
        return LocalProduct(
            pk=row.pk,
            product_id=product_id,
            target_pk=row.target_id,
            filename=PurePosixPath(row.data.name or "").name,
            sha256=_sha256(row),
        )

    def add(self, pk: int, product: DataProduct, product_id: str, provenance: Provenance) -> ProductResult:
        """Say what became of the product, and end its run: part of the unit that records the outcome.

        What was not prepared is, unless that unit is open: its transaction would keep the data processor out. Then
        TomAwayError is raised.
        """
        event = provenance.event
        if not self._is_clear(event, product_id):
            if connections[self._using].in_atomic_block:
                raise TomAwayError(f"product {product_id} is not prepared any more", mend="It is decided anew")
            self.prepare(pk, product, product_id, provenance)
        with writing(self._using):
            run = _runs(event).filter(done=True).first()
            if run is not None:
                run.delete()
                return ProductResult(fate=Fate.NEW, pk=run.product, unverified=tuple(run.notes))
            there = self.find(product_id)
        if there is None:
            raise RejectedError(
                "the product was removed while it was being stored",
                where=f"{event}: product {product_id}",
                mend="It is decided anew",
            )
        differences = _differences(pk, product, there)
        if not differences:
            return ProductResult(fate=Fate.DUPLICATE, pk=there.pk)
        return ProductResult(
            fate=Fate.CONFLICTING, pk=there.pk, reason=f"product {product_id} is here with {differences}"
        )

    def prepare(
        self, pk: int, product: DataProduct, product_id: str, provenance: Provenance, budget: Budget = NO_LIMIT
    ) -> None:
        """Store the file and the row and run the processor, unless that is done or another product has the id.

        Raises RejectedError where the TOM refuses the product or its processor fails; nothing of it is left then, as
        in TOM Toolkit's own upload. Raises BudgetSpentError at a stop; the run is begun anew by the next call.
        """
        event = provenance.event
        if self._is_clear(event, product_id):
            return
        with processing(self._using):
            if self._is_done(event):  # by the process that had the lock
                return
            run = self._begun(pk, product, product_id, event)
            try:
                row = self._stored(run, pk, product, product_id, provenance)
                self._process(row, run, product, provenance, budget)
            except RejectedError:
                self._undo(run)
                raise

    def sweep(self) -> int:
        """Remove what runs left whose events have found their end in another way; return how many.

        What a release before has left on its way goes too: its event comes again.

        Raises TomAwayError where another process runs a processor now.
        """
        swept = 0
        with processing(self._using):
            for run in list(models.ProductRun.objects.all()):
                ended = models.Entry.objects.filter(event_id=run.event_id, outcome__in=_SETTLED)
                if not run.origin or run.origin in ended.values_list("origin", flat=True):
                    self._undo(run)
                    swept += 1
        return swept

    # -- steps --------------------------------------------------------------------------------------------------------

    def _is_clear(self, event: EventRef, product_id: str) -> bool:
        """Return whether nothing is to be prepared: that is done, or another product has the id."""
        return self._is_done(event) or self._is_anothers(event, product_id)

    def _is_done(self, event: EventRef) -> bool:
        run = _runs(event).filter(done=True).first()
        return run is not None and ProductModel.objects.filter(pk=run.product).exists()

    def _is_anothers(self, event: EventRef, product_id: str) -> bool:
        row = ProductModel.objects.filter(product_id=product_id).first()
        return row is not None and not _runs(event).filter(product=row.pk).exists()

    def _begun(self, pk: int, product: DataProduct, product_id: str, event: EventRef) -> models.ProductRun:
        """Return the run's row; a file that an earlier process may have left is removed."""
        run = _runs(event).first()
        if run is not None and ProductModel.objects.filter(pk=run.product).exists():
            return run
        if run is not None:
            files.remove(run.file)
        with refusing(f"{event}: product {product_id}"):
            name, notes = files.name_for(pk, product, refuse_active=self._rules.refuse_active)
        with writing(self._using):
            if not existing(self._using, [pk]):
                raise RejectedError(f"target {pk} was removed meanwhile", where=str(event), mend="It is decided anew")
            begun: models.ProductRun = models.ProductRun.objects.update_or_create(
                origin=event.origin,
                event_id=event.id,
                defaults={"product_id": product_id, "file": name, "product": None, "done": False, "notes": notes},
            )[0]
        return begun

    def _stored(
        self, run: models.ProductRun, pk: int, product: DataProduct, product_id: str, provenance: Provenance
    ) -> Any:
        """Return the product's row, made with its file where it isn't there."""
        if run.product is not None:
            return ProductModel.objects.get(pk=run.product)
        where = f"{provenance.event}: product {product_id}"
        types = [kind for kind, _ in DATA_TYPE_CHOICES]
        if product.data_product_type not in types:
            raise RejectedError(
                f"this TOM has no data product type {product.data_product_type!r}; it has {', '.join(types)}",
                where=where,
                mend="Name the one that it becomes here under data_product_types, then retry",
            )
        with refusing(where):
            run.file = files.save(run.file, product.content)
            with writing(self._using):
                if not existing(self._using, [pk]):
                    raise RejectedError(f"target {pk} was removed meanwhile", where=where, mend="It is decided anew")
                row = ProductModel(
                    target_id=pk,
                    product_id=product_id,
                    data=run.file,
                    data_product_type=product.data_product_type,
                    extra_data=product.extra_data,
                )
                row.save()
                written.note(self._using, ProductModel, written.notes([row], provenance.event))
                self._visibility.show_product(row, provenance.topic)
                run.product = row.pk
                run.save()
        return row

    def _process(
        self, row: Any, run: models.ProductRun, product: DataProduct, provenance: Provenance, budget: Budget
    ) -> None:
        """Run hook and processor, in a child and outside of any transaction of ours, and note what they made."""
        where = f"{provenance.event}: product {run.product_id}"
        self._remove_datums(row.pk)  # of a run that did not end
        rules = self._rules
        unreadable = process(
            row.pk, where, wanted=product.process, limit_s=rules.limit_s, limit_bytes=rules.limit_bytes, budget=budget
        )
        if unreadable:
            self._remove_datums(row.pk)
            run.notes = [*run.notes, f"kept, not processed: {unreadable}"]
        elif product.process and has_processor(product.data_product_type) and not _has_datums(row.pk):
            run.notes = [*run.notes, "kept, no data: the TOM's data processor added none"]
        with refusing(where), writing(self._using):
            if not ProductModel.objects.filter(pk=row.pk).exists():
                raise RejectedError("the product was removed while it was processed", where=where)
            for model in REDUCED_DATUM_MODELS:
                self._adopt(model, row.pk, provenance)
            run.done = True
            run.save()

    def _adopt(self, model: Any, product_pk: int, provenance: Provenance) -> None:
        """Give what the processor made its source (the original one is kept), its note and its permissions.

        A spectrum that the target has already goes: the processor may have given it another time.
        """
        datums = list(model.objects.filter(data_product_id=product_pk))
        if model is MODELS[Kind.SPECTROSCOPY]:
            datums = [datum for datum in datums if not self._removed_as_twin(datum)]
        for datum in datums:
            if datum.source_name and datum.source_name != provenance.origin_name and isinstance(datum.value, dict):
                datum.value = with_source(datum.value, datum.source_name)
            datum.source_name = provenance.origin_name
        model.objects.bulk_update(datums, ["source_name", "value"], batch_size=MANY)
        written.note(self._using, model, written.notes(datums, provenance.event))
        self._visibility.show_datums(model, [datum.pk for datum in datums], provenance.topic)

    def _removed_as_twin(self, spectrum: Any) -> bool:
        if not twins_of(self._using, spectrum):
            return False
        spectrum.delete()
        return True

    # -- undoing ------------------------------------------------------------------------------------------------------

    def _remove_datums(self, product_pk: int) -> None:
        with writing(self._using):
            for model in REDUCED_DATUM_MODELS:
                datums = model.objects.filter(data_product_id=product_pk)
                written.forget(self._using, model, datums.values_list("pk", flat=True))
                datums.delete()

    def _undo(self, run: models.ProductRun) -> None:
        """Remove all that a run made; its own row goes last."""
        with writing(self._using):
            if run.product is not None:
                self._remove_datums(run.product)
                written.forget(self._using, ProductModel, [run.product])
                ProductModel.objects.filter(pk=run.product).delete()
        files.remove(run.file)
        with writing(self._using):
            models.ProductRun.objects.filter(pk=run.pk).delete()
        log.info("product.undone", event_id=str(run.event_id), product_id=run.product_id)


def _runs(event: EventRef) -> Any:
    return models.ProductRun.objects.filter(origin=event.origin, event_id=event.id)


def _sha256(row: Any) -> str | None:
    try:
        with row.data.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _has_datums(product_pk: int) -> bool:
    return any(model.objects.filter(data_product_id=product_pk).exists() for model in REDUCED_DATUM_MODELS)


def _differences(target_pk: int, product: DataProduct, there: LocalProduct) -> str:
    told = []
    if there.target_pk != target_pk:
        told.append(f"another target ({there.target_pk})")
    if there.sha256 is None:
        told.append("a file that can't be read")
    elif there.sha256 != product.sha256:
        told.append("another content")
    return " and ".join(told)
