"""A file as a data product."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.events import MAX_PRODUCT_BYTES, DataProduct, TargetReference
from bridge.publishing.sources.errors import SourceError


def read_product(path: Path, *, target: TargetReference, data_product_type: str, **fields: Any) -> DataProduct:
    """Return the file in ``path`` as a data product of ``target``, under its own name.

    ``fields`` are further ones of :class:`~bridge.events.DataProduct`. Raises SourceError.
    """
    try:
        size = path.stat().st_size
        if size > MAX_PRODUCT_BYTES:
            raise SourceError(
                f"has {size} bytes; {MAX_PRODUCT_BYTES} are the most of a data product",
                where=str(path),
                mend="Share a smaller file, or where to get this one (--message)",
            )
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"can't be read: {error.strerror}", where=str(path)) from None
    try:
        return DataProduct.of(content, target=target, filename=path.name, data_product_type=data_product_type, **fields)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise SourceError(f"{field}: {problem['msg']}", where=str(path)) from None
