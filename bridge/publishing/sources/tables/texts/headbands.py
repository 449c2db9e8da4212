"""The bandpass in a file's head: used where no column tells one, and never another than the columns tell."""

import re
from collections.abc import Collection

from bridge.publishing.sources.tables.elements.bands import BANDS
from bridge.publishing.sources.tables.elements.cells import is_empty
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words

_NONE = words("all various multiple multi mixed several both different see unknown optical")
_TOLD = re.compile(r"(?:filter|band|bandpass|passband)\s*[:=]\s*([\w'./+:-]+)", re.IGNORECASE)
_BAND = "|".join(sorted(map(re.escape, BANDS)))
_ALONE = re.compile(
    r"\W*(?:(?i:(?:all|data|images?|photometry|observations?|observed|obs|taken|mags?|magnitudes?|are|is|were|was|in|"
    r"with|through|using|the|filters?|bands?|bandpass|passband)[\s:='\"]+)*)"
    rf"({_BAND})['\"]?(?:[\s-]+(?:band|filter|photometry|images?|data|magnitudes?|mags?|light ?curve))*\W*"
)
"""A comment that says nothing but a band: ``R band``, ``all in R``, ``B photometry``."""
_LONGEST = 300
"""Characters of a sentence."""
_ALL_IN = re.compile(
    rf"\W*(?i:all|magnitudes?|mags?|data|everything|photometry)\b.*\b(?i:is|are|was|were|in|from)\b"
    rf".*\bin (?:the )?({_BAND})(?:[ -](?:band|filter))?\W*"
)
"""A comment that ends with a band: ``All magnitudes from the second camera in R``."""


def told(table: Table) -> str:
    """Return the filter that a comment (``filter: r``) or a keyword (``FILTER``) tells of all rows, or nothing."""
    said = [found[1] for remark in table.remarks if (found := _TOLD.fullmatch(remark.strip()))]
    said += [text for name in ("FILTER", "BAND", "BANDPASS") if (text := table.keywords.get(name, ""))]
    is_clear = len({*said}) == 1 and re.fullmatch(r"\S{1,32}", said[0]) and not is_empty(said[0])
    is_clear = is_clear and said[0].lower() not in _NONE
    return said[0] if is_clear else ""


def check(table: Table, filters: Collection[str]) -> None:
    """Refuse a table of which a comment tells a filter that is none of ``filters``. Raises ValueError."""
    for remark in table.remarks:
        found = _ALONE.fullmatch(remark) or (_ALL_IN.fullmatch(remark) if len(remark) < _LONGEST else None)
        if found and filters and not any(found[1].lower() in told.lower() for told in filters):
            raise ValueError(
                f"a comment says {remark[:60]!r}, and the filter is {min(filters)}; mend one, or remove the comment"
            )
