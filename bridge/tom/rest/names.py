"""A local index of the names of a TOM's targets, because the TOM's own search reads all targets at each call.

Filled by paging through ``/api/targets/``, which has no order that could be asked for and no filter by time: pages
are taken until as many targets are known as the TOM counts. Later looks take the end of the list; a whole new fill
follows where that does not explain the TOM's count, or when the last one is older than ``age_s`` and ten times what
it took (so that fills cost a large TOM at most a tenth of its time). Renames and aliases given by people are seen by a
fill, and by the look before a target is created.

In memory, about 0.9 kB a target with one alias: 93 MB for 100,000 (measured). A TOM with millions is for the ORM.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import structlog

from bridge.names import simplify, simplify_all
from bridge.tom.rest.session import RestSession

log = structlog.get_logger(__name__)

_PAGE = 200
_TAIL = 20
_FILLS = 3
TARGETS = "/api/targets/"

Shown = Mapping[str, Any]
"""A target as the API shows it."""


def names_of(shown: Shown) -> tuple[str, ...]:
    """Return the name and the aliases of a target as the API shows it."""
    return (shown["name"], *(alias["name"] for alias in shown.get("aliases", ())))


class NameIndex:
    """Which targets have a name: as fresh as the module's docstring says, and as what :meth:`put` was told."""

    def __init__(self, session: RestSession, *, age_s: float) -> None:
        self._session = session
        self._age_s = age_s
        self._names: dict[int, frozenset[str]] = {}
        self._pks: dict[str, set[int]] = {}
        self._looked_at: float | None = None
        self._filled_at = 0.0
        self._fill_took_s = 0.0

    def pks(self, names: Iterable[str]) -> set[int]:
        """Return the targets that have one of ``names``; looks at the TOM where the last look is too old."""
        if self._looked_at is None or time.monotonic() - self._looked_at > self._age_s:
            self.look()
        return {pk for name in names for pk in self._pks.get(simplify(name), ())}

    def known(self, simplified: Collection[str]) -> frozenset[str]:
        """Return which of these simplified names the index has."""
        return frozenset(name for name in simplified if name in self._pks)

    def newest(self) -> int | None:
        """Return the target that was made last, or None."""
        return max(self._names, default=None)

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
        if self._looked_at is None or too_old or not self._look_at_end():
            self._fill()
        self._looked_at = time.monotonic()

    def _look_at_end(self) -> bool:
        """Take in new targets from the end of the list; return whether they explain the TOM's count."""
        page = self._page(offset=max(0, len(self._names) - _TAIL), most=_PAGE)
        for shown in page["results"]:
            self.put(shown["id"], names_of(shown))
        return bool(page["count"] == len(self._names))

    def _fill(self) -> None:
        started = time.monotonic()
        count = seen_count = -1
        for _ in range(_FILLS):
            found: dict[int, tuple[str, ...]] = {}
            offset = 0
            while True:
                page = self._page(offset=offset, most=_PAGE)
                found |= {shown["id"]: names_of(shown) for shown in page["results"]}
                offset += len(page["results"])
                if not page["results"] or offset >= page["count"]:
                    break
            count, seen_count = page["count"], len(found)
            if count == seen_count:
                break
        self._names.clear()
        self._pks.clear()
        for pk, names in found.items():
            self.put(pk, names)
        self._filled_at = time.monotonic()
        self._fill_took_s = self._filled_at - started
        log.info("tom.names", targets=seen_count, counted_by_tom=count, seconds=round(self._fill_took_s, 3))

    def _page(self, *, offset: int, most: int) -> Any:
        return self._session.get(TARGETS, limit=most, offset=offset)
