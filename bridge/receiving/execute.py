"""Carry out what was decided for events, and say what became of them.

A :class:`~bridge.receiving.decide.Plan` goes to the TOM through its port; what comes back is a
:class:`~bridge.receiving.result.Result` for the ledger. Nothing here knows streams, positions or order: that is
:mod:`bridge.receiving.unit`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import TypeVar
from uuid import UUID

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import RejectedError, TookTooMuchMemoryError
from bridge.events import Data, Datum, Event, Kind, ListMember, Target
from bridge.ledger.model import Outcome, Reason
from bridge.ledger.port import Ledger
from bridge.names import simplify_all
from bridge.receiving import decide
from bridge.receiving.creating import NewTargets
from bridge.receiving.decide import AddDatums, AddProduct, Amend, Create, FillList, Plan
from bridge.receiving.matching import Hold, Policy, match
from bridge.receiving.result import Members, Result, amended, behind, datums_result, list_result, parked, product_result
from bridge.tom.compare import fate, looks_equal
from bridge.tom.port import (
    DatumResult,
    ExistingDatum,
    Fate,
    LocalTarget,
    NewDatum,
    NewTarget,
    Provenance,
    Tom,
)

P = TypeVar("P", bound=Plan)
T = TypeVar("T")


class Executor:
    """Writes events into one TOM.

    What the TOM refuses is tried ``attempts`` times, with ``pause_s`` between two tries: 0 where that happens within
    the TOM's own database transaction, in which waiting changes nothing and keeps others out.
    """

    def __init__(self, tom: Tom, ledger: Ledger, policy: Policy, *, attempts: int = 3, pause_s: float = 1.0) -> None:
        self._tom = tom
        self._ledger = ledger
        self._policy = policy
        self._attempts = attempts
        self._pause_s = pause_s
        self._found: dict[tuple[str, ...], tuple[LocalTarget, ...]] = {}

    def forget(self) -> None:
        """Forget which targets were found: to be called before each unit of work."""
        self._found.clear()

    def find_for(self, events: Iterable[Event], budget: Budget = NO_LIMIT) -> None:
        """Look at once for the targets that these events (but lists) are about."""
        self._find_each((event.names for event in events if event.kind is not Kind.LIST), budget)

    def holds(self, event: Event, *, creates: bool = True) -> Hold | None:
        """Return why ``event`` (no list) would be parked now, or None where it would not be."""
        plan = decide.decide(event, self._find, self._policy, creates=creates)
        return plan if isinstance(plan, Hold) else None

    def member_holds(
        self, members: Sequence[ListMember], budget: Budget = NO_LIMIT, *, creates: bool = True
    ) -> list[Hold | None]:
        """Return why each of these list members would be parked now; None for those that would not be."""
        self._find_each(((member.target or member.reference).names for member in members), budget)
        found = [(member, match(member.target or member.reference, self._find, self._policy)) for member in members]
        return [
            one
            if isinstance(one, Hold) and not (creates and one.reason is Reason.NO_TARGET and member.target)
            else None
            for member, one in found
        ]

    def prepare(self, event: Event, topic: str, budget: Budget = NO_LIMIT) -> None:
        """Do what of ``event`` must not be done within the ledger's unit; :meth:`execute` follows within it.

        Raises RejectedError for what the TOM refuses.
        """
        if event.kind is Kind.DATA_PRODUCT:
            self._tried(lambda: self._prepare(event, topic, budget), budget)

    def _prepare(self, event: Event, topic: str, budget: Budget) -> None:
        self.forget()
        plan = decide.decide(event, self._find, self._policy)
        if isinstance(plan, AddProduct):
            origin = decide.provenance(event, topic)
            self._tom.prepare_product(plan.local.pk, plan.product, plan.product_id, origin, budget)

    def execute(
        self,
        event: Event,
        topic: str,
        members: Sequence[ListMember] | None = None,
        budget: Budget = NO_LIMIT,
        *,
        creates: bool = True,
    ) -> Result:
        """Write ``event`` (of a list only ``members``, where given) and return what became of it.

        ``creates``: whether targets that this TOM doesn't have are created; else they are parked. Raises RejectedError
        for what the TOM refuses, but for single members of a list: these are told.
        """
        return self._tried(lambda: self._once(event, topic, members, budget, creates=creates), budget)

    def execute_targets(
        self,
        events: Sequence[Event],
        topics: Sequence[str],
        *,
        creates: Sequence[bool],
        ignored: Sequence[bool],
        budget: Budget = NO_LIMIT,
    ) -> list[Result]:
        """Write events with targets, which came on ``topics``, in order; return what became of each.

        Those that are to be created are, at once, before one comes that has a name of theirs. ``creates`` and
        ``ignored`` are as in :meth:`execute` and :meth:`execute_datums`. Raises RejectedError where one is refused.
        """

        def once(at: int) -> Result:
            return self._tried(lambda: self._once(events[at], topics[at], None, budget, creates=creates[at]), budget)

        if len(events) == 1:
            return [once(0)]
        self._find_each((event.names for event in events), budget)
        results: dict[int, Result] = {}
        held: dict[bytes, UUID] = {}
        new = NewTargets()
        for at, (event, topic) in enumerate(zip(events, topics, strict=True)):
            if new.has_any_of(simplify_all(event.names)):
                results |= self._create_together(new, once, budget)
                new = NewTargets()
            plan = decide.decide(event, self._find, self._policy, topic=topic, creates=creates[at])
            origin = decide.provenance(event, topic)
            assert isinstance(plan, Hold | Create | Amend)
            plan = _in_line(event, plan, held, ignored=ignored[at])
            if isinstance(plan, Hold):
                results[at] = parked(plan)
            elif isinstance(plan, Create) or self._unfinished([plan], origin):
                new.add(at, event, plan.target, origin)
            else:
                results[at] = once(at) if plan.additions else amended(plan, ())
        results |= self._create_together(new, once, budget)
        return [results[at] for at in range(len(events))]

    def execute_datums(
        self, events: Sequence[Event], topics: Sequence[str], *, ignored: Sequence[bool], budget: Budget = NO_LIMIT
    ) -> list[Result]:
        """Write events with datums, which came on ``topics``, at once; return what became of each, in the same order.

        ``ignored``: whether each is ignored where it has no target, and so holds nothing back.
        """
        targets = {id(event.body.target): event.body.target for event in events if isinstance(event.body, Data)}
        self._find_each((target.names for target in targets.values()), budget)
        plans = decide.decide_data(events, topics, self._find, self._policy)
        held: dict[bytes, UUID] = {}
        for at, (event, plan) in enumerate(zip(events, plans, strict=True)):
            plans[at] = _in_line(event, plan, held, ignored=ignored[at])
        results = {at: parked(plan) for at, plan in enumerate(plans) if isinstance(plan, Hold)}
        of_type: dict[type[Data], dict[int, AddDatums]] = defaultdict(dict)
        for at, plan in enumerate(plans):
            if isinstance(plan, AddDatums):
                of_type[type(plan.data)][at] = plan
        for those in of_type.values():
            results.update(zip(those, self._add_datums(list(those.values()), budget), strict=True))
        return [results[at] for at in range(len(events))]

    def preview(self, event: Event, *, creates: bool = True) -> Result:
        """Return what :meth:`execute` would do now, without doing it."""
        match decide.decide(event, self._find, self._policy, creates=creates):
            case Hold() as hold:
                return parked(hold)
            case AddDatums() as plan:
                new = decide.new_datums([plan], self._policy)
                rows = self._tom.datums(plan.local.pk, new.datums)
                fates = [DatumResult(_foreseen(datum, rows)) for datum in new.datums]
                return datums_result(plan.local, new, fates, range(len(new)))
            case AddProduct() as plan:
                there = self._tom.find_product(plan.product_id)
                return product_result(plan, Fate.NEW if there is None else Fate.DUPLICATE)
            case FillList() as plan:
                counts = {"created": len(plan.create), "joined": len(plan.join), "parked": len(plan.held)}
                return list_result({"list": plan.name, "members": counts})
            case Create(target):
                return Result(outcome=Outcome.APPLIED, detail={"created": target.name})
            case Amend() as plan:
                return amended(plan, ())

    # -- one event ----------------------------------------------------------------------------------------------------

    def _tried(self, act: Callable[[], T], budget: Budget) -> T:
        """Return what ``act`` returns; what is refused is tried again a few times, unless it took too much memory."""
        for left in range(self._attempts - 1, -1, -1):
            try:
                return act()
            except RejectedError as error:
                if not left or isinstance(error, TookTooMuchMemoryError):
                    raise
                budget.wait(self._pause_s)
                budget.check()
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _once(
        self, event: Event, topic: str, members: Sequence[ListMember] | None, budget: Budget, *, creates: bool
    ) -> Result:
        self.forget()
        if event.kind is Kind.LIST and members is not None:
            self._find_each(((member.target or member.reference).names for member in members), budget)
        plan = decide.decide(event, self._find, self._policy, members, topic=topic, creates=creates)
        origin = decide.provenance(event, topic)
        if isinstance(plan, Amend) and self._unfinished([plan], origin):
            plan = Create(plan.target)
        return self._carried_out(plan, event, origin, budget)

    def _carried_out(self, plan: Plan, event: Event, origin: Provenance, budget: Budget) -> Result:
        match plan:
            case Hold():
                return parked(plan)
            case Create(target):
                return self._create(event, origin, target, budget)
            case Amend():
                return amended(plan, self._amend(origin, plan))
            case FillList():
                return self._fill_list(event, origin, plan, budget)
            case AddDatums():
                return self._add_datums([plan], budget)[0]
            case AddProduct():
                written = self._tom.add_product(plan.local.pk, plan.product, plan.product_id, origin)
                return product_result(plan, written.fate, written.reason, written.unverified)

    def _create(self, event: Event, origin: Provenance, target: Target, budget: Budget) -> Result:
        new = NewTargets()
        new.add(0, event, target, origin)
        result = new.created(self._tom, budget)[0]
        self.forget()
        if isinstance(result, RejectedError):
            raise result
        return result

    def _create_together(self, new: NewTargets, once: Callable[[int], Result], budget: Budget) -> dict[int, Result]:
        """Create targets at once; what can't be is decided anew, and tried a few times, by itself (``once``)."""
        if not new:
            return {}
        created = new.created(self._tom, budget)
        self.forget()
        return {at: once(at) if isinstance(one, RejectedError) else one for at, one in created.items()}

    def _unfinished(self, plans: Sequence[Amend], origin: Provenance) -> frozenset[str]:
        """Return the names of those targets that this event began to create and that are what is there.

        What is there by another name came by another way, and is given what it lacks as any other.
        """
        own = [plan.target for plan in plans if plan.local.name == plan.target.name]
        return self._tom.began_creating(own, origin) if own else frozenset()

    def _amend(self, origin: Provenance, plan: Amend) -> tuple[str, ...]:
        if not plan.additions:
            return ()
        self.forget()
        return self._tom.add_to_target(plan.local.pk, plan.additions, origin).unverified

    # -- lists --------------------------------------------------------------------------------------------------------

    def _fill_list(self, event: Event, origin: Provenance, plan: FillList, budget: Budget) -> Result:
        """Give each member its own fate: one that the TOM refuses never costs the others."""
        handle = self._list_handle(event, plan.name)
        members = Members(handle=handle)
        begun = self._unfinished([amend for _, amend in plan.amend], origin)
        unfinished = {name: amend.target for name, amend in plan.amend if amend.target.name in begun}
        self._create_members(event, origin, [*plan.create, *unfinished.items()], members, budget)
        refused: set[str] = set()
        for name, amend in plan.amend:
            if name in unfinished:
                continue
            budget.check()
            try:
                members.unverified += self._amend(origin, amend)
            except RejectedError as error:
                refused.add(name)
                members.refuse(name, str(error))
            else:
                members.differs += amend.differs
                members.appeared |= simplify_all(amend.additions.aliases)
        join = {name: local.pk for name, local in plan.join if name not in unfinished and name not in refused}
        for name, joined in zip(
            join, self._tom.add_to_list(handle, list(join.values()), origin, budget) if join else (), strict=True
        ):
            if isinstance(joined, RejectedError):
                members.refuse(name, str(joined))
            else:
                members.joined += 1
                members.unverified += joined.unverified
        for name, hold in plan.held:
            members.hold(name, hold)
        return members.result()

    def _create_members(
        self,
        event: Event,
        origin: Provenance,
        create: Sequence[tuple[str, Target]],
        members: Members,
        budget: Budget,
    ) -> None:
        if not create:
            return
        imports = self._tom.open_list(decide.import_list_name(event.origin_name, self._tom.list_names()))
        lists = (imports, members.handle)
        new = [NewTarget(target=target, provenance=origin, lists=lists) for _, target in create]
        written = self._tom.create_targets(new, budget)
        self.forget()
        for (name, target), one in zip(create, written, strict=True):
            if isinstance(one, RejectedError):
                members.refuse(name, str(one))
            elif one is None:
                members.hold(name, _appeared(target))
            else:
                members.created += 1
                members.unverified += one.unverified
                members.appeared |= simplify_all(target.names)

    def _list_handle(self, event: Event, name: str) -> str:
        remembered = self._ledger.list_handle(event.origin, name)
        if remembered is not None:
            return remembered
        handle = self._tom.open_list(decide.shared_list_name(name, event.origin_name, self._tom.list_names()))
        # Remembered before the first member is in: after a crash the list must not look like somebody else's.
        with self._ledger.unit() as unit:
            unit.remember_list(event.origin, name, handle)
        return handle

    # -- datums -------------------------------------------------------------------------------------------------------

    def _add_datums(self, plans: Sequence[AddDatums], budget: Budget) -> list[Result]:
        """Write the datums of plans, all of one type, at once; return what became of each."""
        new = decide.new_datums(plans, self._policy)
        written = self._write_datums(new, budget)
        ends = list(accumulate(len(plan.data.datums) for plan in plans))
        rows = map(range, [0, *ends], ends)
        return [datums_result(plan.local, new, written, those) for plan, those in zip(plans, rows, strict=True)]

    def _write_datums(self, datums: Sequence[NewDatum], budget: Budget) -> list[DatumResult]:
        """Write datums; those refused are tried again a few times."""
        results = self._tom.add_datums(datums, budget)
        for _ in range(self._attempts - 1):
            refused = [index for index, result in enumerate(results) if result.fate is Fate.REFUSED]
            if not refused:
                break
            again = self._tom.add_datums([datums[index] for index in refused], budget)
            for index, result in zip(refused, again, strict=True):
                results[index] = result
        return results

    def _find(self, names: Iterable[str]) -> tuple[LocalTarget, ...]:
        key = tuple(names)
        if key not in self._found:
            self._found[key] = self._tom.find(key)
        return self._found[key]

    def _find_each(self, wanted: Iterable[Sequence[str]], budget: Budget) -> None:
        """Look at once for what :meth:`_find` is going to be asked for."""
        unknown = list({tuple(names) for names in wanted} - self._found.keys())
        if unknown:
            self._found.update(zip(unknown, self._tom.find_each(unknown, budget), strict=True))


def _in_line(event: Event, plan: P, held: dict[bytes, UUID], *, ignored: bool) -> P | Hold:
    """Return the plan of an event, or why it waits: for a reason of its own, or behind one of its key that does.

    ``held`` are those that do, by key, and one that waits joins them; but not one that is ``ignored`` where it has no
    target.
    """
    if isinstance(plan, Hold):
        if not (ignored and plan.reason is Reason.NO_TARGET):
            held.setdefault(event.key, event.id)
        return plan
    return behind(held[event.key], simplify_all([event.subject])) if held and event.key in held else plan


def _appeared(target: Target) -> Hold:
    """Return why a member waits whose target came into being meanwhile, by another way: it joins at the next look."""
    return Hold(
        reason=Reason.NO_TARGET,
        names=simplify_all(target.names),
        detail={"message": "a target that matches appeared while it was being created; it joins when looked at again"},
    )


def _foreseen(datum: Datum, rows: Sequence[ExistingDatum]) -> Fate:
    """Return what a datum would most likely be: a row that is equal as far as can be seen is taken for it."""
    if (known := fate(datum, rows)) is not None:
        return known
    return Fate.DUPLICATE if any(looks_equal(datum, row) for row in rows) else Fate.NEW
