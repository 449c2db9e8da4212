"""The AAVSO's files: its download (https://www.aavso.org/format-data-file), its Extended and its Visual Format.

In both ``<`` before a magnitude means fainter than it. The Extended Format says in ``#DATE=`` what its dates are (JD
is used, HJD and EXCEL are refused), and in MTYPE whether magnitudes are standard (STD, ABS) or differential (DIF),
which are refused. It is described at https://www.aavso.org/aavso-extended-file-format, the Visual Format, whose band is
``Vis.`` as in the download, at https://www.aavso.org/aavso-visual-file-format.
"""

import re

from bridge.publishing.sources.tables.elements.cells import is_empty, split_mark
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.files.special import AAVSO_EXTENDED, AAVSO_VISUAL
from bridge.publishing.sources.tables.surveys.survey import UTC_JD, Cells, Fields, Left, Survey, Wrong, number, positive
from bridge.publishing.sources.tables.texts import remarks

_NOTES = frozenset({"NOTES", "Comments"})
_CLOCK = re.compile(r"\b[HB]JD\b")
_DOWNLOAD = {"mag": "Magnitude", "error": "Uncertainty", "band": "Band"}
_EXTENDED = {"mag": "MAG", "error": "MERR", "band": "FILT"}


def _row(cells: Cells, names: dict[str, str]) -> Fields:
    mark, text = split_mark(cells[names["mag"]])
    if not text:
        raise Left("no magnitude")
    fields: dict[str, object] = {"bandpass": cells[names["band"]]}
    used = {names["mag"], names["band"]}
    value = number({names["mag"]: text}, names["mag"], "magnitude")
    if mark.startswith("<"):
        return {**fields, "limit": value}, frozenset(used)
    if mark:
        raise Wrong(names["mag"], f"{mark} is no mark of the AAVSO; < means fainter than")
    for column in _NOTES & cells.keys():
        if remarks.LIMIT_TEXT.search(cells[column]) or _CLOCK.search(cells[column]):
            raise Wrong(
                column, f"{cells[column][:40]!r} says that the value is a limit, or its time no UTC; mend the row"
            )
    fields["brightness"] = value
    if not is_empty(cells[names["error"]]):
        fields["brightness_error"] = positive(cells, names["error"], "error of a magnitude")
        used.add(names["error"])
    return fields, frozenset(used)


def _download_row(cells: Cells) -> Fields:
    if cells.get("Measurement Method", "").upper() in ("DIF", "DIFF"):
        raise Wrong(
            "Measurement Method", "the magnitude is a difference to the comparison star's; publish standard ones"
        )
    fields, used = _row(cells, _DOWNLOAD)
    return fields, used | {"JD"}


def _extended_row(cells: Cells) -> Fields:
    if cells["MTYPE"].upper() in ("DIF", "DIFF"):
        raise Wrong("MTYPE", "the magnitude is a difference to the comparison star's; publish standard ones")
    fields, used = _row(cells, _EXTENDED)
    return fields, used | {"DATE", "#DATE"}


def _visual_row(cells: Cells) -> Fields:
    mark, text = split_mark(cells["MAG"])
    if not text:
        raise Left("no magnitude")
    if mark and not mark.startswith("<"):
        raise Wrong("MAG", f"{mark} is no mark of the AAVSO; < means fainter than")
    value = number({"MAG": text}, "MAG", "magnitude")
    fields = {"bandpass": "Vis.", "limit" if mark else "brightness": value}
    return fields, frozenset({"DATE", "#DATE", "MAG"})


def _check_dates(table: Table) -> None:
    dates = {cell.upper() for cell in table.cells(table.names.index("#DATE"))}
    if dates != {"JD"}:
        told = ", ".join(sorted(dates - {"JD"})) or "nothing"
        raise ValueError(f"#DATE={told}: dates are no JD in UTC at the observatory; convert them and write #DATE=JD")


SURVEYS = (
    Survey(
        name="aavso",
        title="AAVSO download",
        needs=frozenset({"JD", "Magnitude", "Uncertainty", "HQuncertainty", "Band", "Observer Code", "Star Name"}),
        may=frozenset(
            {
                "Comment Code(s)",
                "Comp Star 1",
                "Comp Star 2",
                "Charts",
                "Comments",
                "Transfomed",
                "Transformed",
                "Airmass",
                "Validation Flag",
                "Cmag",
                "Kmag",
                "HJD",
                "Observer Affiliation",
                "Measurement Method",
                "Grouping Method",
                "ADS Reference",
                "Digitizer",
                "Credit",
            }
        ),
        time="JD",
        form=UTC_JD,
        read_row=_download_row,
        roles={
            "Magnitude": "brightness, magnitudes, or with < a limit",
            "Uncertainty": "its error",
            "Band": "bandpass",
        },
        one_of=frozenset({"Star Name"}),
        given={"source_name": "AAVSO"},
    ),
    Survey(
        name="aavso",
        title=AAVSO_EXTENDED,
        format=AAVSO_EXTENDED,
        needs=words("NAME DATE MAG MERR FILT MTYPE #DATE"),
        may_match=r"[A-Z#]+",
        time="DATE",
        form=UTC_JD,
        read_row=_extended_row,
        check=_check_dates,
        roles={"MAG": "brightness, magnitudes, or with < a limit", "MERR": "its error", "FILT": "bandpass"},
        one_of=frozenset({"NAME"}),
    ),
    Survey(
        name="aavso",
        title=AAVSO_VISUAL,
        format=AAVSO_VISUAL,
        needs=words("NAME DATE MAG COMMENTCODE COMP1 COMP2 CHART NOTES #DATE"),
        may=frozenset({"#OBSCODE"}),
        time="DATE",
        form=UTC_JD,
        read_row=_visual_row,
        check=_check_dates,
        roles={"MAG": "brightness in Vis., magnitudes, or with < a limit"},
        one_of=frozenset({"NAME"}),
    ),
)
