"""A local index of the names of a TOM's targets, because the TOM's own search reads all targets at each call.

Filled by paging through ``/api/targets/``, which has no order that could be asked for and no filter by time: pages
are taken until as many targets are known as the TOM counts. Later looks take the end of the list; a whole new fill
follows where that does not explain the TOM's count, or when the last one is older than ``age_s`` and ten times what
it took (so that fills cost a large TOM at most a tenth of its time). Renames and aliases given by people are seen by a
fill, and by the look before a target is created.

A target that the TOM can't show (its row is damaged) is left out, and told in the log. A fill that was broken off goes
on where it was.

In memory, about 0.9 kB a target with one alias: 93 MB for 100,000 (measured). A TOM with millions is for the ORM.
"""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import structlog

from bridge.errors import RejectedError, TomAwayError
from bridge.names import simplify, simplify_all
from bridge.tom.rest.session import RestSession
from bridge.tom.rest.shown import BEYOND, TARGETS, Shown, UnexpectedError, names_of, target_of

log = structlog.get_logger(__name__)

_PAGE = 200
_TAIL = 20
_FILLS = 3
_MOST_UNREADABLE = 20
"""More targets that can't be shown than this are a fault of the TOM, not of some rows."""


@dataclass
class _Fill:
    """A look at the whole list that is under way."""

    started: float = field(default_factory=time.monotonic)
    offset: int = 0
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)
    unreadable: int = 0
    rounds: int = 0


class NameIndex:
    """Which targets have a name: as fresh as the module's docstring says, and as what :meth:`put` was told."""

    def __init__(self, session: RestSession, *, age_s: float) -> None:
        self._session = session
        self._age_s = age_s
        self._names: dict[int, frozenset[str]] = {}
        self._pks: dict[str, set[int]] = {}
        self._unreadable = 0
        self._looked_at: float | None = None
        self._filled_at = 0.0
        self._fill_took_s = 0.0
        self._filling: _Fill | None = None

    def pks(self, names: Iterable[str]) -> set[int]:
        """Return the targets that have one of ``names``; looks at the TOM where the last look is too old."""
        if self._looked_at is None or time.monotonic() - self._looked_at > self._age_s:
            self.look()
        return {pk for name in names for pk in self._pks.get(simplify(name), ())}

    def known(self, simplified: Collection[str]) -> frozenset[str]:
        """Return which of these simplified names the index has."""
        return frozenset(name for name in simplified if name in self._pks)

    def newest(self) -> list[int]:
        """Return the targets that were made last, the newest first."""
        return sorted(self._names, reverse=True)[:2]

    def put(self, pk: int, names: Iterable[str]) -> None:
        """Note the names that a target has now."""
        self.drop(pk)
        self._names[pk] = simplify_all(names)
        for name in self._names[pk]:
            self._pks.setdefault(name, set()).add(pk)

    def drop(self, pk: int) -> None:
        """Note that a target is gone, or can't be seen any more."""
        for name in self._names.pop(pk, ()):
            self._pks[name].discard(pk)
            if not self._pks[name]:
                del self._pks[name]

    def look(self) -> None:
        """Look at the TOM now for what has changed."""
        now = time.monotonic()
        too_old = now - self._filled_at > max(self._age_s, 10 * self._fill_took_s)
        if self._looked_at is None or too_old or self._filling is not None or not self._look_at_end():
            self._fill()
        self._looked_at = time.monotonic()

    def _look_at_end(self) -> bool:
        """Take in new targets from the end of the list; return whether they explain the TOM's count."""
        known = len(self._names) + self._unreadable
        try:
            page = self._session.page(TARGETS, offset=max(0, known - _TAIL), limit=_PAGE)
        except RejectedError:
            return False
        for shown in map(self.checked, page.results):
            self.put(shown["id"], names_of(shown))
        return page.count == len(self._names) + self._unreadable

    def _fill(self) -> None:
        """Take all pages, again where the list has changed meanwhile."""
        fill = self._filling = self._filling or _Fill()
        while True:
            count = self._take_pages(fill)
            fill.rounds += 1
            if count == len(fill.names) + fill.unreadable or fill.rounds >= _FILLS:
                break
            fill.offset, fill.names, fill.unreadable = 0, {}, 0
        self._names.clear()
        self._pks.clear()
        for pk, names in fill.names.items():
            self.put(pk, names)
        self._unreadable = fill.unreadable
        self._filled_at = time.monotonic()
        self._fill_took_s = self._filled_at - fill.started
        self._filling = None
        took = round(self._fill_took_s, 3)
        log.info("tom.names", targets=len(fill.names), unreadable=fill.unreadable, counted_by_tom=count, seconds=took)

    def _take_pages(self, fill: _Fill) -> int:
        """Take the pages from where ``fill`` is to the end; return how many targets the TOM counts."""
        while True:
            count = self._take(fill, _PAGE)
            if fill.offset >= count:
                return count

    def _take(self, fill: _Fill, most: int) -> int:
        """Take the next ``most`` targets, or those before one that can't be shown; return how many the TOM counts."""
        try:
            page = self._session.page(TARGETS, limit=most, offset=fill.offset)
        except RejectedError as error:
            if most > 1:
                return self._take(fill, most // 2)
            if fill.unreadable >= _MOST_UNREADABLE:
                raise TomAwayError(f"does not show more than {_MOST_UNREADABLE} of its targets: {error}") from error
            log.warning("tom.target_unreadable", offset=fill.offset, message=str(error))
            fill.unreadable += 1
            fill.offset += 1
            return self._session.page(TARGETS, limit=1, offset=BEYOND).count
        fill.names |= {shown["id"]: names_of(shown) for shown in map(self.checked, page.results)}
        fill.offset += len(page.results) if page.results else page.count
        return page.count

    def checked(self, said: object) -> Shown:
        """Return a target that the TOM shows; TomAwayError where it is none."""
        try:
            return target_of(said)
        except UnexpectedError as error:
            raise self._session.unexpected(TARGETS, error) from None
