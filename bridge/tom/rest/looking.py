"""Looking at the datums that targets have, with as few pages read as show what has to do with those that come.

The TOM has no filter by time, and from 3.0 on reads all datums of the target for each page. The newest come first
there: of most targets one small page is enough, and where a list was read before, the page is known on which a time
is. Releases before have no order, and read no more than the page.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from bridge.events import KINDS, Datum, Kind
from bridge.tom.compare import near, numbers
from bridge.tom.port import ExistingDatum
from bridge.tom.rest.seen import Keys, Listing, Read, Row, Seen, SeenLists
from bridge.tom.rest.session import RestSession
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
_TAIL = 100
_LONG_S = 1.0


@dataclass(frozen=True)
class _Page(Read):
    """A page, with those of its rows that can be compared."""

    existing: Sequence[ExistingDatum | None] = ()


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

    def of_page(self, page: _Page) -> list[ExistingDatum]:
        """Return the rows of a page that are looked for."""
        return [
            existing
            for row, existing in zip(page.rows, page.existing, strict=True)
            if existing is not None and (row.timestamp in self.times or row.keys[1:] in self.numbers)
        ]


class RestRows:
    """The datums that targets of one TOM have, as far as they are asked for."""

    def __init__(self, session: RestSession) -> None:
        self._session = session
        self._seen = SeenLists()

    def of(self, pk: int, wanted: Iterable[Datum], *, anew: bool = True) -> list[ExistingDatum]:
        """Return the target's datums of the types and times of ``wanted``, and the spectra of the same numbers.

        Not ``anew``: for datums that are known to have nothing beside them, nothing is looked for
        (:mod:`bridge.tom.rest.seen`). Raises RejectedError where the TOM can't show them.
        """
        by_type: dict[tuple[Kind, str], list[Datum]] = defaultdict(list)
        for datum in wanted:
            by_type[KINDS[type(datum)], data_type_of(datum)].append(datum)
        found: list[ExistingDatum] = []
        for (kind, data_type), datums in by_type.items():
            listing = pk, data_type
            unsure = datums if anew else self._unsure(listing, kind, datums)
            if unsure:
                found += self._look(listing, _Wanted.of(kind, unsure))
        return found

    def sending(self, pk: int, datum: Datum) -> None:
        """Note that ``datum`` is sent now."""
        self._seen.add((pk, data_type_of(datum)), keys_of(datum))

    def wrote(self, pk: int, datum: Datum) -> None:
        """Note that the TOM has added ``datum``."""
        self._seen.wrote((pk, data_type_of(datum)))

    def _unsure(self, listing: Listing, kind: Kind, datums: Sequence[Datum]) -> Sequence[Datum]:
        """Return those that may have something beside them."""
        seen = self._seen.get(listing)
        if seen is None:
            return datums
        if not seen.is_fresh and not seen.explains(self._where_new_ones_are(listing, kind, seen)):
            self._seen.forget(listing)
            return datums
        return [datum for datum in datums if not seen.lacks(Row(datum.timestamp, keys_of(datum)))]

    def _where_new_ones_are(self, listing: Listing, kind: Kind, seen: Seen) -> _Page:
        first = 0 if self._session.toolkit.typed_datums else max(0, seen.count - _TAIL)
        return self._page(listing, kind, first, _PAGES[kind][0])

    def _look(self, listing: Listing, wanted: _Wanted) -> list[ExistingDatum]:
        seen, size = self._seen.get(listing), _PAGES[wanted.kind][1]
        start = 0 if seen is None or wanted.oldest is None else seen.place_before(max(wanted.times))
        while (found := self._read_from(start, listing, wanted)) is None:
            start = max(0, start - size)  # rows before were deleted
        return found

    def _read_from(self, start: int, listing: Listing, wanted: _Wanted) -> list[ExistingDatum] | None:
        """Return the rows that are wanted; None where ``start`` is not before all of them."""
        first, most = _PAGES[wanted.kind]
        ordered = self._session.toolkit.typed_datums
        seen = self._seen.get(listing)
        found: list[ExistingDatum] = []
        size, offset, last = first if start == 0 else most, start, None
        started = time.monotonic()
        while True:
            page = self._page(listing, wanted.kind, offset, size)
            ordered = ordered and page.is_ordered and (last is None or not page.rows or last >= page.rows[0].timestamp)
            if start and not (ordered and page.rows and (last or page.rows[0].timestamp > max(wanted.times))):
                return None
            if start == offset == 0 and (seen is None or seen.count != page.count):
                seen = self._seen.begin(listing, page.count)
            if seen is not None and not seen.take(page, ordered=ordered):
                self._seen.forget(listing)
                seen = None
            found += wanted.of_page(page)
            last, offset = page.rows[-1].timestamp if page.rows else None, page.end
            if page.is_last or (ordered and wanted.oldest is not None and last is not None and last < wanted.oldest):
                break
            size = min(max(size * _GROWTH, page.count // _MOST_PAGES), most)
        if (seconds := time.monotonic() - started) > _LONG_S:
            log.info("tom.datums_read", target=listing[0], data_type=listing[1], rows=page.count, seconds=seconds)
        return found

    def _page(self, listing: Listing, kind: Kind, offset: int, size: int) -> _Page:
        pk, data_type = listing
        typed = self._session.toolkit.typed_datums
        started = time.monotonic()
        page = self._session.page(DATUMS, target__id=pk, data_type=data_type, limit=size, offset=offset)
        seconds = time.monotonic() - started
        times = [self._time_of(shown) for shown in page.results]
        existing = [_of_kind(row_of(shown, typed=typed), kind) for shown in page.results]
        rows = [Row(moment, () if row is None else keys_of(row)) for moment, row in zip(times, existing, strict=True)]
        return _Page(offset, page.count, rows, seconds, existing)

    def _time_of(self, said: Shown) -> datetime:
        try:
            return datetime.fromisoformat(object_with(said, data_type=str, timestamp=str)["timestamp"])
        except UnexpectedError as error:
            raise self._session.unexpected(DATUMS, error) from None
        except ValueError:
            wrong = UnexpectedError(f"the timestamp {said['timestamp'][:40]!r}", "a time of ISO 8601")
            raise self._session.unexpected(DATUMS, wrong) from None


def keys_of(datum: Datum | ExistingDatum) -> Keys:
    """Return the keys by which rows that have to do with each other are known: what is near, a spectrum's numbers."""
    known = numbers(datum)
    return (hash(near(datum)),) if known is None else (hash(near(datum)), hash(known))


def _of_kind(row: ExistingDatum | None, kind: Kind) -> ExistingDatum | None:
    return row if row is not None and row.kind is kind else None
