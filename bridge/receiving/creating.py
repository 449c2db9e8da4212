"""Targets of several events that are created together, and what became of the event of each."""

from dataclasses import replace

from bridge.budget import Budget
from bridge.errors import RejectedError
from bridge.events import Event, Target
from bridge.ledger.model import Outcome
from bridge.names import simplify_all
from bridge.receiving.decide import import_list_name
from bridge.receiving.result import Result
from bridge.tom.port import Creation, NewTarget, Provenance, Tom


class NewTargets:
    """Targets that the TOM doesn't have, each of an event of its own; by numbers of the events."""

    def __init__(self) -> None:
        self._each: dict[int, tuple[Event, NewTarget]] = {}
        self._names: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._each)

    def add(self, number: int, event: Event, target: Target, origin: Provenance) -> None:
        """Take one more."""
        self._each[number] = (event, NewTarget(target=target, provenance=origin))
        self._names |= simplify_all(target.names)

    def has_any_of(self, names: frozenset[str]) -> bool:
        """Return whether one of them has any of these simplified names."""
        return not self._names.isdisjoint(names)

    def created(self, tom: Tom, budget: Budget) -> dict[int, Result | RejectedError]:
        """Create them, each in the list of what came from its TOM; return what became of the event of each."""
        there = tom.list_names()
        origins = {new.provenance.origin_name for _, new in self._each.values()}
        lists = {origin: import_list_name(origin, there) for origin in sorted(origins)}
        handles = {origin: tom.open_list(name) for origin, name in lists.items()}
        wanted = [replace(new, lists=(handles[new.provenance.origin_name],)) for _, new in self._each.values()]
        written = tom.create_targets(wanted, budget)
        return {
            number: _result(event, new.target, lists[new.provenance.origin_name], one)
            for (number, (event, new)), one in zip(self._each.items(), written, strict=True)
        }


def _result(event: Event, target: Target, list_name: str, written: Creation) -> Result | RejectedError:
    if isinstance(written, RejectedError):
        return written
    if written is None:
        return RejectedError(
            "a target that matches appeared while it was being created",
            where=f"{event.ref}: {target.name}",
            mend="It is decided anew",
        )
    detail: dict[str, object] = {"created": target.name, "list": list_name, "pk": written.pk}
    if written.unverified:
        detail["unverified"] = list(written.unverified)
    return Result(outcome=Outcome.APPLIED, detail=detail, appeared=simplify_all(target.names))
