"""What a TOM's ledger tells of records: shares that arrived, what is parked, what is dead."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.errors import BridgeError
from bridge.ledger.port import Dead, Entry, Filter, Ledger, Outcome, Parked, Reason
from bridge.operations.assemble import Bridge
from bridge.stream import Record


@dataclass(frozen=True, kw_only=True)
class Line:
    """One outcome, one parked thing or one dead letter, as a table shows it."""

    id: int | None = None
    """Of what is parked or dead: by what it is retried, shown or dropped."""
    where: str
    """``topic[partition]@offset``."""
    published_at: datetime
    recorded_at: datetime | None
    outcome: str
    reason: str
    message: str
    kind: str
    subject: str
    member: str = ""
    origin: str
    origin_name: str
    shared_by: str
    title: str
    event_id: str
    share_id: str
    detail: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A dead letter in full."""

    line: Line
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


@dataclass(frozen=True, kw_only=True)
class Retried:
    """What became of what was tried again."""

    tried: int
    outcomes: Mapping[str, int]


def shares(ledger: Ledger, wanted: Filter) -> list[Line]:
    """Return what arrived, newest first."""
    return [line(entry) for entry in ledger.entries(wanted)]


def parked(ledger: Ledger, wanted: Filter) -> list[Line]:
    """Return what is parked, in the order of parking."""
    return [
        replace(line(one.entry, one.detail), id=one.id, member=one.member, reason=str(one.reason))
        for one in ledger.parked(wanted=wanted, most=wanted.most)
    ]


def dead(ledger: Ledger, wanted: Filter) -> list[Line]:
    """Return the dead letters, in the order in which they died."""
    return [replace(line(one.entry), id=one.id) for one in ledger.dead(wanted, most=wanted.most)]


def letter(ledger: Ledger, dead_id: int) -> Letter:
    """Return a dead letter in full. Raises BridgeError where there is none of that id."""
    one = _letter(ledger, dead_id)
    record = _raw(ledger, one)
    return Letter(
        line=replace(line(one.entry), id=one.id), key=record.key or b"", headers=record.headers, value=record.value
    )


def drop(ledger: Ledger, dead_ids: Sequence[int]) -> int:
    """Drop dead letters: their bytes go, the outcome becomes *ignored: dropped by command*; return how many."""
    letters = [_letter(ledger, dead_id) for dead_id in dict.fromkeys(dead_ids)]
    with ledger.unit() as unit:
        for one in letters:
            detail = {**one.entry.detail, "died_of": str(one.entry.reason)}
            unit.record(replace(one.entry, outcome=Outcome.IGNORED, reason=Reason.DROPPED, detail=detail))
    return len(letters)


def retry_dead(
    bridge: Bridge, dead_ids: Sequence[int], progress: Callable[[int], object] = lambda _done: None
) -> Retried:
    """Try dead letters again (all without ``dead_ids``), by the one path; what fails again stays dead."""
    ledger = bridge.ledger
    letters = [_letter(ledger, one) for one in dict.fromkeys(dead_ids)] if dead_ids else list(_all_dead(ledger))
    outcomes: dict[str, int] = {}
    for done, one in enumerate(letters, 1):
        for result in bridge.applier.retry_dead([one]):
            outcomes[str(result.outcome)] = outcomes.get(str(result.outcome), 0) + 1
        progress(done)
    return Retried(tried=len(letters), outcomes=outcomes)


def retry_parked(
    bridge: Bridge, parked_ids: Sequence[int], progress: Callable[[int], object] = lambda _done: None
) -> Retried:
    """Try what is parked again (all without ``parked_ids``), in the order of parking."""
    there = list(_all_parked(bridge.ledger))
    if unknown := sorted(set(parked_ids) - {one.id for one in there}):
        raise _unknown("parked", unknown)
    wanted = [one for one in there if not parked_ids or one.id in parked_ids]
    outcomes: dict[str, int] = {}
    tried = 0
    for done, one in enumerate(wanted, 1):
        for result in bridge.applier.retry([one]):
            tried += 1
            outcomes[str(result.outcome)] = outcomes.get(str(result.outcome), 0) + 1
        progress(done)
    return Retried(tried=tried, outcomes=outcomes)


def _all_parked(ledger: Ledger) -> Iterator[Parked]:
    after = 0
    while page := ledger.parked(after=after):
        yield from page
        after = page[-1].id


def _all_dead(ledger: Ledger) -> Iterator[Dead]:
    total = sum(count.records for count in ledger.counts() if count.outcome is Outcome.DEAD)
    yield from ledger.dead(most=max(total, 1))


def _letter(ledger: Ledger, dead_id: int) -> Dead:
    one = ledger.dead_letter(dead_id)
    if one is None:
        raise _unknown("dead", [dead_id])
    return one


def _raw(ledger: Ledger, one: Dead) -> Record:
    record = ledger.raw(one.entry)
    if record is None:
        raise _unknown("dead", [one.id])
    return record


def _unknown(word: str, ids: Sequence[int]) -> BridgeError:
    numbers = ", ".join(str(one) for one in ids)
    return BridgeError(f"nothing {word} has the id {numbers}", mend=f"See 'tom-bridge {word} list'")


def line(entry: Entry, detail: Mapping[str, object] | None = None) -> Line:
    """Return an outcome as a table shows it; ``detail`` in place of its own, for one thing that is parked of it."""
    told = entry.detail if detail is None else detail
    return Line(
        where=f"{entry.partition}@{entry.offset}",
        published_at=entry.published_at,
        recorded_at=entry.recorded_at,
        outcome=str(entry.outcome),
        reason=str(entry.reason) if entry.reason is not None else "",
        message=_message(told),
        kind=entry.kind,
        subject=entry.subject,
        origin=entry.origin,
        origin_name=entry.origin_name,
        shared_by=entry.shared_by,
        title=entry.title,
        event_id=str(entry.event_id or ""),
        share_id=str(entry.share_id or ""),
        detail=told,
    )


def _message(detail: Mapping[str, object]) -> str:
    """Return what a detail says for people: its message, else what was made, added and counted."""
    if "message" in detail:
        return str(detail["message"])
    told = []
    for name, value in detail.items():
        if name in ("created", "list"):
            told.append(f"{name} {value}")
        elif name in ("datums", "members") and isinstance(value, Mapping):
            told += [f"{count} {word}" for word, count in value.items() if count]
        elif name == "product" and isinstance(value, Mapping):
            told.append(f"{value.get('filename')} {value.get('fate')}")
        elif name in ("added", "differs", "unverified") and isinstance(value, Sequence) and value:
            told.append(f"{name} {', '.join(str(one) for one in value)}")
    # A target that came again, with nothing that this TOM has not.
    return "; ".join(told) or ("nothing to add" if set(detail) == {"target"} else "")
