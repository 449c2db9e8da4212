"""Whether positions are measured ones, in ICRS or J2000: what columns and comments say of them."""

import re
from collections.abc import Sequence

from bridge.publishing.sources.tables.bands import band_of_value
from bridge.publishing.sources.tables.cells import NO, YES, is_empty, number_of
from bridge.publishing.sources.tables.names import Name, Role, is_magnitude, parsed, role_of
from bridge.publishing.sources.tables.table import Table
from bridge.publishing.sources.tables.words import words

_EQUINOX = re.compile(
    r"b1950|1950|\bb1[89]\d\d|equinox (?:of )?(?:j|fk\d )?(?!j?2000)\d{4}|apparent|\baltaz|true equator|\btete\b|"
    r"\bepoch of obs|j1991|of date|galactic|ecliptic|\bfk4\b|propagated to",
    re.IGNORECASE,
)
_FRAMES = words("equinox coordsys frame radesys radecsys system refframe coordsystem epochequinox")
_COORDINATES = words("refraction aberration parallax precession nutation")
"""Words in the names of columns that say what positions were corrected for."""
_NOT_MEASURED = re.compile(
    r"\bephemeris|\bpredicted|\bcalculated\b|\bcomputed\b|\bjpl\b|\bhorizons\b|\bmirror(?:ed)?\b|"
    r"\b(?:in|decimal) (?:seconds|arcmin\w*|radians?|pixels?)\b|^\W*(?:arcmin\w*|arcsec\w*|pixels?|hours|radians|"
    r"x and y)\W*$",
    re.IGNORECASE,
)
"""What comments say of positions that are no measured ones in degrees or hours."""
_IN_HOURS = re.compile(r"\b(?:ra\b.*|^\W*)(?:in |decimal )hours?\b", re.IGNORECASE)
_YEAR_AT_MOST = 1.0


def check_equinox(table: Table, used: Sequence[int]) -> None:
    """Refuse positions that are not in ICRS or J2000; ``used`` are their columns. Raises ValueError."""
    told = [table.names[index] for index in used]
    told += [table.columns[index].note for index in used]
    for text in (*told, *table.remarks, table.keywords.get("RADESYS", ""), table.keywords.get("EQUINOX", "")):
        if _EQUINOX.search(text) or text.upper() in ("FK4", "FK4-NO-E"):
            raise ValueError(f"{text[:60]!r} says that positions are not in ICRS or J2000; convert them")
    for index, name in enumerate(table.names):
        if parsed(name).flat in _FRAMES:
            values = {cell.strip().upper().removesuffix(".0") for cell in table.cells(index)} - {""}
            if not values <= {"2000", "J2000", "ICRS", "FK5"}:
                raise ValueError(f"column {name!r} says that positions are not in ICRS or J2000; convert them")


def check_column(table: Table, index: int, name: Name, years: Sequence[int]) -> None:
    """Refuse a column that says that positions are others than their names say; ``years`` are those of the times.

    Raises ValueError.
    """
    held = {cell.lower() for cell in table.cells(index) if not is_empty(cell)}
    are_numbers = all(number_of(cell) is not None for cell in held)
    is_hemisphere = name.flat in ("hemisphere", "hemi") and any(cell.startswith("s") for cell in held)
    is_correction = bool(name.tokens & _COORDINATES or name.flat == "lighttime") and not are_numbers
    is_other = any(_NOT_MEASURED.search(cell) for cell in held if not are_numbers)
    is_unseen = role_of(name) is Role.IS_DETECTION and not held.isdisjoint(NO)
    is_unseen = is_unseen or (role_of(name) in (Role.IS_LIMIT, Role.LIMIT) and not held.isdisjoint(YES))
    if held and (is_hemisphere or is_correction or is_other or (is_unseen and not _has_brightness(table))):
        raise ValueError(
            f"column {name.whole!r} says {min(held)[:40]!r}: positions may not be as measured; leave out such rows, "
            f"or say --columns extra={name.whole}"
        )
    if name.flat in ("refepoch", "epochref", "gaiaepoch") and years:
        for cell in held:
            epoch = number_of(cell.removeprefix("j"))
            if epoch is None or not min(years) - _YEAR_AT_MOST < epoch < max(years) + 1 + _YEAR_AT_MOST:
                raise ValueError(
                    f"column {name.whole!r} says {cell[:40]}, and the times are of {min(years)}: positions of a "
                    f"catalogue? Publish those measured then, or say --columns extra={name.whole}"
                )


def check_comments(table: Table, *, in_hours: bool) -> None:
    """Refuse comments by which positions are not measured, or in another unit. Raises ValueError."""
    for remark in table.remarks:
        if _NOT_MEASURED.search(remark) or (_IN_HOURS.search(remark) and not in_hours):
            raise ValueError(
                f"a comment says {remark[:60]!r}, and by the header positions are measured, in degrees; mend one, "
                "or remove the comment"
            )


def _has_brightness(table: Table) -> bool:
    return any(is_magnitude(parsed(name)) or band_of_value(name) for name in table.names)
