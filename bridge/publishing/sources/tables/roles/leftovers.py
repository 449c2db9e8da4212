"""What is not used: columns and keywords that must not bear on what is."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.publishing.sources.tables.elements import limits, units
from bridge.publishing.sources.tables.elements.cells import NO, YES, is_empty, number_of
from bridge.publishing.sources.tables.elements.clocks import SCALES
from bridge.publishing.sources.tables.elements.names import LIMIT_WORDS, OBJECTS, Name, is_one_sided
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.roles import quality
from bridge.publishing.sources.tables.texts import notes
from bridge.publishing.sources.tables.texts.remarks import CORRECTED, LIMIT_TEXT
from bridge.publishing.sources.tables.when import times
from bridge.publishing.sources.tables.when.forms import Count
from bridge.publishing.sources.tables.when.moments import Timing

_HARMLESS = words(
    "ra dec raj2000 dej2000 decl glon glat x y xpos ypos seeing fwhm airmass amass sky skybkg background "
    "chi chi2 chisq sharp sharpness ellipticity id index idx name object objectid objid target star "
    "starname observer obs obscode observercode comment comments note notes remark remarks reference ref "
    "bibcode image imageid filename file field ccd ccdid qid rcid candid oid expid programid pid rfid snr "
    "signaltonoise nobs num number n redshift z ebv moonphase moon humidity temperature"
)
_CHANGED = words("convertedfrom transformedfrom convertedto transformedto")
_UNITS = words("mag mags magnitude magnitudes")
_PLACES = words("ra dec x y pix pixel arcsec slit focus sky astrometric")
_PRIVATE = words("private proprietary embargo embargoed embargountil confidential isprivate isproprietary")
_PUBLIC = words("public ispublic released isreleased")
_DESIGNATION = re.compile(
    r"(?:SN|AT|TDE)[ _]?(?:19|20)\d\d[A-Za-z]{1,4}|ZTF\d\d[a-z]{7}|ATLAS\d\d[a-z]{3,4}|Gaia\d\d[a-z]{3}"
)
"""Names that only objects have, whatever their column is called."""
_FLAGS = words("code type typ class kind mark marker sign symbol op operator qualifier modifier det")
_SITE = re.compile(r"[A-Z\d]\d\d")
"""The Minor Planet Center's code of an observatory."""
_UNSET = frozenset({"0", "0.0", "false", "f", "ok", "good"})
"""What a flag says that is not set."""
_APPLIED = words("applied corrected done")
_SIGNS = words("isdiffpos polarity negative ispositive isnegative subtraction")
_SCALING = words(
    "factor scale scalefactor multiplier mult multiply exponent exp10 offset magoffset add addend shift corr "
    "correction fluxscale norm normalization bandshift mjdoff jdoff timeoff magoff"
)
_SCALING_WORDS = words("offset factor multiplier corr correction shift")
_OF_OTHER_CLOCKS = words("hjd bjd helio bary heliocentric barycentric")
_COUNTED = words(
    "n num number nr no id index idx seq chip ccd amp quadrant field visit night epoch moon sky set group block"
)
"""Words in the names of columns whose whole numbers mark nothing."""
_ZONES = words("tz timezone utcoffset dst zone gmtoffset tzoffset")
_IN_UTC = frozenset({"FALSE", "NO", "UTC", "UT", "Z", "GMT", "0", "+0", "+00", "+0000", "+00:00", "0.0"})
_PARTS_OF_TIME = words("year month day hour minute second jdn doy")
_OTHER_ERROR = re.compile(
    r"(?:err|unc).*(?:[2-9][ _-]?sig|9\d|percent|pct|rel|frac)|"
    r"(?:[2-9][ _-]?sig|9\d|percent|pct|rel|frac).*(?:err|unc)",
    re.IGNORECASE,
)
_OF_ERROR = re.compile(r"[ _](?:err|error|unc)(?=[ _]|$)")
"""What makes the name of an error of that of a column, which need not be of the brightness: ``rel_flux_err_T1``."""
_SUMMARIES = words("mean average avg median total sum stddev std rms") | {"weighted mean"}


def is_harmless(name: Name) -> bool:
    """Return whether a column of this name describes the target, the image or the sky, and no measurement."""
    return name.flat in _HARMLESS


