"""Carry out what was decided for one event, and say what became of it.

A :class:`~bridge.receiving.decide.Plan` goes to the TOM through its port; what comes back is a :class:`Result` for
the ledger. Nothing here knows streams, positions or order: that is :mod:`bridge.receiving.apply`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import stamina

from bridge.errors import RejectedError
from bridge.events import KINDS, Datum, Event, Kind, Target
from bridge.ledger.port import Detail, Ledger, Outcome, Reason, ToPark
from bridge.names import simplify_all
from bridge.receiving import decide
from bridge.receiving.decide import AddDatums, AddProduct, Amend, Create, FillList, Hold, Plan, Policy
from bridge.tom.compare import fate, looks_equal
from bridge.tom.port import DatumResult, ExistingDatum, Fate, LocalTarget, NewDatum, Provenance, Tom

MOST_EXAMPLES = 20
"""How many conflicting or refused datums a record's detail shows."""
_SHOWN = {
    Kind.PHOTOMETRY: ("bandpass", "brightness", "limit"),
    Kind.SPECTROSCOPY: ("telescope", "instrument", "setup"),
    Kind.ASTROMETRY: ("ra", "dec", "telescope", "instrument"),
    Kind.REDUCED_DATUM: ("data_type", "telescope", "instrument"),
}
"""What it shows of each, beside its time."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one event."""

    outcome: Outcome
    reason: Reason | None = None
    detail: Detail = field(default_factory=dict)
    park: tuple[ToPark, ...] = ()
    appeared: frozenset[str] = frozenset()
    """Simplified names that the TOM has since: what is parked under them may be tried."""
    changed: bool = True
    """Whether the TOM lacked any of it."""

    @property
    def as_restored(self) -> "Result":
        """The same, seen by a restore: what the TOM had all of is a duplicate, and no new story of that record."""
        there_already = self.outcome is Outcome.APPLIED and not self.changed
        return replace(self, outcome=Outcome.DUPLICATE) if there_already else self


def parked(hold: Hold) -> Result:
    """Return the result of a whole event that is to be parked."""
    to_park = ToPark(reason=hold.reason, detail=hold.detail, names=hold.names)
    return Result(outcome=Outcome.PARKED, reason=hold.reason, detail=hold.detail, park=(to_park,))


def behind(event_id: UUID | None, names: frozenset[str]) -> Hold:
    """Return why an event waits: the parked event ``event_id`` of the same origin and target goes first."""
    return Hold(
        reason=Reason.WAITS_BEHIND,
        names=names,
        detail={"message": f"event {event_id} of the same origin and target is parked and goes first"},
    )


def dead(reason: Reason, message: str, **detail: object) -> Result:
    """Return the result of a dead letter."""
    return Result(outcome=Outcome.DEAD, reason=reason, detail={"message": message, **detail})


