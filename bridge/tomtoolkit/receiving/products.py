"""Data products over the ORM: the file, the row, and the TOM's data processor.

A file is no part of a transaction, and a processor may run for minutes. So a product goes in before the ledger's unit,
in small steps that a :class:`~bridge.tomtoolkit.models.ProductRun` tells of: its row says beforehand which file will be
there, then which product, then that the processor has ended. A process that is killed leaves this row, and whoever
tries the event again (its position has not moved) removes what the unfinished run made and begins anew. The unit that
records the outcome takes the row out.
"""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import structlog
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile
from django.db import DatabaseError, InterfaceError
from tom_common.hooks import run_hook
from tom_dataproducts.data_processor import run_data_processor
from tom_dataproducts.models import DATA_TYPE_CHOICES, REDUCED_DATUM_MODELS
from tom_dataproducts.models import DataProduct as ProductModel

from bridge.errors import BridgeError, RejectedError, TomAwayError
from bridge.events import DataProduct
from bridge.ledger.port import Outcome
from bridge.tom.port import Fate, LocalProduct, ProductResult, Provenance
from bridge.tom.reserved import ORIGINAL_SOURCE_KEY
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import MANY, processing, refusing, told, words, writing
from bridge.tomtoolkit.receiving import written
from bridge.tomtoolkit.receiving.targets import existing
from bridge.tomtoolkit.receiving.visibility import Visibility

log = structlog.get_logger(__name__)

_SETTLED = (Outcome.APPLIED.value, Outcome.DUPLICATE.value, Outcome.DEAD.value, Outcome.IGNORED.value)


class Products:
    """The data products of the TOM."""

    def __init__(self, using: str, visibility: Visibility) -> None:
        self._using = using
        self._visibility = visibility

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
        """Say what became of the product, and end its run: part of the unit that records the outcome."""
        self.prepare(pk, product, product_id, provenance)
        with writing(self._using):
            run = models.ProductRun.objects.filter(pk=provenance.event.id, done=True).first()
            if run is not None:
                run.delete()
                return ProductResult(fate=Fate.NEW, pk=run.product)
            there = self.find(product_id)
        if there is None:
            raise RejectedError(
                "the product was removed while it was being stored",
                where=f"{provenance.event}: product {product_id}",
                mend="It is decided anew",
            )
        differences = _differences(pk, product, there)
        if not differences:
            return ProductResult(fate=Fate.DUPLICATE, pk=there.pk)
        return ProductResult(
            fate=Fate.CONFLICTING, pk=there.pk, reason=f"product {product_id} is here with {differences}"
        )

    def prepare(self, pk: int, product: DataProduct, product_id: str, provenance: Provenance) -> None:
        """Store the file and the row and run the processor, unless that is done or another product has the id.

        Raises RejectedError where the TOM refuses the product or its processor fails; nothing of it is left then, as
        in TOM Toolkit's own upload.
        """
        event_id = provenance.event.id
        if self._is_done(event_id) or self._is_anothers(event_id, product_id):
            return
        with processing(self._using):
            if self._is_done(event_id):  # by the process that had the lock
                return
            run = self._begun(pk, product, product_id, event_id)
            try:
                row = self._stored(run, pk, product, product_id, provenance)
                self._process(row, run, product, provenance)
            except RejectedError:
                self._undo(run)
                raise

    def sweep(self) -> int:
        """Remove what runs left whose events have found their end in another way; return how many.

        Raises TomAwayError where another process runs a processor now.
        """
        swept = 0
        with processing(self._using):
            for run in list(models.ProductRun.objects.all()):
                ended = models.Entry.objects.filter(event_id=run.event_id, outcome__in=_SETTLED)
                if ended.exists():
                    self._undo(run)
                    swept += 1
        return swept

    # -- steps --------------------------------------------------------------------------------------------------------

    def _is_done(self, event_id: UUID) -> bool:
        run = models.ProductRun.objects.filter(pk=event_id, done=True).first()
        return run is not None and ProductModel.objects.filter(pk=run.product).exists()

    def _is_anothers(self, event_id: UUID, product_id: str) -> bool:
        row = ProductModel.objects.filter(product_id=product_id).first()
        if row is None:
            return False
        return not models.ProductRun.objects.filter(pk=event_id, product=row.pk).exists()

    def _begun(self, pk: int, product: DataProduct, product_id: str, event_id: UUID) -> models.ProductRun:
        """Return the run's row; a file that an earlier process may have left is removed."""
        with writing(self._using):
            if not existing(self._using, [pk]):
                raise RejectedError(
                    f"target {pk} was removed meanwhile", where=f"event {event_id}", mend="It is decided anew"
                )
            run = models.ProductRun.objects.filter(pk=event_id).first()
            if run is None:
                name = _file_name(pk, product, event_id)
                run = models.ProductRun.objects.create(event_id=event_id, product_id=product_id, file=name)
        if run.product is None or not ProductModel.objects.filter(pk=run.product).exists():
            _remove_file(run.file)
            run.product, run.done = None, False
            with writing(self._using):
                run.save()
        return run

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
            _save_file(run.file, product.content)
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
                written.note(self._using, ProductModel, [(row.pk, provenance.event.id)])
                self._visibility.show_product(row, provenance.topic)
                run.product = row.pk
                run.save()
        return row

    def _process(self, row: Any, run: models.ProductRun, product: DataProduct, provenance: Provenance) -> None:
        """Run hook and processor outside of any transaction of ours, and note what they made."""
        where = f"{provenance.event}: product {run.product_id}"
        self._remove_datums(row.pk)  # of a run that did not end
        with _processor_errors(where):
            run_hook("data_product_post_upload", row)
            if product.process:
                run_data_processor(row)
        with refusing(where), writing(self._using):
            if not ProductModel.objects.filter(pk=row.pk).exists():
                raise RejectedError("the product was removed while it was processed", where=where)
            for model in REDUCED_DATUM_MODELS:
                self._adopt(model, row.pk, provenance)
            run.done = True
            run.save()

    def _adopt(self, model: Any, product_pk: int, provenance: Provenance) -> None:
        """Give what the processor made its source (the original one is kept), its note and its permissions."""
        datums = list(model.objects.filter(data_product_id=product_pk))
        for datum in datums:
            if datum.source_name and datum.source_name != provenance.origin_name and isinstance(datum.value, dict):
                datum.value = {**datum.value, ORIGINAL_SOURCE_KEY: datum.source_name}
            datum.source_name = provenance.origin_name
        model.objects.bulk_update(datums, ["source_name", "value"], batch_size=MANY)
        written.note(self._using, model, ((datum.pk, provenance.event.id) for datum in datums))
        self._visibility.show_datums(datums, provenance.topic)

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
        _remove_file(run.file)
        with writing(self._using):
            models.ProductRun.objects.filter(pk=run.pk).delete()
        log.info("product.undone", event_id=str(run.pk), product_id=run.product_id)


