"""What became of one event, in the words of the ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from uuid import UUID

from bridge.errors import EventError, RejectedError
from bridge.events import KINDS, Kind
from bridge.ledger.model import Detail, Outcome, Reason, ToKeep
from bridge.ledger.rules import SUCCESS, is_parked
from bridge.names import simplify_all
from bridge.receiving.decide import AddProduct, Amend
from bridge.receiving.matching import Hold
from bridge.tom.port import DatumResult, Fate, LocalTarget, NewDatum

_FATES = tuple(Fate)
_REMEMBERED = 1024
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
    """What became of one event, or of some members of a list."""

    outcome: Outcome
    reason: Reason | None = None
    detail: Detail = field(default_factory=dict)
    keep: tuple[ToKeep, ...] = ()
    """What is parked or dead of it."""
    appeared: frozenset[str] = frozenset()
    """Simplified names that the TOM has since: what is parked under them may be tried."""
    changed: bool = True
    """Whether the TOM lacked any of it."""
    came_before: bool = False
    """Whether it was settled, or waits, from another delivery: that says nothing of this one."""

    @property
    def is_done(self) -> bool:
        """Whether the event is settled for ever: in the TOM, with nothing of it kept."""
        return self.outcome in SUCCESS and not self.keep and not self.came_before

    @property
    def as_restored(self) -> "Result":
        """The same, seen by a restore: what the TOM had all of is a duplicate, and no new story of that record."""
        there_already = self.outcome is Outcome.APPLIED and not self.changed
        return replace(self, outcome=Outcome.DUPLICATE) if there_already else self


def parked(hold: Hold) -> Result:
    """Return the result of a whole event that is to be parked."""
    keep = ToKeep(reason=hold.reason, detail=hold.detail, names=hold.names)
    return Result(outcome=Outcome.PARKED, reason=hold.reason, detail=hold.detail, keep=(keep,))


def behind(event_id: UUID | None, names: frozenset[str]) -> Hold:
    """Return why an event waits: the parked event ``event_id`` of the same origin and target goes first."""
    return Hold(
        reason=Reason.WAITS_BEHIND,
        names=names,
        detail={"message": f"event {event_id} of the same origin and target is parked and goes first"},
    )


def dead(reason: Reason, message: str, **detail: object) -> Result:
    """Return the result of a dead letter."""
    told = {"message": message, **detail}
    return Result(outcome=Outcome.DEAD, reason=reason, detail=told, keep=(ToKeep(reason=reason, detail=told),))


def fault_of(error: BaseException) -> Result:
    """Return the dead letter of something that failed alone."""
    if isinstance(error, RejectedError):
        return dead(Reason.REJECTED, str(error))
    message = str(error) if isinstance(error, EventError) else f"{type(error).__name__}: {error}"
    return dead(Reason.INTERNAL, message)


def ignored(reason: Reason, detail: Detail | None = None) -> Result:
    """Return the result of an event that this TOM doesn't want."""
    return Result(outcome=Outcome.IGNORED, reason=reason, detail=detail or {})


def came_before(known: str) -> Result:
    """Return the result of an event that came in another delivery; ``known`` says what is known of that."""
    return Result(outcome=Outcome.DUPLICATE, detail={"message": known}, came_before=True)


def other_content() -> Result:
    """Return the result of an event whose id another event came with before."""
    return dead(
        Reason.OTHER_CONTENT,
        "an event of this id came before and said something else: its sender sent two messages by one id, or somebody"
        " uses it. What came first counts",
    )


def no_room(newer: Result | None) -> Result:
    """Return the result of an event of a later release for which there is no room to wait."""
    told = newer.detail.get("message", "") if newer is not None else ""
    return dead(
        Reason.NEWER_NO_ROOM,
        f"{told}. What is parked or dead takes half of limits.parked_bytes: it waits on the stream, and is read there"
        " when it is tried again after an upgrade (tom-bridge dead retry)",
    )


