"""One target, one datum as a row of Hermes, or why it can't be one. The rules of single fields are the mapping's."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from bridge.events import Datum, Kind, Point, Position, Spectrum, Target, TargetReference, TargetType
from bridge.hermes import units, values
from bridge.hermes.mapping import ELEMENTS, NAMED_EXTRAS, POINT, POSITION, SPECTRUM, TARGET, free_of, write_fields

Row = dict[str, JsonValue]
_JSON_EXTRAS = ("group_associations", "discovery_info")
"""Extras that are JSON in Hermes' row."""


def target_row(target: Target | TargetReference) -> Row:
    """Return the row of a target. ValueError: Hermes has no way to say where it is."""
    row: Row = {"name": target.name}
    if target.aliases:
        row["aliases"] = list(target.aliases)
    if target.type is TargetType.NON_SIDEREAL:
        if not isinstance(target, Target):
            raise ValueError("it has orbital elements, which its data don't carry: share the target as well")
        row["orbital_elements"] = write_fields(target, ELEMENTS)
    elif target.ra is None or target.dec is None:
        raise ValueError("its position is not known, and Hermes takes no target without one")
    row |= write_fields(target, TARGET)
    if isinstance(target, Target):
        row |= _motion_and_distance(target) | _named(target.extras)
    return row


def _motion_and_distance(target: Target) -> Row:
    row: Row = {}
    for name in ("pm_ra", "pm_dec"):
        if (motion := getattr(target, name)) is not None:
            row[name] = motion / 1000
    if target.distance is not None:
        row |= {"distance": target.distance, "distance_units": "pc"}
        if target.distance_err is not None:
            row["distance_error"] = target.distance_err
    return row


def _named(extras: Mapping[str, str]) -> Row:
    """Return the extras that Hermes' row has a place for, where they are what Hermes wants there."""
    row: Row = {}
    for name, read in NAMED_EXTRAS.items():
        try:
            if name in extras:
                row[name] = read(extras[name])
        except ValueError:
            continue  # it travels inside
    for name in _JSON_EXTRAS:
        try:
            found = json.loads(extras.get(name, ""), parse_constant=_refused)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, list if name == "group_associations" else dict):
            row[name] = found
    return row


def _refused(constant: str) -> None:
    raise ValueError(constant)


def datum_row(kind: Kind, target_name: str, datum: Datum) -> Row:
    """Return the row of a datum. ValueError: Hermes has no word for what it says."""
    match datum:
        case Point():
            row = write_fields(datum, POINT) | _brightness(datum)
        case Spectrum():
            row = write_fields(datum, SPECTRUM) | _flux(datum)
        case Position():
            row = write_fields(datum, POSITION) | _angles(datum)
        case _:
            raise ValueError(f"Hermes has no rows for a {kind}")
    named = free_of(str(kind))
    free: Row = {key: value for key, value in datum.free.items() if key in named and isinstance(value, str) and value}
    return {"target_name": target_name} | row | free


def assumptions(datum: Datum) -> list[str]:
    """Return what the row of a datum says that the datum doesn't, for people."""
    match datum:
        case Point() if units.says_no_system(datum.unit):
            return [f"nothing is said of the brightness' unit or system; it goes as {units.AB_MAG}, Hermes' default"]
        case Position():
            unsaid = [
                name for name in ("ra_error", "dec_error")
                if getattr(datum, name) is not None and not getattr(datum, f"{name}_units").strip()
            ]  # fmt: skip
            return [f"nothing is said of the unit of {name}; it goes as degrees" for name in unsaid]
        case _:
            return []


def _brightness(point: Point) -> Row:
    unit, factor = units.brightness(point.unit)
    numbers = {
        "brightness": point.brightness, "brightness_error": point.brightness_error, "limiting_brightness": point.limit,
    }  # fmt: skip
    row: Row = {name: _scaled(value, factor) for name, value in numbers.items() if value is not None}
    row["brightness_unit"] = unit  # readers of TOM Toolkit 2.32 die of a row without it
    if point.limit is not None:
        row["limiting_brightness_unit"] = unit
    return row


def _flux(spectrum: Spectrum) -> Row:
    unit, factor = units.flux(spectrum.flux_unit)
    wavelength_unit = units.wavelength(spectrum.wavelength_unit)
    row: Row = {"flux": _all_scaled(spectrum.flux, factor), "flux_units": unit, "wavelength_units": wavelength_unit}
    if spectrum.error:
        row["flux_error"] = _all_scaled(spectrum.error, factor)
    return row


def _angles(position: Position) -> Row:
    return {
        f"{name}_units": units.angle(getattr(position, f"{name}_units"))
        for name in ("ra_error", "dec_error")
        if getattr(position, name) is not None
    }


def _scaled(value: float, factor: float) -> float:
    return value if factor == 1.0 else values.number(value * factor)


def _all_scaled(numbers: tuple[float, ...], factor: float) -> list[Any]:
    return [_scaled(one, factor) for one in numbers]
