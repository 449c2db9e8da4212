"""A VOTable, by astropy, with units, descriptions and time systems."""

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.files.columnar import columns_of, rows_of

_IN_WORDS = re.compile(r"note|comment|remark|warn|descr|photom|mag|flux", re.IGNORECASE)
"""Names of INFO that say something of the values, and not of the query."""


def is_votable(text: str) -> bool:
    """Return whether ``text`` begins as a VOTable does."""
    head = text[:4096].lstrip()
    return head.startswith("<") and "<VOTABLE" in text[:65_536]


def read(text: str) -> Table:
    """Return the only table of a VOTable. ValueError where there is none, or are several."""
    from astropy.io.votable import parse

    try:
        votable = parse(BytesIO(text.encode()), verify="ignore")
        tables = [found for found in votable.iter_tables() if found.array is not None and len(found.array)]
    except Exception as error:  # astropy's parser raises what the text makes it stumble over
        raise ValueError(f"can't be read as VOTable: {' '.join(str(error).split())[:300]}") from None
    if len(tables) != 1:
        raise ValueError(f"holds {len(tables) or 'no'} tables with rows, and one is needed. Save that table alone")
    table = tables[0].to_table(use_names_over_ids=True)
    systems = _time_systems(votable)
    columns = [
        replace(column, note=" ".join((column.note, systems.get(str(told.ref or ""), ""), str(told.ucd or ""))).strip())
        for column, told in zip(columns_of(table), tables[0].fields, strict=True)
    ]
    infos = [info.value for info in _infos(votable) if _IN_WORDS.search(str(info.name))]
    params = [*_params(tables[0])]
    described = [*infos, votable.description, tables[0].description, *(param.description for param in params)]
    return Table(
        format="VOTable",
        columns=tuple(columns),
        rows=rows_of(table, ()),
        keywords={str(param.name).upper(): str(param.value) for param in params},
        remarks=tuple(" ".join(str(text).split()) for text in described if text),
        header_place="the header",
    )


def _infos(votable: Any) -> list[Any]:
    return [info for part in (votable, *votable.resources) for info in part.iter_info()]


def _params(part: Any) -> Iterator[Any]:
    """Yield the PARAM elements of a table, those in its groups too."""
    yield from getattr(part, "params", ())
    for group in (*getattr(part, "groups", ()), *getattr(part, "entries", ())):
        if hasattr(group, "entries"):
            yield from _params(group)
        elif hasattr(group, "value"):
            yield group


def _time_systems(votable: Any) -> dict[str, str]:
    """Return the time systems by their ids, in words: scale, place, and what the times count from."""
    systems = list(getattr(votable, "iter_timesys", list)())
    return {
        str(system.ID): f"time scale {system.timescale}, refposition {system.refposition}, origin {system.timeorigin}"
        for system in systems
    }
