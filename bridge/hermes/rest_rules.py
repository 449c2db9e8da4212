"""What Hermes' REST API refuses of a row that its topics take: it takes a zero for nothing at all.

Source: the validation of ``submit_message/`` (LCOGT/hermes 6708389), tried.
"""

from bridge.events import Kind
from bridge.hermes.rows import Row


def check_datum(kind: Kind, row: Row) -> None:
    """Raise ValueError for the row of a datum that would refuse its whole message."""
    if not (row.get("telescope") or row.get("instrument")):
        raise ValueError("Hermes' REST API takes no datum without telescope and instrument")
    if kind is not Kind.PHOTOMETRY:
        return
    if not row.get("bandpass"):
        raise ValueError("Hermes' REST API takes no brightness without a bandpass")
    if not (row.get("brightness") or row.get("limiting_brightness")):
        raise ValueError("Hermes' REST API takes a brightness of 0.0 for none")


def check_target(row: Row) -> None:
    """Raise ValueError for the row of a target that would refuse its whole message."""
    elements = row.get("orbital_elements")
    if not isinstance(elements, dict):
        return
    minor_planet = elements.get("semimajor_axis") and elements.get("mean_anomaly")
    comet = elements.get("perihelion_distance") and elements.get("epoch_of_perihelion")
    if not (minor_planet or comet):
        raise ValueError(
            "Hermes' REST API wants semimajor axis and mean anomaly, or perihelion distance and epoch of perihelion,"
            " and takes 0.0 for none"
        )
