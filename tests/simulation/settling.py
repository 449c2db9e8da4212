"""When all faults have ended: what can be applied is, within a bounded number of calls, and the rest says why not."""

from collections.abc import Collection

from simulation import checks
from simulation.people import Command, Permit, set_earliest
from simulation.process import LIMITS
from simulation.steps import Freeze, Mend, Start, Stop
from simulation.universe import NAMES, US, Content, alias
from simulation.world import CONSUMERS, PERSON, World

from bridge.events import Event, EventRef, TargetList
from bridge.ledger import rules
from bridge.ledger.model import Entry, Filter, Parked, Position, Reason
from bridge.names import simplify_all
from bridge.stream.names import split

ROUNDS = 1000
"""A record that kills the process takes some of them each time: a session has to end before another takes over."""
CALLS = 150
"""A consumer's calls in one round."""
HOURS = 5
"""How often time goes by until everything has been looked at that waits for something else that waits."""
LONGER_THAN_ANY_WAIT_S = 3700.0
STARTS = 10
"""How often a consumer is started in one round of time that goes by."""


def settle(world: World) -> None:
    """End all faults; look that everything comes to its end; then look at that end."""
    checks.check_books(world)
    world.note("all faults end, but for what is about one name or record alone")
    Mend(poisons=False).do(world)
    for consumer in CONSUMERS:
        Freeze(consumer, frozen=False).do(world)
    for topic in world.topics:
        world.brokers.create(topic)
    end_of_command(world)
    reach_the_ends(world)
    if world.faults.active:
        _let_time_go(world)
        _check_others(world)
        world.note("all faults end")
        Mend().do(world)
        reach_the_ends(world)
    _upgrade(world)
    _let_time_go(world)
    for number in range(2):  # what waited behind a dead letter may die in its turn
        letters = world.ledger.dead()
        if not letters or (number and all(one.reason in rules.BAD_IN_ITSELF for one in letters)):
            break
        for name in NAMES:
            Permit(name, permitted=True).do(world)
        before = _what_is_kept(world)
        Command("dead retry", 20_000).do(world)
        end_of_command(world)
        if _what_is_kept(world) != before:
            _let_time_go(world)
    check_the_end(world)


def end_of_command(world: World) -> None:
    process = world.processes.get(PERSON)
    if process is not None and not process.has_ended:
        process.freeze(frozen=False)
        world.run(PERSON, 50_000)
        if not process.has_ended:
            checks.fail("a command does not come to its end")


def reach_the_ends(world: World, *, without: str | None = None) -> None:
    """Let consumers run until all positions are at the ends; a person does what they ask for.

    Those of the stream ``without`` (a label) need not be.
    """
    for _ in range(ROUNDS):
        for consumer in CONSUMERS:
            world.run_until_idle(consumer, CALLS)
            process = world.processes[consumer]
            if process.has_ended and not process.killed:
                world.note(f"a person starts {consumer} again")
                _mend_positions(world)
                Start(consumer).do(world)
        if not _behind(world, without):
            return
        _mend_positions(world)
    told = {number: process.bridge.parts.progress.report() for number, process in world.processes.items()}
    well = "all faults had ended" if without is None else f"all but the stream {without!r} was well"
    checks.fail(f"when {well} it never came to the end: {_behind(world, without)}; it says {told}")


def _mend_positions(world: World) -> None:
    """Set those positions anew that a person has to: of a topic made again, or whose history has gone."""
    positions = world.ledger.positions()
    wrong = set()
    for partition, topic in world.brokers.partitions():
        position = positions.get(partition)
        ends = topic.ends(partition.number)
        if position is not None and (position.topic_id != topic.id or not ends.first <= position.next <= ends.next):
            wrong.add(partition.topic)
    for name in sorted(wrong):
        world.note(f"a person sets {name} to earliest")
        set_earliest(world, name)


def _behind(world: World, without: str | None = None) -> list[str]:
    positions = world.ledger.positions()
    return [
        f"{partition} at {positions.get(partition)} of {topic.ends(partition.number)}"
        for partition, topic in world.brokers.partitions()
        if split(partition.topic)[0] != without
        and positions.get(partition) != Position(topic.id, topic.ends(partition.number).next)
    ]


def _upgrade(world: World) -> None:
    """Stop, as for an upgrade, and start again: within seconds, and without an error."""
    world.release = 1
    for consumer in CONSUMERS:
        process = world.processes[consumer]
        if process.has_ended:
            continue
        Stop(consumer).do(world)
        before = world.clock.monotonic()
        world.run(consumer, 400)
        if not process.has_ended:
            checks.fail(f"process {consumer} does not stop")
        if world.clock.monotonic() - before > 10:
            checks.fail(f"process {consumer} took {world.clock.monotonic() - before:.0f} s to stop")
    for consumer in CONSUMERS:
        world.start(consumer)


def _let_time_go(world: World) -> None:
    """Let all times pass at which something is looked at again, and what follows from it."""
    for _ in range(HOURS):
        before, idle = _what_is_kept(world), True
        world.clock.advance(LONGER_THAN_ANY_WAIT_S)
        for consumer in CONSUMERS:
            for _ in range(STARTS):  # a supervisor does not wait for an hour until it starts what was killed
                is_idle = world.run_until_idle(consumer, CALLS * 4)
                if not world.processes[consumer].has_ended:
                    break
                Start(consumer).do(world)
            idle &= is_idle
        if idle and _what_is_kept(world) == before:
            break  # with the next hour it would be the same
    if _behind(world):
        reach_the_ends(world)


