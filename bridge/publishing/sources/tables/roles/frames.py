"""Whether positions are measured ones, in ICRS or J2000: what columns and comments say of them."""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from bridge.publishing.sources.tables.elements.bands import band_of_value
from bridge.publishing.sources.tables.elements.cells import NO, YES, is_empty, number_of
from bridge.publishing.sources.tables.elements.names import Name, Role, is_magnitude, parsed, role_of
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words

_EQUINOX = re.compile(
    r"b1950|1950|\bb1[89]\d\d|equinox (?:of )?(?:j|fk\d )?(?!j?2000)\d{4}|apparent|\baltaz|true equator|\btete\b|"
    r"\bepoch of obs|j1991|\bat (?:the )?(?:epoch )?j?20(?!00\b)\d\d\.\d|of date|galactic|ecliptic|\bfk4\b|"
    r"propagated to",
    re.IGNORECASE,
)
_FRAMES = words("equinox coordsys frame radesys radecsys system refframe coordsystem epochequinox")
_COORDINATES = words("refraction aberration parallax precession nutation")
"""Words in the names of columns that say what positions were corrected for."""
_NOT_MEASURED = re.compile(
    r"\bephemeris|\b(?:catalog(?:ue)?|chart|simbad|ned) positions?\b|\bpositions? (?:of|in|from) (?:the |a )?catalog|"
    r"\bgeocent(?:er|re|ric)\b|\bpredicted|\bcalculated\b|\bcomputed\b|\bjpl\b|\bhorizons\b|"
    r"\bmirror(?:ed)?\b|"
    r"\b(?:in|decimal) (?:seconds|arcmin\w*|radians?|pixels?)\b|^\W*(?:arcmin\w*|arcsec\w*|pixels?|hours|radians|"
    r"x and y)\W*$",
    re.IGNORECASE,
)
"""What comments say of positions that are no measured ones in degrees or hours."""
_IN_HOURS = re.compile(r"\b(?:ra\b.*|^\W*)(?:in |decimal )hours?\b", re.IGNORECASE)
_OF_FRAMES = words("2000 j2000 icrs fk5 deg degrees eq")
_SAME = 0.0015
"""Degrees, some 5 arcsec."""
_SAME_BUT_FOR_SIGN = 0.05
_FARTHEST = 30.0
"""Degrees, from row to row."""
_YEAR_AT_MOST = 1.0
_YEARS = (1900.0, 2100.0)


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
    is_hemisphere = name.flat in ("hemisphere", "hemi", "ns") and any(cell.startswith("s") for cell in held)
    is_correction = bool(name.tokens & _COORDINATES or name.flat == "lighttime") and not are_numbers
    is_correction = is_correction or (
        not name.tokens.isdisjoint(("corr", "corrected", "correction", "applied"))
        and not held.isdisjoint(YES | {"applied"})
    )
    is_correction = is_correction or (not are_numbers and any(_EQUINOX.search(cell) for cell in held))
    is_other = any(_NOT_MEASURED.search(cell) for cell in held if not are_numbers)
    is_unseen = role_of(name) is Role.IS_DETECTION and not held.isdisjoint(NO)
    is_unseen = is_unseen or (role_of(name) in (Role.IS_LIMIT, Role.LIMIT) and not held.isdisjoint(YES | {"x"}))
    if held and (is_hemisphere or is_correction or is_other or (is_unseen and not _has_brightness(table))):
        raise ValueError(
            f"column {name.whole!r} says {min(held)[:40]!r}: positions may not be as measured; leave out such rows, "
            f"or say --columns extra={name.whole}"
        )
    if years and (name.flat.endswith("epoch") or name.flat == "epochref"):
        for cell in held:
            epoch = number_of(cell.removeprefix("j"))
            is_count = name.flat != "refepoch" and (epoch is None or not _YEARS[0] < epoch < _YEARS[1])
            if not is_count and (
                epoch is None or not min(years) - _YEAR_AT_MOST < epoch < max(years) + 1 + _YEAR_AT_MOST
            ):
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


def check_path(positions: Sequence[tuple[float, float, str]]) -> None:
    """Refuse a position that no object has after the one before: a sign was lost, or it is of another object.

    ``positions`` are right ascensions and declinations, in degrees, with their places. Raises ValueError.
    """
    for (ra, dec, _), (other, here, place) in pairwise(positions):
        if abs(dec + here) < _SAME_BUT_FOR_SIGN < abs(dec - here):
            raise ValueError(f"{place}: the declination has another sign than in the row before; mend the wrong one")
        east = ((other - ra + 180) % 360 - 180) * math.cos(math.radians(here))
        if math.hypot(east, here - dec) > _FARTHEST:
            raise ValueError(
                f"{place}: is more than {_FARTHEST:.0f} degrees from the row before; publish one object a file"
            )


def check_twice(table: Table, parsed: Sequence[Name], used: Mapping[Role, int], free: Sequence[int]) -> None:
    """Refuse a second column of right ascensions or declinations, in degrees, that tells other ones."""
    for role, index in used.items():
        own = [number_of(cell) for cell in table.cells(index)]
        for other in free:
            words_of_place = parsed[other].tokens - _OF_FRAMES
            theirs = [number_of(cell) for cell in table.cells(other)]
            if words_of_place == {role.value} and any(
                one is not None and two is not None and abs(one - two) > _SAME
                for one, two in zip(own, theirs, strict=True)
            ):
                raise ValueError(
                    f"columns {table.names[index]!r} and {table.names[other]!r} tell different places; say --columns "
                    f"{role.value}={table.names[index]},extra={table.names[other]}"
                )