def unmatched_ignored(result: Result) -> Result:
    """Return ``result`` as a subscription wants it that ignores what has no target."""
    if (
        result.outcome is Outcome.PARKED
        and result.reason is Reason.NO_TARGET
        and not any(one.member for one in result.keep)
    ):
        return ignored(Reason.UNMATCHED_IGNORED, result.detail)
    return replace(result, keep=tuple(one for one in result.keep if one.reason is not Reason.NO_TARGET))


def target_detail(local: LocalTarget) -> Mapping[str, object]:
    """Return a target as a detail names it."""
    return _named(local.pk, local.name)


def _named(pk: int, name: str) -> Mapping[str, object]:
    return {"pk": pk, "name": name}


def datums_result(
    local: LocalTarget, datums: Sequence[NewDatum], results: Sequence[DatumResult], rows: range
) -> Result:
    """Return what became of the event whose datums are these ``rows`` of those that were written together."""
    fates = [result.fate for result in results[rows.start : rows.stop]]
    if fates.count(Fate.NEW) == len(fates):  # as nearly always
        return _all_new(local.pk, local.name, len(fates))
    counts = {fate: count for fate in _FATES if (count := fates.count(fate))}
    detail = _detail(local.pk, local.name, counts)
    for notable in (Fate.CONFLICTING, Fate.UNVERIFIED, Fate.REFUSED):
        if notable in counts:
            those = (row for row in rows if results[row].fate is notable)
            detail[str(notable)] = [_example(datums[row], results[row]) for row in islice(those, MOST_EXAMPLES)]
    if Fate.REFUSED in counts:
        first = next(results[row].reason for row in rows if results[row].fate is Fate.REFUSED)
        told = f"{counts[Fate.REFUSED]} of {len(rows)} datums were refused: {first}"
        return dead(Reason.REJECTED, told, **detail)
    all_there = counts.get(Fate.DUPLICATE) == len(rows)
    return Result(outcome=Outcome.DUPLICATE if all_there else Outcome.APPLIED, detail=detail)


@lru_cache(_REMEMBERED)
def _all_new(pk: int, name: str, count: int) -> Result:
    """Return the result of events onto a target: many have the same, which is written down as JSON once then."""
    return Result(outcome=Outcome.APPLIED, detail=_detail(pk, name, {Fate.NEW: count}))


def _detail(pk: int, name: str, counts: Mapping[Fate, int]) -> dict[str, object]:
    datums = {fate.value: count for fate, count in counts.items()}
    return {"target": _named(pk, name), "datums": datums}


def _example(new: NewDatum, result: DatumResult) -> Mapping[str, object]:
    datum = new.datum
    shown = {name: getattr(datum, name) for name in _SHOWN[KINDS[type(datum)]]}
    why = {"why": result.reason} if result.reason else {}
    return {"timestamp": datum.timestamp.isoformat(), **shown, **why}


def product_result(plan: AddProduct, fate: Fate, reason: str = "", unverified: Sequence[str] = ()) -> Result:
    """Return what became of an event with a data product."""
    detail: dict[str, object] = {
        "target": target_detail(plan.local),
        "product": {"product_id": plan.product_id, "filename": plan.product.filename, "fate": str(fate)},
    }
    if reason:
        detail["message"] = reason
    if unverified:
        detail["unverified"] = list(unverified)
    return Result(outcome=Outcome.DUPLICATE if fate is Fate.DUPLICATE else Outcome.APPLIED, detail=detail)


def amended(plan: Amend, unverified: Sequence[str]) -> Result:
    """Return what became of a target event whose target was there."""
    additions = plan.additions
    added = [*additions.aliases, *additions.fields, *(f"extras.{key}" for key in additions.extras)]
    detail: dict[str, object] = {"target": target_detail(plan.local)}
    differs = list(plan.differs)[:MOST_EXAMPLES]
    if len(plan.differs) > MOST_EXAMPLES:
        detail["differences"] = len(plan.differs)
    for name, value in (("added", added), ("differs", differs), ("unverified", list(unverified))):
        if value:
            detail[name] = value
    appeared = simplify_all(additions.aliases)
    return Result(outcome=Outcome.APPLIED, detail=detail, appeared=appeared, changed=bool(additions))