def check_column(table: Table, index: int, name: Name, *, has_limits: bool) -> None:
    """Refuse to keep a column as a further value where it may bear on the values that are used. Raises ValueError."""
    held = [(row.place, row.cells[index]) for row in table.rows if not is_empty(row.cells[index])]
    values = {cell for _, cell in held}
    _check_signs(table, index, name)
    if not held:
        return
    if not has_limits:
        _check_words(name, held)
    quality.check_words(name, held)
    _check_summaries(name, held)
    check_objects(name, [cell for _, cell in held])
    _check_limits(name, [cell for _, cell in held], table.columns[index].note)
    if CORRECTED.search(name.whole) and any(cell.lower() in YES | _APPLIED for cell in values):
        raise ValueError(
            f"column {name.whole!r} says that some values are corrected; publish what was observed, or say --columns "
            f"extra={name.whole} if the values that are used are not"
        )
    is_flag = name.flat in _FLAGS or bool(re.match(r"[fu]_\w*(?:mag|flux)", name.whole, re.IGNORECASE))
    is_site = len(values) == 1 and bool(_SITE.fullmatch(min(values)))
    if is_flag and not is_site and not {cell.lower() for cell in values} <= _UNSET:
        raise _unclear(name, "may say what the values mean", "is_limit")
    if name.flat in _SIGNS and not values <= {"t", "1", "true", "True", "1.0", "pos"}:
        raise _unclear(name, "says that some values are negative", "brightness")
    if name.flat in _ZONES and not {cell.upper() for cell in values} <= _IN_UTC:
        raise ValueError(f"column {name.whole!r} says that times are in another zone; write them in UTC")
    notes.check(name, table.cells(index), is_harmless=is_harmless(name), has_limits=has_limits)
    _check_counts(name, [cell for _, cell in held])
    if {cell.lower().replace(".", "") for cell in values} <= {"am", "pm"}:
        raise ValueError(f"column {name.whole!r} holds AM and PM; write times of day by 24 hours")
    if _OTHER_ERROR.search(name.whole) and _OF_ERROR.sub("", name.whole) not in {*table.names} - {name.whole}:
        raise ValueError(
            f"column {name.whole!r} may be an error of several sigmas, or in parts of the value; write one of 1 sigma "
            f"in the unit of the value, or say --columns extra={name.whole}"
        )
    if all(units.system_of(cell) for cell in values):
        raise _unclear(name, "may tell the magnitude system", "system")
    _check_change(name, {cell.lower() for cell in values})
    if name.flat in _PARTS_OF_TIME or name.tokens & {"year", "month"}:
        raise _unclear(name, "may be a part of the time", "time")


def _check_change(name: Name, values: set[str]) -> None:
    """Refuse what may change values (factors, offsets, units), and what says that they are not for others."""
    scales = name.flat in _SCALING or (name.tokens & _SCALING_WORDS and not name.tokens & (_PLACES | _OF_OTHER_CLOCKS))
    if "applied" in name.tokens and not (values <= NO and len(name.tokens) > 1):
        raise _unclear(name, "says that values may be corrected", "brightness")
    if name.flat in _CHANGED:
        raise _unclear(name, "says that values were converted", "brightness")
    if scales and not all(number_of(cell) in (None, 0.0, 1.0) for cell in values):
        raise _unclear(name, "may scale or shift the values", "brightness")
    if name.tokens & {"unit", "units"} and not values <= _UNITS:
        raise _unclear(name, "may tell in what unit values are", "unit")
    if (name.flat in _PRIVATE and not values <= NO) or (name.flat in _PUBLIC and not values <= YES):
        raise ValueError(
            f"column {name.whole!r} says that values are not public; leave out such rows, or say --columns "
            f"extra={name.whole}"
        )


def _check_counts(name: Name, held: Sequence[str]) -> None:
    """Refuse whole numbers of which most are 0, and others not, by an unknown name: they may be flags of bad rows."""
    numbers = [number_of(cell) for cell in held]
    if {*numbers} == {-1.0, 1.0}:
        raise _unclear(name, "says that some values are negative", "brightness")
    if any(number is None or number < 0 or not number.is_integer() for number in numbers):
        return
    are_flags = {*numbers} == {0.0, 1.0} or (2 * numbers.count(0.0) >= len(numbers) and any(numbers))
    is_numbered = len(numbers) == len({*numbers})  # 0, 1, 2, ...
    if are_flags and not is_numbered and not is_harmless(name) and not name.tokens & _COUNTED:
        raise ValueError(
            f"column {name.whole!r} may mark bad rows or limits, and nothing says how; say --columns "
            f"is_bad={name.whole}, is_good={name.whole}, is_limit={name.whole}, or extra={name.whole} to publish all"
        )


def _check_signs(table: Table, index: int, name: Name) -> None:
    """Refuse a column of signs with a minus, which elsewhere stands for an empty cell."""
    is_sign = name.flat in _SIGNS or bool(name.tokens & {"sign", "polarity", "pol"})
    if is_sign and any(cell.strip().lower() in ("-", "-1", "neg", "negative") for cell in table.cells(index)):
        raise _unclear(name, "says that some values are negative", "brightness")


