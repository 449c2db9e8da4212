"""Data products over REST: the TOM stores the file and runs its own processor in the same request.

Where the processor fails, the TOM removes the file and answers 500. Then it is sent again as of a type that has no
processor there, and kept as that.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import structlog
from pydantic import ValidationError

from bridge.errors import RejectedError
from bridge.events import MAX_PRODUCT_BYTES, DataProduct
from bridge.ledger.port import Intents
from bridge.tom import echo
from bridge.tom.file_names import kept_as
from bridge.tom.port import Fate, LocalProduct, ProductResult, Provenance
from bridge.tom.rest.looking import DATUMS
from bridge.tom.rest.session import Answer, Request, RestSession
from bridge.tom.rest.shown import UnexpectedError, object_with
from bridge.tom.rest.words import words
from bridge.tom.values import WORDS, fields_of, kind_of

log = structlog.get_logger(__name__)

PRODUCTS = "/api/dataproducts/"
_PAGE = 100
_STEP = "product"


@dataclass(frozen=True)
class _There:
    """A data product as the TOM shows it."""

    product: LocalProduct
    data_product_type: str


class RestProducts:
    """The data products of one TOM."""

    def __init__(self, session: RestSession, intents: Intents) -> None:
        self._session = session
        self._intents = intents
        self._unprocessed_type = session.account.unprocessed_type

    def find(self, product_id: str) -> LocalProduct | None:
        """See :meth:`bridge.tom.port.Tom.find_product`.

        The list has no filter by id, and shows each product with its datums. So the TOM is asked to make a product of
        that id without a target, which it can't: 3.1 answers with the one that is there, 2.x that there is one.
        """
        there = self._find(product_id)
        return there.product if there is not None else None

    def _find(self, product_id: str) -> _There | None:
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

    def _in_list(self, product_id: str) -> _There:
        for shown in self._session.pages(PRODUCTS, _PAGE):
            if shown.get("product_id") == product_id:
                return self._local(shown)
        raise RejectedError(
            "the TOM has a data product of that id which the account may not see",
            where=f"product {product_id}",
            mend="Give the account permission to view its target",
        )

    def _local(self, said: Any) -> _There:
        try:
            shown = object_with(said, id=int, product_id=str, target=int)
        except UnexpectedError as error:
            raise self._session.unexpected(PRODUCTS, error) from None
        url = str(shown.get("data") or "")
        product = LocalProduct(
            pk=shown["id"],
            product_id=shown["product_id"],
            target_pk=shown["target"],
            filename=urlsplit(url).path.rpartition("/")[2],
            sha256=self._sha256(url),
        )
        return _There(product, str(shown.get("data_product_type") or ""))

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
        there = self._find(product_id)
        if there is not None:
            return self._noted(self._beside(there, pk, product, begun=begun), product_id, product)
        self._intents.begin(provenance.event, {_STEP})
        filename, note = kept_as(product.filename, product.content)
        file = (filename, product.content, "application/octet-stream")
        form = {"target": pk, "product_id": product_id, "extra_data": product.extra_data}
        wanted, instead = product.data_product_type, None
        answer, there = self._send(form | {"data_product_type": wanted}, file)
        if there is None and answer.status_code >= 500 and self._unprocessed_type not in {"", wanted}:
            instead, there = self._send(form | {"data_product_type": self._unprocessed_type}, file)
        if there is None:
            raise self._refused(answer, product, product_id, instead)
        last = answer if instead is None else instead
        result = self._noted(self._beside(there, pk, product, begun=last.status_code != 200), product_id, product)
        return replace(result, unverified=(*result.unverified, note)) if note and result.fate is Fate.NEW else result

    def _send(self, form: dict[str, Any], file: tuple[str, bytes, str]) -> tuple[Answer, _There | None]:
        """Let the TOM keep a file; return what it answers, and what there is afterwards."""
        answer = self._session.request("POST", PRODUCTS, data=form, files={"file": file})
        return answer, self._find(form["product_id"])

    def _noted(self, result: ProductResult, product_id: str, product: DataProduct) -> ProductResult:
        """Return ``result``; what is new is noted, so that neither it nor what the TOM makes of it goes out as ours."""
        if result.fate is Fate.NEW:
            known = [echo.of_product(product_id, product.sha256), echo.of_products_datums(result.pk)]
            self._intents.note_written([*known, *self._made_of(result.pk)])
        return result

    def _made_of(self, pk: int) -> list[bytes]:
        """Return the digests of what the TOM has made of a product: from 3.1 on it does not say so of a datum."""
        typed = self._session.toolkit.typed_datums
        found: list[bytes] = []
        try:
            for shown in self._session.pages(DATUMS, _PAGE, data_product__id=pk):
                fields = fields_of(shown, typed=typed)
                with suppress(ValidationError):  # what no event can hold never goes out
                    datum = WORDS[kind_of(shown)].datum.model_validate(fields)
                    found += [echo.of_datum(datum), echo.of_values(datum)]
        except (RejectedError, KeyError, ValueError) as error:
            log.info("tom.products_datums_not_shown", product=pk, message=str(error))
        return found

    def _beside(self, shown: _There, pk: int, product: DataProduct, *, begun: bool) -> ProductResult:
        """Return what ``product`` is beside the one of its id; ``begun``: the one there came from this event."""
        there, differs = shown.product, []
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
        if shown.data_product_type == self._unprocessed_type != product.data_product_type:
            told = f"kept as {shown.data_product_type}, not processed"
            unverified.append(f"{told}: the TOM's processor of {product.data_product_type} fails on it")
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

    def _refused(self, answer: Answer, product: DataProduct, product_id: str, instead: Answer | None) -> RejectedError:
        """Return why a file is not kept; ``instead`` is what was said to it as one that needs no processor."""
        said, mend = words(answer), ""
        if answer.status_code >= 500:
            mend = self._mend(product.data_product_type, instead)
        elif "Invalid pk" in said:
            mend = "Give the account, or one of its groups, permission to change the target"
        elif "data_product_type" in said:
            mend = "Map the type to one that the TOM has (data_product_types), or add it to its DATA_PRODUCT_TYPES"
        return RejectedError(
            f"the TOM does not keep the file {product.filename}: {said}", where=f"product {product_id}", mend=mend
        )

    def _mend(self, data_product_type: str, instead: Answer | None) -> str:
        fails = f"its processor of {data_product_type} fails on it"
        wanted = "set unprocessed_type under [tom] to one of the TOM's types that has no processor"
        neither = f"as {self._unprocessed_type} it is not kept either"
        if instead is not None and instead.status_code < 500:
            return f"As {fails}, and {neither} ({words(instead)}): {wanted}"
        tried = f"; {neither}" if instead is not None else ""
        return (
            f"Either {fails}{tried} ({wanted}, as which it is kept), or the TOM has TARGET_PERMISSIONS_ONLY = False,"
            " with which TOM Toolkit refuses every product over its API"
        )


def _fields(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError:
        return {}
