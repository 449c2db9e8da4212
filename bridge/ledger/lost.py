"""What a unit raises where another process has written meanwhile what this one was to write."""

from bridge.errors import OutcomeLostError, PositionLostError
from bridge.ledger.model import Entry, Place
from bridge.stream.port import Partition


def position_lost(partition: Partition, expected: int | None) -> PositionLostError:
    """Return the error for a position that is not where this process left it."""
    return PositionLostError(
        f"the position is no longer {'unset' if expected is None else expected}, as this process left it",
        where=str(partition),
        mend="Another process goes on from there",
    )


def outcome_lost(place: Place) -> OutcomeLostError:
    """Return the error for what is not recorded of an event as this process has read or left it."""
    return OutcomeLostError(
        "another process has recorded something else meanwhile",
        where=f"event {place.number} of offset {place.offset}, partition {place.partition}",
        mend="It is taken up anew",
    )


def check_outcome(place: Place, found: Entry | None, expected: Entry | None) -> None:
    """Raise OutcomeLostError where what is recorded of an event is not what this process has read before."""
    if found != expected:
        raise outcome_lost(place)
