"""Which rows the lists of datums were seen to have: so that what is new needs no further look for what is there.

For each page of a target's datums TOM Toolkit from 3.0 on reads all of them, seconds for 100,000. So of each row that
was read, or is sent, a key is kept; a datum that has none of these keys has nothing beside it.

That is believed for a minute after a page was read. Then one is read on which new rows are to be expected. Where it
explains the TOM's count, the rest is believed for a further minute, but not for longer than twenty times what reading
took in all. So a list that is read within three seconds is read anew each minute, and a long one takes a twentieth of
the TOM's time. A row that somebody else adds meanwhile is seen by the TOM's own rule where it is equal (an equal one is
not added); one that conflicts with what comes is written beside it, as one added right after the look always was.
"""

import time
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

FRESH_S = 60.0
_TIMES_AS_LONG = 20
_MOST_KEYS = 2_000_000
"""In all; each takes 8 bytes."""
_KEYS_A_LIST = 200
"""A list takes as much as so many keys, beside its own."""
_STEP = 500
"""Of so many rows the place of one is kept."""
_NOTHING = datetime.max.replace(tzinfo=UTC)

Keys = tuple[int, ...]
"""By what a row is known: hashes, of which none equals one of a row that has to do with others."""
Listing = tuple[int, str]
"""The list of a target's datums of one type."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read: its time and its keys, none where it can't be compared with anything."""

    timestamp: datetime
    keys: Keys


@dataclass(frozen=True)
class Read:
    """A page of a list as it was read: from which row on, and how many rows the TOM counts in all."""

    offset: int
    count: int
    rows: Sequence[Row]
    seconds: float = 0.0

    @property
    def end(self) -> int:
        """The row after the last one."""
        return self.offset + len(self.rows)

    @property
    def is_last(self) -> bool:
        """Whether no row follows."""
        return not self.rows or self.end >= self.count

    @property
    def is_ordered(self) -> bool:
        """Whether the newest come first."""
        return all(one.timestamp >= other.timestamp for one, other in zip(self.rows, self.rows[1:], strict=False))


class _KeySet:
    """Many integers in little memory."""

    def __init__(self) -> None:
        self._sorted = array("q")
        self._added: set[int] = set()

    def __len__(self) -> int:
        return len(self._sorted) + len(self._added)

    def __contains__(self, key: int) -> bool:
        if key in self._added:
            return True
        at = bisect_left(self._sorted, key)
        return at < len(self._sorted) and self._sorted[at] == key

    def update(self, keys: Iterable[int]) -> None:
        self._added.update(key for key in keys if key not in self)
        if len(self._added) > max(_STEP, len(self._sorted) // 8):
            self._sorted = array("q", sorted([*self._sorted, *self._added]))
            self._added.clear()


class Seen:
    """What is known of one list, from the newest row on as far as it was read."""

    def __init__(self, count: int) -> None:
        self.count = count
        """How many rows the TOM has to count while nobody else changes any."""
        self._checked_at = self._looked_at = time.monotonic()
        self._took_s = 0.0
        """Seconds that reading all this took; what was read again is not counted."""
        self._read_to = 0
        self._since: datetime | None = _NOTHING
        """After which all rows are known; None: all."""
        self._keys = _KeySet()
        self._places: list[tuple[datetime, int]] = []
        """Of some rows time and place in the list, the newest last, where the newest come first in the list."""

    @property
    def size(self) -> int:
        """How much memory it takes, in keys."""
        return _KEYS_A_LIST + len(self._keys)

    @property
    def is_fresh(self) -> bool:
        """Whether it is believed without a look."""
        return time.monotonic() - self._checked_at <= FRESH_S

    @property
    def is_usable(self) -> bool:
        """Whether one page may show that it is still right."""
        return time.monotonic() - self._looked_at <= max(FRESH_S, _TIMES_AS_LONG * self._took_s)

    def lacks(self, row: Row) -> bool:
        """Return whether it is known that nothing in the list has to do with ``row``."""
        return (self._since is None or row.timestamp > self._since) and not any(key in self._keys for key in row.keys)

    def place_before(self, moment: datetime) -> int:
        """Return the place of a row that was newer than ``moment`` and not far from it, or 0."""
        at = bisect_right(self._places, moment, key=lambda place: place[0])
        return self._places[at][1] if at < len(self._places) else 0

    def add(self, keys: Keys) -> None:
        """Note that a row of these keys is sent now."""
        self._keys.update(keys)

    def take(self, read: Read, *, ordered: bool) -> bool:
        """Take in a page that follows what is known, or belongs to it; False where the list has changed meanwhile.

        ``ordered``: the newest came first, here and in all before.
        """
        if read.count != self.count:
            return False
        self._checked_at = time.monotonic() - read.seconds
        self._keys.update(key for row in read.rows for key in row.keys)
        if read.end > self._read_to:
            self._took_s += read.seconds
            self._read_to = read.end
        if self._since is not None:
            self._since = self._since_after(read, ordered=ordered)
        self._note_places(read if ordered else None)
        return True

    def explains(self, read: Read) -> bool:
        """Return whether the rows of this page that were not known make up for what the TOM counts; take them in."""
        new = [
            row
            for row in read.rows
            if (self._since is None or row.timestamp > self._since) and row.keys and row.keys[0] not in self._keys
        ]
        if read.count != self.count + len(new):
            return False
        self.count = read.count
        self._keys.update(key for row in new for key in row.keys)
        self._checked_at = time.monotonic() - read.seconds
        return True

    def _since_after(self, read: Read, *, ordered: bool) -> datetime | None:
        if read.is_last:
            return None
        return min(self._since or _NOTHING, read.rows[-1].timestamp) if ordered else _NOTHING

    def _note_places(self, read: Read | None) -> None:
        if read is None:
            self._places.clear()
            return
        last = self._places[0][1] if self._places else -_STEP
        found = [
            (row.timestamp, read.offset + at)
            for at, row in enumerate(read.rows)
            if at % _STEP == 0 and read.offset + at > last
        ]
        self._places[:0] = reversed(found)


class SeenLists:
    """What is known of all lists; what was used longest ago is forgotten where it is too much."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Listing, Seen] = OrderedDict()

    def get(self, listing: Listing) -> Seen | None:
        """Return what is known of a list."""
        seen = self._seen.get(listing)
        if seen is None or not seen.is_usable:
            self.forget(listing)
            return None
        self._seen.move_to_end(listing)
        return seen

    def begin(self, listing: Listing, count: int) -> Seen:
        """Return what is known of a list whose first page was just read: nothing so far."""
        self.forget(listing)
        self._make_room()
        seen = self._seen[listing] = Seen(count)
        return seen

    def forget(self, listing: Listing) -> None:
        """Believe nothing of a list any more."""
        self._seen.pop(listing, None)

    def forget_target(self, pk: int) -> None:
        """Believe nothing of any list of a target any more."""
        for listing in [one for one in self._seen if one[0] == pk]:
            self.forget(listing)

    def add(self, listing: Listing, keys: Keys) -> None:
        """Note that a row of these keys is sent to a list now."""
        if (seen := self._seen.get(listing)) is not None:
            seen.add(keys)

    def wrote(self, listing: Listing) -> None:
        """Note that the TOM has added a row of ours to a list."""
        if (seen := self._seen.get(listing)) is not None:
            seen.count += 1

    def _make_room(self) -> None:
        while self._seen and not next(iter(self._seen.values())).is_usable:
            self._seen.popitem(last=False)
        size = sum(seen.size for seen in self._seen.values())
        while size > _MOST_KEYS:
            size -= self._seen.popitem(last=False)[1].size
