"""Surveys whose tables are known, each by an exact signature."""

from bridge.publishing.sources.tables.options import Options
from bridge.publishing.sources.tables.surveys import (
    aavso,
    asassn,
    atlas,
    bhtom,
    catalogs,
    gaia,
    neowise,
    rubin,
    skyportal,
    snana,
    swift,
    ztf,
)
from bridge.publishing.sources.tables.surveys.survey import Survey
from bridge.publishing.sources.tables.table import Table

SURVEYS: tuple[Survey, ...] = (
    *atlas.SURVEYS, *ztf.SURVEYS, *asassn.SURVEYS, *gaia.SURVEYS, *aavso.SURVEYS, *rubin.SURVEYS, *swift.SURVEYS,
    *snana.SURVEYS, *skyportal.SURVEYS, *catalogs.SURVEYS, *bhtom.SURVEYS,
    *neowise.SURVEYS,
)  # fmt: skip
NAMES = tuple(dict.fromkeys(survey.name for survey in SURVEYS))
"""What ``--format`` takes."""
ANY = "table"
"""What ``--format`` takes for a table that is to be read by the general rules, whatever it looks like."""


def find(table: Table, options: Options) -> Survey | None:
    """Return the survey that ``table`` is from, None where it is none or the options say what its columns are.

    ValueError where it is not from the survey that the options name.
    """
    if options.columns or options.format == ANY:
        return None
    if options.format and options.format not in NAMES:
        raise ValueError(f"there is no format {options.format!r}; choose one of {', '.join((*NAMES, ANY))}")
    asked = [survey for survey in SURVEYS if options.format in ("", survey.name)]
    found = next((survey for survey in asked if survey.recognises(table)), None)
    if found is None and options.format:
        lacking = min((sorted(survey.needs - set(table.names)) for survey in asked), key=len)
        further = next((survey.further(table) for survey in asked if survey.needs <= set(table.names)), [])
        why = f"it lacks {', '.join(lacking)}" if lacking else f"it has {', '.join(further)} beside"
        raise ValueError(f"this is no table of {options.format}: {why}")
    return found


def hint(table: Table) -> str:
    """Return what a table looks like that has all of a survey's columns, and others beside; else nothing."""
    names = set(table.names)
    alike = [survey for survey in SURVEYS if not survey.format and survey.needs <= names and survey.further(table)]
    if not alike:
        return ""
    survey = max(alike, key=lambda one: (len(one.needs), -len(one.further(table))))
    further = ", ".join(map(repr, survey.further(table)[:5]))
    return f"this looks like {survey.title}, but that has no column {further}; without it the table is read as such"
