"""Records in JSON: a list of flat objects, as brokers give, or an event of the Open Astronomy Catalogs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.publishing.sources.tables.elements.table import Column, Row, Table
from bridge.publishing.sources.tables.files.columnar import flat

CATALOG = "Open Astronomy Catalog"
_LISTS = ("photometry", "data", "detections", "results", "lightcurve", "candidates", "diaSourcesList")
_LIMITS = frozenset({"oid", "tid", "aid", "sid", "mjd", "fid", "diffmaglim"})
"""What ALeRCE's non-detections have."""


def is_json(text: str) -> bool:
    """Return whether ``text`` begins as JSON does."""
    return text.lstrip()[:1] in ("{", "[")


def read(text: str) -> Table:
    """Return the records as a table, a column a key. ValueError where there is no list of records."""
    content = _content(text)
    records, told = _records(content)
    beside = content if isinstance(content, Mapping) and told != CATALOG else {}
    names = list(dict.fromkeys(name for record in records for name in record))
    return Table(
        format=told or "JSON",
        columns=tuple(Column(name=name) for name in names),
        rows=[
            Row(place=f"record {number}", cells=tuple(_cell(record.get(name)) for name in names))
            for number, record in enumerate(records, 1)
        ],
        remarks=flat({name: value for name, value in beside.items() if not isinstance(value, list)}) if beside else (),
        keywords={name.upper(): value for name, value in beside.items() if isinstance(value, str)},
        header_place="record 1",
    )


def _content(text: str) -> Any:
    """Return what ``text`` holds, a list where each line is a record of its own."""
    try:
        return json.loads(text, parse_float=_Written, parse_int=_Written, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
            raise ValueError(f"can't be read as JSON: {error}") from None
    try:
        return [json.loads(line, parse_float=_Written, parse_int=_Written, object_pairs_hook=_once) for line in lines]
    except (ValueError, RecursionError) as error:
        raise ValueError(f"can't be read as JSON, nor each line of it: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; ValueError where it has a key twice, of which json would keep the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has {twice!r} twice; keep one")
    return found


class _Written(str):
    """A number as it is written."""

    __slots__ = ()


def _records(content: Any) -> tuple[Sequence[Mapping[str, Any]], str]:
    """Return the records, and how people call the file where that is known."""
    if _is_records(content):
        return content, ""
    if isinstance(content, Mapping):
        if len(content) == 1 and isinstance(event := next(iter(content.values())), Mapping) and "photometry" in event:
            if not _is_records(event["photometry"]):
                raise ValueError("'photometry' is no list of records. One object a measurement is needed")
            return event["photometry"], CATALOG
        if (both := _of_alerce(content)) is not None:
            return both, ""
        if content.get("non_detections"):
            raise ValueError("holds detections and non-detections. Save the non-detections as a table of their own")
        lists = [content[name] for name in _LISTS if _is_records(content.get(name))]
        if len(lists) == 1:
            return lists[0], ""
        if (records := _by_columns(content)) is not None:
            return records, ""
    raise ValueError("holds no list of records. A list of flat objects, one a measurement, is needed")


def _of_alerce(content: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Return detections and limits as ALeRCE's API gives them, None where they are any others."""
    detections, limits = content.get("detections"), content.get("non_detections")
    if not _is_records(detections) or not _is_records(limits) or detections is None or limits is None:
        return None
    are_its = all("isdiffpos" in one for one in detections) and all(one.keys() <= _LIMITS for one in limits)
    return [*detections, *limits] if are_its else None


def _by_columns(content: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the records of a table that is written by columns, as pandas does; None where it is none.

    Columns are lists of one length, or objects with the same keys; or ``columns`` and ``data`` hold names and rows.
    """
    names, data = content.get("columns"), content.get("data")
    if isinstance(names, list) and isinstance(data, list) and content.keys() <= {"columns", "data", "index"}:
        if not all(isinstance(row, list) and len(row) == len(names) for row in data):
            raise ValueError("has rows of another length than its columns. One value a column is needed")
        return [dict(zip(map(str, names), row, strict=True)) for row in data]
    told = {name: value for name, value in content.items() if isinstance(value, str | int | float | bool | None)}
    content = {name: value for name, value in content.items() if name not in told}  # the rest is of the whole table
    columns = list(content.values())
    if columns and all(isinstance(column, list) and len(column) == len(columns[0]) > 0 for column in columns):
        cells = columns
    elif columns and all(isinstance(column, Mapping) and column.keys() == columns[0].keys() for column in columns):
        cells = [list(column.values()) for column in columns]
    else:
        return None
    if any(isinstance(cell, list | Mapping) for column in cells for cell in column):
        return None
    return [dict(zip(content, row, strict=True)) for row in zip(*cells, strict=True)]


def _is_records(content: Any) -> bool:
    return isinstance(content, list) and bool(content) and all(isinstance(record, Mapping) for record in content)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str) else json.dumps(value)
