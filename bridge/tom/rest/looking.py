"""Looking at the datums that targets have, with as few pages read as show what has to do with those that come.

The TOM has no filter by time, and from 3.0 on reads all datums of the target for each page. The newest come first
there: of most targets one small page is enough, and where a list was read before, the page is known on which a time
is. Releases before have no order, and read no more than the page.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bridge.errors import RejectedError
from bridge.events import KINDS, Datum, Kind
from bridge.tom.compare import near, numbers
from bridge.tom.port import ExistingDatum
from bridge.tom.rest.seen import Keys, Listing, Read, Row, Seen, SeenLists
from bridge.tom.rest.session import Answer, Request, RestSession
from bridge.tom.rest.shown import UnexpectedError, object_with
from bridge.tom.values import Shown, data_type_of, row_of

log = structlog.get_logger(__name__)

DATUMS = "/api/reduceddatums/"
_PAGES = {
    Kind.PHOTOMETRY: (500, 10_000),
    Kind.SPECTROSCOPY: (100, 100),
    Kind.ASTROMETRY: (500, 10_000),
    Kind.REDUCED_DATUM: (500, 500),
}
"""How many datums are read at once, at first and at most: a spectrum can have thousands of values."""
_GROWTH = 4
_MOST_PAGES = 8
"""A long list is read in so many pages, where those are not too large: the TOM takes nearly as long for a small one."""
_AT_ONCE = 8
"""How many targets are looked at side by side: their pages are held in memory."""
_TAIL = 100
_LONG_S = 1.0


@dataclass(frozen=True)
class _Page(Read):
    """A page, with those of its rows that are wanted."""

    found: Sequence[ExistingDatum] = ()


@dataclass(frozen=True)
class _Wanted:
    """What is looked for in one list: rows of these times, or by ``numbers`` spectra of any time."""

    kind: Kind
    times: frozenset[datetime]
    numbers: frozenset[Keys]

    @classmethod
    def of(cls, kind: Kind, datums: Iterable[Datum]) -> "_Wanted":
        """Return what has to do with ``datums``."""
        datums = tuple(datums)
        spectra = frozenset(keys_of(datum)[1:] for datum in datums if kind is Kind.SPECTROSCOPY)
        return cls(kind, frozenset(datum.timestamp for datum in datums), spectra)

    @property
    def oldest(self) -> datetime | None:
        """The time before which nothing is looked for; None: a spectrum may be of any time."""
        return None if self.numbers else min(self.times)

    def has(self, row: Row) -> bool:
        """Return whether a row that can be compared is looked for."""
        return row.timestamp in self.times or row.keys[1:] in self.numbers


@dataclass(frozen=True)
class _Look:
    """What is looked for in which list, and from which row on."""

    listing: Listing
    wanted: _Wanted
    start: int


class RestRows:
    """The datums that targets of one TOM have, as far as they are asked for."""

    def __init__(self, session: RestSession) -> None:
        self._session = session
        self._seen = SeenLists()

    def of(self, pk: int, wanted: Iterable[Datum]) -> list[ExistingDatum]:
        """Return the target's datums of the types and times of ``wanted``, and the spectra of the same numbers.

        Raises RejectedError where the TOM can't show them.
        """
        (found,) = self.of_each({pk: wanted}, anew=True).values()
        if isinstance(found, RejectedError):
            raise found
        return found

    def of_each(
        self, wanted: Mapping[int, Iterable[Datum]], *, anew: bool
    ) -> dict[int, list[ExistingDatum] | RejectedError]:
        """Return for each target what :meth:`of` returns, or raises.

        Not ``anew``: for datums that are known to have nothing beside them, nothing is looked for
        (:mod:`bridge.tom.rest.seen`).
        """
        found: dict[int, list[ExistingDatum] | RejectedError] = {}
        pks = list(wanted)
        for start in range(0, len(pks), _AT_ONCE):
            looks = [look for pk in pks[start : start + _AT_ONCE] for look in self._looks(pk, wanted[pk], anew=anew)]
            found |= self._found(looks)
        return {pk: found.get(pk, []) for pk in pks}

    def sending(self, pk: int, datum: Datum) -> None:
        """Note that ``datum`` is sent now."""
        self._seen.add(self._listing(pk, datum), keys_of(datum))

    def wrote(self, pk: int, datum: Datum) -> None:
        """Note that the TOM has added ``datum``."""
        self._seen.wrote(self._listing(pk, datum))

    def forget(self, pk: int) -> None:
        """Note that a target may have got any datums: a processor of the TOM has made them."""
        self._seen.forget_target(pk)

    def _listing(self, pk: int, datum: Datum) -> Listing:
        """Return in which list a datum is; types that differ in case alone are one from 3.0 on."""
        data_type = data_type_of(datum)
        return pk, data_type.lower() if self._session.toolkit.typed_datums else data_type

    # -- what has to be looked for --------------------------------------------------------------------------------

    def _looks(self, pk: int, datums: Iterable[Datum], *, anew: bool) -> Iterator[_Look]:
        by_type: dict[tuple[Kind, Listing], list[Datum]] = defaultdict(list)
        for datum in datums:
            by_type[KINDS[type(datum)], self._listing(pk, datum)].append(datum)
        for (kind, listing), of_type in by_type.items():
            if unsure := of_type if anew else self._unsure(listing, kind, of_type):
                wanted = _Wanted.of(kind, unsure)
                seen = self._seen.get(listing)
                start = 0 if seen is None or wanted.oldest is None else seen.place_before(max(wanted.times))
                yield _Look(listing, wanted, start)

    def _unsure(self, listing: Listing, kind: Kind, datums: Sequence[Datum]) -> Sequence[Datum]:
        """Return those that may have something beside them."""
        seen = self._seen.get(listing)
        if seen is None:
            return datums
        if not seen.is_fresh and not self._still_holds(listing, kind, seen):
            self._seen.forget(listing)
            return datums
        return [datum for datum in datums if not seen.lacks(Row(datum.timestamp, keys_of(datum)))]

    def _still_holds(self, listing: Listing, kind: Kind, seen: Seen) -> bool:
        new_ones_at = 0 if self._session.toolkit.typed_datums else max(0, seen.count - _TAIL)
        try:
            return seen.explains(self._page(listing, _Wanted.of(kind, ()), new_ones_at, _PAGES[kind][0]))
        except RejectedError:
            return False  # the look that follows says so

    # -- looking ------------------------------------------------------------------------------------------------------

    def _found(self, looks: Sequence[_Look]) -> dict[int, list[ExistingDatum] | RejectedError]:
        """Return by target what all looks show; the first pages are asked for side by side."""
        firsts = self._first_pages([look for look in looks if look.start == 0 and look.wanted.oldest is not None])
        found: dict[int, list[ExistingDatum] | RejectedError] = {}
        for look in looks:
            before = found.setdefault(look.listing[0], [])
            if isinstance(before, RejectedError):
                continue
            try:
                before += self._rows(look, firsts.get(look.listing))
            except RejectedError as error:
                found[look.listing[0]] = error
        return found

    def _first_pages(self, looks: Sequence[_Look]) -> dict[Listing, Answer]:
        asked = [_request(look.listing, 0, _PAGES[look.wanted.kind][0]) for look in looks]
        answers = self._session.request_each(asked)
        return {look.listing: answer for look, answer in zip(looks, answers, strict=True)}

    def _rows(self, look: _Look, first: Answer | None) -> list[ExistingDatum]:
        start = look.start
        while (found := self._rows_from(start, look, first)) is None:
            start = max(0, start - _PAGES[look.wanted.kind][1])  # rows before were deleted
        return found

    def _rows_from(self, start: int, look: _Look, first: Answer | None) -> list[ExistingDatum] | None:
        """Return the rows that are wanted; None where ``start`` is not before all of them."""
        listing, wanted = look.listing, look.wanted
        smallest, most = _PAGES[wanted.kind]
        ordered = self._session.toolkit.typed_datums
        seen = self._seen.get(listing)
        found: list[ExistingDatum] = []
        size, offset, last = smallest if start == 0 else most, start, None
        started = time.monotonic()
        while True:
            page = self._page(listing, wanted, offset, size, first)
            first = None
            ordered = ordered and page.is_ordered and (last is None or not page.rows or last >= page.rows[0].timestamp)
            if start and not (ordered and page.rows and (last or page.rows[0].timestamp > max(wanted.times))):
                return None
            if start == offset == 0 and (seen is None or not seen.explains(page)):
                seen = self._seen.begin(listing, page.count)
            if seen is not None and not seen.take(page, ordered=ordered):
                seen = None  # it has changed meanwhile: the pages that follow may not belong to those before
            found += page.found
            last, offset = page.rows[-1].timestamp if page.rows else None, page.end
            if page.is_last or (ordered and wanted.oldest is not None and last is not None and last < wanted.oldest):
                break
            size = min(max(size * _GROWTH, page.count // _MOST_PAGES), most)
        if (seconds := time.monotonic() - started) > _LONG_S:
            log.info("tom.datums_read", target=listing[0], data_type=listing[1], rows=page.count, seconds=seconds)
        return found

    def _page(self, listing: Listing, wanted: _Wanted, offset: int, size: int, answer: Answer | None = None) -> _Page:
        """Return a page as it is read: that of ``answer``, or asked for now."""
        typed = self._session.toolkit.typed_datums
        if answer is None:
            (answer,) = self._session.request_each([_request(listing, offset, size)])
        page = self._session.page_in(answer, DATUMS)
        rows: list[Row] = []
        found: list[ExistingDatum] = []
        for shown in page.results:
            moment, existing = self._time_of(shown), row_of(shown, typed=typed)
            rows.append(Row(moment, () if existing is None else keys_of(existing)))
            if existing is not None and existing.kind is wanted.kind and wanted.has(rows[-1]):
                found.append(existing)
        return _Page(offset, page.count, rows, answer.elapsed.total_seconds(), found)

    def _time_of(self, said: Shown) -> datetime:
        try:
            return _time_in(object_with(said, data_type=str, timestamp=str)["timestamp"])
        except UnexpectedError as error:
            raise self._session.unexpected(DATUMS, error) from None


def _time_in(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UnexpectedError(f"the timestamp {text[:40]!r}", "a time of ISO 8601") from None
    if moment.tzinfo is None:
        expected = "a time with its offset from UTC (USE_TZ = True in the TOM's settings)"
        raise UnexpectedError(f"the timestamp {text[:40]!r}", expected)
    return moment


def keys_of(datum: Datum | ExistingDatum) -> Keys:
    """Return the keys by which rows that have to do with each other are known: what is near, a spectrum's numbers."""
    known = numbers(datum)
    return (hash(near(datum)),) if known is None else (hash(near(datum)), hash(known))


def _request(listing: Listing, offset: int, size: int) -> Request:
    pk, data_type = listing
    return Request("GET", DATUMS, {"target__id": pk, "data_type": data_type, "limit": size, "offset": offset})
