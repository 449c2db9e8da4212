"""What comments and descriptions say: it must not bear on values that are used as they are."""

import re
from collections.abc import Collection, Sequence

from bridge.publishing.sources.tables.elements import languages
from bridge.publishing.sources.tables.elements.clocks import OTHER_CLOCKS, SCALES
from bridge.publishing.sources.tables.elements.names import Name, Role, parsed
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.texts import neutral, statements, wordings
from bridge.publishing.sources.tables.when.forms import Count
from bridge.publishing.sources.tables.when.moments import Timing

LIMIT_TEXT = re.compile(
    r"upper limit|lower limit|\blimits?\b|n(?:on|o)[ -]?detect|not (?:been )?detected|undetected|not (?:visible|seen)|"
    rf"invisible|fainter than|nondet|\b(?:ul|lim|uplim|ndet)\b|\bu\.\s?l\b|"
    r"[<\u2264]\s*\d(?:\.\d+)?[ -]*(?:sig|\u03c3)|^\s*[2-9][ -]?(?:sig(?:ma)?|\u03c3)\s*$|"
    r"(?:below|less than) (?:the )?(?:\d(?:\.\d+)?[ -]?)?(?:limit|threshold|sig)|"
    rf"{languages.LIMIT_TEXT}",
    re.IGNORECASE,
)
"""What says that a value is a limit."""
_ALL_LIMITS = re.compile(r"\b(?:all|only)\b.*\b(?:limits?|non-?detections?)\b")
_ZONE = re.compile(
    r"\b(?i:local (?:\w+ )?time)|(?i:utc offset|offset (?:to|from) utc)|\b(?:UTC|GMT)\s*[-+]\s*(?!0)\d{1,2}(?!\d)|"
    r"(?i:times?|dates?|clock|hours?)\b.*\b(?:local\b|CES?T|MES?Z|[ECMPA][SD]T|JST|IST|BST|A[ECW][SD]T|CLS?T|MSK)\b"
)
_MILLI = re.compile(r"\bmmag|milli-?mag")
_SEVERAL_SIGMAS = re.compile(
    r"\b(?:err|unc)\w*.*(?:per ?cent(?!ile)|relative|fraction|(?<!68)(?<!68 )%|\b[2-9] ?-?\s?(?:sigma|\u03c3))"
)
"""An error that is not of 1 sigma, or in parts of the value."""
FACTOR = re.compile(r"10\s*\^|1e[-+]?\d|10\*\*|x\s?10-")
"""A power of ten in a comment."""
_LONG_EXPOSURE = re.compile(r"exp.*\b(?:min|minutes?|hours?)\b")
_PART_OF_MAGNITUDE = re.compile(
    r"units? of (?:0\.0+1|10\s*\^?\s*\{?-\d)|in 0\.0+1 ?mag|hundredths|thousandths|last digits?\b"
)
_INTRINSIC = re.compile(
    r"absolute mag|de-?redden|k-?corrected|corrected for .*(?:extinction|redden|dust|distance)|"
    r"extinction[-_ ]corrected|mag\w* (?:are |were |is )?corrected|e\(b-v\).*corrected|corrected.*e\(b-v\)"
)
CORRECTED = re.compile(r"correct|dered|ext_?corr|k_?corr", re.IGNORECASE)
"""What says in a column's name that its cells tell which values are corrected."""
CORRECTED_VALUES = re.compile(
    r"\b(?:values|magnitudes?|mags|flux\w*|data) (?:are|were|is) (?:de-?redd|corrected)", re.IGNORECASE
)
_CORRECTED_NAME = re.compile(r"dered|ext_?corr|k_?corr|abs_?mag|m_?abs\b|mag_?abs|absolute", re.IGNORECASE)
_DENIED = re.compile(r"\bnot\b|\bfalse\b|\bno\b|\bnor\b|\bun\w+ed\b")
_MACHINE = re.compile(r"\b(?:phot|time|stat|instr|em|meta|pos|src|obs)\.[\w.;]+|\[[^\]]*\]|\(\w\)|^[?*]+|\?=?")
"""What catalogues write into descriptions for machines: UCDs, ranges, numbers of notes."""
_DIVERSE = re.compile(
    r"(?:multiplied|divided|scaled) by|offset (?:of|by)|shifted by|instrumental mag|differential mag|uncalibrated|"
    r"\b(?:add|subtract) -?\d?\.\d",
    re.IGNORECASE,
)


