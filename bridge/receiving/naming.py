"""What the origins of events are called here: the one place where a display name is looked up, claimed and put in.

From here on an event carries the name that it is stored, shown and listed under (:mod:`bridge.origins`).
"""

from collections.abc import Sequence
from dataclasses import replace

from bridge.ledger.model import Reason
from bridge.ledger.port import Ledger
from bridge.ledger.rules import BAD_IN_ITSELF
from bridge.origins import name_key, told_as
from bridge.receiving.arrival import Arrival

_UNUSED = BAD_IN_ITSELF | {Reason.OURS, Reason.ORIGIN_NOT_ACCEPTED}
"""For these reasons nothing of an event comes to be here under its name."""


class Names:
    """The display names of one TOM's ledger; ``name`` is this TOM's own, and ``origin`` has it whoever came first."""

    def __init__(self, ledger: Ledger, *, origin: str, name: str) -> None:
        self._ledger = ledger
        self._origin = origin
        self._own = name_key(name)

    def claimed(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Return events with what their origins are called here; names that nobody has are theirs from now on."""
        keys = _keys(arrivals)
        owners = self._owners(keys)
        new: dict[str, str] = {}
        for arrival, key in zip(arrivals, keys, strict=True):
            if key is not None and key not in owners and _uses_its_name(arrival):
                new.setdefault(key, _origin(arrival))
        if new:
            # Before anything is written under them; who was first where two come at once, the ledger says.
            with self._ledger.unit() as unit:
                unit.claim_names(new)
            owners = self._owners(keys)
        return self._named(arrivals, keys, owners)

    def seen(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Return events with what their origins are called here, without claiming anything."""
        keys = _keys(arrivals)
        return self._named(arrivals, keys, self._owners(keys))

    def _owners(self, keys: Sequence[str | None]) -> dict[str, str]:
        wanted = {key for key in keys if key is not None}
        others = wanted - {self._own}
        owners = self._ledger.name_owners(others) if others else {}
        return owners | {self._own: self._origin}

    def _named(self, arrivals: Sequence[Arrival], keys: Sequence[str | None], owners: dict[str, str]) -> list[Arrival]:
        named = []
        for arrival, key in zip(arrivals, keys, strict=True):
            event = arrival.event
            if event is None or key is None:
                named.append(arrival)
                continue
            told = told_as(event.origin_name, event.origin, owners.get(key))
            if told != event.origin_name:
                event = event.model_copy(update={"origin_name": told})
                arrival = replace(arrival, event=event, is_renamed=True)  # noqa: PLW2901 (the same, by that name)
            named.append(arrival)
        return named


def _keys(arrivals: Sequence[Arrival]) -> list[str | None]:
    """Return by what the name of each event is compared; None where there is none, or it was looked up and changed."""
    return [
        name_key(arrival.event.origin_name) if arrival.event is not None and _is_to_be_named(arrival) else None
        for arrival in arrivals
    ]


def _is_to_be_named(arrival: Arrival) -> bool:
    is_ours = arrival.settled is not None and arrival.settled.reason is Reason.OURS
    return not (is_ours or arrival.is_renamed)


def _uses_its_name(arrival: Arrival) -> bool:
    return arrival.settled is None or arrival.settled.reason not in _UNUSED


def _origin(arrival: Arrival) -> str:
    assert arrival.event is not None
    return arrival.event.origin
