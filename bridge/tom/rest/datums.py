"""Datums over REST: one request a datum, on a few connections at a time.

The TOM's answers are not taken at face value: its 200 says "already there" of rows that differ, its 500 may be the
datum's fault or a duplicate's (2.x). So what is there is read and compared first, and whatever is not a plain 201 is
read back. Before each chunk the datums that are about to be sent are noted; what was noted and is there after a crash
was written by us.
"""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from bridge.budget import Budget
from bridge.events import KINDS, Datum, EventRef, Kind, Point
from bridge.ledger.port import Intents
from bridge.tom.compare import as_existing, fate, looks_equal, near
from bridge.tom.port import DatumResult, ExistingDatum, Fate, NewDatum
from bridge.tom.rest.session import Answer, RestSession
from bridge.tom.rest.versions import Toolkit
from bridge.tom.rest.words import words
from bridge.tom.values import data_type_of, row_of, value_of

DATUMS = "/api/reduceddatums/"
_CHUNK = 500
_PAGES = {Kind.PHOTOMETRY: 5000, Kind.SPECTROSCOPY: 100, Kind.ASTROMETRY: 5000, Kind.REDUCED_DATUM: 500}
"""How many datums are read at once: a spectrum can have thousands of values."""

_Place = tuple[int, Hashable]


