"""What is not used: columns, comments and keywords that must not bear on what is."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.publishing.sources.tables import languages, limits, quality, times
from bridge.publishing.sources.tables.cells import YES, is_empty, number_of
from bridge.publishing.sources.tables.forms import Count
from bridge.publishing.sources.tables.names import LIMIT_WORDS, OBJECTS, OTHER_CLOCKS, SCALES, Name, is_one_sided
from bridge.publishing.sources.tables.table import Table
from bridge.publishing.sources.tables.timing import Timing
from bridge.publishing.sources.tables.words import words

_HARMLESS = words(
    "ra dec raj2000 dej2000 decl glon glat x y xpos ypos seeing fwhm airmass amass sky skybkg background "
    "chi chi2 chisq sharp sharpness ellipticity id index idx name object objectid objid target star "
    "starname observer obs obscode observercode comment comments note notes remark remarks reference ref "
    "bibcode image imageid filename file field ccd ccdid qid rcid candid oid expid programid pid rfid snr "
    "signaltonoise nobs num number n redshift z ebv moonphase moon humidity temperature"
)
_DESIGNATION = re.compile(
    r"(?:SN|AT|TDE)[ _]?(?:19|20)\d\d[A-Za-z]{1,4}|ZTF\d\d[a-z]{7}|ATLAS\d\d[a-z]{3,4}|Gaia\d\d[a-z]{3}"
)
"""Names that only objects have, whatever their column is called."""
_FLAGS = words("code type typ class kind mark sign symbol op operator qualifier modifier det")
_UNSET = frozenset({"0", "0.0", "false", "f", "ok", "good"})
"""What a flag says that is not set."""
_SIGNS = words("isdiffpos polarity negative ispositive isnegative subtraction")
_SCALING = words("factor scale scalefactor multiplier exponent offset magoffset fluxscale norm normalization")
_ZONES = words("tz timezone utcoffset zone gmtoffset tzoffset")
_IN_UTC = frozenset({"UTC", "UT", "Z", "GMT", "0", "+0", "+00", "+0000", "+00:00", "0.0"})
_PARTS_OF_TIME = words("year month day hour minute second jdn doy")
_CORRECTED = re.compile(r"correct|dered|ext_?corr|k_?corr", re.IGNORECASE)
_SUMMARIES = words("mean average avg median total sum stddev std rms") | {"weighted mean"}
_LIMIT_TEXT = re.compile(
    r"upper limit|lower limit|\blimits?\b|non[ -]?detect|not (?:been )?detected|undetected|fainter than|nondet|"
    rf"\b(?:ul|lim|uplim|ndet)\b|{languages.LIMIT_TEXT}",
    re.IGNORECASE,
)
_ZONE = re.compile(
    r"\b(?i:local (?:\w+ )?time)|(?i:times?|dates?|clock|hours?)\b.*"
    r"\b(?:CES?T|MES?Z|[ECMPA][SD]T|JST|IST|BST|A[ECW][SD]T|CLS?T|MSK)\b"
)
_MILLI = re.compile(r"\bmmag|milli-?mag")
_SEVERAL_SIGMAS = re.compile(r"\b(?:err|unc)\w*.*(?:\b[2-9] ?-?\s?(?:sigma|\u03c3)|\b9\d ?%)")
FACTOR = re.compile(r"10\s*\^|1e[-+]?\d|10\*\*|x\s?10-")
"""A power of ten in a comment."""
_LONG_EXPOSURE = re.compile(r"exp.*\b(?:min|minutes?|hours?)\b")
_PART_OF_MAGNITUDE = re.compile(
    r"units? of (?:0\.0+1|10\s*\^?\s*\{?-\d)|in 0\.0+1 ?mag|hundredths|thousandths|last digits?\b"
)
_INTRINSIC = re.compile(
    r"absolute mag|de-?redden|k-?corrected|corrected for .*(?:extinction|redden|dust|distance)|extinction[-_ ]corrected"
)
_DENIED = re.compile(r"\bnot\b|\bno\b|\bnor\b|\bun\w+ed\b")
_DIVERSE = re.compile(
    r"(?:multiplied|divided|scaled) by|offset (?:of|by)|shifted by|instrumental mag|differential mag", re.IGNORECASE
)


def is_harmless(name: Name) -> bool:
    """Return whether a column of this name describes the target, the image or the sky, and no measurement."""
    return name.flat in _HARMLESS


def check_column(table: Table, index: int, name: Name, *, has_limits: bool) -> None:
    """Refuse to keep a column as a further value where it may bear on the values that are used. Raises ValueError."""
    held = [(row.place, row.cells[index]) for row in table.rows if not is_empty(row.cells[index])]
    values = {cell for _, cell in held}
    if not held:
        return
    if not has_limits:
        _check_words(name, held)
    quality.check_words(name, held)
    _check_summaries(name, held)
    check_objects(name, [cell for _, cell in held])
    _check_limits(name, [cell for _, cell in held], table.columns[index].note)
    if _CORRECTED.search(name.whole) and any(cell.lower() in YES for cell in values):
        raise ValueError(
            f"column {name.whole!r} says that some values are corrected; publish what was observed, or say --columns "
            f"extra={name.whole} if the values that are used are not"
        )
    is_flag = name.flat in _FLAGS or bool(re.match(r"[fu]_\w*(?:mag|flux)", name.whole, re.IGNORECASE))
    if is_flag and not {cell.lower() for cell in values} <= _UNSET:
        raise _unclear(name, "may say what the values mean", "is_limit")
    if name.flat in _SIGNS and not values <= {"t", "1", "true", "True", "1.0", "pos"}:
        raise _unclear(name, "says that some values are negative", "brightness")
    if name.flat in _ZONES and not {cell.upper() for cell in values} <= _IN_UTC:
        raise ValueError(f"column {name.whole!r} says that times are in another zone; write them in UTC")
    if name.flat in _SCALING:
        raise _unclear(name, "may scale the values", "brightness")
    if name.flat in _PARTS_OF_TIME or name.tokens & {"year", "month"}:
        raise _unclear(name, "may be a part of the time", "time")


def _check_words(name: Name, held: Sequence[tuple[str, str]]) -> None:
    for place, cell in held:
        if number_of(cell) is None and _LIMIT_TEXT.search(cell):
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
    are_objects = name.flat in OBJECTS or is_repeated_id or all(map(_DESIGNATION.fullmatch, values))
    if len(values) > 1 and are_objects:
        told = ", ".join(sorted(values)[:3])
        raise ValueError(
            f"column {name.whole!r} names {len(values)} objects ({told}); publish one target at a time, or say "
            f"--columns extra={name.whole} if all rows are of one"
        )


def _check_limits(name: Name, held: Sequence[str], note: str) -> None:
    """Refuse what may hold or mark limits."""
    if limits.are_signs(held):
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


def check_note(name: str, note: str, *, has_limits: bool) -> None:
    """Refuse a column of brightnesses whose description says that they are not as observed. Raises ValueError."""
    if not has_limits and (_LIMIT_TEXT.search(note) or "stat.max" in note):
        raise ValueError(
            f"column {name!r} is described as {note[:60]!r}, and nothing says which values are limits; say --columns "
            f"limit={name} if all are, or brightness={name} if none is"
        )
    if _DIVERSE.search(note) or is_intrinsic(note.lower()) or "phys.magabs" in note.lower():
        raise ValueError(
            f"column {name!r} is described as {note[:60]!r}; publish what was observed, or name it by --columns "
            f"brightness={name}"
        )


def check_remarks(
    table: Table, names: Sequence[Name], timing: Timing, *, has_limits: bool, is_flux: bool, has_exposure: bool
) -> None:
    """Refuse a table whose comments say of times, limits or units what the columns don't. Raises ValueError."""
    said = [text.lower() for index in timing.columns for text in names[index].said]
    in_mmag = any("mmag" in " ".join(name.said).lower() for name in names)
    checks = (
        (not has_limits, _LIMIT_TEXT, "no value is a limit", "limit"),
        (not in_mmag, _MILLI, "nothing is in millimagnitudes", "error"),
        (True, _SEVERAL_SIGMAS, "errors are of 1 sigma", "error"),
        (is_flux, FACTOR, "fluxes have no further factor", "brightness"),
        (not is_flux, _PART_OF_MAGNITUDE, "errors are in magnitudes", "error"),
        (has_exposure, _LONG_EXPOSURE, "exposure times are in seconds", "exposure_time"),
        (True, _DIVERSE, "values are used as they are", "brightness"),
    )
    for remark in table.remarks:
        text = remark.lower().replace("jd-2400000.5", "").replace("jd - 2400000.5", "")
        if not timing.is_said and not any(scale in said for scale in SCALES):
            _check_remark_on_times(remark, text, names, timing)
        for applies, pattern, assumed, role in checks:
            if applies and pattern.search(text):
                raise _remarked(remark, assumed, role)
        if is_intrinsic(text):
            raise _remarked(remark, "values are used as they are", "brightness")


