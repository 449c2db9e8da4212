"""Times of observations as tables write them: MJD, JD or ISO, in UTC."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_JD_OF_MJD_ZERO = Fraction("2400000.5")
# From 1899 to 2131: wide enough for photographic plates, and no year, Unix time or YYYYMMDD falls into either range.
_MJD_RANGE = (15_000, 100_000)
_JD_RANGE = (2_415_000, 2_500_001)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(\.\d+)")
_MICROSECONDS_A_DAY = 86_400_000_000


class TimeScale(StrEnum):
    """How a column writes its times; ANY: the value's range tells."""

    MJD = "MJD"
    JD = "JD"
    ANY = "time"


def parse_time(text: str, scale: TimeScale) -> datetime:
    """Return ``text`` as a time in UTC, to the microsecond; without zone it is UTC.

    ValueError says what would be right.
    """
    if not _NUMBER.fullmatch(text):
        return _from_iso(text)
    number = Fraction(float(text))  # as TOM Toolkit reads it: the same table gives the same times there
    as_mjd, as_jd = (low <= number <= high for low, high in (_MJD_RANGE, _JD_RANGE))
    if as_mjd and scale is not TimeScale.JD:
        return _from_mjd(number)
    if as_jd and scale is not TimeScale.MJD:
        return _from_mjd(number - _JD_OF_MJD_ZERO)
    if as_mjd or as_jd:
        right = TimeScale.MJD if as_mjd else TimeScale.JD
        raise ValueError(f"{text} is no {scale} but looks like a {right}; name the column {right.lower()}")
    raise ValueError(f"{text} is no time; write an MJD (60341.25), a JD (2460341.75) or 2024-02-01T06:00:00")


def _from_mjd(mjd: Fraction) -> datetime:
    return _MJD_ZERO + timedelta(microseconds=round(mjd * _MICROSECONDS_A_DAY))


def _from_iso(text: str) -> datetime:
    plain = text.replace("/", "-").removesuffix("UTC").removesuffix("UT").strip()
    try:
        if day := _DECIMAL_DAY.fullmatch(plain):
            midnight = datetime.fromisoformat(day[1]).replace(tzinfo=UTC)
            return midnight + timedelta(microseconds=round(Fraction(day[2]) * _MICROSECONDS_A_DAY))
        moment = datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time; write an MJD, a JD or 2024-02-01T06:00:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
