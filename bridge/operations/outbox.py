"""What people decide of rows of an outbox that go no further by themselves: refused ones, and unclear ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.publishing.outbox import Outbox, State

MEND = "'tom-bridge outbox list' says why; look for them at Hermes, then 'tom-bridge outbox there' or 'again'"
"""What a person has to do about what is unclear."""

_ALL = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What was done of what was asked for."""

    done: tuple[int, ...]
    left: tuple[int, ...]
    """Rows of which it can't be done: they are sent, or queued, by now, or there are none such."""


def send_again(outbox: Outbox, ids: Collection[int]) -> Decided:
    """Queue these again, as they are: on a topic over Hermes' REST API that is another message."""
    chosen = [one.id for one in outbox.stuck(_ALL) if one.id in ids]
    outbox.send_again(chosen)
    return _decided(ids, chosen)


def are_there(outbox: Outbox, ids: Collection[int]) -> Decided:
    """Note of these, which are unclear, that somebody has seen them where they were sent."""
    chosen = [one.id for one in outbox.stuck(_ALL) if one.id in ids and one.state is State.UNCLEAR]
    outbox.mark_sent(chosen)
    return _decided(ids, chosen)


def told(number: int) -> Sequence[str]:
    """Return what people have to know of so many unclear rows; nothing where there are none."""
    if not number:
        return ()
    return (f"{unclear_are(number)}. {MEND}",)


def unclear_are(number: int) -> str:
    """Return that so many rows are unclear."""
    return f"of {number} messages it isn't known whether Hermes has them"


def _decided(ids: Collection[int], done: Sequence[int]) -> Decided:
    return Decided(done=tuple(sorted(done)), left=tuple(sorted(set(ids) - set(done))))
