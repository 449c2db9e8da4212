"""Finding targets by name: by an index on TOM Toolkit's own rule, or by the TOM's match manager where it has one.

The index is on an expression that the database can compute: without blanks, ``-``, ``_``, ``(`` and ``)``, and ASCII
letters in lower case. Other letters have an upper case of which only Python knows, so a name is looked for under every
way in which these can have been written, and what is found is compared in Python.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cache

from django.db import connections
from tom_targets.base_models import BaseTarget, TargetMatchManager
from tom_targets.models import Target, TargetName

from bridge.names import simplify, simplify_all, toolkit_rule
from bridge.tomtoolkit.database import MANY, among

_OVERRIDABLE = ("match_name", "match_fuzzy_name", "simplify_name", "get_queryset")
_MOST_SPELLINGS = 256
_LAST_CASED = 0x1F000
"""No letter beyond has a lower case of its own (Unicode 16)."""

_KEY = {
    # SQLite's lower() knows ASCII alone; so does PostgreSQL's with the collation "C".
    "sqlite": "lower(replace(replace(replace(replace(replace(name, ' ', ''), '-', ''), '_', ''), '(', ''), ')', ''))",
    "postgresql": "lower(translate(name, ' -_()', '') COLLATE \"C\")",
}
_NOT_ASCII = {
    "sqlite": "length(name) <> length(CAST(name AS BLOB))",
    "postgresql": "octet_length(name) <> char_length(name)",
}

# All SQL below is put together from this module's own constants and Django's names; values go in as parameters.
# ruff: noqa: S608


def create_indexes(using: str) -> None:
    """Make the indexes on names where they are missing: Django rebuilds a table of SQLite without them.

    Does nothing on other databases, and nothing where the TOM's tables aren't there yet.
    """
    connection = connections[using]
    if connection.vendor not in _KEY:
        return
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in (BaseTarget._meta.db_table, TargetName._meta.db_table):
            if table not in tables:
                continue
            key, not_ascii = _KEY[connection.vendor], _NOT_ASCII[connection.vendor]
            simple, other = indexes_of(table)
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {simple} ON {table} (({key}))")
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {other} ON {table} (id) WHERE {not_ascii}")


def indexes_of(table: str) -> tuple[str, str]:
    """Return the names of the two indexes on a table of names: of simplified names, and of those that aren't ASCII."""
    return f"tom_bridge_{table}_simple", f"tom_bridge_{table}_other"


class Names:
    """Which targets have which names, in the database ``using``."""

    def __init__(self, using: str) -> None:
        self._using = using

    def find(self, names: Iterable[str]) -> set[int]:
        """Return the primary keys of all targets that have any of ``names``."""
        return self.find_each([list(names)])[0]

    def find_each(self, wanted: Sequence[Sequence[str]]) -> list[set[int]]:
        """Return for each of these sequences of names the primary keys of all targets that have any of them."""
        if own_manager():
            by_name: dict[str, set[int]] = defaultdict(set)
            for name in {name for names in wanted for name in names}:
                by_name[name].update(Target.matches.match_name(name).values_list("pk", flat=True))
            return [set().union(*(by_name[name] for name in names)) for names in wanted]
        return by_rule(wanted, self._rows(simplify_all(name for names in wanted for name in names)))

    def appeared(self, simplified: Collection[str]) -> frozenset[str]:
        """Return which of these simplified names a target has."""
        if own_manager():
            return frozenset(name for name in simplified if Target.matches.match_name(name).exists())
        return frozenset(simple for _, simple in self._rows(simplified))

    def _rows(self, simplified: Collection[str]) -> set[tuple[int, str]]:
        """Return the targets (primary key, simplified name) that have these simplified names."""
        wanted = frozenset(simplified)
        found: set[tuple[int, str]] = set()
        for chunk in _batched(wanted):
            query, values = self.query(chunk)
            with connections[self._using].cursor() as cursor:
                cursor.execute(query, values)
                for pk, name in cursor.fetchall():
                    if (simple := simplify(name)) in wanted:
                        found.add((pk, simple))
        return found

    def query(self, simplified: Iterable[str], columns: str = "{key}, name") -> tuple[str, list[object]]:
        """Return SQL for rows that may have one of these simplified names, by the TOM Toolkit's rule.

        Its ``columns`` are, unless said otherwise, the key of the target (``{key}``) and the name.
        """
        every = {simple: spellings(simple) for simple in simplified}
        keys = [key for known in every.values() if known is not None for key in known]
        vendor = connections[self._using].vendor
        key_sql, not_ascii = _KEY[vendor], _NOT_ASCII[vendor]
        queries: list[str] = []
        values: list[object] = []
        one_of, value = among(self._using, keys)
        for table, key in ((BaseTarget._meta.db_table, "id"), (TargetName._meta.db_table, "target_id")):
            select = f"SELECT {columns.format(key=key)} FROM {table} WHERE"
            if keys:
                queries.append(f"{select} {key_sql} {one_of}")
                values.append(value)
            if None in every.values():
                queries.append(f"{select} {not_ascii}")
        return " UNION ALL ".join(queries), values


def by_rule(wanted: Sequence[Sequence[str]], known: Iterable[tuple[int, str]]) -> list[set[int]]:
    """Return for each of these sequences of names which targets have any, by TOM Toolkit's rule.

    ``known`` are primary keys of targets, each with one of their simplified names.
    """
    by_name: dict[str, set[int]] = defaultdict(set)
    for pk, simple in known:
        by_name[simple].add(pk)
    return [set().union(*(by_name[simple] for simple in map(simplify, names) if simple in by_name)) for names in wanted]


def own_manager() -> bool:
    """Return whether the TOM has a match manager that finds names in a way of its own."""
    manager = type(Target.matches)
    return any(getattr(manager, name) is not getattr(TargetMatchManager, name) for name in _OVERRIDABLE)


def spellings(simple: str) -> list[str] | None:
    """Return all index keys of names that simplify to ``simple``; None where there are too many to ask for."""
    # Nothing is left of a name of blanks, hyphens and brackets alone: all such have the empty key.
    rule = simple if simple.isalnum() and simple.isascii() else toolkit_rule(simple)
    if rule.isascii() and _written_as().keys().isdisjoint(rule):
        return [rule]  # as nearly every one
    written = [(letter, *_written_as().get(letter, ())) for letter in rule]
    number = 1
    for ways in written:
        number *= len(ways)
        if number > _MOST_SPELLINGS:
            return None
    keys = ["".join(way) for way in itertools.product(*written)]
    # The one letter (U+0130) whose lower case is two characters.
    return keys + [key.replace("i\u0307", "\u0130") for key in keys if "i\u0307" in key]


@cache
def _written_as() -> dict[str, tuple[str, ...]]:
    """Return for each letter the others, outside ASCII, that have it as their lower case."""
    found: dict[str, tuple[str, ...]] = {"ς": ("Σ",)}  # lower case of Σ at the end of a word
    for code in range(0x80, _LAST_CASED):
        letter = chr(code)
        lower = letter.lower()
        if lower != letter and len(lower) == 1:
            found[lower] = (*found.get(lower, ()), letter)
    return found


def _batched(values: Collection[str]) -> list[tuple[str, ...]]:
    ordered = sorted(values)
    return [tuple(ordered[first : first + MANY]) for first in range(0, len(ordered), MANY)]
