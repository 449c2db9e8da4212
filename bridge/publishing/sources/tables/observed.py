"""When a spectrum was taken: as the person says, else by the header."""

from dataclasses import replace
from datetime import datetime

from bridge.publishing.sources.tables import times
from bridge.publishing.sources.tables.forms import Count, Form
from bridge.publishing.sources.tables.names import SCALES
from bridge.publishing.sources.tables.options import Options

_DATES = (
    "DATE-OBS",
    "DATE_OBS",
    "DATEOBS",
    "OBSDATE",
    "OBS_DATE",
    "OBS-DATE",
    "UTC-DATE",
    "DATE-AVG",
    "DATE-BEG",
    "UTDATE",
)
_CLOCKS = (
    "TIME-OBS",
    "TIME_OBS",
    "TIMEOBS",
    "UTSTART",
    "UT-TIME",
    "UTC-TIME",
    "UTTIME",
    "UT",
    "UTC",
    "UT-START",
    "EXPSTART",
)
_MJDS = ("MJD-OBS", "MJD_OBS", "MJDOBS", "MJD")


def time_of(keywords: dict[str, str], options: Options) -> datetime:
    """Return when the spectrum was taken, as the person says, else by the header."""
    if options.time is not None:
        return options.time
    mend = "say --time 2024-02-01T06:00:00"
    system = keywords.get("TIMESYS", "UTC").upper()
    if system not in ("UTC", "UT", "TT", "TAI", ""):
        raise ValueError(f"the header says TIMESYS = {system}; {mend} in UTC at the observatory")
    form = Form(count=Count.ANY, scale=SCALES.get(system.lower() or "utc", "utc"))
    found: list[tuple[str, datetime]] = []
    date = next((name for name in _DATES if keywords.get(name)), None)
    if date is not None:
        text = keywords[date].strip()
        if times.is_day([text]):
            clock = next((name for name in _CLOCKS if times.is_clock([keywords.get(name, "")])), None)
            if clock is None:
                raise ValueError(f"{date} = {text} has no time of day; {mend}")
            text = times.joined(text, keywords[clock])
        moment = times.read_times([text], form)[0]
        if not isinstance(moment, datetime):
            raise ValueError(f"{date}: {moment}; or {mend}")
        found.append((date, moment))
    mjd = next((name for name in _MJDS if keywords.get(name)), None)
    if mjd is not None:
        moment = times.read_times([keywords[mjd].strip()], replace(form, count=Count.MJD))[0]
        if not isinstance(moment, datetime):
            raise ValueError(f"{mjd}: {moment}; or {mend}")
        found.append((mjd, moment))
    if not found:
        raise ValueError(f"nothing says when the spectrum was taken; {mend}")
    if len(found) == 2 and abs((found[0][1] - found[1][1]).total_seconds()) > 86_400:
        raise ValueError(f"{found[0][0]} and {found[1][0]} tell different times; {mend}")
    return found[0][1]
