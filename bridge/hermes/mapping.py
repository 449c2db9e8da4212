"""The table of fields between events and Hermes' messages, in both directions: the one place that knows it.

A row says of one field its name on both sides, its unit, what is lost each way, and where that is written. Fields that
correspond one to one have functions that read and write a value (:mod:`bridge.hermes.values`); a rule of several fields
stands in :mod:`bridge.hermes.incoming` or :mod:`bridge.hermes.rows` and has its row here all the same.
``docs/hermes.md`` shows the table as :func:`as_markdown` writes it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from bridge.hermes import units, values
from bridge.hermes.values import given

HERMES = "Hermes `submit_message/` (LCOGT/hermes 6708389), tried"
KAFKA = "records of Hermes and of hop-client 0.13.0, tried"
TOOLKIT = "TOM Toolkit 3.1 `BaseTarget`"
EMBEDDED = "inside"
"""What has no place in a message of Hermes travels inside it (:mod:`bridge.hermes.embedded`)."""
_INSIDE = f"{EMBEDDED} alone"
_NOT_SAID = "–"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field on both sides."""

    ours: str
    """The field of the event; several where one rule is of several, empty where events have none."""
    theirs: str
    """The key of Hermes' row, or of its message; empty where it has none."""
    unit: str = ""
    read: Callable[[object], Any] | None = None
    """Returns Hermes' value as the event's, or raises ValueError; None: :mod:`bridge.hermes.incoming` has the rule."""
    write: Callable[[Any], JsonValue] | None = None
    """Returns the event's value as Hermes'; None: :mod:`bridge.hermes.rows` has the rule."""
    out: str = ""
    """What is lost or changed on the way to Hermes; empty: nothing."""
    back: str = ""
    """What is lost or changed on the way from Hermes; empty: nothing."""
    source: str = HERMES


def _same(value: Any) -> Any:
    return value


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _epoch(value: float) -> str:
    return repr(values.year(value))


def _one(ours: str, theirs: str, unit: str = "", **rest: Any) -> Field:
    """Return a field whose value is a number on both sides."""
    return Field(ours=ours, theirs=theirs, unit=unit, read=values.number, write=_same, **rest)


def _text(ours: str, theirs: str, **rest: Any) -> Field:
    return Field(ours=ours, theirs=theirs, read=values.text, write=_same, **rest)


def _inside(*ours: str, unit: str = "", **rest: Any) -> tuple[Field, ...]:
    return tuple(Field(ours=one, theirs="", unit=unit, out=_INSIDE, back=_NOT_SAID, **rest) for one in ours)


MESSAGE = (
    Field(
        ours="id",
        theirs="header `_id`",
        out=f"{EMBEDDED}; a message has an id of its own, made of those of its events",
        back="one message is several events: each has an id made of `_id`, its section and its target's name",
        source=KAFKA,
    ),
    Field(ours="share_id", theirs="header `_id`", out=_INSIDE, source=KAFKA),
    Field(
        ours="origin, origin_name",
        theirs="header `_sender`",
        out=_INSIDE,
        back="`hermes.<sender>`, shown as `Hermes: <sender>`: a claim, which nobody proves",
        source=KAFKA,
    ),
    Field(ours="installation", theirs="", out=_INSIDE, back="one for all of Hermes"),
    Field(ours="shared_by", theirs="submitter", out="the origin where it is empty", back="cut at 150 characters"),
    Field(
        ours="shared_at", theirs="time of the record", unit="UTC", out=_INSIDE, back="the stream's time", source=KAFKA
    ),
    Field(
        ours="title", theirs="title", out="made of the targets' names where it is empty", back="cut at 500 characters"
    ),
    Field(ours="message", theirs="message_text", back="cut at 10,000 characters"),
    Field(ours="acknowledgement", theirs="authors", back="cut at 2,000 characters"),
    Field(
        ours="references",
        theirs="data.references",
        out="an address is a `url`, any other a `citation` of the source `reference`",
        back="the address, else `source: citation`; cut at 500 characters, 50 of them",
    ),
    Field(ours="replaces", theirs="", out=_INSIDE, back=_NOT_SAID),
    Field(ours="", theirs="data.event_id", out=_NOT_SAID, back="one of the references: `event_id: S230518h`"),
    Field(ours="", theirs="other keys of data", out=_NOT_SAID, back="lost"),
)
"""The envelope of an event, and what stands around the rows of a message."""

