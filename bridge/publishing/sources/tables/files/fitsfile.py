"""A table in a FITS file, by astropy, with what the headers say of times."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.files.columnar import columns_of, rows_of
from bridge.publishing.sources.tables.texts import remarks, wordings

_WRITTEN_BY_FITS = (
    "SIMPLE",
    "BITPIX",
    "NAXIS",
    "EXTEND",
    "XTENSION",
    "PCOUNT",
    "GCOUNT",
    "TFIELDS",
    "TTYPE",
    "TFORM",
    "TDISP",
    "CHECKSUM",
    "DATASUM",
)

_SDSS = frozenset({"flux", "loglam", "ivar"})
"""Columns of the SDSS's spectra, beside which its files have tables of lines and of the target."""


def read(path: Path) -> Table:
    """Return the only table of a FITS file. ValueError where there is none, or are several."""
    from astropy.io import fits
    from astropy.table import Table as AstropyTable

    try:
        with fits.open(path) as hdus:
            tables = [hdu for hdu in hdus if getattr(hdu, "columns", None) is not None]
            tables = [hdu for hdu in tables if hdu.name == "COADD" and {*hdu.columns.names} >= _SDSS] or tables
            if len(tables) != 1:
                raise ValueError(f"holds {len(tables) or 'no'} tables, and one is needed. Save that table alone")
            table = _unpacked(AstropyTable.read(tables[0]))
            keywords = {**header_of(hdus[0].header), **header_of(tables[0].header)}
            comments = [str(text) for hdu in (hdus[0], tables[0]) for text in hdu.header.get("COMMENT", ())]
            history = [str(text) for hdu in (hdus[0], tables[0]) for text in hdu.header.get("HISTORY", ())]
            of_names = tables[0].header.comments
            notes = [str(of_names[f"TTYPE{number}"]) for number in range(1, len(tables[0].columns) + 1)]
    except OSError as error:
        raise ValueError(f"can't be read as FITS: {error}") from None
    columns = [
        replace(column, note=" ".join((column.note, keywords.get(f"TCOMM{number}", ""), notes[number - 1])).strip())
        for number, column in enumerate(columns_of(table), 1)
    ]
    return Table(
        format="FITS",
        columns=tuple(columns),
        rows=rows_of(table, ()),
        remarks=tuple(
            remark
            for remark in (*comments, *filter(_changes_values, history))
            if "Astronomy and Astrophysics" not in remark and "FITS" not in remark
        ),
        keywords=keywords,
        header_place="the header",
    )


def _changes_values(text: str) -> bool:
    """Return whether a line of the history says that values are not as observed; histories tell much else."""
    is_of_values = re.search(r"\b(?:mags?|magnitudes?|times?|m?jds?|dates)\b", text, re.IGNORECASE)
    return remarks.is_intrinsic(text.lower()) or bool(is_of_values and wordings.first_doubt(text))


def _unpacked(table: Any) -> Any:
    """Return a table whose only row holds arrays, as ESO's spectra do, with a row an element."""
    lengths = {table[name].shape[1] for name in table.colnames if table[name].ndim == 2}
    if len(table) != 1 or len(lengths) != 1 or any(table[name].ndim > 2 for name in table.colnames):
        return table
    (length,) = lengths
    unpacked = table[[0] * length]
    for name in table.colnames:
        if table[name].ndim == 2:
            unpacked.replace_column(name, table[name][0])
            unpacked[name].info.unit = table[name].info.unit
    return unpacked


def header_of(header: Mapping[str, Any]) -> dict[str, str]:
    """Return the cards of a header that say something, but for comments and the shape of the data."""
    return {
        str(name).upper(): str(value).strip()
        for name, value in header.items()
        if name and name not in ("COMMENT", "HISTORY", "") and not str(name).startswith(_WRITTEN_BY_FITS)
    }
