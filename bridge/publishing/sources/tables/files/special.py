"""Texts that are laid out in a way of their own: SNANA, AAVSO's Extended Format, SOUSA."""

import re

from bridge.publishing.sources.tables.elements.table import Column, Row, Table
from bridge.publishing.sources.tables.files import lines
from bridge.publishing.sources.tables.texts import statements, wordings

AAVSO_EXTENDED, AAVSO_VISUAL = "AAVSO Extended Format", "AAVSO Visual Format"
SNANA, SOUSA = "SNANA", "SOUSA"
_KEYWORD = re.compile(r"#?\s*([A-Za-z_][\w-]*)\s*[=:]\s*(.*)")
_AAVSO_FIELDS = (
    "NAME",
    "DATE",
    "MAG",
    "MERR",
    "FILT",
    "TRANS",
    "MTYPE",
    "CNAME",
    "CMAG",
    "KNAME",
    "KMAG",
    "AMASS",
    "GROUP",
    "CHART",
    "NOTES",
)
_AAVSO_VISUAL_FIELDS = ("NAME", "DATE", "MAG", "COMMENTCODE", "COMP1", "COMP2", "CHART", "NOTES")
_SOUSA_FIELDS = (
    "Filter",
    "MJD[days]",
    "Mag",
    "MagErr",
    "3SigMagLim",
    "0.98SatLim[mag]",
    "Rate[c/s]",
    "RateErr[c/s]",
    "Ap[arcsec]",
    "Frametime[s]",
    "Exp[s]",
    "Telapse[s]",
)


def is_snana(text: str) -> bool:
    """Return whether ``text`` is a light curve of SNANA: variables in ``VARLIST:``, rows in ``OBS:``."""
    return bool(re.search(r"^\s*(VARLIST|VARNAMES):", text, re.MULTILINE)) and bool(
        re.search(r"^\s*OBS:", text, re.MULTILINE)
    )


def read_snana(text: str) -> Table:
    """Return the light curve of a SNANA text file, with the keywords of its head."""
    names: list[str] = []
    rows: list[Row] = []
    keywords: dict[str, str] = {}
    header = 1
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.split("#", 1)[0].split("<<<", 1)[0].strip()
        word, _, rest = plain.partition(":")
        if word in ("VARLIST", "VARNAMES"):
            names, header = rest.split(), number
        elif word == "OBS":
            cells = rest.split()
            if len(cells) != len(names):
                raise ValueError(f"line {number}: has {len(cells)} values, VARLIST has {len(names)}")
            rows.append(Row(place=f"line {number}", cells=tuple(cells)))
        elif _ and word.strip() and not rows:
            keywords[word.strip().upper()] = rest.strip()
    return Table(
        format=SNANA,
        columns=tuple(Column(name=name) for name in names),
        rows=rows,
        keywords=keywords,
        header_place=f"line {header}",
    )


def is_aavso(text: str) -> bool:
    """Return whether ``text`` begins as AAVSO's Extended Format does, or its Visual Format."""
    return bool(re.match(r"\s*#\s*TYPE\s*=\s*(?:EXTENDED|VISUAL)", text, re.IGNORECASE))


def read_aavso(text: str) -> Table:
    """Return a report in AAVSO's Extended Format (https://www.aavso.org/aavso-extended-file-format) or its Visual one.

    ``#DATE=`` and ``#OBSCODE=`` count for the rows below them, so that each row's are cells of it.
    """
    keywords: dict[str, str] = {}
    rows: list[Row] = []
    remarks: list[str] = []
    delimiter = ","
    is_visual = bool(re.match(r"\s*#\s*TYPE\s*=\s*VISUAL", text, re.IGNORECASE))
    fields = _AAVSO_VISUAL_FIELDS if is_visual else _AAVSO_FIELDS
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#"):
            if found := _KEYWORD.fullmatch(line.strip()):
                keywords[found[1].upper()] = found[2].strip()
                delimiter = _aavso_delimiter(keywords.get("DELIM", ","))
            elif wordings.first_doubt(line) or statements.stated(line.strip("# ")):
                remarks.append(line.strip("# "))
            continue
        if not line.strip() or line.strip().upper().startswith(("NAME" + delimiter, "STARID" + delimiter)):
            continue
        cells = [cell.strip() for cell in line.split(delimiter)]
        last = len(fields) - 1  # notes, which may have the delimiter in them
        cells = [*cells[:last], delimiter.join(cells[last:])] if len(cells) > len(fields) else cells
        if len(cells) != len(fields):
            raise ValueError(f"line {number}: has {len(cells)} fields, the format has {len(fields)}")
        rows.append(Row(place=f"line {number}", cells=(*cells, keywords.get("DATE", ""), keywords.get("OBSCODE", ""))))
    return Table(
        format=AAVSO_VISUAL if is_visual else AAVSO_EXTENDED,
        columns=tuple(Column(name=name) for name in (*fields, "#DATE", "#OBSCODE")),
        rows=rows,
        remarks=tuple(remarks),
        keywords=keywords,
        header_place="line 1",
    )


def _aavso_delimiter(told: str) -> str:
    words = {"comma": ",", "tab": "\t", "semicolon": ";", "": ","}
    if told.isdigit() and 32 <= int(told) < 127:
        return chr(int(told))
    return words.get(told.lower(), told[:1])


def is_sousa(text: str) -> bool:
    """Return whether ``text`` is a light curve of the Swift Optical/Ultraviolet Supernova Archive."""
    return "magnitudes from Swift UVOT" in text.split("\n", 1)[0] and "Peter Brown" in text


def read_sousa(text: str) -> Table:
    """Return a light curve of SOUSA; its columns are named in a comment, or always these twelve."""
    rows: list[Row] = []
    remarks: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            remarks.append(line.strip("# "))
        elif line.strip():
            cells = line.split()
            if len(cells) != len(_SOUSA_FIELDS):
                raise ValueError(f"line {number}: has {len(cells)} columns, SOUSA has {len(_SOUSA_FIELDS)}")
            rows.append(Row(place=f"line {number}", cells=tuple(cells)))
    named = [remark.split() for remark in remarks if remark.startswith("Filter")]
    if named and tuple(named[-1]) != _SOUSA_FIELDS:
        return lines.read(text)
    return Table(
        format=SOUSA,
        columns=tuple(Column(name=name) for name in _SOUSA_FIELDS),
        rows=rows,
        remarks=tuple(remark for remark in remarks if remark),
        header_place="the comments",
    )
