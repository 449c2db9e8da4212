"""The bridge and the TOM's database: transactions that wait instead of failing, errors that say who is away, leases."""

from bridge.tomtoolkit.database.errors import is_a_persons, refusing, words
from bridge.tomtoolkit.database.inserting import insert, insert_missing
from bridge.tomtoolkit.database.leases import Lease
from bridge.tomtoolkit.database.locks import let_in, lock_creation, processing
from bridge.tomtoolkit.database.transactions import MANY, among, chunks, immediate, translating, writing

__all__ = [
    "MANY",
    "Lease",
    "among",
    "chunks",
    "immediate",
    "insert",
    "insert_missing",
    "is_a_persons",
    "let_in",
    "lock_creation",
    "processing",
    "refusing",
    "translating",
    "words",
    "writing",
]
