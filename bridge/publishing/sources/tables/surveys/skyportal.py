"""Photometry of SkyPortal and Fritz (https://skyportal.io/docs/api.html), in a magnitude system that it names.

Without a magnitude a row is a limit of ``limiting_mag``. A flux with its zero point in AB becomes microjanskys.
"""

from bridge.publishing.sources.tables.elements.cells import is_empty
from bridge.publishing.sources.tables.elements.units import system_of
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.surveys.survey import (
    Cells,
    Fields,
    Left,
    Survey,
    Wrong,
    number,
    optional,
    positive,
)

_ZERO_POINT_UJY = 23.9
_MAY = words(
    "id obj_id ra dec ra_unc dec_unc filter mjd snr magsys mag magerr limiting_mag flux fluxerr zp "
    "ref_flux ref_fluxerr ref_zp magref e_magref mag_corr magerr_corr instrument_id instrument_name "
    "origin altdata created_at modified owner groups streams annotations validations stream_ids "
    "duplicates tot_mag tot_magerr magtot e_magtot extinction assignment_id Delete alert_id label "
    "owner_id ref_mag ref_magerr name"
)


def _common(cells: Cells) -> tuple[dict[str, object], set[str]]:
    system = system_of(cells["magsys"])
    if system is None:
        raise Wrong("magsys", f"{cells['magsys'][:40]!r} is no magnitude system that is known")
    fields: dict[str, object] = {"bandpass": cells["filter"], "unit": system}
    used = {"mjd", "filter", "magsys"}
    for column, field in (("instrument_name", "instrument"), ("origin", "source_name")):
        if not is_empty(cells.get(column, "")):
            fields[field] = cells[column]
            used.add(column)
    return fields, used


def _magnitude_row(cells: Cells) -> Fields:
    fields, used = _common(cells)
    limit = optional(cells, "limiting_mag", "magnitude")
    if limit is not None:
        fields["limit"] = limit
        used.add("limiting_mag")
    if is_empty(cells["mag"]):
        if limit is None:
            raise Left("neither a magnitude nor a limit")
        return fields, frozenset(used)
    fields["brightness"] = number(cells, "mag", "magnitude")
    if not is_empty(cells["magerr"]):
        fields["brightness_error"] = positive(cells, "magerr", "error of a magnitude")
    return fields, frozenset(used | {"mag", "magerr"})


def _flux_row(cells: Cells) -> Fields:
    fields, used = _common(cells)
    if fields["unit"] != "AB":
        raise Wrong("magsys", "only fluxes with an AB zero point can be published; download magnitudes")
    if is_empty(cells["flux"]):
        raise Left("no flux was measured")
    factor = 10 ** (-0.4 * (number(cells, "zp", "zero point") - _ZERO_POINT_UJY))
    fields |= {
        "unit": "uJy",
        "brightness": number(cells, "flux", "flux") * factor,
        "brightness_error": positive(cells, "fluxerr", "error of a flux") * factor,
    }
    return fields, frozenset(used)


SURVEYS = (
    Survey(
        name="skyportal",
        title="SkyPortal magnitudes",
        needs=words("obj_id mjd filter mag magerr limiting_mag magsys"),
        may=_MAY - {"flux", "fluxerr", "zp"},
        time="mjd",
        read_row=_magnitude_row,
        roles={
            "filter": "bandpass",
            "mag": "brightness, magnitudes",
            "magerr": "its error",
            "limiting_mag": "limit, magnitudes",
            "magsys": "magnitude system",
            "instrument_name": "instrument",
            "origin": "source_name",
        },
        one_of=frozenset({"obj_id"}),
    ),
    Survey(
        name="skyportal",
        title="SkyPortal fluxes",
        needs=words("obj_id mjd filter flux fluxerr zp magsys"),
        may=_MAY - {"mag", "magerr", "limiting_mag"},
        time="mjd",
        read_row=_flux_row,
        roles={
            "filter": "bandpass",
            "flux": "brightness, as uJy",
            "fluxerr": "its error",
            "zp": "zero point",
            "magsys": "magnitude system",
            "instrument_name": "instrument",
            "origin": "source_name",
        },
        one_of=frozenset({"obj_id"}),
    ),
)
