"""The files of data products in the TOM's own storage: where they go, and what may be deleted."""

import errno
import re
import secrets
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.db.models import Q
from tom_dataproducts.models import DataProduct as ProductModel

from bridge.errors import RejectedError, TomAwayError
from bridge.events import DataProduct
from bridge.tom.file_names import kept_as, safe_part, shortened
from bridge.tomtoolkit.database import words

log = structlog.get_logger(__name__)

_OURS = "tom-bridge"
_TOKEN_BYTES = 6
_TOKEN = re.compile(r"[0-9a-f]{12}")
"""The folder of one product."""
_DISK = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ESTALE,
})  # fmt: skip
"""What is never a file's own fault."""


def name_for(target_pk: int, product: DataProduct, *, refuse_active: bool) -> tuple[str, tuple[str, ...]]:
    """Return the name under which to store a product, and what people are to know of it.

    The TOM's own path, each part made safe, with a folder of its own that nobody but this TOM can foretell. Raises
    RejectedError for active content where that is refused, and whatever the TOM's ``DATA_PRODUCT_PATH`` raises.
    """
    filename, note = kept_as(product.filename, product.content)
    if note and refuse_active:
        raise RejectedError(
            f"the file {product.filename!r} is of a kind that browsers run, which this TOM refuses",
            mend="TOM_BRIDGE: products: active_content says so; 'rename' keeps such files as plain text",
        )
    row = ProductModel(target_id=target_pk, data_product_type=product.data_product_type)
    path = PurePosixPath(_generated(row, filename))
    token = secrets.token_hex(_TOKEN_BYTES)
    name = str(PurePosixPath(*map(safe_part, path.parts[:-1]), token, safe_part(path.name)))
    if len(name) > (most := _field().max_length):
        name = f"{_OURS}/{token}/{shortened(safe_part(path.name), most - len(f'{_OURS}/{token}/'))}"
    return name, (note,) if note else ()


def _generated(row: Any, filename: str) -> str:
    """Return the TOM's own path of a file."""
    try:
        return str(_field().generate_filename(row, filename))
    except SuspiciousFileOperation:
        if getattr(settings, "DATA_PRODUCT_PATH", None):
            raise
        # TOM Toolkit makes an absolute path where the target's name has no letter of ASCII.
        return f"{_OURS}/{filename}"


def save(name: str, content: bytes) -> str:
    """Store a file, and return the name under which the storage keeps it, which may be another.

    Raises TomAwayError where the storage takes no file at all now, RejectedError where it doesn't take this one.
    """
    try:
        return str(_storage().save(name, ContentFile(content), max_length=_field().max_length))
    except Exception as error:
        remove(name)
        if not (isinstance(error, OSError) and error.errno in _DISK):
            probe(len(content))
            raise RejectedError(
                f"the TOM's file storage does not take the file {name!r}: {words(error)}",
                mend="It takes others; see what is there by that name, and who may write there",
            ) from error
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise TomAwayError(
            f"the TOM's file storage takes no file: {words(error)}",
            where=name,
            mend="Make room" if full else "Look to the storage; the product is waited with",
        ) from error


def remove(name: str) -> None:
    """Remove a file, and the folder that was made for it alone, unless a product's row names it.

    One that can't be removed is left and told: nobody waits for that.
    """
    if not name or ProductModel.objects.filter(Q(data=name) | Q(thumbnail=name)).exists():
        return
    storage = _storage()
    try:
        if storage.exists(name):
            storage.delete(name)
    except Exception as error:  # whatever a storage raises
        log.warning("product.file_left", file=name, message=words(error))
        return
    with suppress(NotImplementedError, OSError):
        folder = Path(storage.path(name)).parent
        if _TOKEN.fullmatch(folder.name):
            folder.rmdir()


def probe(size: int = 1) -> str:
    """Store a file of so many bytes, and delete it; return why that can't be done, empty where it can.

    Raises TomAwayError where the storage takes no file.
    """
    storage, name = _storage(), f"{_OURS}/probe-{secrets.token_hex(_TOKEN_BYTES)}.txt"
    try:
        name = storage.save(name, ContentFile(b"\n" * size))
    except Exception as error:  # whatever a storage raises
        raise TomAwayError(
            f"the TOM's file storage takes no file: {words(error)}", where=name, mend="Look to the storage"
        ) from error
    try:
        storage.delete(name)
    except Exception as error:  # whatever a storage raises
        return f"{name} can't be deleted: {words(error)}"
    return ""


def _field() -> Any:
    return ProductModel._meta.get_field("data")


def _storage() -> Any:
    return _field().storage
