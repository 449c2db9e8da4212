"""The Minor Planet Center's 80 columns of optical observations, as a table.

https://minorplanetcenter.net/iau/info/OpticalObs.html: the object in columns 1 to 12, how it was observed in 15, the
day in UTC with its part in 16 to 32, right ascension and declination of J2000 in 33 to 56, magnitude and band in 66 to
71, the observatory's code in 78 to 80.
"""

import re

from bridge.publishing.sources.tables.elements.table import Column, Row, Table

_LINE = re.compile(
    r"(?P<object>.{12}).{2}(?P<kind>.)(?P<year>(?:1[89]|20)\d\d) (?P<month>\d\d) (?P<day>\d\d\.\d{1,6}) *"
    r"(?P<ra>\d\d \d\d \d\d\.?\d{0,3}) *(?P<dec>[+-]\d\d \d\d \d\d\.?\d{0,2}) *(?P<mag>(?:\d\d?\.\d{0,2})?)"
    r" *[A-Za-z]? .*(?P<code>[A-Z\d]\d\d)"
)
_HEAD = re.compile(r"(?:COD|CON|OBS|MEA|TEL|ACK|AC2|NET|BND|NUM|COM)(?: .*)?")
"""Lines above the observations (https://minorplanetcenter.net/iau/info/ObsDetails.html); COM is a comment."""
_BANDS = 70
"""Where the band stands, counted from 0."""
_KINDS = frozenset(" PCBTen")
"""Photographs, CCD, CMOS, meridian circles, encoders, video frames: of one line, at the observatory, in J2000."""


def is_mpc(text: str) -> bool:
    """Return whether all lines of ``text`` are observations in 80 columns, below lines on who made them."""
    lines = [line.rstrip() for line in text.split("\n") if line.strip() and not _HEAD.fullmatch(line.rstrip())]
    return bool(lines) and all(len(line) == 80 and _LINE.fullmatch(line) for line in lines)


def read(text: str) -> Table:
    """Return the observations. Raises ValueError where one is of a satellite, by radar or of an older equinox."""
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if (found := _LINE.fullmatch(line.rstrip())) is None:
            continue
        if found["kind"] not in _KINDS:
            raise ValueError(
                f"line {number}: is an observation of kind {found['kind']!r} (column 15), of which other rules hold "
                "than of photographs and CCDs; leave it out, or write its right ascension and declination in a table"
            )
        cells = (
            found["object"].strip(),
            f"{found['year']}-{found['month']}-{found['day']}",
            found["ra"].replace(" ", ":"),
            found["dec"].replace(" ", ":"),
            line[65:70].strip(),
            line[_BANDS].strip(),
            found["code"],
        )
        rows.append(Row(place=f"line {number}", cells=cells))
    names = ("object", "date", "RA_J2000", "Dec_J2000", "mag", "band", "observatory code")
    return Table(
        format="MPC, 80 columns",
        columns=tuple(Column(name=name) for name in names),
        rows=rows,
        remarks=tuple(line.removeprefix("COM").strip() for line in text.split("\n") if line.startswith("COM ")),
        header_place="line 1",
    )
