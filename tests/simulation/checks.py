"""What must hold in every world: looked at when something is committed, while it runs, and at its end."""

from typing import TYPE_CHECKING

from simulation.faults import Crash
from simulation.ledger import Commit
from simulation.process import LIMITS

from bridge.errors import BridgeError, StopError
from bridge.events import EventRef, Kind
from bridge.ledger import rules
from bridge.ledger.model import Entry, Known, Outcome, Reason
from bridge.names import simplify_all
from bridge.stream.port import Partition

if TYPE_CHECKING:
    from simulation.process import Process
    from simulation.world import World

_COUNTED = ("event", "waiting", "letter")
SILENT_POLLS = 20
"""How often a process may poll while a partition with work stands still, and nobody says so."""


def fail(what: str) -> None:
    """Say that something happened which must never happen."""
    from simulation.world import Violation

    raise Violation(what)


# -- while it runs ----------------------------------------------------------------------------------------------------


def check_commit(world: "World", process: "Process", commit: Commit) -> None:
    """Look at one transaction: positions, order and witnesses."""
    for entry in commit.recorded:
        _check_blame(world, entry)
    for partition, topic_id, expected, next_offset in commit.moves:
        stood = world.stood.get(partition)
        if stood != (None if expected is None else (topic_id, expected)):
            fail(f"process {process.number} moved {partition} from {expected}, though it stood at {stood}")
        world.stood[partition] = (topic_id, next_offset)
        if expected is not None:
            _check_accounted(world, partition, topic_id, expected, next_offset)
    if not process.restoring and world.ledger.query("SELECT 1 FROM waiting WHERE holds LIMIT 1"):
        for entry in commit.recorded:
            _check_order(world, process, entry)
    for event in commit.witnessed:
        if event not in world.dropped and world.ledger.known([event]).get(event, Known()).witness:
            _check_done(world, event)


def _check_accounted(world: "World", partition: Partition, topic_id: str, first: int, until: int) -> None:
    """No position goes beyond what has an outcome."""
    recorded = world.ledger.query(
        "SELECT record_offset FROM event WHERE topic_id = ? AND partition = ? AND number = 0 AND record_offset >= ?"
        " AND record_offset < ?",
        (topic_id, partition.number, first, until),
    )
    missing = offsets_of(world, partition, topic_id, first, until) - {row[0] for row in recorded}
    if missing:
        fail(f"the position of {partition} went to {until}, but {sorted(missing)} have no outcome")


def offsets_of(world: "World", partition: Partition, topic_id: str, first: int, until: int) -> set[int]:
    """Return the offsets of all records between these."""
    return {
        record.offset
        for record in world.records
        if first <= record.offset < until and record.topic_id == topic_id and record.partition == partition
    }


def _check_blame(world: "World", entry: Entry) -> None:
    """Nothing dies of what was refused, or failed, of others, or is given up before it was tried often enough."""
    # A member from which a partition is taken in the middle of a record counts a try that comes to no end either.
    taken = sum(group.taken for _, _, group in world.brokers.groups())
    if entry.reason is Reason.UNFINISHED and world.broken_off + taken < LIMITS.tries:
        fail(f"{entry.where} ({entry.subject}) was given up ({entry.detail}), though little was broken off")
    if entry.reason not in (Reason.REJECTED, Reason.INTERNAL) or "*" in world.blamed:
        return
    content = world.universe.content_of(entry.event_id)
    for event in content.events if content is not None else ():
        about = simplify_all(event.names) | {f"content {content.number}"}
        if event.ref == entry.ref and about.isdisjoint(world.blamed):
            fail(f"{entry.where} ({entry.subject}) died ({entry.detail}), though only {world.blamed} failed")


def _check_order(world: "World", process: "Process", entry: Entry) -> None:
    """Nothing is applied while an earlier event of its line waits, as far as could be known before it was written."""
    if entry.outcome not in rules.SUCCESS or entry.kind == Kind.LIST or "came before" in str(entry.detail):
        return
    kinds = [str(Kind.TARGET)] if entry.kind == Kind.TARGET else None
    waits = (row.entry for row in world.ledger.lines([entry.line], kinds=kinds, most=20).get(entry.line, ()))
    # What was done, and a restore has let wait since this process looked, was before it all the same.
    first = next((one for one in waits if world.reopened.get(one.ref, -1) < process.facts_at), None)
    if first is not None and first.place < entry.place and "waits already" not in str(entry.detail):
        fail(f"{entry.where} was {entry.outcome} while {first.where} of the same line waits")


def _check_done(world: "World", ref: EventRef) -> None:
    """Done is only what is in the TOM, or was."""
    content = world.universe.content_of(ref.id)
    for event in content.events if content is not None else ():
        lacking = lacks(world, event) if event.ref == ref else []
        if lacking:
            fail(f"{ref} is witnessed as done, but the TOM never had {lacking[0]}")


