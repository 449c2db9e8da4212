"""The bridge and the TOM's database: transactions that wait instead of failing, errors that say who is away, leases."""

from bridge.tomtoolkit.database.errors import is_a_persons, refusing, words
from bridge.tomtoolkit.database.inserting import (
    JsonTexts,
    Moments,
    as_stored,
    in_utc,
    insert,
    insert_missing,
    insert_with_keys,
)
from bridge.tomtoolkit.database.leases import Lease
from bridge.tomtoolkit.database.locks import let_in, lock_creation, processing
from bridge.tomtoolkit.database.plain import select, update
from bridge.tomtoolkit.database.reading import Question, columns_of
from bridge.tomtoolkit.database.transactions import (
    MANY,
    among,
    chunks,
    close_old,
    immediate,
    translating,
    writing,
)
from bridge.tomtoolkit.database.wanted import as_table, same_as_wanted

__all__ = [
    "MANY",
    "JsonTexts",
    "Lease",
    "Moments",
    "Question",
    "among",
    "as_stored",
    "as_table",
    "chunks",
    "close_old",
    "columns_of",
    "immediate",
    "in_utc",
    "insert",
    "insert_missing",
    "insert_with_keys",
    "is_a_persons",
    "let_in",
    "lock_creation",
    "processing",
    "refusing",
    "same_as_wanted",
    "select",
    "translating",
    "update",
    "words",
    "writing",
]
