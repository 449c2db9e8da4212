"""Records that are at hand, and of them what is written next."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from bridge.budget import Budget
from bridge.errors import AwayError, StopError
from bridge.receiving.arrival import Arrival
from bridge.receiving.company import Company, Most
from bridge.receiving.read import Reader
from bridge.stream.port import Record

UNIT_BYTES = 4 * 1024 * 1024
"""Bytes of records that end a unit: their numbers take five times as much here."""
UNIT_RECORDS = 1000
"""Records that end a unit, beside the bound in datums: small events cost far more a datum than large ones."""


class Backlog:
    """Records of one partition that are at hand, and of them the next unit: none is read twice."""

    def __init__(self, reader: Reader, records: Sequence[Record] = ()) -> None:
        self._reader = reader
        self._records = list(records)
        self._read: list[list[Arrival]] = []
        """The first records that are read already, each with its events."""

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    @property
    def last_offset(self) -> int:
        """The offset of the last record at hand; there has to be one."""
        return self._records[-1].offset

    def extend(self, records: Sequence[Record]) -> None:
        """Take records that come behind."""
        self._records += records

    def unit(self, most: Most, budget: Budget, *, alone: bool = False) -> list[Arrival]:
        """Return the events of the next records that are written in one transaction.

        Datums together, or targets, up to a bound in number, records and bytes, anything else by itself; always the
        events of one record at least, and never of a record without the others of it. With ``alone`` of one record
        only. A spent budget ends the reading after the first. Raises StreamAwayError where nothing could be read.
        """
        unit: list[Arrival] = []
        company = Company(most)
        size = 0
        ids: set[tuple[str, UUID]] = set()
        for index in range(len(self._records)):
            arrivals = self._arrivals(index, must=not index)
            if arrivals is None:
                break
            size += len(arrivals[0].record.value)
            refs = [arrival.refs[0] for arrival in arrivals if arrival.event is not None]
            full = size > UNIT_BYTES or index == UNIT_RECORDS
            # What became of an event is to be known before it comes again.
            if index and (full or not ids.isdisjoint(refs) or budget.spent):
                break
            if not company.takes(arrivals, alone=alone):
                break
            unit += arrivals
            ids.update(refs)
            if company.is_closed:  # and nothing is read of what comes next: that may be what ends the process
                break
        return unit

    def _arrivals(self, index: int, *, must: bool) -> list[Arrival] | None:
        """Return the events of a record, read once; None where it can't be read now and needn't."""
        if index == len(self._read):
            try:
                self._read.append(self._reader.read(self._records[index]))
            except (AwayError, StopError):
                if must:
                    raise
                return None  # what came before is not to wait for who is away
        return self._read[index]

    def drop_before(self, offset: int) -> None:
        """Forget what lies before ``offset``."""
        gone = sum(record.offset < offset for record in self._records)
        del self._records[:gone], self._read[:gone]