class Executor:
    """Writes events into one TOM.

    ``pause_s`` is how long it waits at most before it tries again what the TOM refuses: 0 where that happens within the
    TOM's own database transaction, in which waiting changes nothing and keeps others out.
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

    def prepare(self, event: Event, topic: str = "") -> None:
        """Do what of ``event`` must not be done within the ledger's unit; :meth:`execute` follows within it.

        What the TOM refuses is tried a few times; then :class:`~bridge.errors.RejectedError` is raised.
        """
        if event.kind is not Kind.DATA_PRODUCT:
            return
        for attempt in stamina.retry_context(
            on=RejectedError, attempts=self._attempts, timeout=None, wait_initial=0.1, wait_max=1.0
        ):
            with attempt:
                self.forget()
                plan = decide.decide(event, self._find, self._policy)
                if isinstance(plan, AddProduct):
                    origin = decide.provenance(event, topic)
                    self._tom.prepare_product(plan.local.pk, plan.product, plan.product_id, origin)

    def execute(self, event: Event, members: Collection[str] | None = None, topic: str = "") -> Result:
        """Write ``event`` (of a list only ``members``, where given) and return what became of it.

        What the TOM refuses is read back and tried a few times; then :class:`~bridge.errors.RejectedError` is raised.
        """
        for attempt in stamina.retry_context(
            on=RejectedError, attempts=self._attempts, timeout=None, wait_initial=0.1, wait_max=self._pause_s
        ):
            with attempt:
                return self._once(event, members, topic)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def execute_datums(
        self, events: Sequence[Event], topics: Sequence[str], *, ignored: Sequence[bool]
    ) -> list[Result]:
        """Write events with datums, which came on ``topics``, at once; return what became of each, in the same order.

        ``ignored``: whether each is ignored where it has no target, and so holds nothing back.
        """
        self._find_each(event.names for event in events)
        plans: list[Plan] = []
        held: dict[bytes, UUID] = {}
        for event, topic, is_ignored in zip(events, topics, ignored, strict=True):
            plan = decide.decide(event, self._find, self._policy, topic=topic)
            if isinstance(plan, Hold):
                if not (is_ignored and plan.reason is Reason.NO_TARGET):
                    held.setdefault(event.key, event.id)
            elif event.key in held:
                plan = behind(held[event.key], simplify_all([event.subject]))
            plans.append(plan)
        datums = [datum for plan in plans if isinstance(plan, AddDatums) for datum in plan.datums]
        results = iter(self._write_datums(datums))
        return [
            _told(plan, [next(results) for _ in plan.datums]) if isinstance(plan, AddDatums) else parked(_as_hold(plan))
            for plan in plans
        ]

    def preview(self, event: Event, members: Collection[str] | None = None) -> Result:
        """Return what :meth:`execute` would do now, without doing it."""
        match decide.decide(event, self._find, self._policy, members):
            case Hold() as hold:
                return parked(hold)
            case AddDatums() as plan:
                rows = self._tom.datums(plan.local.pk, [new.datum for new in plan.datums])
                fates = [DatumResult(_foreseen(new.datum, rows)) for new in plan.datums]
                return _told(plan, fates)
            case AddProduct() as plan:
                there = self._tom.find_product(plan.product_id)
                return _product_told(plan, Fate.NEW if there is None else Fate.DUPLICATE)
            case FillList() as plan:
                return _list_told(plan, plan.name, ())
            case Create(target):
                return Result(outcome=Outcome.APPLIED, detail={"created": target.name})
            case Amend() as plan:
                return _amended(plan, ())

    def matches(self, event: Event) -> bool:
        """Return whether ``event`` would not be parked now."""
        return not isinstance(decide.decide(event, self._find, self._policy), Hold)

    # -- one event ----------------------------------------------------------------------------------------------------

    def _once(self, event: Event, members: Collection[str] | None, topic: str) -> Result:
        self.forget()
        plan = decide.decide(event, self._find, self._policy, members, topic=topic)
        origin = decide.provenance(event, topic)
        if isinstance(plan, Amend) and self._tom.began_creating([plan.target], origin):
            plan = Create(plan.target)
        match plan:
            case Hold():
                return parked(plan)
            case Create(target):
                return self._create(event, origin, target, ())
            case Amend():
                return _amended(plan, self._amend(origin, plan))
            case FillList():
                return self._fill_list(event, origin, plan)
            case AddDatums():
                return _told(plan, self._write_datums(plan.datums))
            case AddProduct():
                written = self._tom.add_product(plan.local.pk, plan.product, plan.product_id, origin)
                return _product_told(plan, written.fate, written.reason, written.unverified)

    def _create(self, event: Event, origin: Provenance, target: Target, lists: tuple[str, ...]) -> Result:
        name = decide.import_list_name(event.origin_name, self._tom.list_names())
        handles = (self._tom.open_list(name), *lists)
        (written,) = self._tom.create_targets([target], handles, origin)
        self.forget()
        if isinstance(written, RejectedError):
            raise written
        if written is None:
            raise RejectedError(
                "a target that matches appeared while it was being created",
                where=f"event {event.id}: {target.name}",
                mend="It is decided anew",
            )
        detail: dict[str, object] = {"created": target.name, "list": name, "pk": written.pk}
        if written.unverified:
            detail["unverified"] = list(written.unverified)
        return Result(outcome=Outcome.APPLIED, detail=detail, appeared=simplify_all(target.names))

    def _amend(self, origin: Provenance, plan: Amend) -> tuple[str, ...]:
        if not plan.additions:
            return ()
        self.forget()
        return self._tom.add_to_target(plan.local.pk, plan.additions, origin).unverified

    def _fill_list(self, event: Event, origin: Provenance, plan: FillList) -> Result:
        handle = self._list_handle(event, plan.name)
        appeared: frozenset[str] = frozenset()
        unverified: list[str] = []
        refused: list[str] = []
        begun = self._tom.began_creating([amend.target for amend in plan.amend], origin)
        unfinished = [amend for amend in plan.amend if amend.target.name in begun]
        for target in (*plan.create, *(amend.target for amend in unfinished)):
            try:
                created = self._create(event, origin, target, (handle,))
            except RejectedError as error:
                refused.append(str(error))
            else:
                appeared |= created.appeared
        for amend in (amend for amend in plan.amend if amend not in unfinished):
            unverified += self._amend(origin, amend)
            appeared |= simplify_all(amend.additions.aliases)
        if plan.join:
            for joined in self._tom.add_to_list(handle, [local.pk for local in plan.join], origin):
                if isinstance(joined, RejectedError):
                    refused.append(str(joined))
                else:
                    unverified += joined.unverified
        if refused:
            waiting = f" ({len(plan.held)} without a target join when this is tried again)" if plan.held else ""
            raise RejectedError(
                f"{len(refused)} members were refused, the others are in{waiting}: {refused[0]}",
                where=f"event {event.id}",
            )
        told = _list_told(plan, handle, unverified)
        return Result(outcome=told.outcome, detail=told.detail, park=told.park, appeared=appeared)

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

    def _write_datums(self, datums: Sequence[NewDatum]) -> list[DatumResult]:
        """Write datums; those refused are tried again a few times."""
        results = self._tom.add_datums(datums) if datums else []
        for _ in range(self._attempts - 1):
            refused = [index for index, result in enumerate(results) if result.fate is Fate.REFUSED]
            if not refused:
                break
            again = self._tom.add_datums([datums[index] for index in refused])
            for index, result in zip(refused, again, strict=True):
                results[index] = result
        return results

    def _find(self, names: Iterable[str]) -> tuple[LocalTarget, ...]:
        key = tuple(names)
        if key not in self._found:
            self._found[key] = self._tom.find(key)
        return self._found[key]

    def _find_each(self, wanted: Iterable[Sequence[str]]) -> None:
        """Look at once for what :meth:`_find` is going to be asked for."""
        unknown = list({tuple(names) for names in wanted} - self._found.keys())
        self._found.update(zip(unknown, self._tom.find_each(unknown), strict=True))


# -- results in words for the ledger -----------------------------------------------------------------------------------


def _as_hold(plan: Plan) -> Hold:
    assert isinstance(plan, Hold)
    return plan


def _target(local: LocalTarget) -> Mapping[str, object]:
    return {"pk": local.pk, "name": local.name}


def _foreseen(datum: Datum, rows: Sequence[ExistingDatum]) -> Fate:
    """Return what a datum would most likely be: a row that is equal as far as can be seen is taken for it."""
    if (known := fate(datum, rows)) is not None:
        return known
    return Fate.DUPLICATE if any(looks_equal(datum, row) for row in rows) else Fate.NEW


def _told(plan: AddDatums, results: Sequence[DatumResult]) -> Result:
    counts = Counter(result.fate for result in results)
    detail: dict[str, object] = {
        "target": _target(plan.local),
        "datums": {str(fate): counts[fate] for fate in Fate if counts[fate]},
    }
    for notable in (Fate.CONFLICTING, Fate.UNVERIFIED, Fate.REFUSED):
        shown = [
            _example(new, result) for new, result in zip(plan.datums, results, strict=True) if result.fate is notable
        ]
        if shown:
            detail[str(notable)] = shown[:MOST_EXAMPLES]
    if counts[Fate.REFUSED]:
        first = next(result.reason for result in results if result.fate is Fate.REFUSED)
        message = f"{counts[Fate.REFUSED]} of {len(results)} datums were refused: {first}"
        return Result(outcome=Outcome.DEAD, reason=Reason.REJECTED, detail={"message": message, **detail})
    all_there = counts[Fate.DUPLICATE] == len(results)
    return Result(outcome=Outcome.DUPLICATE if all_there else Outcome.APPLIED, detail=detail)


def _example(new: NewDatum, result: DatumResult) -> Mapping[str, object]:
    datum = new.datum
    shown = {name: getattr(datum, name) for name in _SHOWN[KINDS[type(datum)]]}
    why = {"why": result.reason} if result.reason else {}
    return {"timestamp": datum.timestamp.isoformat(), **shown, **why}


def _product_told(plan: AddProduct, fate: Fate, reason: str = "", unverified: Sequence[str] = ()) -> Result:
    detail: dict[str, object] = {
        "target": _target(plan.local),
        "product": {"product_id": plan.product_id, "filename": plan.product.filename, "fate": str(fate)},
    }
    if reason:
        detail["message"] = reason
    if unverified:
        detail["unverified"] = list(unverified)
    return Result(outcome=Outcome.DUPLICATE if fate is Fate.DUPLICATE else Outcome.APPLIED, detail=detail)


def _amended(plan: Amend, unverified: Sequence[str]) -> Result:
    additions = plan.additions
    added = [*additions.aliases, *additions.fields, *(f"extras.{key}" for key in additions.extras)]
    detail: dict[str, object] = {"target": _target(plan.local)}
    for name, value in (("added", added), ("differs", list(plan.differs)), ("unverified", list(unverified))):
        if value:
            detail[name] = value
    appeared = simplify_all(additions.aliases)
    return Result(outcome=Outcome.APPLIED, detail=detail, appeared=appeared, changed=bool(additions))


def _list_told(plan: FillList, handle: str, unverified: Sequence[str]) -> Result:
    detail: dict[str, object] = {
        "list": handle,
        "members": {"created": len(plan.create), "joined": len(plan.join), "parked": len(plan.held)},
    }
    differs = [difference for amend in plan.amend for difference in amend.differs]
    if differs:
        detail["differs"] = differs[:MOST_EXAMPLES]
    if unverified:
        detail["unverified"] = list(unverified)[:MOST_EXAMPLES]
    park = tuple(
        ToPark(reason=hold.reason, detail=hold.detail, member=name, names=hold.names) for name, hold in plan.held
    )
    return Result(outcome=Outcome.APPLIED, detail=detail, park=park)
