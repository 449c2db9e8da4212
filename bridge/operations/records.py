"""What a TOM's ledger tells of records: shares that arrived, what is parked, what is dead."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.errors import BridgeError
from bridge.ledger.model import TAKEN
from bridge.ledger.port import Dead, Entry, Filter, Ledger, Outcome, Parked, Place, Reason, ShareWords
from bridge.operations.assemble import Bridge
from bridge.receiving.result import Result, together

_AT_ONCE = 500


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
class Arrived:
    """One outcome, and what was said of its share; empty where that came with an earlier release."""

    line: Line
    words: ShareWords


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A dead letter in full."""

    line: Line
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes
    """All of it, or its beginning where the stream has to be asked for the rest."""
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Retried:
    """What became of what was tried again."""

    tried: int
    outcomes: Mapping[str, int]


def shares(ledger: Ledger, wanted: Filter) -> list[Arrived]:
    """Return what arrived, newest first."""
    entries = ledger.entries(wanted)
    words = ledger.words({entry.share_ref for entry in entries if entry.share_ref is not None})
    nothing = ShareWords()
    return [
        Arrived(line=line(entry), words=nothing if entry.share_ref is None else words.get(entry.share_ref, nothing))
        for entry in entries
    ]


def parked(ledger: Ledger, wanted: Filter) -> list[Line]:
    """Return what is parked, in the order of parking."""
    return [kept_line(one) for one in ledger.parked(wanted, most=wanted.most)]


def dead(ledger: Ledger, wanted: Filter) -> list[Line]:
    """Return the dead letters, in the order in which they died."""
    return [kept_line(one) for one in ledger.dead(wanted, most=wanted.most)]


def letter(ledger: Ledger, dead_id: int) -> Letter:
    """Return a dead letter in full, as far as it is kept. Raises BridgeError where there is none of that id."""
    one = _letter(ledger, dead_id)
    kept = ledger.raw([one.entry.place]).get(one.entry.place)
    if kept is None:
        raise _unknown("dead", [one.id])
    return Letter(
        line=kept_line(one),
        key=kept.record.key or b"",
        headers=kept.record.headers,
        value=kept.record.value,
        size=kept.size,
        sha256=kept.sha256,
    )


def drop_dead(ledger: Ledger, dead_ids: Sequence[int]) -> int:
    """Drop dead letters: their bytes go, the outcome becomes *ignored: dropped by command*; return how many."""
    letters = [_letter(ledger, dead_id) for dead_id in dict.fromkeys(dead_ids)]
    _drop(ledger, letters)
    return len(letters)


def drop_parked(ledger: Ledger, wanted: Filter, parked_ids: Sequence[int] = ()) -> int:
    """Drop what is parked, of these ids or all that ``wanted`` chooses; return how much. Replay can bring it back."""
    dropped = after = 0
    ids = list(dict.fromkeys(parked_ids)) or None
    if ids is not None:
        some = (ids[first : first + _AT_ONCE] for first in range(0, len(ids), _AT_ONCE))
        there = {one.id for chosen in some for one in ledger.parked(ids=chosen)}
        if unknown := sorted(set(ids) - there):
            raise _unknown("parked", unknown)
    while rows := ledger.parked(wanted, ids=ids, after=after, most=_AT_ONCE):
        after = rows[-1].id
        _drop(ledger, rows)
        dropped += len(rows)
    return dropped


def _drop(ledger: Ledger, kept: Sequence[Parked | Dead]) -> None:
    """Let an event as a whole be ignored; a list is told without the members that are dropped of it."""
    members: dict[Place, list[Parked | Dead]] = {}
    with ledger.unit() as unit:
        for one in kept:
            if one.member:
                members.setdefault(one.entry.place, []).append(one)
                continue
            # A list that is brought back is taken from its beginning: nothing is kept of its first members any more.
            told = {name: value for name, value in one.entry.detail.items() if name != TAKEN}
            detail = {**told, "was": str(one.entry.outcome), "dropped": str(one.reason)}
            unit.record(replace(one.entry, outcome=Outcome.IGNORED, reason=Reason.DROPPED, detail=detail))
        for of_list in members.values():
            parked_ = sum(isinstance(one, Parked) for one in of_list)
            nothing = Result(outcome=Outcome.APPLIED, detail={"members": {"dropped": len(of_list)}})
            left = together(of_list[0].entry.detail, nothing, parked=parked_, refused=len(of_list) - parked_)
            entry = replace(of_list[0].entry, outcome=left.outcome, reason=left.reason, detail=left.detail)
            unit.record(entry, of=[one.member for one in of_list])


def retry_dead(
    bridge: Bridge, dead_ids: Sequence[int], progress: Callable[[int], object] = lambda _done: None
) -> Retried:
    """Try dead letters again (all without ``dead_ids``), by the one path; what fails again stays dead."""
    ledger = bridge.ledger
    letters = [_letter(ledger, one) for one in dict.fromkeys(dead_ids)] if dead_ids else list(_all_dead(ledger))
    outcomes: Counter[str] = Counter()
    for done, one in enumerate(letters, 1):
        results = bridge.waiting.retry_dead([one], bridge.budget)
        outcomes.update(str(result.outcome) for result in results)
        if not results:
            outcomes["no longer on the stream"] += 1
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
    outcomes: Counter[str] = Counter()
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        outcomes.update(str(result.outcome) for result in bridge.waiting.retry(some, bridge.budget))
        progress(first + len(some))
    return Retried(tried=outcomes.total(), outcomes=outcomes)


def _all_parked(ledger: Ledger) -> Iterator[Parked]:
    after = 0
    while page := ledger.parked(after=after):
        yield from page
        after = page[-1].id


def _all_dead(ledger: Ledger) -> Iterator[Dead]:
    after = 0
    while page := ledger.dead(after=after):
        yield from page
        after = page[-1].id


def _letter(ledger: Ledger, dead_id: int) -> Dead:
    one = ledger.dead_letter(dead_id)
    if one is None:
        raise _unknown("dead", [dead_id])
    return one


def _unknown(word: str, ids: Sequence[int]) -> BridgeError:
    numbers = ", ".join(str(one) for one in ids)
    return BridgeError(f"nothing {word} has the id {numbers}", mend=f"See 'tom-bridge {word} list'")


def kept_line(one: Parked | Dead) -> Line:
    """Return something parked or dead as a table shows it."""
    detail = one.detail or one.entry.detail
    return replace(line(one.entry, detail), id=one.id, member=one.member, reason=str(one.reason))


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
        elif name == "notes" and isinstance(value, Sequence):
            told += [str(one) for one in value]
        elif name in ("added", "differs", "unverified") and isinstance(value, Sequence) and value:
            told.append(f"{name} {', '.join(str(one) for one in value)}")
    # A target that came again, with nothing that this TOM has not.
    return "; ".join(told) or ("nothing to add" if set(detail) == {"target"} else "")
