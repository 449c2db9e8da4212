"""The bridge and the TOM's database: transactions that wait instead of failing, errors that say who is away, locks."""

from bridge.tomtoolkit.database.errors import is_a_persons, refusing, words
from bridge.tomtoolkit.database.locks import alone, lock_creation, processing, relaying
from bridge.tomtoolkit.database.transactions import MANY, among, told, writing

__all__ = [
    "MANY",
    "alone",
    "among",
    "is_a_persons",
    "lock_creation",
    "processing",
    "refusing",
    "relaying",
    "told",
    "words",
    "writing",
]
