"""What follows from what in a ledger: pure, and the same for every store.

A store asks here what an outcome means for the rows beside it: what is kept of a record, what holds back what, when
something is looked at again, what may be forgotten.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum

from bridge.ledger.model import Detail, Entry, Outcome, Reason, ToKeep

SUCCESS = frozenset({Outcome.APPLIED, Outcome.DUPLICATE})
PASSING = frozenset(
    {
        Reason.NO_TARGET,
        Reason.AMBIGUOUS,
        Reason.POSITION_DISAGREES,
        Reason.WAITS_BEHIND,
        Reason.NEWER_VERSION,
    }
)
"""Reasons that pass by themselves, or by a person's choice: what has one is parked, not dead."""
BAD_IN_ITSELF = frozenset(
    {Reason.UNREADABLE, Reason.UNDECODABLE, Reason.UNKNOWN_SCHEMA, Reason.INVALID, Reason.ANOTHERS}
)
"""Reasons that lie in a record alone, whatever the TOM: they stop nobody, and little of such a record is kept."""
HEAD_BYTES = 4096
"""How much is kept of the value of a record that is bad in itself; the stream has all of it."""
FREE_DETAIL_BYTES = 1024
"""What a detail may take that is not counted as kept."""
LONGEST_TEXT = 500
"""Characters of a text within a detail."""
_LONGEST_WAIT = timedelta(hours=1)


class Keep(Enum):
    """How much of a record is kept."""

    NOTHING = "nothing"
    HEAD = "head"
    WHOLE = "whole"


def is_parked(reason: Reason) -> bool:
    """Return whether what is kept for ``reason`` is parked; else it is a dead letter."""
    return reason in PASSING


def kept(keep: Sequence[ToKeep]) -> Keep:
    """Return how much of its record is kept for what is parked or dead of an event."""
    reasons = {one.reason for one in keep}
    if not reasons:
        return Keep.NOTHING
    return Keep.HEAD if reasons <= BAD_IN_ITSELF else Keep.WHOLE


def check(entry: Entry, keep: Sequence[ToKeep], *, of_all: bool) -> None:
    """Raise ValueError where the outcome of an event and what is kept of it contradict each other.

    ``of_all``: ``keep`` says it of all of the event, and not of some members alone.
    """
    whole = [one for one in keep if not one.member]
    anything = bool(keep) or not of_all
    match entry.outcome:
        case Outcome.PARKED:
            right = anything and all(is_parked(one.reason) for one in whole)
        case Outcome.DEAD:
            right = anything and not any(is_parked(one.reason) for one in whole)
        case Outcome.APPLIED | Outcome.DUPLICATE:
            right = not whole
        case _:
            right = not keep
    if not right:
        told = ", ".join(f"{one.member or 'all of it'}: {one.reason}" for one in keep) or "nothing"
        raise ValueError(f"{entry.where} is {entry.outcome}, but of it is kept: {told}")


def holds_back(reason: Reason, member: str) -> bool:
    """Return whether something parked holds back later events of its line.

    List members and what only awaits an upgrade hold nothing back.
    """
    return not member and reason is not Reason.NEWER_VERSION


def ends_intents(entry: Entry) -> bool:
    """Return whether nothing that was begun for an event will be asked of the TOM again, though it isn't done."""
    return entry.reason is Reason.DROPPED


def stands(there: Entry | None, new: Entry) -> Entry:
    """Return what is recorded of an event whose place has ``there``, and of which a later look says ``new``.

    What was applied stays so when a later look finds it there, does not want it any more, or can't read it.
    """
    if there is None or there.outcome not in SUCCESS:
        return new
    unread = new.event_id is None or new.reason in BAD_IN_ITSELF or new.reason is Reason.UNFINISHED
    if new.outcome is Outcome.IGNORED or unread:
        return there
    return there if there.outcome is Outcome.APPLIED and new.outcome is Outcome.DUPLICATE else new


def due(reason: Reason, looks: int, now: datetime, first: timedelta) -> datetime | None:
    """Return when something is looked at again by itself that was looked at ``looks`` times in vain.

    After ``first``, then after twice as long each time, an hour at most. What waits behind another goes with it; what
    has no target is looked for by its names, and is put off alone where one of them was there and did not help.
    """
    if reason is Reason.WAITS_BEHIND or (reason is Reason.NO_TARGET and looks == 0):
        return None
    wait: timedelta = first * 2 ** min(looks, 16)
    return now + min(wait, max(_LONGEST_WAIT, first))


def bounded(detail: Detail) -> Detail:
    """Return ``detail`` with its long texts cut: what others send must not fill a ledger."""
    return {name: _bounded(value) for name, value in detail.items()}


def _bounded(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[: LONGEST_TEXT - 1]}…"
    if isinstance(value, dict):
        return {name: _bounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_bounded(one) for one in value]
    return value


def detail_text(detail: Detail) -> str:
    """Return a detail as bounded JSON; what JSON doesn't know becomes a list or its text: it must cost no event."""
    return json.dumps(
        bounded(detail),
        default=lambda value: sorted(value, key=str) if isinstance(value, set | frozenset) else str(value),
    )


def counted_bytes(text: str) -> int:
    """Return how many bytes of a detail count as kept."""
    return max(0, len(text.encode()) - FREE_DETAIL_BYTES)
