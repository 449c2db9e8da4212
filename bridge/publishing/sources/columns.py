"""By which names the columns of a photometry table are known."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.publishing.sources.times import TimeScale

_IN_BRACKETS = re.compile(r"[\[(].*?[\])]")
_NO_LETTER = re.compile(r"[^a-z0-9]")

_MJD = ("mjd", "mjdobs", "obsmjd", "mjdutc", "mjdmid", "mjdstart", "modifiedjuliandate")
_JD = ("jd", "jdobs", "obsjd", "jdutc", "jdmid", "juliandate")
_ANY_TIME = (
    "timestamp", "datetime", "dateobs", "obsdate", "observationdate", "obstime", "time", "date", "dateutc", "utc", "ut",
    "isot", "iso",
)  # fmt: skip
_OTHER_CLOCKS = ("bjd", "hjd", "bjdtdb", "hjdutc", "bmjd", "mjdtdb", "jdtdb", "mbjd", "hmjd")
"""Times that are not UTC at the observatory: up to eight minutes off, so never taken for it."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "brightness": ("brightness", "magnitude", "mag", "magpsf", "psfmag", "calmag", "apmag", "magap"),
    "brightness_error": (
        "brightnesserror", "brightnesserr", "magnitudeerror", "magnitudeerr", "magerr", "magerror", "errmag",
        "errormag", "emag", "emagnitude", "dmag", "sigmag", "sigmamag", "sigmapsf", "magsigma", "magunc", "merr",
        "psfmagerr", "uncertainty", "unc", "error", "err", "sigma",
    ),
    "limit": (
        "limit", "upperlimit", "limitingmagnitude", "limitingmag", "limmag", "maglim", "maglimit", "magnitudelimit",
        "diffmaglim", "detectionlimit", "ul",
    ),
    "is_limit": ("islimit", "isupperlimit", "limitflag", "upperlimitflag", "nondetection", "isnondetection"),
    "bandpass": ("bandpass", "filter", "band", "passband", "filtername", "filt"),
    "unit": ("unit", "units", "brightnessunit", "magunit"),
    "exposure_time": ("exposuretime", "exptime", "exposure", "texp", "expt"),
    "telescope": ("telescope", "tel", "telescopename"),
    "instrument": ("instrument", "inst", "instrumentname", "instr", "camera"),
    "reduction_version": ("reductionversion", "redversion", "pipelineversion"),
    "source_name": ("sourcename", "source"),
    "source_location": ("sourcelocation", "sourceurl"),
}  # fmt: skip
_FLUX: Mapping[str, tuple[str, ...]] = {
    "brightness": ("flux", "fluxdensity", "psfflux"),
    "brightness_error": ("fluxerr", "fluxerror", "eflux", "dflux", "fluxunc", "sigmaflux", "psffluxerr"),
}


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which column holds what, by index. What is in ``extra`` is kept under the column's own name."""

    names: tuple[str, ...]
    time: int
    scale: TimeScale
    fields: Mapping[str, int]
    """Fields of :class:`~bridge.events.Point`, and ``is_limit`` for a flag that marks limits."""
    extra: tuple[int, ...]
    is_flux: bool = False

    def named(self, field: str) -> str:
        """Return the name of the column that holds ``field``, for messages."""
        index = self.time if field == "timestamp" else self.fields.get(field)
        return field if index is None else self.names[index]


def recognise(names: Sequence[str], *, given: Mapping[str, str]) -> Columns:
    """Return which column is what. ``given`` holds the fields whose value comes from outside the table.

    ValueError says what is missing, and by which name it would be known.
    """
    plain = [_NO_LETTER.sub("", _IN_BRACKETS.sub("", name.lower())) for name in names]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"two columns are named {twice!r}; rename one")
    time, scale = _time(plain, names)
    fields = {field: index for field, known in _NAMES.items() if (index := _first(plain, known)) is not None}
    is_flux = False
    if "brightness" not in fields and (flux := _first(plain, _FLUX["brightness"])) is not None:
        is_flux, fields["brightness"] = True, flux
        if (error := _first(plain, _FLUX["brightness_error"])) is not None:
            fields["brightness_error"] = error
    if "brightness" not in fields and "limit" not in fields:
        raise ValueError(f"no column holds a brightness or a limit (found: {', '.join(names)}); name one 'magnitude'")
    if "bandpass" not in fields and "bandpass" not in given:
        raise ValueError(
            f"no column holds the filter (found: {', '.join(names)}); name one 'filter', or say --bandpass"
        )
    used = {time, *fields.values()}
    extra = tuple(index for index, name in enumerate(names) if index not in used and name)
    return Columns(names=tuple(names), time=time, scale=scale, fields=fields, extra=extra, is_flux=is_flux)


def _time(plain: Sequence[str], names: Sequence[str]) -> tuple[int, TimeScale]:
    for scale, known in ((TimeScale.MJD, _MJD), (TimeScale.JD, _JD), (TimeScale.ANY, _ANY_TIME)):
        if (index := _first(plain, known)) is not None:
            return index, scale
    if (index := _first(plain, _OTHER_CLOCKS)) is not None:
        raise ValueError(f"{names[index]!r} is not UTC at the observatory; add a column 'mjd' or 'jd' in UTC")
    raise ValueError(f"no column holds the time (found: {', '.join(names)}); name one 'mjd', 'jd' or 'timestamp'")


def _first(plain: Sequence[str], known: Sequence[str]) -> int | None:
    """Return the index of the column that has the foremost of the ``known`` names."""
    return next((plain.index(name) for name in known if name in plain), None)
