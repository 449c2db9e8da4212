"""Data products: files."""

import hashlib
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from bridge.events.fields import MAX_EXTRA_CHARACTERS, Kind, Model, text
from bridge.events.targets import OfTarget, TargetReference

MAX_PRODUCT_BYTES = 8 * 1024 * 1024

_PATH_SEPARATORS = re.compile(r"[/\\]")


def _file_name(name: str) -> str:
    if _PATH_SEPARATORS.search(name) or name in {".", ".."}:
        raise ValueError(f"{name!r} is a path; a plain file name without '/' and '\\' is needed")
    return name


class DataProduct(OfTarget, Model):
    """A file of one target."""

    kind: Literal[Kind.DATA_PRODUCT] = Kind.DATA_PRODUCT
    target: TargetReference
    product_id: text(255) = ""  # type: ignore[valid-type]
    """The publishing TOM's own identifier; empty where it has none."""
    filename: Annotated[text(100, 1), AfterValidator(_file_name)]  # type: ignore[valid-type]
    """A plain name, never a path."""
    data_product_type: text(50, 1)  # type: ignore[valid-type]
    extra_data: text(MAX_EXTRA_CHARACTERS) = ""  # type: ignore[valid-type]
    size: int = Field(ge=0, le=MAX_PRODUCT_BYTES)
    """Bytes of ``content``."""
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of ``content``, hexadecimal, lower case."""
    content: bytes = Field(max_length=MAX_PRODUCT_BYTES, repr=False)
    process: bool = True
    """Whether the receiver runs its data processor; false where the datums travel too."""

    @model_validator(mode="after")
    def _content_is_whole(self) -> Self:
        if self.size != len(self.content):
            raise ValueError(f"size says {self.size} bytes, the content has {len(self.content)}; send the file again")
        if (found := hashlib.sha256(self.content).hexdigest()) != self.sha256:
            raise ValueError(f"sha256 says {self.sha256}, the content has {found}; send the file again")
        return self

    @classmethod
    def of(cls, content: bytes, **fields: Any) -> Self:
        """Return the product of ``content``, with size and SHA-256 computed."""
        return cls(size=len(content), sha256=hashlib.sha256(content).hexdigest(), content=content, **fields)
