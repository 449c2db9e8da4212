"""What Hermes' REST API refuses of a row that its topics take.

It takes a zero for nothing at all, and has closed lists where readers take any text. One wrong row refuses the whole
message; so what is refused for a value that readers can do without goes without it, as it travels inside all the same.

Source: the validation of ``submit_message/`` (LCOGT/hermes 6708389), tried.
"""

from bridge.events import Kind
from bridge.hermes.rows import Row

_CHOICES = {
    "flux_type": {"Fλ", "Flambda", "Fν", "Fnu"},
    "spec_type": {"Object", "Other", "Host", "Synthetic", "Sky", "Arcs"},
}
_NUMBERS = ("proprietary_period",)
_OF_DISCOVERIES = {
    "transient_type": {
        "PSN - Possible SN", "NUC - Possibly nuclear", "PNV - Possible Nova", "AGN - Known AGN",
        "FRB - Fast Radio Burst event", "Other - Undefined",
    },
    "proprietary_period_units": {"Days", "Months", "Years"},
}  # fmt: skip


def fitting_datum(kind: Kind, row: Row) -> Row:
    """Return the row of a datum without what would refuse its message. ValueError: it can't go at all."""
    if not (row.get("telescope") or row.get("instrument")):
        raise ValueError("Hermes' REST API takes no datum without telescope and instrument")
    if kind is Kind.PHOTOMETRY and not row.get("bandpass"):
        raise ValueError("Hermes' REST API takes no brightness without a bandpass")
    if kind is Kind.PHOTOMETRY and not (row.get("brightness") or row.get("limiting_brightness")):
        raise ValueError("Hermes' REST API takes a brightness of 0.0 for none")
    return {name: value for name, value in row.items() if _fits(name, value, _CHOICES)}


def fitting_target(row: Row) -> Row:
    """Return the row of a target without what would refuse its message. ValueError: it can't go at all."""
    elements = row.get("orbital_elements")
    if isinstance(elements, dict):
        minor_planet = elements.get("semimajor_axis") and elements.get("mean_anomaly")
        comet = elements.get("perihelion_distance") and elements.get("epoch_of_perihelion")
        if not (minor_planet or comet):
            raise ValueError(
                "Hermes' REST API wants semimajor axis and mean anomaly, or perihelion distance and epoch of"
                " perihelion, and takes 0.0 for none"
            )
    discovery = row.get("discovery_info")
    if not isinstance(discovery, dict):
        return row
    kept = {name: value for name, value in discovery.items() if _fits(name, value, _OF_DISCOVERIES)}
    return row | {"discovery_info": kept}


def _fits(name: str, value: object, choices: dict[str, set[str]]) -> bool:
    if name in _NUMBERS:
        try:
            float(str(value))
        except ValueError:
            return False
    return name not in choices or value in choices[name]
