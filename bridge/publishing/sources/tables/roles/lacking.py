"""What a table lacks by the names of its columns: errors that say which may be it, and the option for it."""

import re
from collections.abc import Sequence

from bridge.publishing.sources.tables.elements.columns import Columns
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.texts import remarks

_MOST_TOLD = 12
"""Names of columns in a message."""
_ERROR = re.compile(r"err|unc|sig|rms|std|_e$|^e_", re.IGNORECASE)
_NO_BRIGHTNESS = words(
    "inst instr instrumental diff differential delta rel relative abs absolute corr corrected ref host comp check zp "
    "zero lim limit limiting num n flag err error"
)
_FILTER = re.compile(r"filt|band|channel|^fid$", re.IGNORECASE)


def told(names: Sequence[str]) -> str:
    """Return the names of columns for a message, the first of them where there are many."""
    shown = [name for name in names if name]
    return ", ".join(shown[:_MOST_TOLD]) + (", ..." if len(shown) > _MOST_TOLD else "")


def brightness(columns: Columns, what: str) -> ValueError:
    """Return the error that says ``what`` of a table of which no column is known to hold a brightness."""
    table = columns.table
    if any(name.startswith("rel_flux_T") for name in table.names):
        return ValueError(
            "rel_flux of AstroImageJ is relative to the comparison stars; enter their magnitudes there, and publish "
            "the column Source_AMag_T1 that it makes of them"
        )
    corrected = next((name for name in table.names if remarks.is_corrected(name)), None)
    if corrected is not None:
        return ValueError(
            f"column {corrected!r} is absolute or corrected by its name, and no other holds a brightness; publish "
            "what was observed"
        )
    alike = [index for index in columns.free() if _may_be_magnitude(columns, index)]
    mend = "say --columns brightness=..."
    if alike:
        name = table.names[alike[0]]
        mend = f"say --columns brightness={name} if it is the target's apparent magnitude"
    return ValueError(f"{what} (found: {told(table.names)}); name one 'magnitude' (a flux: 'flux (uJy)'), or {mend}")


def _may_be_magnitude(columns: Columns, index: int) -> bool:
    name = columns.names[index]
    is_named = "mag" in name.whole.lower() and not _ERROR.search(name.whole) and not name.tokens & _NO_BRIGHTNESS
    return is_named and columns.is_numeric(index)


def bandpass(columns: Columns) -> ValueError:
    """Return the error of a table that doesn't tell the filters of its rows."""
    table = columns.table
    alike = next((table.names[index] for index in columns.free() if _FILTER.search(table.names[index])), None)
    option = f"--columns bandpass={alike}" if alike else "--bandpass"
    return ValueError(f"no column holds the filter (found: {told(table.names)}); name one 'filter', or say {option}")


def time(names: Sequence[str]) -> ValueError:
    """Return the error of a table that doesn't tell when its rows were observed."""
    shown = told(names)
    return ValueError(
        f"no column holds the time (found: {shown}); name one 'mjd', 'jd' or 'timestamp', or say --columns time=..."
    )