def is_intrinsic(text: str) -> bool:
    """Return whether a comment, in lower case, says that values are absolute or corrected, and not as observed."""
    return bool(_INTRINSIC.search(text)) and not is_denied(text)


def is_denied(text: str) -> bool:
    """Return whether a comment, in lower case, says that something was not done."""
    return bool(_DENIED.search(text))


def _check_remark_on_times(remark: str, text: str, names: Sequence[Name], timing: Timing) -> None:
    other_clock = any(name.tokens & OTHER_CLOCKS for name in names)
    if not other_clock and re.search(r"\b[bh]jd\b|bary-?cent|helio-?cent|\btdb\b|\btcb\b|light.travel", text):
        raise _remarked(remark, "times are UTC at the observatory", "time")
    in_utc = timing.form.scale == "utc"
    if (in_utc and re.search(r"(?:times?|mjds?|jds?|dates?|timesys)\b.*\b(?:tt|tai|tdt)\b", text)) or _ZONE.search(
        remark
    ):
        raise _remarked(remark, "times are UTC", "time")
    if timing.form.offset is not None:
        return
    if re.search(r"\bm?jd\s*[-+\u2212]\s*\d{4,}", text):
        raise _remarked(remark, "nothing was subtracted from the times", "time")
    span = r"\b(?:seconds|days|hours|minutes|time)\b.*\b(?:since|after|from|relative)\b|\bt0\b"
    if timing.form.count is Count.ANY and re.search(span, text):
        raise _remarked(remark, "times are no spans of time", "time")


def _remarked(remark: str, assumed: str, role: str) -> ValueError:
    return ValueError(
        f"a comment says {remark[:60]!r}, and by the header {assumed}; write it in the column's name, as in "
        "'time (TT)' or 'err (mmag)', "
        f"name a column by --columns {role}=..., or remove the comment if it is not so"
    )


def with_keywords(table: Table, timing: Timing) -> Timing:
    """Return ``timing`` with the time system that the file's head tells (FITS: TIMESYS). Raises ValueError."""
    keywords = table.keywords
    place = keywords.get("TREFPOS", keywords.get("TIMEREF", "")).upper()
    if place and place not in ("TOPOCENTER", "TOPOCENT", "LOCAL", "NONE", "UNKNOWN"):
        raise ValueError(f"the header says that times are at {place}; convert them to UTC at the observatory")
    for name in ("MJDREF", "MJDREFI", "MJDREFF", "JDREF", "JDREFI", "TIMEZERO", "TIMEOFFS", "DATEREF"):
        value = keywords.get(name, "")
        if value and number_of(value) != 0 and timing.form.count is Count.ANY:
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