def check_note(name: str, note: str, *, has_limits: bool) -> None:
    """Refuse a column of brightnesses whose description says that they are not as observed. Raises ValueError."""
    if not has_limits and (LIMIT_TEXT.search(note) or "stat.max" in note):
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
    table: Table,
    names: Sequence[Name],
    timing: Timing,
    *,
    named: Collection[Role],
    has_limits: bool,
    has_detections: bool,
    is_flux: bool,
    has_exposure: bool,
    value: Role = Role.BRIGHTNESS,
) -> None:
    """Refuse a table whose comments say of times, limits or units what the columns don't. Raises ValueError.

    ``named`` are the roles of columns that the person named, which are not doubted; ``value`` is that of the values.
    """
    said = [text.lower() for index in timing.columns for text in names[index].said]
    known = frozenset(token for name in names for token in (*name.tokens, *(said.lower() for said in name.said))) | {
        timing.form.scale
    }
    in_mmag = any("mmag" in " ".join(name.said).lower() for name in names)
    checks = (
        (not has_limits, LIMIT_TEXT, "no value is a limit", Role.LIMIT),
        (has_limits and has_detections, _ALL_LIMITS, "not all values are limits", Role.IS_LIMIT),
        (not in_mmag, _MILLI, "nothing is in millimagnitudes", Role.ERROR),
        (True, _SEVERAL_SIGMAS, "errors are of 1 sigma", Role.ERROR),
        (is_flux, FACTOR, "fluxes have no further factor", value),
        (not is_flux, _PART_OF_MAGNITUDE, "errors are in magnitudes", Role.ERROR),
        (has_exposure, _LONG_EXPOSURE, "exposure times are in seconds", Role.EXPOSURE),
        (True, _DIVERSE, "values are used as they are", value),
    )
    for remark in table.remarks:
        text = remark.lower().replace("_", " ").replace("jd-2400000.5", "").replace("jd - 2400000.5", "")
        if not timing.is_said and not any(scale in said for scale in SCALES):
            _check_remark_on_times(remark, text, names, timing)
        for applies, pattern, assumed, role in checks:
            if applies and role not in named and pattern.search(text):
                raise _remarked(remark, assumed, role)
        if value in named:
            continue
        if is_intrinsic(text):
            raise _remarked(remark, "values are used as they are", value)
        for word, assumed in wordings.doubts(remark):
            role = value if word == "brightness" else Role(word)
            if role not in named and not (has_limits and LIMIT_TEXT.search(text)):
                raise _remarked(remark, assumed, role)
        if (
            word := ""
            if remark.startswith("Column\t")
            else statements.stated(remark) or neutral.not_understood(remark, known)
        ):
            raise _unknown(remark, word, f"or say --columns {value}=..., which is not doubted")


def check_head(table: Table) -> None:
    """Refuse a survey's table with a comment, among its own, that values are corrected. Raises ValueError."""
    for remark in table.remarks:
        if is_intrinsic(remark.lower()) or (CORRECTED_VALUES.search(remark) and not is_denied(remark.lower())):
            raise _unknown(remark, "corrected", "or say --format table and --columns")


def check_survey(table: Table) -> None:
    """Refuse a survey's table to which somebody has added a comment that is not understood. Raises ValueError."""
    known = frozenset(token for name in table.names for token in parsed(name).tokens)
    for remark in table.remarks:
        doubt = wordings.first_doubt(remark) or ("corrected" if is_intrinsic(remark.lower()) else "")
        doubt = doubt or (found[0] if (found := LIMIT_TEXT.search(remark)) else "")
        if word := doubt or statements.stated(remark) or neutral.not_understood(remark, known):
            raise _unknown(remark, word, "or say --format table and --columns")


def check_described(table: Table, index: int, name: Name, known: Collection[str]) -> None:
    """Refuse a column whose description says that it holds something else than its name. Raises ValueError."""
    note = table.columns[index].note
    notes = [note, *(text.split("\t")[3:4] for text in table.remarks if text.split("\t")[:2] == ["Column", name.whole])]
    for text in (part if isinstance(part, str) else " ".join(part) for part in notes):
        bare = _MACHINE.sub("", re.sub(r"\bjd ?- ?2400000\.5", "", text, flags=re.IGNORECASE))
        doubt = wordings.first_doubt(bare)
        if (
            word := doubt
            or statements.described(bare)
            or neutral.not_understood(bare, frozenset({*known, *name.tokens, "epoch", "epochs"}))
        ):
            raise ValueError(
                f"column {name.whole!r} is described as {text[:60]!r}, and {word!r} may say that it is something else; "
                "mend the description, or name the column by --columns"
            )


def _unknown(remark: str, word: str, otherwise: str) -> ValueError:
    return ValueError(
        f"a comment says {remark[:60]!r}, and {word!r} may say that values are not what their columns say; "
        f"remove the comment if it changes none, {otherwise}"
    )


def is_intrinsic(text: str) -> bool:
    """Return whether a comment, in lower case, says that values are absolute or corrected, and not as observed."""
    return bool(_INTRINSIC.search(text)) and not is_denied(text)


def is_corrected(name: str) -> bool:
    """Return whether the name of a column says that its values are absolute or corrected, and not as observed."""
    return bool(_CORRECTED_NAME.search(name))


def is_denied(text: str) -> bool:
    """Return whether a comment, in lower case, says that something was not done."""
    return bool(_DENIED.search(text))


def _check_remark_on_times(remark: str, text: str, names: Sequence[Name], timing: Timing) -> None:
    other_clock = any(name.tokens & OTHER_CLOCKS for name in names)
    if not other_clock and re.search(r"\b[bh]jd\b|bary-?cent|helio-?cent|\btdb\b|\btcb\b|light.travel", text):
        raise _remarked(remark, "times are UTC at the observatory", Role.TIME)
    in_utc = timing.form.scale == "utc"
    if (in_utc and re.search(r"(?:times?|mjds?|jds?|dates?|timesys)\b.*\b(?:tt|tai|tdt)\b", text)) or _ZONE.search(
        remark
    ):
        raise _remarked(remark, "times are UTC", Role.TIME)
    if timing.form.offset is not None:
        return
    if re.search(r"\bm?jd\s*[-+\u2212]\s*\d{4,}", text):
        raise _remarked(remark, "nothing was subtracted from the times", Role.TIME)
    span = r"\b(?:seconds|days|hours|minutes|time)\b.*\b(?:since|after|from|relative)\b|\bt0\b"
    if timing.form.count is Count.ANY and re.search(span, text):
        raise _remarked(remark, "times are no spans of time", Role.TIME)


def _remarked(remark: str, assumed: str, role: Role) -> ValueError:
    return ValueError(
        f"a comment says {remark[:60]!r}, and by the header {assumed}; write it in the column's name, as in "
        "'time (TT)' or 'err (mmag)', "
        f"name a column by --columns {role}=..., or remove the comment if it is not so"
    )
