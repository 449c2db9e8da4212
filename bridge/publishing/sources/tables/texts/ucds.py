"""What the IVOA's UCDs say of columns: words for machines, which must agree with what a column is used for.

Source: the UCD1+ controlled vocabulary, https://www.ivoa.net/documents/UCD1+/.
"""

import re

from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words

_ATOMS = "arith|em|instr|meta|obs|phot|phys|pos|spect|src|stat|time"
_UCD = re.compile(rf"(?<![\w.;])(?:{_ATOMS})\.[\w.]+(?:;[a-z]+[\w.]*)*", re.IGNORECASE)
_TIMES = words("time.epoch time.start time.obs time.observation")
_SUMS = words("stat.mean stat.median")
_ERRORS = words("stat.error stat.stdev stat.error.sys stat.rms")
_BANDS = {f"em.opt.{band.lower()}": band for band in "UBVRI"}


def check(table: Table, index: int, role: Role, *, is_magnitude: bool, filters: frozenset[str]) -> None:
    """Refuse a column that is a time, a brightness or an error, and by its UCD something else. Raises ValueError.

    ``filters`` are those of the values.
    """
    for ucd in _told(table, index):
        said = ucd.lower().split(";")
        if wrong := next((word for word in said if not _agrees(word, role, is_magnitude, filters)), ""):
            raise ValueError(
                f"column {table.names[index]!r} has the UCD {ucd[:60]!r}, and {wrong!r} is no {role.value} of the "
                f"target "
                "as observed; mend the UCD, or name the column by --columns"
            )


def _told(table: Table, index: int) -> list[str]:
    """Return the UCDs in a column's description, and in VizieR's comments on it."""
    name = table.names[index]
    notes = [table.columns[index].note, *(text for text in table.remarks if text.split("\t")[:2] == ["Column", name])]
    return [found for note in notes for found in _UCD.findall(note)]


def _agrees(word: str, role: Role, is_magnitude: bool, filters: frozenset[str]) -> bool:
    atom = word.partition(".")[0]
    if role is Role.TIME:
        return word in _TIMES if atom == "time" else atom not in ("stat", "arith", "phys")
    if role is Role.ERROR:
        return word in _ERRORS if atom == "stat" else atom != "arith"
    if atom == "phot":
        return word.startswith("phot.mag" if is_magnitude else ("phot.flux", "phot.count")) and not word.endswith(
            (".bc", ".sb", ".reddfree")
        )
    if atom == "stat":
        return word in _SUMS
    if band := _BANDS.get(word):
        return band in filters or not filters <= {*_BANDS.values()}
    return word != "meta.modelled" and atom not in ("arith", "phys", "src")
