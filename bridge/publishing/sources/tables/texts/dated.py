"""Days that comments tell: they must be those of the rows."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.when.forms import MJD_ZERO
from bridge.publishing.sources.tables.when.times import since_mjd_zero

_OBSERVED = re.compile(
    r"\b(?:observed|obs|taken|acquired|exposed|ut(?:c)? date|"
    r"date of observation)\b[^\d]{0,12}\b(\d{4})[-/](\d\d)[-/](\d\d)\b",
    re.IGNORECASE,
)
_MJD = re.compile(r"\W*M?JD\W{0,3}(\d{5,7}(?:\.\d+)?)\W*", re.IGNORECASE)
_ANY_MJD = 1_000_000
_AT_MOST = timedelta(days=1.5)


def check(comments: Sequence[str], moments: Sequence[object]) -> None:
    """Refuse comments that say that something was observed on a day outside of ``moments``. Raises ValueError."""
    known = [moment for moment in moments if isinstance(moment, datetime)]
    for comment in comments:
        day = _day(comment)
        if known and day is not None and not min(known) - _AT_MOST <= day <= max(known) + _AT_MOST:
            raise ValueError(
                f"a comment says {comment[:60]!r}, and the times are from {min(known):%Y-%m-%d} to "
                f"{max(known):%Y-%m-%d}; "
                "mend one, or remove the comment"
            )


def check_blocks(table: Table, moments: Sequence[object]) -> None:
    """Refuse times that begin anew below an empty line where no column tells the filter: another one may begin there.

    Raises ValueError.
    """
    lines = [int(row.place[5:]) if row.place.startswith("line ") else None for row in table.rows]
    for number in range(1, len(lines)):
        before, here, line = moments[number - 1], moments[number], lines[number]
        is_gap = line is not None and line - (lines[number - 1] or line) > 1
        if is_gap and isinstance(before, datetime) and isinstance(here, datetime) and here < before:
            raise ValueError(
                f"{table.rows[number].place}: times begin anew below an empty line, of another filter or another "
                f"target? "
                "Write each filter in a column 'filter', or in a file of its own"
            )


def _day(comment: str) -> datetime | None:
    if found := _OBSERVED.search(comment):
        try:
            return datetime(int(found[1]), int(found[2]), int(found[3]), 12, tzinfo=UTC)
        except ValueError:
            return None
    if found := _MJD.fullmatch(comment):
        number = Decimal(found[1])
        return since_mjd_zero(number - MJD_ZERO if number > _ANY_MJD else number)
    return None
