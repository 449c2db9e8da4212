"""A datum as TOM Toolkit's API takes and shows it: a data type and a free dictionary, ``value``.

From 3.1 on known keys of ``value`` become columns (``tom_dataproducts.models.try_parse_reduced_datum``), and the list
shows only some of them. Before, ``value`` is a free dictionary that is kept and shown as it was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from bridge.events import KINDS, TYPED, Datum, Kind, Point, Position, ReducedDatum, Spectrum
from bridge.tom.compare import RULES
from bridge.tom.port import ExistingDatum
from bridge.tom.reserved import kept, source_of

Shown = Mapping[str, Any]
"""A datum as the API shows it."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """By which keys of ``value`` the fields of one kind are known."""

    datum: type[Datum]
    fields: tuple[str, ...]
    """The fields that travel in ``value``, beside the further values."""
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other keys under which a field is found, the likeliest first."""
    before_3_1: Mapping[str, str] = field(default_factory=dict)
    """What the pages of 2.32 read, and its processors write."""
    hidden: frozenset[str]
    """What the list of 3.1 does not show (``ReducedDatumSerializer._get_typed_value``)."""


_COMMON = ("telescope", "instrument", "reduction_version")
WORDS: Mapping[Kind, Words] = {
    Kind.PHOTOMETRY: Words(
        datum=Point,
        fields=("bandpass", "brightness", "brightness_error", "limit", "unit", "exposure_time", *_COMMON),
        synonyms={
            "brightness": ("magnitude", "mag"),
            "brightness_error": ("error", "magnitude_error", "mag_err"),
            "bandpass": ("filter", "band", "f"),
        },
        before_3_1={"brightness": "magnitude", "brightness_error": "error", "bandpass": "filter"},
        hidden=frozenset({"limit", "exposure_time", "reduction_version"}),
    ),
    Kind.SPECTROSCOPY: Words(
        datum=Spectrum,
        fields=(
            "wavelength", "flux", "error", "wavelength_unit", "flux_unit", "setup", "exposure_time", *_COMMON,
        ),
        synonyms={
            "flux": ("f",),
            "wavelength": ("wave", "wl", "lambda"),
            "error": ("err", "flux_error", "f_error"),
            "flux_unit": ("flux_units", "f_unit", "f_units"),
            "wavelength_unit": ("wavelength_units", "w_unit", "w_units", "lambda_unit", "lambda_units"),
        },
        before_3_1={"flux_unit": "flux_units", "wavelength_unit": "wavelength_units"},
        hidden=frozenset({"setup", "exposure_time", "reduction_version"}),
    ),
    Kind.ASTROMETRY: Words(
        datum=Position,
        fields=("ra", "dec", "ra_error", "dec_error", "ra_error_units", "dec_error_units", *_COMMON),
        synonyms={
            "ra": ("right_ascension", "ra_deg"),
            "dec": ("declination", "dec_deg"),
            "ra_error": ("right_ascension_error", "ra_err"),
            "dec_error": ("declination_error", "dec_err"),
            "ra_error_units": ("ra_err_units",),
            "dec_error_units": ("dec_err_units",),
        },
        hidden=frozenset({"reduction_version"}),
    ),
    Kind.REDUCED_DATUM: Words(datum=ReducedDatum, fields=_COMMON, hidden=frozenset(_COMMON)),
}  # fmt: skip

NUMBERS = frozenset(["brightness", "brightness_error", "limit", "exposure_time", "ra", "dec", "ra_error", "dec_error"])
"""The fields that are numbers."""
ARRAYS = frozenset(["wavelength", "flux", "error"])
"""The fields of a spectrum that are many numbers."""


def data_type_of(datum: Datum) -> str:
    """Return the data type of ``datum`` in TOM Toolkit's words."""
    return datum.data_type if isinstance(datum, ReducedDatum) else KINDS[type(datum)].value


def kind_of(shown: Shown) -> Kind:
    """Return the kind of event that carries a datum of the list."""
    return TYPED.get(str(shown.get("data_type", "")).lower(), Kind.REDUCED_DATUM)


def value_of(datum: Datum, *, typed: bool) -> dict[str, JsonValue]:
    """Return what is sent as the ``value`` of ``datum``: without what is absent; 0.0 is a value."""
    words = WORDS[KINDS[type(datum)]]
    keys = {} if typed else words.before_3_1
    known = {keys.get(name, name): getattr(datum, name) for name in words.fields}
    return {key: value for key, value in known.items() if value not in (None, "", ())} | kept(datum)


def row_of(shown: Shown, *, typed: bool) -> ExistingDatum | None:
    """Return a datum of the list as a row; None where its ``value`` is no dictionary."""
    value = shown.get("value")
    if not isinstance(value, Mapping):
        return None
    kind = kind_of(shown)
    words = WORDS[kind]
    values: dict[str, Any] = {name: _field(value, name, words) for name in words.fields}
    values["timestamp"] = datetime.fromisoformat(shown["timestamp"])
    if kind is Kind.REDUCED_DATUM:
        values |= {"data_type": str(shown["data_type"]), "value": further(shown)}
    return ExistingDatum(
        kind=kind,
        values={name: values[name] for name in RULES[kind].fields},
        hidden=words.hidden if typed else frozenset(),
        source=source_of(value),
    )


def fields_of(shown: Shown, *, typed: bool) -> dict[str, Any] | None:
    """Return a datum of the list by the field names of its kind, as far as it is shown; None as :func:`row_of`."""
    row = row_of(shown, typed=typed)
    if row is None:
        return None
    fields = {name: value for name, value in row.values.items() if value is not None and name not in row.hidden}
    fields |= {name: str(shown.get(name) or "") for name in ("source_name", "source_location")}
    free = WORDS[row.kind].datum.FREE
    return fields | {free: further(shown)}


def further(shown: Shown) -> dict[str, JsonValue]:
    """Return what ``value`` has beside the fields of its kind; nothing where the list doesn't show it."""
    words = WORDS[kind_of(shown)]
    known = {*words.fields, *(key for keys in words.synonyms.values() for key in keys)}
    return {key: value for key, value in shown["value"].items() if key not in known}


def _field(value: Shown, name: str, words: Words) -> Any:
    found = next((value[key] for key in (name, *words.synonyms.get(name, ())) if key in value), None)
    if name in ARRAYS and words.datum is Spectrum:
        return _numbers(found)
    if name in NUMBERS:
        return _number(found)
    return str(found or "")


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _numbers(value: Any) -> tuple[float | None, ...]:
    return tuple(_number(one) for one in value) if isinstance(value, list | tuple) else ()
