"""Light curves of Gaia Photometric Science Alerts (http://gsaweb.ast.cam.ac.uk/alerts).

``Date`` is the time that the alerts are published with, and what is used; the same in Barycentric Coordinate Time
stands beside it and is kept. Magnitudes are in Gaia's G. What the survey calls ``untrusted`` or ``null`` is left out.
"""

from bridge.publishing.sources.tables.surveys.survey import UTC_TEXT, Cells, Fields, Left, Survey, number, positive


def _row(cells: Cells) -> Fields:
    column = next(name for name in _MAGNITUDES if name in cells)
    used = {"Date", column}
    if cells[column].lower() in ("untrusted", "null", "", "nan"):
        raise Left(f"{cells[column].lower() or 'empty'}, by Gaia")
    fields = {"bandpass": "G", "brightness": number(cells, column, "magnitude")}
    if (error := next((name for name in _ERRORS if cells.get(name, "")), None)) is not None:
        fields["brightness_error"] = positive(cells, error, "error of a magnitude")
        used.add(error)
    return fields, frozenset(used)


_MAGNITUDES, _ERRORS = ("averagemag.", "averagemag"), ("averagemag_err", "averagemagerr")
SURVEYS = tuple(
    Survey(
        name="gaia",
        title="Gaia Photometric Science Alerts",
        needs=frozenset({"Date", "JD(TCB)", magnitude}),
        may=frozenset(_ERRORS),
        time="Date",
        form=UTC_TEXT,
        read_row=_row,
        given={"telescope": "Gaia", "source_name": "Gaia"},
        roles={magnitude: "brightness, magnitudes in G", **dict.fromkeys(_ERRORS, "its error")},
    )
    for magnitude in _MAGNITUDES
)