TARGET = (
    _text("name", "name", back="one over 100 characters is refused"),
    Field(ours="aliases", theirs="aliases", back="one over 100 characters refuses its target"),
    Field(
        ours="type",
        theirs="ra and dec, or orbital_elements",
        back="both: NON_SIDEREAL, with both; neither: rows know their target by name alone",
    ),
    Field(
        ours="ra",
        theirs="ra",
        unit="degrees",
        read=values.degrees,
        write=_same,
        back="sexagesimal: the target is refused",
    ),
    Field(
        ours="dec",
        theirs="dec",
        unit="degrees",
        read=values.degrees,
        write=_same,
        back="sexagesimal: the target is refused",
    ),
    Field(
        ours="epoch",
        theirs="epoch",
        unit="Julian years",
        read=values.year,
        write=_epoch,
        out="a target with one outside the years 1000 to 3000 is left out",
        back="Hermes' default 2000.0 can't be told from a said one; of orbital elements it is not taken; "
        "one outside the years 1000 to 3000 refuses its target",
    ),
    Field(
        ours="pm_ra, pm_dec",
        theirs="pm_ra, pm_dec",
        unit="mas/yr; arcsec/yr by Hermes' documents, mas/yr as TOMs send it",
        out="in arcsec/yr",
        back="by `proper_motion` of the subscription; without it only 0 is taken, and the rest told",
    ),
    Field(
        ours="distance, distance_err",
        theirs="distance, distance_error, distance_units",
        unit="pc",
        back="converted; without a unit, or with one unknown, it is a further value",
    ),
    *_inside("parallax", unit="mas", source=TOOLKIT),
    *_inside("galactic_lng", "galactic_lat", unit="degrees", source=TOOLKIT),
    *_inside("mean_daily_motion", unit="degrees/day", source=TOOLKIT),
    *_inside(
        "ephemeris_period", "ephemeris_period_err", "ephemeris_epoch", "ephemeris_epoch_err",
        unit="days", source=TOOLKIT,
    ),
    *_inside("abs_mag", "slope", unit="magnitudes", source=TOOLKIT),
    Field(
        ours="extras",
        theirs="redshift, host_name, host_redshift, comments, group_associations, discovery_info, ...",
        out=f"the named ones; all others {_INSIDE}",
        back="each an extra, as JSON where it is no text; `new_discovery` false and units of nothing are left out",
    ),
)  # fmt: skip
"""A target, and a row of ``data.targets``."""

ELEMENTS = (
    Field(
        ours="scheme",
        theirs="",
        out=_INSIDE,
        back="MPC_MINOR_PLANET where there is a semimajor axis, else MPC_COMET",
        source=TOOLKIT,
    ),
    Field(ours="extras", theirs="...", out=_NOT_SAID, back="every other key, as JSON in the extra `orbital_elements`"),
    Field(
        ours="epoch_of_elements",
        theirs="epoch_of_elements",
        unit="MJD",
        read=values.mjd,
        write=values.mjd_text,
        out="as text; before 1899 the target is left out",
    ),
    _one("inclination", "orbital_inclination", "degrees"),
    _one("lng_asc_node", "longitude_of_the_ascending_node", "degrees"),
    _one("arg_of_perihelion", "argument_of_the_perihelion", "degrees"),
    _one("eccentricity", "eccentricity"),
    _one("semimajor_axis", "semimajor_axis", "au"),
    _one("mean_anomaly", "mean_anomaly", "degrees"),
    _one("perihdist", "perihelion_distance", "au"),
    Field(
        ours="epoch_of_perihelion",
        theirs="epoch_of_perihelion",
        unit="MJD",
        read=values.mjd,
        write=values.mjd_text,
        out="as text; before 1899 the target is left out",
    ),
)
"""Of a target without a fixed position, and ``orbital_elements`` in its row."""