# -- files -------------------------------------------------------------------------------------------------------------


def _storage() -> Any:
    return ProductModel._meta.get_field("data").storage


def _file_name(target_pk: int, product: DataProduct, event_id: UUID) -> str:
    """Return a name that no other file has: the TOM's own path, with a folder of the event's in front of the name."""
    field = ProductModel._meta.get_field("data")
    row = ProductModel(target_id=target_pk, data_product_type=product.data_product_type)
    path = PurePosixPath(field.generate_filename(row, product.filename))
    folder = event_id.hex[-12:]
    name = str(path.parent / folder / path.name)
    if len(name) <= field.max_length:
        return name
    kept = field.max_length - len(f"tom-bridge/{folder}/") - len(path.suffix)
    return f"tom-bridge/{folder}/{path.stem[:kept]}{path.suffix}"


def _save_file(name: str, content: bytes) -> None:
    try:
        saved = _storage().save(name, ContentFile(content))
    except SuspiciousOperation:
        raise
    except Exception as error:
        with suppress(TomAwayError):
            _remove_file(name)
        full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise TomAwayError(
            f"the TOM's file storage takes no file: {words(error)}",
            where=name,
            mend="Make room" if full else "Look to the storage; the product is waited with",
        ) from error
    if saved != name:
        _remove_file(saved)
        raise TomAwayError("the TOM's file storage keeps a file of that name", where=name, mend="It is tried again")


def _remove_file(name: str) -> None:
    """Remove a file, and the folder that was made for it alone."""
    storage = _storage()
    try:
        storage.delete(name)
    except Exception as error:
        raise TomAwayError(f"the TOM's file storage can't be used: {words(error)}", where=name) from error
    with suppress(NotImplementedError, OSError):
        Path(storage.path(name)).parent.rmdir()


@contextmanager
def _processor_errors(where: str) -> Iterator[None]:
    try:
        with told():
            yield
    except BridgeError:
        raise
    except (DatabaseError, InterfaceError) as error:
        raise RejectedError(f"the TOM's data processor failed: {words(error)}", where=where) from error
    except Exception as error:
        raise RejectedError(
            f"the TOM's data processor failed: {words(error)}",
            where=where,
            mend="See which data processor DATA_PROCESSORS names for this type of product",
        ) from error


def _sha256(row: Any) -> str | None:
    try:
        with row.data.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _differences(target_pk: int, product: DataProduct, there: LocalProduct) -> str:
    told = []
    if there.target_pk != target_pk:
        told.append(f"another target ({there.target_pk})")
    if there.sha256 is None:
        told.append("a file that can't be read")
    elif there.sha256 != product.sha256:
        told.append("another content")
    return " and ".join(told)
