"""Which files the TOMs that receive them will keep, but make no data of: told before they are shared."""

import mimetypes
import re
from collections.abc import Sequence

from bridge.events import DataProduct

_TYPES = mimetypes.MimeTypes()  # what Python itself knows: what else a host knows, others may not
for _suffix in (".fits", ".fz"):
    _TYPES.add_type("image/fits", _suffix)
_TEXT = frozenset({"text/plain", "text/csv"})
_FITS = "image/fits"
_READ_AS = {
    "photometry": (_TEXT, ".csv and .txt", ("time",)),
    "spectroscopy": (_TEXT | {_FITS}, ".csv, .txt, .fits and .fz", ("wavelength", "flux")),
}
"""By the type of data product: the types of files that are read, for people, and the columns that a text needs."""
PROCESSED = frozenset(_READ_AS)
"""The types of data products that TOM Toolkit has processors for."""


def unprocessed(product: DataProduct) -> str:
    """Return why the processors that TOM Toolkit comes with make no data of ``product``; empty where they may.

    Empty too where that is not asked for, or where TOM Toolkit has no processor for its type. A TOM may have processors
    of its own, which nobody else knows. Source: ``tom_dataproducts.processors`` of TOM Toolkit 2.32 to 3.1.
    """
    if not product.process or product.data_product_type not in _READ_AS:
        return ""
    read, told, columns = _READ_AS[product.data_product_type]
    kind, packed = _TYPES.guess_type(product.filename)
    if kind not in read:
        return f"TOM Toolkit's processor of {product.data_product_type} reads {told}"
    if packed:
        return ""
    if kind == _FITS:
        return "" if product.content.startswith(b"SIMPLE") else "it is no FITS file"
    return _lacks(product.content, columns) or (_comments_lack(product.content) if _FITS in read else "")


def _lacks(text: bytes, columns: Sequence[str]) -> str:
    missing = [name for name in columns if not re.search(rb"(?<!\w)%s(?!\w)" % name.encode(), text)]
    return f"it has no column named {' and none named '.join(missing)}" if missing else ""


def _comments_lack(spectrum: bytes) -> str:
    """Return what the processor of spectra wants of comments: a source, and a time that it does not cut at a colon."""
    comments = [line.lower() for line in spectrum.splitlines() if line.lstrip().startswith(b"#")]
    if not any(b"facility" in line for line in comments):
        return "it has no comment '# FACILITY: name', without which TOM Toolkit keeps no spectrum of a text"
    dates = [line for line in comments if b"date-obs" in line]
    if dates and dates[-1].count(b":") > 1:
        return "the time in its comment DATE-OBS has colons, at which TOM Toolkit cuts it"
    return ""


def warning(product: DataProduct) -> str:
    """Return :func:`unprocessed` as a line for those who share; empty where there is nothing to warn of."""
    why = unprocessed(product)
    return f"{product.filename} will be kept, not processed, by receiving TOMs: {why}" if why else ""
