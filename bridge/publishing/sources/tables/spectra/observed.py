"""When a spectrum was taken: as the person says, else by the header."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.publishing.sources.tables.elements.cells import number_of
from bridge.publishing.sources.tables.elements.clocks import SCALES
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.when import times
from bridge.publishing.sources.tables.when.forms import Count, Form

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
_OLD_DATE = re.compile(r"^(\d\d)/(\d\d)/([5-9]\d)$")
"""As FITS files wrote days until 1999, always of the years 19..: day/month/year (FITS 4.0, section 4.4.2.1)."""
_MJDS = ("MJD-OBS", "MJD_OBS", "MJDOBS", "MJD")


_CLOCKS_AT_MOST = timedelta(minutes=15)
_DAYS_AT_MOST_S = 86_340.0
"""An MJD may be that of the night, without its part of a day."""


def _check_clocks(keywords: dict[str, str], date: str, moment: datetime, at_most: timedelta) -> None:
    """Refuse a header whose times of day in UTC are not that of its date."""
    for name in _CLOCKS:
        told = keywords.get(name, "")
        if not times.is_clock([told]) or name == "EXPSTART":
            continue
        clock = times.read_times([times.joined(f"{moment:%Y-%m-%d}", told)], Form(count=Count.ANY))[0]
        apart = abs(moment - clock) if isinstance(clock, datetime) else timedelta(0)
        if min(apart, timedelta(days=1) - apart) > at_most:
            raise ValueError(
                f"{date} = {keywords[date]} and {name} = {told} tell different times; say --time 2024-02-01T06:00:00"
            )


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
    exposure = number_of(keywords.get("EXPTIME", "")) or 0.0
    date = next((name for name in _DATES if keywords.get(name)), None)
    if date is not None:
        text = _OLD_DATE.sub(r"19\3-\2-\1", keywords[date].strip())
        if times.is_day([text]):
            clock = next((name for name in _CLOCKS if times.is_clock([keywords.get(name, "")])), None)
            if clock is None:
                raise ValueError(f"{date} = {text} has no time of day; {mend}")
            text = times.joined(text, keywords[clock])
        moment = times.read_times([text], form)[0]
        if not isinstance(moment, datetime):
            raise ValueError(f"{date}: {moment}; or {mend}")
        _check_clocks(keywords, date, moment, timedelta(seconds=exposure) + _CLOCKS_AT_MOST)
        found.append((date, moment))
    for count, keys in ((Count.MJD, _MJDS), (Count.JD, ("JD",))):
        name = next((name for name in keys if keywords.get(name)), None)
        if name is not None and not (count is Count.JD and found):
            moment = times.read_times([keywords[name].strip()], replace(form, count=count))[0]
            if not isinstance(moment, datetime):
                raise ValueError(f"{name}: {moment}; or {mend}")
            if count is Count.MJD and "." not in keywords[name] and not found:
                raise ValueError(f"{name} = {keywords[name]} has no time of day; {mend}")
            found.append((name, moment))
    if not found:
        raise ValueError(f"nothing says when the spectrum was taken; {mend}")
    if len(found) == 2 and abs((found[0][1] - found[1][1]).total_seconds()) > _DAYS_AT_MOST_S:
        raise ValueError(f"{found[0][0]} and {found[1][0]} tell different times; {mend}")
    return found[0][1]
