"""Many rows of values looked for by one statement: they go in as a table, ``wanted``, with the columns v0, v1, ..."""

import json
from collections.abc import Sequence
from typing import Any


def as_table(connection: Any, fields: Sequence[Any], rows: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
    """Return SQL for rows of values of these fields (as stored) as that table, and its parameters."""
    values = [f"v{number}" for number in range(len(fields))]
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{field.db_type(connection).partition('(')[0]}[]" for field in fields)
        return f"unnest({arrays}) AS wanted({', '.join(values)})", [*map(list, zip(*rows, strict=True))]
    parts = ", ".join(f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(values))
    return f"(SELECT {parts} FROM json_each(%s)) AS wanted", [json.dumps(rows)]  # noqa: S608 (numbers alone)


def same_as_wanted(connection: Any, fields: Sequence[Any]) -> str:
    """Return the condition that a row ``held`` has the values of ``wanted``."""
    columns = (connection.ops.quote_name(field.column) for field in fields)
    return " AND ".join(f"held.{column} = wanted.v{number}" for number, column in enumerate(columns))
