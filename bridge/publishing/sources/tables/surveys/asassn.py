"""Light curves of the ASAS-SN Sky Patrol, versions 1 (https://asas-sn.osu.edu) and 2 (https://asas-sn.ifa.hawaii.edu/skypatrol).

Version 1 has heliocentric times beside the date in UT, which is used. A magnitude with ``>`` (version 1) or an error of
99.99 (both) is a limit, the one in the column of limits.
"""

from bridge.publishing.sources.tables.elements.cells import is_empty, number_of, split_mark
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.surveys.survey import (
    UTC_JD,
    UTC_TEXT,
    Cells,
    Fields,
    Left,
    Survey,
    number,
    positive,
)

_GIVEN = {"telescope": "ASAS-SN", "source_name": "ASAS-SN"}
_NO_ERROR = 99.0


def _row(cells: Cells, names: dict[str, str]) -> Fields:
    if cells.get("Quality", cells.get("quality", "")).strip().upper() == "B":
        raise Left("of bad quality (B), by the survey")
    mark, text = split_mark(cells[names["mag"]])
    used = {names["time"], names["limit"]}
    fields: dict[str, object] = {}
    for field in ("filter", "camera"):
        if not is_empty(cells.get(names[field], "")):
            fields["bandpass" if field == "filter" else "instrument"] = cells[names[field]]
            used.add(names[field])
    error = number_of(cells[names["error"]])
    limit = None if is_empty(cells[names["limit"]]) else number(cells, names["limit"], "magnitude")
    if mark or is_empty(text) or (error is not None and error >= _NO_ERROR):
        if limit is None:
            raise Left("neither a magnitude nor a limit")
        return {**fields, "limit": limit}, frozenset(used)
    fields["brightness"] = number(cells, names["mag"], "magnitude")
    fields["brightness_error"] = positive(cells, names["error"], "error of a magnitude")
    if limit is not None:
        fields["limit"] = limit
    return fields, frozenset(used | {names["mag"], names["error"]})


_FIRST = {"time": "UT Date", "mag": "mag", "error": "mag_err", "limit": "Limit", "filter": "Filter", "camera": "Camera"}
_SECOND = {"time": "JD", "mag": "Mag", "error": "Mag Error", "limit": "Limit", "filter": "Filter", "camera": "Camera"}
_CLIENT = {
    "time": "jd",
    "mag": "mag",
    "error": "mag_err",
    "limit": "limit",
    "filter": "phot_filter",
    "camera": "camera",
}


def _roles(names: dict[str, str]) -> dict[str, str]:
    return {
        names["mag"]: "brightness, magnitudes, or a limit",
        names["error"]: "its error",
        names["limit"]: "limit, magnitudes",
        names["filter"]: "bandpass",
        names["camera"]: "instrument",
    }


SURVEYS = (
    Survey(
        name="asassn",
        title="ASAS-SN Sky Patrol 1",
        needs=frozenset({"HJD", "UT Date", "Camera", "FWHM", "Limit", "mag", "mag_err", "flux(mJy)", "flux_err"}),
        may=frozenset({"Filter"}),
        time="UT Date",
        form=UTC_TEXT,
        read_row=lambda cells: _row(cells, _FIRST),
        given=_GIVEN,
        roles=_roles(_FIRST),
    ),
    Survey(
        name="asassn",
        title="ASAS-SN Sky Patrol 2",
        has_head=True,
        needs=frozenset({"JD", "Flux", "Flux Error", "Mag", "Mag Error", "Limit", "FWHM", "Filter"}),
        may=frozenset({"Quality", "Camera"}),
        time="JD",
        form=UTC_JD,
        read_row=lambda cells: _row(cells, _SECOND),
        given=_GIVEN,
        roles=_roles(_SECOND),
    ),
    Survey(
        name="asassn",
        title="ASAS-SN Sky Patrol 2",
        has_head=True,
        needs=words("jd flux flux_err mag mag_err limit fwhm phot_filter"),
        may=frozenset({"asas_sn_id", "image_id", "camera", "quality", "name"}),
        time="jd",
        form=UTC_JD,
        read_row=lambda cells: _row(cells, _CLIENT),
        given=_GIVEN,
        roles=_roles(_CLIENT),
        one_of=frozenset({"asas_sn_id"}),
    ),
)