def _what_is_kept(world: World) -> list[tuple[object, ...]]:
    """Return what waits and what is dead, with how often it was begun and came to no end."""
    waiting = "SELECT id, reason, tries FROM waiting UNION ALL SELECT -id, reason, 0 FROM letter ORDER BY 1"
    return [tuple(row) for row in world.ledger.query(waiting)]


# -- the end ----------------------------------------------------------------------------------------------------------


def check_the_end(world: World) -> None:
    """Everything that came has come to its end, or waits for a true reason; nothing is lost."""
    checks.check_books(world)
    waiting = _all_parked(world)
    for row in waiting:
        _check_reason(world, row, waiting)
    waits: set[tuple[EventRef, str]] = {(row.entry.ref, row.member) for row in waiting if row.entry.ref is not None}
    for letter in world.ledger.dead():
        if letter.reason not in rules.BAD_IN_ITSELF:
            checks.fail(f"{letter.entry.where} stays dead ({letter.reason}: {letter.detail.get('message')})")
    came = {world.universe.of(record).number for record in world.records if _was_read(world, record)}
    for number in sorted(came):
        _check_content(world, world.universe.contents[number], waits)


def _check_others(world: World) -> None:
    """What is about one name or record alone costs no other that waits: it goes on, and is not given up."""
    waiting = _all_parked(world)
    poisoned = {fault.name for fault in world.faults.active}
    for row in waiting:
        event_names = {name for event in _content_of(world, row.entry).events for name in event.names}
        about = _about(world, row.entry, {*(row.names if row.member else event_names), row.member})
        if about.isdisjoint(poisoned) and row.reason is not Reason.NEWER_VERSION:
            _check_reason(world, row, waiting)
    if world.kills >= LIMITS.tries:
        return  # what a process was at when it was killed tells nobody which member it was
    for letter in world.ledger.dead():
        about = _about(world, letter.entry, {letter.member, alias(letter.member)})
        if letter.member and letter.reason is Reason.UNFINISHED and about.isdisjoint(poisoned):
            checks.fail(f"{letter.entry.where} {letter.member} is given up, though only {sorted(poisoned)} failed")


def _content_of(world: World, entry: Entry) -> Content:
    found = world.universe.content_of(entry.event_id)
    assert found is not None
    return found


def _about(world: World, entry: Entry, names: Collection[str]) -> set[str]:
    """Return all by which a fault may be about something with these names: those of its targets, and its content."""
    about = simplify_all([*names, entry.subject]) | {f"content {_content_of(world, entry).number}"}
    return about | simplify_all(name for target in world.holdings.matching(about) for name in target.names)


def _was_read(world: World, record: object) -> bool:
    from bridge.ledger.model import Place

    place = Place(record.topic_id, record.partition.number, record.offset)  # type: ignore[attr-defined]
    return place not in world.skipped


def _all_parked(world: World) -> list[Parked]:
    found: list[Parked] = []
    while rows := world.ledger.parked(after=found[-1].id if found else 0):
        found += rows
    return found


def _check_reason(world: World, row: Parked, waiting: list[Parked]) -> None:
    """What waits at the end waits for a reason that is true now."""
    there = world.holdings.matching(row.names)
    behind = not row.member and any(
        one.entry.line == row.entry.line and one.entry.place < row.entry.place
        for one in waiting
        if rules.holds_back(one.reason, one.member)
    )
    match row.reason:
        case Reason.NO_TARGET:
            true = not there or behind
        case Reason.AMBIGUOUS:
            true = behind or (len(there) > 1 and not any(world.holdings.choices.get(name) for name in row.names))
        case Reason.POSITION_DISAGREES:
            true = behind or len(there) == 1
        case Reason.WAITS_BEHIND:
            true = behind
        case _:
            true = False
    if not true:
        checks.fail(
            f"{row.entry.where} {row.member} still waits ({row.reason}, due {row.due_at}), though"
            f" {[one.name for one in there]} are there"
        )


def _check_content(world: World, content: Content, waits: set[tuple[EventRef, str]]) -> None:
    others = content.flaw == "another's" and content.events[0].origin == US
    if others or content.flaw in ("undecodable", "invalid", "unknown schema", "unreadable", "odd"):
        first = content.events[0]
        has_outcome = world.ledger.query("SELECT 1 FROM event WHERE event_id = ? LIMIT 1", (str(first.id),))
        if not has_outcome and first.ref not in world.dropped:
            checks.fail(f"content {content.number} ({content.flaw}) has no outcome")
        return
    for event in content.events:
        if event.origin != US and event.ref not in world.dropped:
            _check_event(world, event, waits)


def _check_event(world: World, event: Event, waits: set[tuple[EventRef, str]]) -> None:
    """An event is in the TOM (or was), or it waits, as a whole or the members that are missing."""
    if (event.ref, "") in waits:
        return
    missing = checks.lacks(world, event)
    if isinstance(event.body, TargetList):
        held = {simple for ref, member in waits if ref == event.ref for simple in simplify_all([member])}
        missing = [fact for fact in missing if not any(way[-1] in held for way in fact)]
    if missing:
        entries = [(one.where, str(one.outcome), str(one.reason), one.detail) for one in _entries(world, event)]
        checks.fail(f"{event.ref} ({event.kind} of {event.subject}) is lost: {missing[0][0]} never came; {entries}")


def _entries(world: World, event: Event) -> list[object]:
    return [one for one in world.ledger.entries(Filter(most=10_000)) if one.event_id == event.id]