_ROW = (
    Field(ours="target", theirs="target_name", out="the name alone; the rest in the target's row"),
    Field(
        ours="timestamp",
        theirs="date_obs",
        unit="UTC",
        read=values.moment,
        write=_iso,
        back="ISO 8601 (no zone: UTC; a day alone: its begin, kept as said), MJD and JD to the millisecond; "
        "any other text refuses the row",
    ),
    _text("telescope", "telescope"),
    _text("instrument", "instrument"),
    Field(ours="reduction_version", theirs="", out=_INSIDE, back=_NOT_SAID),
    Field(ours="source_name", theirs="", out=_INSIDE, back="`Hermes:<topic>`"),
    Field(ours="source_location", theirs="", out=_INSIDE, back="the address of the message"),
)

POINT = (
    *_ROW,
    _text("bandpass", "bandpass", back="one over 32 characters refuses the row"),
    Field(ours="brightness", theirs="brightness", unit="of `unit`", read=values.number),
    Field(ours="brightness_error", theirs="brightness_error", unit="of `unit`", read=values.number),
    Field(ours="limit", theirs="limiting_brightness", unit="of `unit`", read=values.number),
    Field(
        ours="unit",
        theirs="brightness_unit, limiting_brightness_unit",
        out="no unit and no system become `AB mag`, Hermes' default; Jy, µJy and nJy become mJy; "
        "a point with a unit that Hermes doesn't have is left out",
        back="in the words of tables: `AB`, `Vega`; "
        "the first of a brightness, of a limit alone whichever is not the default; where a limit beside a "
        "brightness has another, the limit is a further value",
    ),
    _one("exposure_time", "exposure_time", "s"),
    Field(
        ours="extra",
        theirs="observer, comments, catalog, ...",
        out=f"these where they are texts; all others {_INSIDE}",
        back="every other key of the row",
    ),
)
"""A photometric point, and a row of ``data.photometry``."""

SPECTRUM = (
    *_ROW,
    Field(ours="wavelength", theirs="wavelength", unit="of `wavelength_unit`", read=values.numbers, write=list),
    Field(
        ours="flux",
        theirs="flux",
        unit="of `flux_unit`",
        read=values.numbers,
        back="a row without one, of files alone, is ignored with their addresses",
    ),
    Field(ours="error", theirs="flux_error", unit="of `flux_unit`", read=values.numbers),
    Field(
        ours="wavelength_unit",
        theirs="wavelength_units",
        read=units.ours,
        write=units.wavelength,
        out="a spectrum without one, or with one that Hermes doesn't have, is left out",
        back="in the words of astropy: `Angstrom`, `erg / (Angstrom s cm2)`; others as said",
    ),
    Field(
        ours="flux_unit",
        theirs="flux_units",
        read=units.ours,
        out="Jy, µJy and nJy become mJy; a spectrum without one, or with one that Hermes doesn't have, is left out",
        back="in the words of astropy: `Angstrom`, `erg / (Angstrom s cm2)`; others as said",
    ),
    _text("setup", "setup"),
    _one("exposure_time", "exposure_time", "s"),
    Field(
        ours="extra",
        theirs="observer, reducer, classification, spec_type, flux_type, comments, ...",
        out=f"these where they are texts; all others {_INSIDE}",
        back="every other key of the row",
    ),
)
"""A spectrum, and a row of ``data.spectroscopy``."""

