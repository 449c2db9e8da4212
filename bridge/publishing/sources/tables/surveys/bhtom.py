"""Photometry that BHTOM exports (https://bh-tom2.astrolabs.pl): an error of -1 marks a limit."""

from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.surveys.survey import Cells, Fields, Survey, number, positive


def _row(cells: Cells) -> Fields:
    fields: dict[str, object] = {"bandpass": cells["Filter"], "telescope": cells["Facility"]}
    used = frozenset({"MJD", "Magnitude", "Facility", "Filter"})
    value = number(cells, "Magnitude", "magnitude")
    if number(cells, "Error", "error of a magnitude") == -1:
        return {**fields, "limit": value}, used
    fields["brightness"] = value
    fields["brightness_error"] = positive(cells, "Error", "error of a magnitude (-1 marks a limit)")
    return fields, used | {"Error"}


SURVEYS = (
    Survey(
        name="bhtom",
        title="BHTOM",
        needs=words("MJD Magnitude Error Facility Filter Observer"),
        time="MJD",
        read_row=_row,
        roles={
            "Magnitude": "brightness, magnitudes, or a limit",
            "Error": "its error; -1 marks a limit",
            "Filter": "bandpass",
            "Facility": "telescope",
        },
    ),
)
