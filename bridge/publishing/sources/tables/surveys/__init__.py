"""Surveys whose tables are known, each by an exact signature."""

from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.options import Options, check_names
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.surveys import (
    aavso,
    asassn,
    atlas,
    bhtom,
    catalogs,
    gaia,
    neowise,
    panstarrs,
    rubin,
    skyportal,
    snana,
    swift,
    ztf,
)
from bridge.publishing.sources.tables.surveys.survey import Survey

SURVEYS: tuple[Survey, ...] = (
    *atlas.SURVEYS, *ztf.SURVEYS, *asassn.SURVEYS, *gaia.SURVEYS, *aavso.SURVEYS, *rubin.SURVEYS, *swift.SURVEYS,
    *snana.SURVEYS, *skyportal.SURVEYS, *catalogs.SURVEYS, *bhtom.SURVEYS,
    *neowise.SURVEYS, *panstarrs.SURVEYS,
)  # fmt: skip
NAMES = tuple(dict.fromkeys(survey.name for survey in SURVEYS))
"""What ``--format`` takes."""
ANY = "table"
"""What ``--format`` takes for a table that is to be read by the general rules, whatever it looks like."""


def find(table: Table, options: Options) -> Survey | None:
    """Return the survey that ``table`` is from, None where it is none. Columns said to be extra are no obstacle.

    ValueError where it is not from the survey that the options name, or where they say what the survey's columns hold:
    which rows are limits, and which are bad, only its rules tell.
    """
    if options.format == ANY:
        return None
    if options.format and options.format not in NAMES:
        raise ValueError(f"there is no format {options.format!r}; choose one of {', '.join((*NAMES, ANY))}")
    asked = [survey for survey in SURVEYS if options.format in ("", survey.name)]
    check_names(options.columns, table.names)
    kept = frozenset(name for name, role in options.columns.items() if role is Role.EXTRA)
    found = next((survey for survey in asked if survey.recognises(table, kept)), None)
    own = found or _alike(table)
    is_said = own is not None and (kept & own.needs or len(kept) < len(options.columns))
    if own is not None and (is_said or (found is None and own.is_ruled)):
        extra = ",".join(f"extra={name}" for name in own.further(table))
        raise ValueError(
            f"this looks like {own.title}, and what its columns hold depends on its rules: say "
            f"{f'--columns {extra}' if extra else 'no --columns'} to have them applied, or add --format table to "
            "publish what the columns that you name hold"
        )
    if found is None and options.format:
        lacking = min((sorted(survey.needs - set(table.names)) for survey in asked), key=len)
        further = next((survey.further(table) for survey in asked if survey.needs <= set(table.names)), [])
        why = f"it lacks {', '.join(lacking)}" if lacking else f"it has {', '.join(further)} beside"
        raise ValueError(f"this is no table of {options.format}: {why}")
    return found


def hint(table: Table) -> str:
    """Return what a table looks like that has all of a survey's columns, and others beside; else nothing."""
    if (survey := _alike(table)) is None:
        return ""
    told, further = (mark.join(survey.further(table)[:5]) for mark in ("', '", ",extra="))
    return (
        f"this looks like {survey.title}, but that has no column '{told}'; say --columns extra={further} to read it as "
        "such"
    )


def _alike(table: Table) -> Survey | None:
    """Return the survey of which a table has all columns, and others beside; the one of the most columns."""
    names = set(table.names)
    alike = [survey for survey in SURVEYS if not survey.format and survey.needs <= names and survey.further(table)]
    return max(alike, key=lambda one: (len(one.needs), -len(one.further(table))), default=None)