def _check_words(name: Name, held: Sequence[tuple[str, str]]) -> None:
    for place, cell in held:
        if number_of(cell) is None and LIMIT_TEXT.search(cell):
            raise ValueError(
                f"{place}, column {name.whole}: {cell[:60]!r} may say that the value is a limit; add a column "
                f"'is_limit', or say --columns extra={name.whole}"
            )


def _check_summaries(name: Name, held: Sequence[tuple[str, str]]) -> None:
    """Refuse a row that sums up the others: a mean is no measurement of its own."""
    for place, cell in held:
        if cell.strip(":. ").lower() in _SUMMARIES and len({cell for _, cell in held}) > 1:
            raise ValueError(
                f"{place}, column {name.whole}: {cell[:40]!r} may say that the row sums up others; leave it out, or "
                f"say --columns extra={name.whole}"
            )


def check_objects(name: Name, held: Sequence[str]) -> None:
    """Refuse a table of several objects, whose rows would all become one target's."""
    values = {*held}
    is_repeated_id = name.flat in ("id", "ids") and len(values) < len(held) and not all(map(number_of, values))
    is_named = name.flat in OBJECTS and "/" not in name.whole  # S/N is no supernova
    are_objects = is_named or is_repeated_id or all(map(_DESIGNATION.fullmatch, values))
    if len(values) > 1 and are_objects:
        told = ", ".join(sorted(values)[:3])
        raise ValueError(
            f"column {name.whole!r} names {len(values)} objects ({told}); publish one target at a time, or say "
            f"--columns extra={name.whole} if all rows are of one"
        )


def _check_limits(name: Name, held: Sequence[str], note: str) -> None:
    """Refuse what may hold or mark limits."""
    if limits.are_signs(held) or limits.are_letters(held):
        raise _unclear(name, "may mark limits", "is_limit")
    is_like = limit_like_name(name) or re.search(r"\blimit|upper|non-?detect", note, re.IGNORECASE)
    if not is_like or is_one_sided(name) or _is_limits_sigma(name):
        return
    if "lower" in name.tokens:
        raise ValueError(f"column {name.whole!r} may hold lower limits, which can't be published; leave out their rows")
    raise _unclear(name, "may hold or mark limits", "limit")


def limit_like_name(name: Name) -> bool:
    """Return whether a column's name may say that it holds or marks limits."""
    return bool(LIMIT_WORDS.search(name.whole.replace("_", " ")) or LIMIT_WORDS.search(name.whole))


def _is_limits_sigma(name: Name) -> bool:
    """Return whether a column says of how many sigmas limits are, as ``limit_sigma``."""
    return name.flat in ("limitsigma", "sigmalimit", "nsigma", "upperlimitsigma", "limsigma")


def _unclear(name: Name, what: str, role: str) -> ValueError:
    return ValueError(
        f"column {name.whole!r} {what}, and nothing says how; say --columns {role}={name.whole} or extra={name.whole}"
    )


def with_keywords(table: Table, timing: Timing) -> Timing:
    """Return ``timing`` with the time system that the file's head tells (FITS: TIMESYS). Raises ValueError."""
    keywords = table.keywords
    place = keywords.get("TREFPOS", keywords.get("TIMEREF", "")).upper()
    if place and place not in ("TOPOCENTER", "TOPOCENT", "LOCAL", "NONE", "UNKNOWN"):
        raise ValueError(f"the header says that times are at {place}; convert them to UTC at the observatory")
    for name in ("MJDREF", "MJDREFI", "MJDREFF", "JDREF", "JDREFI", "TIMEZERO", "TIMEOFFS", "DATEREF"):
        value = keywords.get(name, "")
        counts = timing.form.count is Count.ANY or name in ("TIMEZERO", "TIMEOFFS")
        if value and number_of(value) != 0 and counts:
            raise ValueError(
                f"the header says {name} = {value}, so that times count from there; write them as MJD or JD"
            )
    if timing.form.count is Count.ANY and keywords.get("TIMEUNIT", "d").lower() not in ("d", "day", "days"):
        raise ValueError(f"the header says TIMEUNIT = {keywords['TIMEUNIT']}: times are spans; write them as MJD or JD")
    system = keywords.get("TIMESYS", "UTC").upper()
    if system in ("UTC", "UT", ""):
        return timing
    if system not in ("TT", "TAI", "TDT"):
        raise ValueError(f"the header says TIMESYS = {system}; convert times to UTC at the observatory")
    if timing.form.scale not in ("utc", SCALES[system.lower()]):
        raise ValueError(f"the header says TIMESYS = {system}, the column {timing.form.scale.upper()}; keep one")
    form = replace(timing.form, scale=SCALES[system.lower()])
    cells = table.cells(timing.columns[0])
    if len(timing.columns) == 2:
        cells = [times.joined(day, clock) for day, clock in zip(cells, table.cells(timing.columns[1]), strict=True)]
    return replace(timing, form=form, moments=times.read_times(cells, form))