class RestDatums:
    """The reduced datums of one TOM."""

    def __init__(self, session: RestSession, intents: Intents) -> None:
        self._session = session
        self._intents = intents
        self._workers = ThreadPoolExecutor(session.account.connections, thread_name_prefix="tom")

    def close(self) -> None:
        """End the threads."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def rows(self, pk: int, wanted: Iterable[Datum]) -> tuple[ExistingDatum, ...]:
        """Return the target's datums of the types and times of ``wanted``.

        The TOM has no filter by time: all its datums of these types are read.
        """
        typed = self._session.toolkit.typed_datums
        moments: dict[tuple[Kind, str], set[datetime]] = defaultdict(set)
        for datum in wanted:
            moments[KINDS[type(datum)], data_type_of(datum)].add(datum.timestamp)
        found = []
        for (kind, data_type), times in moments.items():
            rows = (row_of(shown, typed=typed) for shown in self._pages(pk, data_type, _PAGES[kind]))
            found += [row for row in rows if row is not None and row.kind is kind and row.values["timestamp"] in times]
        return tuple(found)

    def _pages(self, pk: int, data_type: str, size: int) -> Iterator[Any]:
        offset = 0
        while True:
            page = self._session.get(DATUMS, target__id=pk, data_type=data_type, limit=size, offset=offset)
            yield from page["results"]
            offset += len(page["results"])
            if not page["results"] or offset >= page["count"]:
                return

    def add(self, datums: Sequence[NewDatum], budget: Budget) -> list[DatumResult]:
        """See :meth:`bridge.tom.port.Tom.add_datums`."""
        results: list[DatumResult | None] = [None] * len(datums)
        there = self._there(datums)
        for start in range(0, len(datums), _CHUNK):
            budget.check()
            self._add_chunk(range(start, min(start + _CHUNK, len(datums))), datums, there, results)
        return [result for result in results if result is not None]

    def _there(self, datums: Iterable[NewDatum]) -> dict[_Place, list[ExistingDatum]]:
        """Return the rows beside ``datums``, by target and what they have to have in common."""
        wanted: dict[int, list[Datum]] = defaultdict(list)
        for new in datums:
            wanted[new.target_pk].append(new.datum)
        there: dict[_Place, list[ExistingDatum]] = defaultdict(list)
        for pk, of_target in wanted.items():
            for row in self.rows(pk, of_target):
                there[pk, near(row)].append(row)
        return there

    def _add_chunk(
        self,
        chunk: range,
        datums: Sequence[NewDatum],
        there: dict[_Place, list[ExistingDatum]],
        results: list[DatumResult | None],
    ) -> None:
        begun = {event: self._intents.begin(event, ()) for event in {datums[i].provenance.event for i in chunk}}
        to_ask: list[int] = []
        steps: dict[EventRef, set[str]] = defaultdict(set)
        asked: set[tuple[EventRef, str]] = set()
        for index in chunk:
            new, event = datums[index], datums[index].provenance.event
            rows, step = there[_place(new)], step_of(new)
            seen = any(looks_equal(new.datum, row) for row in rows)
            if seen and step in begun[event] and (event, step) not in asked:
                results[index] = DatumResult(Fate.NEW)  # sent by a call that did not end
                asked.add((event, step))
                continue
            judged = fate(new.datum, rows)
            if judged is not None:
                results[index] = DatumResult(judged)
                continue
            to_ask.append(index)
            if not seen:
                # A row that looks equal is not noted: if it is there after a crash, it was there before.
                steps[event].add(step)
                asked.add((event, step))
                rows.append(as_existing(new.datum))
        for event, names in steps.items():
            self._intents.begin(event, names)
        self._ask(to_ask, datums, results)

    def _ask(self, indices: Sequence[int], datums: Sequence[NewDatum], results: list[DatumResult | None]) -> None:
        """Send datums in parallel; raises only after all that were sent have ended."""
        toolkit = self._session.toolkit  # found out before the threads start
        futures = [
            self._workers.submit(self._session.request, "POST", DATUMS, json=_as_sent(datums[i], toolkit))
            for i in indices
        ]
        away: BaseException | None = None
        to_read_back: list[tuple[int, Answer]] = []
        for index, future in zip(indices, futures, strict=True):
            if away is not None:
                future.cancel()
            if future.cancelled():
                continue
            error = future.exception()
            if error is not None:
                away = away or error
                continue
            answer = future.result()
            if answer.status_code == 201:
                results[index] = DatumResult(Fate.NEW)
            elif answer.status_code in {401, 403} or answer.status_code in range(400, 500):
                results[index] = DatumResult(Fate.REFUSED, _why(answer))
            else:
                to_read_back.append((index, answer))
        if away is not None:
            raise away
        if to_read_back:
            self._read_back(to_read_back, datums, results)

    def _read_back(
        self,
        answered: Sequence[tuple[int, Answer]],
        datums: Sequence[NewDatum],
        results: list[DatumResult | None],
    ) -> None:
        """Say what became of datums that the TOM answered with 200 or 500, from what it holds."""
        failed = next((index for index, answer in answered if answer.status_code >= 500), None)
        if failed is not None:
            self._session.check_writes(datums[failed].target_pk)
        there = self._there([datums[index] for index, _ in answered])
        for index, answer in answered:
            datum, rows = datums[index].datum, there[_place(datums[index])]
            if any(looks_equal(datum, row) for row in rows):
                results[index] = DatumResult(Fate.DUPLICATE)
            elif answer.status_code != 200:
                results[index] = DatumResult(Fate.REFUSED, self._why_failed(answer, datum))
            elif rows:
                said = "the TOM keeps a row of the same time and instrument that differs"
                results[index] = DatumResult(Fate.CONFLICTING, said)
            else:
                said = f"the TOM says that it has it, and does not show it ({words(answer)})"
                results[index] = DatumResult(Fate.UNVERIFIED, said)

    def _why_failed(self, answer: Answer, datum: Datum) -> str:
        if self._session.toolkit.typed_datums or isinstance(datum, Point):
            return words(answer)
        # Its page of the failure says nothing more, and this is the usual reason.
        return (
            f"{words(answer)}; TOM Toolkit before 3.1 takes only types in the TOM's DATA_PRODUCT_TYPES: "
            f"is {data_type_of(datum)!r} one?"
        )


def step_of(new: NewDatum) -> str:
    """Return what the intent of writing ``new`` is called: the same at every try, another for another datum."""
    content = f"{new.target_pk} {data_type_of(new.datum)} {new.datum.model_dump_json()}"
    return "datum " + hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


def _place(new: NewDatum) -> _Place:
    return new.target_pk, near(new.datum)


def _as_sent(new: NewDatum, toolkit: Toolkit) -> dict[str, Any]:
    datum = new.datum
    sent = {
        "target": new.target_pk,
        "data_type": data_type_of(datum),
        "timestamp": datum.timestamp.isoformat(),
        "source_name": datum.source_name,
        "source_location": datum.source_location,
    }
    value = value_of(datum, typed=toolkit.typed_datums)
    # An empty dictionary makes 3.1 answer 500; it fills in its own where none is sent.
    return sent | ({"value": value} if value else {})


def _why(answer: Answer) -> str:
    said = words(answer)
    if "Invalid pk" in said:
        return f"the account may not change the target: give it, or one of its groups, that permission ({said})"
    return said