def lacks(world: "World", event: object) -> list[tuple[object, ...]]:
    """Return what of an event the TOM never had."""
    from simulation.content import facts

    return [one for one in facts(event) if not any(way in world.holdings.ever for way in one)]


def check_end(world: "World", process: "Process") -> None:
    """A process ends because it was killed, asked to, or a person is needed, which it says; never otherwise."""
    from simulation.world import PERSON, Violation

    error = process.ended_by
    if isinstance(error, Violation):
        raise error
    expected = (Crash, BridgeError) if process.number == PERSON else (Crash, StopError)
    if not process.has_ended or error is None or isinstance(error, expected):
        return
    fail(f"process {process.number} ended with {type(error).__name__}: {error}")


def check_told(world: "World", process: "Process") -> None:
    """What has work and does not move says so: that it waits, for whom, or at least since when it stands."""
    from simulation.world import PERSON, Seen

    if process.number == PERSON or not process.members or process.frozen:
        return
    progress = process.bridge.parts.progress
    holds = progress.holds()
    positions = world.ledger.positions()
    mine = process.given()
    for key, seen in list(world.seen.items()):
        if key[0] == process.number and mine.get(key[1]) != seen.given_at:
            del world.seen[key]
    for partition, given_at in mine.items():
        topic = world.brokers.get(partition.topic)
        at = positions[partition].next if partition in positions else -1
        moves = progress.state.moves.get(partition)
        now = Seen(at, process.polls, moves.at if moves is not None else None, given_at)
        before = world.seen.setdefault((process.number, partition), now)
        placed = before.moved_at is None and now.moved_at is not None  # until then its topic was asked where to go on
        done = topic is None or at >= topic.ends(partition.number).next
        if before is now or placed or done or before.offset != at:
            world.seen[process.number, partition] = now
            continue
        if _excuses(world, partition) & progress.state.troubles.keys() or partition in holds:
            world.seen[process.number, partition] = now
            continue
        stands = moves is not None and moves.at == before.moved_at
        if process.polls - before.polls > SILENT_POLLS and not stands:
            fail(f"process {process.number}: {partition} has work, stands at {at} for long, and nobody says so")


def _excuses(world: "World", partition: Partition) -> set[str]:
    """Return whose troubles may let a partition stand: no other topic's, nor those of another stream."""
    broker = world.brokers.of(partition.topic)
    stream_fails = broker.away or broker.refuses or broker.frozen_at is not None or world.faults.active
    return {partition.topic, "[tom]", "[ledger]", *(["[stream]"] if stream_fails else [])}


# -- at the end -------------------------------------------------------------------------------------------------------


def check_books(world: "World") -> None:
    """Kept bytes are those of the records that are kept, and these are kept of what waits or is dead alone."""
    rows = world.ledger.query
    told = rows("SELECT kept_bytes FROM ledger")[0][0]
    kept = rows("SELECT coalesce(sum(bytes), 0) FROM kept")[0][0]
    counted = sum(rows(f"SELECT coalesce(sum(counted), 0) FROM {table}")[0][0] for table in _COUNTED)
    if told != kept + counted:
        fail(f"kept_bytes says {told}, but {kept} are kept and {counted} counted")
    for_nothing = rows(
        "SELECT count(*) FROM kept WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.topic_id = kept.topic_id"
        " AND event.partition = kept.partition AND event.record_offset = kept.record_offset"
        " AND (event.id IN (SELECT event FROM waiting) OR event.id IN (SELECT event FROM letter)))"
    )[0][0]
    if for_nothing:
        fail(f"{for_nothing} records are kept for nothing")
    unkept = rows(
        "SELECT count(*) FROM event WHERE (event.id IN (SELECT event FROM waiting) OR event.id IN"
        " (SELECT event FROM letter)) AND NOT EXISTS (SELECT 1 FROM kept WHERE event.topic_id = kept.topic_id"
        " AND event.partition = kept.partition AND event.record_offset = kept.record_offset)"
    )[0][0]
    if unkept:
        fail(f"{unkept} events wait or are dead without their record")
    tallies = {(row[0], row[1]): row[2] for row in rows("SELECT kind, outcome, sum(events) FROM tally GROUP BY 1, 2")}
    counts = {(row[0], row[1]): row[2] for row in rows("SELECT kind, outcome, count(*) FROM event GROUP BY 1, 2")}
    if {key: value for key, value in tallies.items() if value} != counts:
        fail(f"the tally says {tallies}, but there are {counts}")
    wrong = rows(
        "SELECT count(*) FROM event WHERE outcome = ? AND id NOT IN (SELECT event FROM waiting)"
        " OR outcome = ? AND id NOT IN (SELECT event FROM letter)",
        (Outcome.PARKED.value, Outcome.DEAD.value),
    )[0][0]
    if wrong:
        fail(f"{wrong} outcomes say parked or dead, and nothing is")
