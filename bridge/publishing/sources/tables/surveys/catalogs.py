"""Photometry of the Open Astronomy Catalogs (https://github.com/astrocatalogs): JSON of an event, CSV of the API.

Times are MJD, as ``u_time`` says. ``upperlimit`` marks limits. What is no magnitude of the object (radio and X-ray
fluxes, the host, models, K- or S-corrected values) is left out and counted.
"""

from bridge.publishing.sources.tables.elements.cells import YES, is_empty
from bridge.publishing.sources.tables.elements.units import system_of
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.files.jsonfile import CATALOG
from bridge.publishing.sources.tables.surveys.survey import (
    UTC_MJD,
    Cells,
    Fields,
    Left,
    Survey,
    Wrong,
    number,
    positive,
)

_OTHER = {
    "host": "of the host",
    "model": "of a model",
    "realization": "of a model",
    "kcorrected": "K-corrected",
    "scorrected": "S-corrected",
    "mcorrected": "corrected for the Milky Way",
}
_FIELDS = {"instrument": "instrument", "telescope": "telescope", "source": "source_name"}


def _row(cells: Cells) -> Fields:
    for column, what in _OTHER.items():
        if not is_empty(cells.get(column, "")) and cells[column].lower() not in ("f", "false"):
            raise Left(what)
    if is_empty(cells.get("magnitude", "")):
        raise Left("no magnitude (radio, X-rays, or a flux)")
    if is_empty(cells.get("band", "")):
        raise Left("without a band")
    if cells.get("u_time", "MJD") not in ("MJD", ""):
        raise Wrong("u_time", f"times are in {cells['u_time'][:40]!r}; MJD is needed")
    fields: dict[str, object] = {"bandpass": cells["band"]}
    used = {"time", "u_time", "magnitude", "band"}
    for column, field in _FIELDS.items():
        if not is_empty(cells.get(column, "")):
            fields[field] = cells[column]
            used.add(column)
    if (system := system_of(cells.get("system", ""))) is not None:
        fields["unit"] = system
        used.add("system")
    value = number(cells, "magnitude", "magnitude")
    limit = cells.get("upperlimit", "").lower()
    if limit in YES:
        return {**fields, "limit": value}, frozenset(used | {"upperlimit"})
    if limit not in ("", "f", "false", "0"):
        raise Wrong("upperlimit", f"{limit[:40]!r} is neither T nor F")
    fields["brightness"] = value
    if not is_empty(cells.get("e_magnitude", "")):
        fields["brightness_error"] = positive(cells, "e_magnitude", "error of a magnitude")
        used.add("e_magnitude")
    return fields, frozenset(used | {"upperlimit"})


_ROLES = {
    "magnitude": "brightness, magnitudes, or a limit",
    "e_magnitude": "its error",
    "upperlimit": "whether it is a limit",
    "band": "bandpass",
    "telescope": "telescope",
    "instrument": "instrument",
    "source": "source_name",
    "system": "magnitude system",
}
SURVEYS = (
    Survey(
        name="oac", title="Open Astronomy Catalog", format=CATALOG, needs=frozenset({"time"}), may_match=r"[\w-]+",
        time="time", form=UTC_MJD, read_row=_row, roles=_ROLES,
    ),
    Survey(
        name="oac",
        title="Open Astronomy Catalog, CSV",
        needs=words("event time magnitude e_magnitude upperlimit band"),
        may=words("instrument telescope source u_time system e_lower_magnitude e_upper_magnitude"),
        time="time",
        form=UTC_MJD,
        read_row=_row,
        roles=_ROLES,
        one_of=frozenset({"event"}),
    ),
)  # fmt: skip