POSITION = (
    *_ROW,
    Field(ours="ra", theirs="ra", unit="degrees", read=values.degrees, write=_same),
    Field(ours="dec", theirs="dec", unit="degrees", read=values.degrees, write=_same),
    _one("ra_error", "ra_error", "of `ra_error_units`"),
    _one("dec_error", "dec_error", "of `dec_error_units`"),
    Field(
        ours="ra_error_units",
        theirs="ra_error_units",
        read=values.text,
        write=units.angle,
        out="no unit becomes degrees; a position with one that Hermes doesn't have is left out",
        back="only where there is an error",
    ),
    Field(
        ours="dec_error_units",
        theirs="dec_error_units",
        read=values.text,
        write=units.angle,
        out="no unit becomes degrees; a position with one that Hermes doesn't have is left out",
        back="only where there is an error",
    ),
    Field(
        ours="extra",
        theirs="observer, mpc_sitecode, catalog, comments, ...",
        out=f"these where they are texts; all others {_INSIDE}",
        back="every other key of the row",
    ),
)
"""A measured position, and a row of ``data.astrometry``."""

OTHERS = (
    Field(ours="TargetList", theirs="", out="not carried: share its targets", back="several targets are never a list"),
    Field(ours="ReducedData", theirs="", out="not carried", back=_NOT_SAID),
    Field(
        ours="DataProduct",
        theirs="file_info",
        out="not carried",
        back="addresses are further values; no file is fetched",
    ),
)
"""Kinds of events that Hermes' messages have no rows for."""

TABLE: Mapping[str, tuple[Field, ...]] = {
    "The message": MESSAGE,
    "`targets`": TARGET,
    "`orbital_elements` of a target": ELEMENTS,
    "`photometry`": POINT,
    "`spectroscopy`": SPECTRUM,
    "`astrometry`": POSITION,
    "Other kinds": OTHERS,
}
"""All of it, as documents show it."""

NAMED_EXTRAS: Mapping[str, Callable[[object], float | str]] = {
    "redshift": values.number,
    "host_redshift": values.number,
    "host_name": values.text,
    "comments": values.text,
}
"""Extras of a target that have a place in Hermes' row, and what they have to be there."""
NAMED_FREE = frozenset({
    "observer", "reducer", "classification", "spec_type", "flux_type", "comments", "catalog", "mpc_sitecode",
})  # fmt: skip
"""Further values of a datum that have a place in Hermes' rows, where they are texts."""
_FREE_OF = {
    "photometry": frozenset({"observer", "comments", "catalog"}),
    "spectroscopy": NAMED_FREE - {"catalog", "mpc_sitecode"},
    "astrometry": frozenset({"observer", "comments", "catalog", "mpc_sitecode"}),
}


def free_of(section: str) -> frozenset[str]:
    """Return the further values that rows of a section (``photometry``) have a place for."""
    return _FREE_OF[section]


def read_fields(row: Mapping[str, JsonValue], fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return what ``row`` says, by the names of the event, of all fields that correspond one to one."""
    found = {}
    for field in fields:
        value = given(row, field.theirs)
        if field.read is not None and value is not None:
            found[field.ours] = values.of(field.theirs, field.read, value)
    return found


def write_fields(model: object, fields: tuple[Field, ...]) -> dict[str, JsonValue]:
    """Return what ``model`` says, by Hermes' names, of all fields that correspond one to one."""
    found: dict[str, JsonValue] = {}
    for field in fields:
        value = getattr(model, field.ours, None) if field.write is not None else None
        if field.write is not None and not values.is_empty(value) and value != ():
            found[field.theirs] = values.of(field.ours, field.write, value)
    return found


def keys_of(fields: tuple[Field, ...]) -> frozenset[str]:
    """Return the keys of a row that these fields read one to one."""
    return frozenset(field.theirs for field in fields if field.read is not None)


def as_markdown() -> str:
    """Return the table as a document shows it."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    for section, fields in TABLE.items():
        yield from (
            "",
            f"### {section}",
            "",
            "| event | Hermes | unit | to Hermes | from Hermes | source |",
            "|" + "---|" * 6,
        )
        for one in fields:
            cells = (_coded(one.ours), _coded(one.theirs), one.unit, one.out or "same", one.back or "same", one.source)
            yield f"| {' | '.join(cells)} |"


def _coded(names: str) -> str:
    plain = " " not in names.replace(", ", "") and "`" not in names
    return ", ".join(f"`{name}`" for name in names.split(", ")) if names and plain else names or _NOT_SAID
