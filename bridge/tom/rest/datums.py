"""Datums over REST: one request a datum, on a few connections at a time.

The TOM's answers are not taken at face value: its 200 says "already there" of rows that differ, its 500 may be the
datum's fault or a duplicate's (2.x). So what is there is read and compared first, and whatever is not a plain 201 is
read back. Before each chunk the datums that are about to be sent are noted; what was noted and is there after a crash
was written by us.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.budget import Budget
from bridge.errors import RejectedError
from bridge.events import Datum, EventRef, Point
from bridge.ledger.port import Intents
from bridge.tom import echo
from bridge.tom.compare import Beside, looks_equal
from bridge.tom.port import DatumResult, ExistingDatum, Fate, NewDatum
from bridge.tom.rest.looking import DATUMS, RestRows
from bridge.tom.rest.session import Answer, Request, RestSession
from bridge.tom.rest.versions import Toolkit
from bridge.tom.rest.words import words
from bridge.tom.values import data_type_of, value_of

_CHUNK = 500


class RestDatums:
    """The reduced datums of one TOM."""

    def __init__(self, session: RestSession, intents: Intents) -> None:
        self._session = session
        self._intents = intents
        self._rows = RestRows(session)

    def rows(self, pk: int, wanted: Iterable[Datum]) -> tuple[ExistingDatum, ...]:
        """Return the target's datums of the types and times of ``wanted``, and the spectra of the same numbers.

        Raises RejectedError where the TOM can't show them.
        """
        return tuple(self._rows.of(pk, wanted))

    def forget(self, pk: int) -> None:
        """See :meth:`bridge.tom.rest.looking.RestRows.forget`."""
        self._rows.forget(pk)

    def add(self, datums: Sequence[NewDatum], budget: Budget) -> list[DatumResult]:
        """See :meth:`bridge.tom.port.Tom.add_datums`."""
        results: list[DatumResult | None] = [None] * len(datums)
        beside, unreadable = self._beside(datums, anew=False)
        for index, new in enumerate(datums):
            if (refused := unreadable.get(new.target_pk)) is not None:
                results[index] = DatumResult(Fate.REFUSED, refused)
        left = [index for index, result in enumerate(results) if result is None]
        for start in range(0, len(left), _CHUNK):
            budget.check()
            self._add_chunk(left[start : start + _CHUNK], datums, beside, results)
        return [result for result in results if result is not None]

    def _beside(self, datums: Sequence[NewDatum], *, anew: bool) -> tuple[Beside, Mapping[int, str]]:
        """Return the rows beside ``datums``, and the targets whose datums the TOM can't show, with its reason."""
        wanted: dict[int, list[Datum]] = defaultdict(list)
        for new in datums:
            wanted[new.target_pk].append(new.datum)
        beside, unreadable = Beside(datums), dict[int, str]()
        for pk, rows in self._rows.of_each(wanted, anew=anew).items():
            if isinstance(rows, RejectedError):
                unreadable[pk] = f"what target {pk} has can't be compared: {rows}"
            else:
                beside.take_in(pk, rows)
        return beside, unreadable

    def _add_chunk(
        self, chunk: Sequence[int], datums: Sequence[NewDatum], beside: Beside, results: list[DatumResult | None]
    ) -> None:
        begun = {event: self._intents.begin(event, ()) for event in {datums[i].provenance.event for i in chunk}}
        to_ask: list[int] = []
        steps: dict[EventRef, set[str]] = defaultdict(set)
        for index in chunk:
            new, event = datums[index], datums[index].provenance.event
            step = step_of(new)
            seen = any(looks_equal(new.datum, row) for row in beside.rows(new))
            if (judged := beside.fate_among_noted(new)) is None:
                if seen and step in begun[event]:
                    results[index] = DatumResult(Fate.NEW)  # sent by a call that did not end
                    beside.note(new)
                    continue
                judged = beside.fate(new)
            if judged is not None:
                results[index] = DatumResult(judged)
                continue
            to_ask.append(index)
            if not seen:
                # A row that looks equal is not noted: if it is there after a crash, it was there before.
                steps[event].add(step)
                beside.note(new)
        for event, names in steps.items():
            self._intents.begin(event, names)
        self._ask(to_ask, datums, beside, results)
        written = [datums[index].datum for index in chunk if _is_new(results[index])]
        self._intents.note_written([digest(datum) for datum in written for digest in (echo.of_datum, echo.of_values)])

    def _ask(
        self, indices: Sequence[int], datums: Sequence[NewDatum], beside: Beside, results: list[DatumResult | None]
    ) -> None:
        """Send datums, a few at a time, and say what became of each; ``beside`` are the rows from before."""
        toolkit = self._session.toolkit
        for new in (datums[index] for index in indices):
            self._rows.sending(new.target_pk, new.datum)
        answers = self._session.request_each(
            [Request("POST", DATUMS, json=_as_sent(datums[index], toolkit)) for index in indices]
        )
        to_read_back: list[tuple[int, Answer]] = []
        for index, answer in zip(indices, answers, strict=True):
            new = datums[index]
            if answer.status_code == 201:
                results[index] = DatumResult(Fate.NEW)
                self._rows.wrote(new.target_pk, new.datum)
            elif answer.status_code == 200 and any(looks_equal(new.datum, row) for row in beside.rows(new)):
                results[index] = DatumResult(Fate.DUPLICATE)
            elif answer.status_code in range(400, 500):
                results[index] = DatumResult(Fate.REFUSED, _why(answer))
            else:
                to_read_back.append((index, answer))
        if to_read_back:
            self._read_back(to_read_back, datums, results)

    def _read_back(
        self,
        answered: Sequence[tuple[int, Answer]],
        datums: Sequence[NewDatum],
        results: list[DatumResult | None],
    ) -> None:
        """Say what became of datums that the TOM answered with 200 or 500, from what it holds."""
        beside, unreadable = self._beside([datums[index] for index, _ in answered], anew=True)
        for index, answer in answered:
            new = datums[index]
            rows = beside.rows(new)
            if new.target_pk in unreadable:
                results[index] = DatumResult(Fate.REFUSED, f"{words(answer)}; {unreadable[new.target_pk]}")
            elif any(looks_equal(new.datum, row) for row in rows):
                results[index] = DatumResult(Fate.DUPLICATE)
            elif answer.status_code != 200:
                results[index] = DatumResult(Fate.REFUSED, self._why_failed(answer, new.datum))
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
            f"{words(answer)}; TOM Toolkit before 3.0 takes only types in the TOM's DATA_PRODUCT_TYPES: "
            f"is {data_type_of(datum)!r} one?"
        )


def _is_new(result: DatumResult | None) -> bool:
    return result is not None and result.fate is Fate.NEW


def step_of(new: NewDatum) -> str:
    """Return what the intent of writing ``new`` is called: the same at every try, another for another datum."""
    content = f"{new.target_pk} {data_type_of(new.datum)} {new.datum.model_dump_json()}"
    return "datum " + hashlib.blake2b(content.encode(), digest_size=12).hexdigest()


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
    # An empty dictionary makes 3.x answer 500; it fills in its own where none is sent.
    return sent | ({"value": value} if value else {})


def _why(answer: Answer) -> str:
    said = words(answer)
    if "Invalid pk" in said:
        return f"the account may not change the target: give it, or one of its groups, that permission ({said})"
    return said