# -- lists ------------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Members:
    """What became of some members of a list, gathered one by one."""

    handle: str
    created: int = 0
    joined: int = 0
    keep: list[ToKeep] = field(default_factory=list)
    differs: list[Mapping[str, object]] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    appeared: frozenset[str] = frozenset()

    def hold(self, name: str, hold: Hold) -> None:
        """Park one member."""
        self.keep.append(ToKeep(reason=hold.reason, detail=hold.detail, member=name, names=hold.names))

    def refuse(self, name: str, message: str) -> None:
        """Make a dead letter of one member."""
        self.keep.append(ToKeep(reason=Reason.REJECTED, detail={"message": message}, member=name))

    def result(self) -> Result:
        """Return what became of them together."""
        reasons = Counter(one.reason for one in self.keep)
        refused = reasons.pop(Reason.REJECTED, 0)
        counts = {"created": self.created, "joined": self.joined, "parked": reasons.total()}
        detail: dict[str, object] = {"list": self.handle, "members": counts | ({"refused": refused} if refused else {})}
        if self.differs:
            detail["differs"] = self.differs[:MOST_EXAMPLES]
        if self.unverified:
            detail["unverified"] = self.unverified[:MOST_EXAMPLES]
        return list_result(detail, tuple(self.keep), self.appeared, changed=bool(self.created or self.joined))


def list_result(
    detail: Detail, keep: tuple[ToKeep, ...] = (), appeared: frozenset[str] = frozenset(), *, changed: bool = True
) -> Result:
    """Return what became of a list with this detail: parked or dead as a whole where no member is in it."""
    counts = detail["members"]
    assert isinstance(counts, Mapping)
    outcome, reason = Outcome.APPLIED, None
    if not counts.get("created") and not counts.get("joined"):
        if counts.get("parked"):
            outcome, reason = Outcome.PARKED, next((one.reason for one in keep if one.names), Reason.NO_TARGET)
        elif counts.get("refused"):
            died = (one.reason for one in keep if not is_parked(one.reason))
            outcome, reason = Outcome.DEAD, next(died, Reason.REJECTED)
    return Result(outcome=outcome, reason=reason, detail=detail, keep=keep, appeared=appeared, changed=changed)


def refused_members(now: Result, names: Sequence[str], fault: Result) -> Result:
    """Return what became of a list of which nothing was written, where these members died of ``fault``."""
    assert fault.reason is not None
    keep = tuple(ToKeep(reason=fault.reason, detail=fault.detail, member=name) for name in names)
    counts = {"created": 0, "joined": 0, "parked": 0, "refused": len(names)}
    return list_result({**now.detail, "members": counts}, keep, now.appeared, changed=now.changed)


def together(before: Detail, now: Result, *, parked: int = 0, refused: int = 0) -> Result:
    """Return what became of a list of which more members were looked at.

    So many of them were ``parked`` before, and ``refused``.
    """
    counts_before, counts_now = before.get("members"), now.detail.get("members")
    if not isinstance(counts_before, Mapping) or not isinstance(counts_now, Mapping):
        return now
    kept = {"parked": parked, "refused": refused}
    names = ("created", "joined", "parked", "refused")
    sums = {name: counts_before.get(name, 0) + counts_now.get(name, 0) - kept.get(name, 0) for name in names}
    members = {name: max(number, 0) for name, number in sums.items() if number > 0 or name != "refused"}
    detail = {**before, **now.detail, "members": members}
    for name in ("differs", "unverified"):
        told = [*_as_list(before.get(name)), *_as_list(now.detail.get(name))]
        if told:
            detail[name] = told[:MOST_EXAMPLES]
    return list_result(detail, now.keep, now.appeared, changed=now.changed)


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []
