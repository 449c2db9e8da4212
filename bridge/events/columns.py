"""Datums as columns: what comes by the thousand is checked, compared and written a field at a time.

The rules stand once, in the models of :mod:`bridge.events.datums`: a column is checked by the type that its field has
there. A :class:`Datums` is a sequence of such models all the same, for everybody who wants single ones; they are made
when they are asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, overload

from pydantic import (
    FailFast,
    Field,
    GetCoreSchemaHandler,
    SerializationInfo,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from bridge.events.fields import Model

Column = Sequence[Any]
"""The values of one field, one a datum."""


class Row(Model):
    """What there may be many of: a model whose fields can be columns."""

    TOGETHER: ClassVar[tuple[tuple[str, ...], Callable[..., str]] | None] = None
    """Fields, and what says why values of these can't be those of one row (nothing where they can)."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.TOGETHER is not None:
            names, disagreement = self.TOGETHER
            if wrong := disagreement(*(getattr(self, name) for name in names)):
                raise ValueError(wrong)
        return self


D = TypeVar("D", bound=Row)


class Datums(Sequence[D], Generic[D]):
    """Datums of one type, never changed: as ``columns`` of fields that obey the rules, or as the models themselves."""

    __slots__ = ("_columns", "_length", "_models", "of")

    def __init__(self, of: type[D], columns: Mapping[str, Column], models: Sequence[D] | None = None) -> None:
        self.of = of
        self._columns = dict(columns)
        self._models: tuple[D, ...] | None = None if models is None else tuple(models)
        self._length = len(next(iter(columns.values()))) if self._models is None else len(self._models)

    @classmethod
    def of_models(cls, of: type[D], models: Sequence[D]) -> "Datums[D]":
        """Return datums that are there as models."""
        return models if isinstance(models, Datums) else cls(of, {}, models)

    @classmethod
    def checked(cls, of: type[D], columns: Mapping[str, Column]) -> "Datums[D] | None":
        """Return columns of all the fields as datums; None where a value breaks a rule, or a field isn't known.

        Which value it is, and why, is told by the model of that datum.
        """
        if columns.keys() != of.model_fields.keys():
            return None
        try:
            checked = {name: check_of(of, name)(column) for name, column in columns.items()}
        except (ValidationError, ValueError, OverflowError, RecursionError, TypeError):
            return None
        return cls.of_checked(of, checked)

    @classmethod
    def of_checked(cls, of: type[D], columns: Mapping[str, Column]) -> "Datums[D] | None":
        """Return columns of right values of all the fields as datums; None where those of a row don't go together."""
        if of.TOGETHER is not None:
            names, disagreement = of.TOGETHER
            if any(map(disagreement, *(columns[name] for name in names))):
                return None
        return cls(of, columns)

    def column(self, name: str) -> Column:
        """Return the values of a field."""
        if name not in self._columns:
            self._columns[name] = [getattr(one, name) for one in self._models or ()]
        return self._columns[name]

    def columns(self) -> Mapping[str, Column]:
        """Return the values of all fields."""
        if len(self._columns) < len(self.of.model_fields):
            for name in self.of.model_fields:
                self.column(name)
        return self._columns

    def having(self, **columns: Column) -> "Datums[D]":
        """Return the datums with other values of some fields; nothing is checked."""
        return Datums(self.of, {**self.columns(), **columns})

    @classmethod
    def joined(cls, of: type[D], several: Iterable["Datums[D]"]) -> "Datums[D]":
        """Return all of several as one."""
        given = [one.columns() for one in several]
        return cls(of, {name: [*chain.from_iterable([one[name] for one in given])] for name in of.model_fields})

    @property
    def are_columns(self) -> bool:
        """Whether no models of them are there."""
        return self._models is None

    def as_dictionaries(self) -> list[dict[str, Any]]:
        """Return the values of each datum by field: to write them takes a quarter of what models take."""
        columns = self.columns()
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _made(self) -> tuple[D, ...]:
        if self._models is None:
            names = tuple(self._columns)
            self._models = tuple(
                self.of.of_checked(dict(zip(names, values, strict=True)))
                for values in zip(*self._columns.values(), strict=True)
            )
        return self._models

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[D]:
        return iter(self._made())

    @overload
    def __getitem__(self, index: int) -> D: ...
    @overload
    def __getitem__(self, index: slice) -> "Datums[D]": ...
    def __getitem__(self, index: int | slice) -> "D | Datums[D]":
        if isinstance(index, int):
            return self._made()[index]
        if self._models is not None:
            return Datums(self.of, {}, self._models[index])
        return Datums(self.of, {name: column[index] for name, column in self._columns.items()})

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Datums):
            return self.of is other.of and self._made() == other._made()
        return self._made() == other if isinstance(other, tuple) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._made())

    def __reduce__(self) -> tuple[Any, ...]:
        return (Datums, (self.of, {} if self._models is not None else self._columns, self._models))


