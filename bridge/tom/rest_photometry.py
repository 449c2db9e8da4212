"""Photometry over REST: one request a datum, on a few connections at a time.

The TOM's answers are not taken at face value: its 200 says "already there" of rows that differ, its 500 may be the
datum's fault or a duplicate's (2.x). So what is there is read and compared first, and whatever is not a plain 201 is
read back. Before each chunk the points that are about to be sent are noted; what was noted and is there after a crash
was written by us.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

from bridge.events import Point
from bridge.tom.compare import as_existing, fate, looks_equal
from bridge.tom.ledger_port import Intents
from bridge.tom.port import ExistingPoint, NewPoint, PointFate, PointResult
from bridge.tom.rest_session import Answer, RestSession
from bridge.tom.rest_words import words

DATUMS = "/api/reduceddatums/"
_CHUNK = 500
_PAGE = 5000

_Place = tuple[int, datetime, str]


class RestPhotometry:
    """The photometric rows of one TOM."""

    def __init__(self, session: RestSession, intents: Intents) -> None:
        self._session = session
        self._intents = intents
        self._workers = ThreadPoolExecutor(session.account.connections, thread_name_prefix="tom")

    def close(self) -> None:
        """End the threads."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def rows(self, pk: int, moments: Iterable[datetime]) -> tuple[ExistingPoint, ...]:
        """Return the target's rows at these times. The TOM has no filter by time: all its rows are read."""
        wanted = set(moments)
        found = []
        offset = 0
        while True:
            page = self._session.get(DATUMS, target__id=pk, data_type="photometry", limit=_PAGE, offset=offset)
            found += [self._session.toolkit.row_of(datum) for datum in page["results"]]
            offset += len(page["results"])
            if not page["results"] or offset >= page["count"]:
                return tuple(row for row in found if row is not None and row.timestamp in wanted)

    def add(self, points: Sequence[NewPoint]) -> list[PointResult]:
        """See :meth:`bridge.tom.port.Tom.add_photometry`."""
        results: list[PointResult | None] = [None] * len(points)
        there = self._there(points)
        for start in range(0, len(points), _CHUNK):
            self._add_chunk(range(start, min(start + _CHUNK, len(points))), points, there, results)
        return [result for result in results if result is not None]

    def _there(self, points: Iterable[NewPoint]) -> dict[_Place, list[ExistingPoint]]:
        """Return the rows beside ``points``, by target, time and bandpass."""
        moments: dict[int, set[datetime]] = defaultdict(set)
        for new in points:
            moments[new.target_pk].add(new.point.timestamp)
        there: dict[_Place, list[ExistingPoint]] = defaultdict(list)
        for pk, wanted in moments.items():
            for row in self.rows(pk, wanted):
                there[pk, row.timestamp, row.bandpass].append(row)
        return there

    def _add_chunk(
        self,
        chunk: range,
        points: Sequence[NewPoint],
        there: dict[_Place, list[ExistingPoint]],
        results: list[PointResult | None],
    ) -> None:
        begun = {event: self._intents.begin(event, ()) for event in {points[i].provenance.event_id for i in chunk}}
        to_ask: list[int] = []
        steps: dict[UUID, set[str]] = defaultdict(set)
        asked: set[tuple[UUID, str]] = set()
        for index in chunk:
            new, event = points[index], points[index].provenance.event_id
            rows, step = there[_place(new)], step_of(new)
            seen = any(looks_equal(new.point, row) for row in rows)
            if seen and step in begun[event] and (event, step) not in asked:
                results[index] = PointResult(PointFate.NEW)  # sent by a call that did not end
                asked.add((event, step))
                continue
            judged = fate(new.point, rows)
            if judged is not None:
                results[index] = PointResult(judged)
                continue
            to_ask.append(index)
            if not seen:
                # A row that looks equal is not noted: if it is there after a crash, it was there before.
                steps[event].add(step)
                asked.add((event, step))
                rows.append(as_existing(new.point))
        for event, names in steps.items():
            self._intents.begin(event, names)
        self._ask(to_ask, points, results)

    def _ask(self, indices: Sequence[int], points: Sequence[NewPoint], results: list[PointResult | None]) -> None:
        """Send points in parallel; raises only after all that were sent have ended."""
        toolkit = self._session.toolkit  # found out before the threads start
        futures = [
            self._workers.submit(self._session.request, "POST", DATUMS, json=_as_sent(points[i], toolkit.value_of))
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
                results[index] = PointResult(PointFate.NEW)
            elif answer.status_code in {401, 403} or answer.status_code in range(400, 500):
                results[index] = PointResult(PointFate.REFUSED, _why(answer))
            else:
                to_read_back.append((index, answer))
        if away is not None:
            raise away
        if to_read_back:
            self._read_back(to_read_back, points, results)

    def _read_back(
        self,
        answered: Sequence[tuple[int, Answer]],
        points: Sequence[NewPoint],
        results: list[PointResult | None],
    ) -> None:
        """Say what became of points that the TOM answered with 200 or 500, from what it holds."""
        failed = next((index for index, answer in answered if answer.status_code >= 500), None)
        if failed is not None:
            self._session.check_writes(points[failed].target_pk)
        there = self._there([points[index] for index, _ in answered])
        for index, answer in answered:
            point, rows = points[index].point, there[_place(points[index])]
            if any(looks_equal(point, row) for row in rows):
                results[index] = PointResult(PointFate.DUPLICATE)
            elif answer.status_code != 200:
                results[index] = PointResult(PointFate.REFUSED, words(answer))
            elif rows:
                said = "the TOM keeps a row of the same time, bandpass and instrument that differs"
                results[index] = PointResult(PointFate.CONFLICTING, said)
            else:
                said = f"the TOM says that it has it, and does not show it ({words(answer)})"
                results[index] = PointResult(PointFate.UNVERIFIED, said)


def step_of(new: NewPoint) -> str:
    """Return what the intent of writing ``new`` is called: the same at every try, another for another point."""
    content = f"{new.target_pk} {new.point.model_dump_json()}"
    return "point " + hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


def _place(new: NewPoint) -> _Place:
    return new.target_pk, new.point.timestamp, new.point.bandpass


def _as_sent(new: NewPoint, value_of: Any) -> dict[str, Any]:
    point: Point = new.point
    return {
        "target": new.target_pk,
        "data_type": "photometry",
        "timestamp": point.timestamp.isoformat(),
        "source_name": point.source_name,
        "source_location": point.source_location,
        "value": value_of(point),
    }


def _why(answer: Answer) -> str:
    said = words(answer)
    if "Invalid pk" in said:
        return f"the account may not change the target: give it, or one of its groups, that permission ({said})"
    return said
