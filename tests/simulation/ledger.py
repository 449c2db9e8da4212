"""The ledger as one process of a world has it: the real one, each call of which may fail, and watched as it commits."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from simulation.holdings import Holdings

from bridge.errors import TomAwayError
from bridge.events import EventRef
from bridge.ledger.model import Entry, ToKeep
from bridge.ledger.sqlite import SqliteLedger
from bridge.ledger.sqlite_unit import SqliteUnit
from bridge.stream.port import Partition, Record

_WRITES = frozenset({"beat", "begin_parked", "begin_try", "end_parked", "end_try", "forget", "rename_topic"})
"""What writes at once, without a unit: with the TOM's data in one database it is kept out as a unit is."""


@dataclass
class Commit:
    """What one transaction wrote."""

    recorded: list[Entry] = field(default_factory=list)
    witnessed: list[EventRef] = field(default_factory=list)
    reopened: list[EventRef] = field(default_factory=list)
    moves: list[tuple[Partition, str, int | None, int]] = field(default_factory=list)


class WatchedUnit:
    """A unit of the real ledger, of which is noted what it writes."""

    def __init__(self, unit: SqliteUnit) -> None:
        self._unit = unit
        self.commit = Commit()

    def record(
        self,
        entry: Entry,
        *,
        keep: Sequence[ToKeep] = (),
        of: Collection[str] | None = None,
        raw: Record | None = None,
    ) -> None:
        self._unit.record(entry, keep=keep, of=of, raw=raw)
        self.commit.recorded.append(entry)

    def witness(self, events: Collection[EventRef]) -> None:
        self._unit.witness(events)
        self.commit.witnessed += events

    def reopen(self, events: Collection[EventRef]) -> None:
        self._unit.reopen(events)
        self.commit.reopened += events

    def move(
        self, partition: Partition, topic_id: str, expected: int | None, next_offset: int, *, begun: bool = False
    ) -> None:
        self._unit.move(partition, topic_id, expected, next_offset, begun=begun)
        self.commit.moves.append((partition, topic_id, expected, next_offset))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)


class SimulatedLedger:
    """Follows :class:`bridge.ledger.port.Ledger`.

    With ``holdings`` the TOM's data are in the transaction, as over the ORM: undone with it, and nobody else writes
    meanwhile. ``ask`` carries out each call; ``committed`` is told of each transaction that was.
    """

    def __init__(
        self,
        ledger: SqliteLedger,
        ask: Callable[..., Any],
        committed: Callable[[Commit], object],
        holdings: Holdings | None,
    ) -> None:
        self._ledger = ledger
        self._ask = ask
        self._committed = committed
        self._holdings = holdings
        self._open: WatchedUnit | None = None
        self.installation = ledger.installation

    @contextmanager
    def unit(self) -> Iterator[WatchedUnit]:
        if self._open is not None and self._holdings is not None:  # a transaction within one is part of it
            yield self._open
            return
        self._ask("ledger.unit", self._check_lock)
        with self._transaction():
            writing = self._ledger.unit()
            before, self._open = self._open, WatchedUnit(writing.__enter__())
            unit = self._open
            try:
                yield unit
            except BaseException as error:
                writing.__exit__(type(error), error, error.__traceback__)
                raise
            finally:
                self._open = before
            self._ask("ledger.commit", partial(self._commit, writing, unit))

    def _commit(self, writing: AbstractContextManager[object], unit: WatchedUnit) -> None:
        writing.__exit__(None, None, None)
        if self._holdings is not None:
            self._holdings.keep()
        self._committed(unit.commit)

    def _transaction(self) -> AbstractContextManager[None]:
        return nullcontext() if self._holdings is None else self._holdings.transaction()

    def _unlocked(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._open is None:
            self._check_lock()
        return method(*args, **kwargs)

    def _check_lock(self) -> None:
        if self._holdings is not None and self._holdings.in_transaction:
            raise TomAwayError("the database is locked")

    @property
    def intents(self) -> "SimulatedLedger":
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)
        if name in _WRITES:
            method = partial(self._unlocked, method)
        asked = _Asked(self._ask, f"ledger.{name}", method)
        setattr(self, name, asked)  # it is looked up once
        return asked

    def close(self) -> None:
        self._ledger.close()


class _Asked:
    """A call of the ledger with its arguments, as one act."""

    def __init__(self, ask: Callable[..., Any], what: str, method: Callable[..., Any]) -> None:
        self._ask, self._what, self._method = ask, what, method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(self._what, partial(self._method, *args, **kwargs))