class Many:
    """Marks a field of 1..``most`` datums ``of`` a type (with :class:`typing.Annotated`): how pydantic takes it.

    The first wrong one is told, not all: an error of each would fill the memory.
    """

    def __init__(self, of: type[Row], most: int) -> None:
        self._of = of
        self._most = most

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        bounds = Field(min_length=1, max_length=self._most)
        models = handler.generate_schema(Annotated[tuple[self._of, ...], FailFast(), bounds])  # type: ignore[name-defined]
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(self._taken, models),
            python_schema=core_schema.no_info_wrap_validator_function(self._given, models),
            serialization=core_schema.wrap_serializer_function_ser_schema(_written, info_arg=True, schema=models),
        )

    def _taken(self, models: Sequence[Any]) -> Datums[Any]:
        return Datums(self._of, {}, models)

    def _given(self, value: Any, check: Callable[[Any], Sequence[Any]]) -> Datums[Any]:
        if isinstance(value, Datums) and value.of is self._of and 1 <= len(value) <= self._most:
            return value
        return self._taken(check(tuple(value) if isinstance(value, Datums) else value))


def _written(datums: Sequence[Any], write: Callable[[Any], Any], how: SerializationInfo) -> Any:
    whole = how.mode_is_json() and not (how.include or how.exclude or how.exclude_defaults or how.exclude_unset)
    if whole and not how.exclude_none and isinstance(datums, Datums) and datums.are_columns:
        return datums.as_dictionaries()
    return write(tuple(datums))


def once(make: Callable[..., Any], *columns: Column) -> list[Any]:
    """Return what ``make`` makes of each row of ``columns``: once of each row of the same objects, as most are."""
    if all(len(set(map(id, column))) == 1 for column in columns):
        return [make(*(column[0] for column in columns))] * len(columns[0])
    keys = [*zip(*(map(id, column) for column in columns), strict=True)]
    made = {key: make(*row) for key, row in dict(zip(keys, zip(*columns, strict=True), strict=True)).items()}
    return [made[key] for key in keys]


# -- the check of one column ------------------------------------------------------------------------------------------


@cache
def check_of(of: type[Row], name: str) -> Callable[[Column], Column]:
    """Return what checks a column of a field of ``of`` by the type that it has there; it raises ValueError."""
    field = of.model_fields[name]
    each: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    adapter: TypeAdapter[list[Any]] = TypeAdapter(Annotated[list[each], FailFast()], config=of.model_config)
    check = adapter.validate_python

    def checked(column: Column) -> Column:
        types = set(map(type, column))
        if types == {str}:
            return _by_value(column, check)
        if types == {dict}:
            return _by_object(column, check)
        if types == {datetime} and {moment.tzinfo for moment in column} == {UTC}:
            check([min(column), max(column)])  # a time in UTC is only held against an earliest and a latest one
            return column
        return check(list(column))

    return checked


def _by_value(column: Column, check: Callable[[list[Any]], list[Any]]) -> Column:
    """Return a column of texts, of which most are equal, checked; equal ones are one object."""
    different = list(set(column))
    known = dict(zip(different, check(different), strict=True))
    return [known[value] for value in column]


def _by_object(column: Column, check: Callable[[list[Any]], list[Any]]) -> Column:
    different = {id(value): value for value in column}
    known = dict(zip(different, check(list(different.values())), strict=True))
    return [known[id(value)] for value in column]


def transposed(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Column]:
    """Return rows that all have these keys as columns."""
    return dict(zip(names, zip(*map(itemgetter(*names), rows), strict=True), strict=True))
