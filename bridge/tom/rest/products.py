"""Data products over REST: the TOM stores the file and runs its own processor in the same request."""

import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from bridge.errors import RejectedError
from bridge.events import MAX_PRODUCT_BYTES, DataProduct
from bridge.ledger.port import Intents
from bridge.tom import echo
from bridge.tom.file_names import kept_as
from bridge.tom.port import Fate, LocalProduct, ProductResult, Provenance
from bridge.tom.rest.datums import DATUMS
from bridge.tom.rest.session import Answer, Request, RestSession
from bridge.tom.rest.shown import UnexpectedError, object_with
from bridge.tom.rest.words import words

PRODUCTS = "/api/dataproducts/"
_PAGE = 100
_STEP = "product"


class RestProducts:
    """The data products of one TOM."""

    def __init__(self, session: RestSession, intents: Intents) -> None:
        self._session = session
        self._intents = intents

    def find(self, product_id: str) -> LocalProduct | None:
        """See :meth:`bridge.tom.port.Tom.find_product`.

        The list has no filter by id, and shows each product with its datums. So the TOM is asked to make a product of
        that id without a target, which it can't: 3.1 answers with the one that is there, 2.x that there is one.
        """
        answer = self._session.request(
            "POST", PRODUCTS, data={"product_id": product_id}, files={"file": ("empty", b"", "text/plain")}
        )
        if answer.status_code == 200:
            return self._local(answer.json())
        if answer.status_code == 400 and "product_id" in _fields(answer):
            return self._in_list(product_id)
        if answer.status_code == 400:
            return None
        raise RejectedError(f"the TOM does not say whether it has the product: {words(answer)}", where=product_id)

    def _in_list(self, product_id: str) -> LocalProduct:
        for shown in self._session.pages(PRODUCTS, _PAGE):
            if shown.get("product_id") == product_id:
                return self._local(shown)
        raise RejectedError(
            "the TOM has a data product of that id which the account may not see",
            where=f"product {product_id}",
            mend="Give the account permission to view its target",
        )

    def _local(self, said: Any) -> LocalProduct:
        try:
            shown = object_with(said, id=int, product_id=str, target=int)
        except UnexpectedError as error:
            raise self._session.unexpected(PRODUCTS, error) from None
        url = str(shown.get("data") or "")
        return LocalProduct(
            pk=shown["id"],
            product_id=shown["product_id"],
            target_pk=shown["target"],
            filename=urlsplit(url).path.rpartition("/")[2],
            sha256=self._sha256(url),
        )

    def _sha256(self, url: str) -> str | None:
        """Return the SHA-256 of the stored file; None where the TOM itself does not serve it."""
        parts, ours = urlsplit(url), urlsplit(self._session.base_url)
        if not parts.path or (parts.netloc and parts.netloc != ours.netloc):
            return None  # credentials go nowhere else
        file = f"{ours.scheme}://{ours.netloc}{parts.path}"
        (answer,) = self._session.request_each([Request("GET", file, accept="*/*", most_bytes=MAX_PRODUCT_BYTES)])
        if answer.status_code != 200 or len(answer.content) > MAX_PRODUCT_BYTES:
            return None
        return hashlib.sha256(answer.content).hexdigest()

    def add(self, pk: int, product: DataProduct, product_id: str, provenance: Provenance) -> ProductResult:
        """See :meth:`bridge.tom.port.Tom.add_product`."""
        begun = _STEP in self._intents.begin(provenance.event, ())
        there = self.find(product_id)
        if there is not None:
            return self._noted(self._beside(there, pk, product, begun=begun), product_id, product)
        self._intents.begin(provenance.event, {_STEP})
        form = {
            "target": pk,
            "data_product_type": product.data_product_type,
            "product_id": product_id,
            "extra_data": product.extra_data,
        }
        filename, note = kept_as(product.filename, product.content)
        file = (filename, product.content, "application/octet-stream")
        answer = self._session.request("POST", PRODUCTS, data=form, files={"file": file})
        there = self.find(product_id)
        if there is None:
            raise _refused(answer, product, product_id)
        result = self._noted(self._beside(there, pk, product, begun=answer.status_code != 200), product_id, product)
        return replace(result, unverified=(*result.unverified, note)) if note and result.fate is Fate.NEW else result

    def _noted(self, result: ProductResult, product_id: str, product: DataProduct) -> ProductResult:
        """Return ``result``; what is new is noted, so that neither it nor what the TOM makes of it goes out as ours."""
        if result.fate is Fate.NEW:
            self._intents.note_written(
                [echo.of_product(product_id, product.sha256), echo.of_products_datums(result.pk)]
            )
        return result

    def _beside(self, there: LocalProduct, pk: int, product: DataProduct, *, begun: bool) -> ProductResult:
        """Return what ``product`` is beside the one of its id; ``begun``: the one there came from this event."""
        differs = []
        if there.target_pk != pk:
            differs.append("belongs to another target")
        if there.sha256 not in {None, product.sha256}:
            differs.append("has another content")
        if differs:
            told = f"the TOM's product {there.product_id} {' and '.join(differs)}"
            return ProductResult(fate=Fate.CONFLICTING, pk=there.pk, reason=told)
        unverified = ["content: the TOM does not serve the file to this account"] if there.sha256 is None else []
        if not begun:
            return ProductResult(fate=Fate.DUPLICATE, pk=there.pk, unverified=tuple(unverified))
        unverified += self._processed(there.pk, product)
        return ProductResult(fate=Fate.NEW, pk=there.pk, unverified=tuple(unverified))

    def _processed(self, pk: int, product: DataProduct) -> list[str]:
        """Return what is to be said of datums that the TOM's processor made: over REST it always runs."""
        count = self._session.page(DATUMS, data_product__id=pk, limit=1).count
        if not count:
            return []
        told = [f"{count} datums of the processor: their source name can't be set over REST"]
        if not product.process:
            told.append("process: the TOM's processor ran although the datums travel too; over REST it always does")
        return told


def _fields(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError:
        return {}


def _refused(answer: Answer, product: DataProduct, product_id: str) -> RejectedError:
    said, mend = words(answer), ""
    if answer.status_code >= 500:
        mend = (
            f"Either the TOM's processor can't read it as {product.data_product_type} (data_product_types may map that "
            "to a type without a processor, as which it is kept), or the TOM has TARGET_PERMISSIONS_ONLY = False, with "
            "which TOM Toolkit refuses every product over its API"
        )
    elif "Invalid pk" in said:
        mend = "Give the account, or one of its groups, permission to change the target"
    elif "data_product_type" in said:
        mend = "Map the type to one that the TOM has (data_product_types), or add it to its DATA_PRODUCT_TYPES"
    return RejectedError(
        f"the TOM does not keep the file {product.filename}: {said}", where=f"product {product_id}", mend=mend
    )
