"""How a TOM's bridge is: how far behind, what became of what, and whether that is well."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bridge.errors import AwayError, BridgeError, StopError
from bridge.ledger.port import Count, Heartbeat, Ledger, Outcome, Position, Reason, Sums
from bridge.operations.opening import away_of, opened_stream
from bridge.settings import Settings
from bridge.stream import Ends, Partition, Stream
from bridge.stream.names import split

_NEARLY_FULL = 0.9


@dataclass(frozen=True, kw_only=True)
class PartitionStatus:
    """Where a TOM stands in one partition."""

    topic: str
    partition: int
    position: int | None
    """The next offset; None before the first start."""
    first: int | None
    """The first offset that the stream holds; None where the stream wasn't asked."""
    end: int | None
    lag: int | None
    """Offsets still to come; an upper bound, for offsets may have holes."""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class TopicStatus:
    """Where a TOM stands in one topic that it subscribes to."""

    topic: str
    lag: int | None
    waiting_since: datetime | None
    """The stream's time of the oldest record that is still to come."""
    last_success: datetime | None
    last_outcome: datetime | None
    """When the last record of one of its partitions had its outcome recorded."""
    partitions: tuple[PartitionStatus, ...]
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class ProcessStatus:
    """What a process that consumes said of itself last."""

    process: str
    """Host and process id."""
    started_at: datetime
    at: datetime
    ended: bool
    troubles: dict[str, Mapping[str, Any]]
    """What it waits for, by topic (or ``[tom]``, ``[ledger]``, ``[stream]``, ``[group]``)."""
    moved: dict[str, datetime]
    """When its position in each partition last moved, or was taken up."""
    held: dict[str, str]
    """Why the next record of a partition is tried again and again."""
    waits: dict[str, int] = field(default_factory=dict)
    """How many records of a partition were at hand and not done."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """All that ``tom-bridge status`` shows."""

    stream: str
    stream_problem: str
    topics: tuple[TopicStatus, ...]
    counts: tuple[Count, ...]
    outcomes: dict[str, int]
    sums: Sums
    """What is kept, whole events and single members of lists."""
    parked: int
    dead: int
    kept_bytes: int
    kept_bytes_limit: int
    processes: tuple[ProcessStatus, ...] = ()
    """What those said last that consume, or did within the last day; the newest first."""

    @property
    def alive(self) -> tuple["ProcessStatus", ...]:
        """Those of them that have not said that they end."""
        return tuple(one for one in self.processes if not one.ended)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When ``--check`` says no; None: not looked at."""

    stalled_s: float = 900.0
    """Seconds that a record may wait while nothing at all is applied."""
    silent_s: float = 120.0
    """Seconds that a record may wait while no process says that it lives."""
    stuck_s: float = 300.0
    """Seconds that a partition may stand still, or something be waited for, while records wait."""
    lag: int | None = None
    parked: int | None = None
    dead: int | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether all is well, and what is not."""

    well: bool
    problems: tuple[str, ...] = field(default=())


def status(settings: Settings, ledger: Ledger) -> Status:
    """Return how things are; a stream that can't be reached is told, not raised."""
    away = _away(settings)
    found = [topics_of(settings, ledger, label, away=away.get(label, "")) for label in settings.each_stream()]
    counts = ledger.counts()
    outcomes = Counter({str(outcome): 0 for outcome in Outcome})
    for count in counts:
        outcomes[str(count.outcome)] += count.events
    sums = ledger.sums()
    return Status(
        stream=", ".join(one.shown_url for one in settings.each_stream().values()),
        stream_problem="; ".join(problem for _, problem in found if problem),
        topics=tuple(topic for topics, _ in found for topic in topics),
        counts=tuple(counts),
        outcomes=dict(outcomes),
        parked=sum(sums.parked.values()),
        dead=sum(sums.dead.values()),
        sums=sums,
        kept_bytes=sums.bytes,
        kept_bytes_limit=settings.limits.parked_bytes,
        processes=tuple(process_of(one) for one in ledger.heartbeats()),
    )


def _away(settings: Settings, *, only: str | None = None) -> dict[str, str]:
    """Return why streams with topics that are subscribed to do not answer, by label, or the one of ``only``."""
    wanted = {split(one.topic)[0] for one in settings.subscribe}
    try:
        with opened_stream(settings, only=only) as stream:
            return {label: str(why) for label, why in away_of(stream, wanted).items()}
    except BridgeError:  # told by whoever asks next
        return {}


def _subscribed(settings: Settings, label: str) -> list[str]:
    return list(dict.fromkeys(one.topic for one in settings.subscribe if split(one.topic)[0] == label))


class _Last(NamedTuple):
    """What the ledger tells of all topics at once."""

    successes: Mapping[str, datetime]
    outcomes: Mapping[str, datetime]


def topics_of(
    settings: Settings, ledger: Ledger, label: str, *, away: str | None = None
) -> tuple[list[TopicStatus], str]:
    """Return where the TOM stands in the topics of one stream, and why that does not answer, where it does not.

    ``away``: why, or nothing, where that was asked before.
    """
    names = _subscribed(settings, label)
    if not names:
        return [], ""
    if away is None:
        away = _away(settings, only=label).get(label, "")
    last = _Last(successes=ledger.last_success(), outcomes=ledger.last_outcomes())
    if away:
        return [_topic(None, ledger, name, last) for name in names], away
    try:
        with opened_stream(settings, only=label) as stream:
            return [_topic(stream, ledger, name, last) for name in names], ""
    except (AwayError, StopError) as error:  # of one topic alone it is told with the topic
        return [_topic(None, ledger, name, last) for name in names], str(error)


def partitions(stream: Stream | None, ledger: Ledger, name: str) -> list[PartitionStatus]:
    """Return where the TOM stands in each partition of a topic. Raises TopicMissingError (with a stream)."""
    recorded = {partition: at for partition, at in ledger.positions().items() if partition.topic == name}
    held: dict[Partition, Ends] = stream.ends(name) if stream is not None else {}
    topic_id = stream.identity(name) if stream is not None else ""
    return [
        _partition(partition, recorded.get(partition), held.get(partition), topic_id)
        for partition in sorted({*recorded, *held})
    ]


def judge(now: Status, limits: Thresholds, *, at: datetime | None = None, besides: Sequence[str] = ()) -> Verdict:
    """Return whether all is well at ``at`` (default: now); ``besides`` is what else is wrong."""
    moment = at or datetime.now(UTC)
    problems = [now.stream_problem] if now.stream_problem else []
    for topic in now.topics:
        problems += [topic.problem] if topic.problem else []
        problems += [one.problem for one in topic.partitions if one.problem]
        stalled = timedelta(seconds=limits.stalled_s)
        latest = max((time for time in (topic.waiting_since, topic.last_outcome) if time is not None), default=moment)
        if topic.waiting_since is not None and moment - latest > stalled:
            problems.append(
                f"{topic.topic}: nothing was applied for {moment - latest}, though {topic.lag} records wait"
            )
        if limits.lag is not None and topic.lag is not None and topic.lag > limits.lag:
            problems.append(f"{topic.topic}: {topic.lag} records wait, more than {limits.lag}")
    problems += [*_of_processes(now, limits, moment), *impostors(now.sums)]
    for word, number, most in (("parked", now.parked, limits.parked), ("dead", now.dead, limits.dead)):
        if most is not None and number > most:
            problems.append(f"{number} {word}, more than {most}")
    if now.kept_bytes > _NEARLY_FULL * now.kept_bytes_limit:
        problems.append(f"parked events and dead letters take {now.kept_bytes} of {now.kept_bytes_limit} bytes")
    problems += besides
    return Verdict(well=not problems, problems=tuple(problems))


def ledgers_problems(ledger: Ledger, *, at: datetime | None = None) -> list[str]:
    """Return what the ledger alone tells to be wrong: for a page, which doesn't wait for the stream."""
    moment, stuck = at or datetime.now(UTC), timedelta(seconds=Thresholds.stuck_s)
    processes = [process_of(one) for one in ledger.heartbeats()]
    told: list[str] = []
    living = [one for one in processes if not one.ended and moment - one.at <= stuck]
    for process in living:
        told += _troubles(process, stuck, moment)
        at_hand = {partition: at for partition, at in process.moved.items() if process.waits.get(partition)}
        told += [_stands(process, one, at) for one, at in at_hand.items() if moment - at > stuck]
    if processes and not living and not processes[0].ended:
        last = processes[0]
        told.append(f"the consumer ({last.process}) has not said since {last.at:%Y-%m-%d %H:%M:%S} UTC that it lives")
    return [*told, *impostors(ledger.sums())]


def impostors(sums: Sums) -> list[str]:
    """Return whether another installation publishes as this TOM, for people."""
    events = sums.dead.get(Reason.ANOTHERS, 0)
    if not events:
        return []
    return [
        f"another installation publishes as this TOM: {events} events, see 'tom-bridge dead list'. If it is a"
        " former one of this TOM: 'tom-bridge identity accept' takes it for ours; else each needs its own origin"
    ]


def _troubles(process: ProcessStatus, stuck: timedelta, moment: datetime) -> list[str]:
    """Return what a process waits for that needs a person, or has lasted for long."""
    told = []
    for whose, trouble in process.troubles.items():
        since = datetime.fromisoformat(str(trouble["since"]))
        if trouble["needs_a_person"] or (whose != "[group]" and moment - since > stuck):
            told.append(f"{whose} since {since:%Y-%m-%d %H:%M:%S} UTC: {trouble['what']}")
    return told


def _of_processes(now: Status, limits: Thresholds, moment: datetime) -> list[str]:
    """Return what is wrong with those who consume."""
    lag = {topic.topic: topic.lag for topic in now.topics if topic.lag}
    waiting = {topic.topic: topic.waiting_since or moment for topic in now.topics if topic.lag}
    silent, stuck = timedelta(seconds=limits.silent_s), timedelta(seconds=limits.stuck_s)
    living = [one for one in now.alive if moment - one.at <= silent]
    problems = []
    if not living and waiting and moment - min(waiting.values()) > silent:
        last = f"since {now.processes[0].at:%Y-%m-%d %H:%M:%S} UTC" if now.processes else "yet"
        problems.append(f"{sum(lag.values())} records wait, and no process has said {last} that it consumes")
    for process in living:
        problems += _troubles(process, stuck, moment)
        for partition, moved_at in process.moved.items():
            topic = partition.rpartition("[")[0]
            latest = max(moved_at, waiting.get(topic, moment))
            if topic in lag and moment - latest > stuck and _lags(now, partition):
                problems.append(_stands(process, partition, latest))
    return problems


def _stands(process: ProcessStatus, partition: str, since: datetime) -> str:
    why = process.held.get(partition, "it doesn't say why")
    return f"{partition}: records wait, and nothing has moved since {since:%H:%M:%S} UTC: {why}"


def _lags(now: Status, partition: str) -> bool:
    every = (one for topic in now.topics for one in topic.partitions)
    return any(bool(one.lag) for one in every if f"{one.topic}[{one.partition}]" == partition)


def process_of(heartbeat: Heartbeat) -> ProcessStatus:
    """Return what a process said of itself."""
    moved: dict[str, datetime] = {}
    held: dict[str, str] = {}
    waits: dict[str, int] = {}
    topics: Any = heartbeat.state.get("topics", {})
    for topic, told in topics.items():
        for number, one in told.get("partitions", {}).items():
            partition = f"{topic}[{number}]"
            moved[partition] = datetime.fromisoformat(one["moved_at"])
            waits[partition] = one.get("waits", 0)
            if "held" in one:
                held[partition] = one["held"]
    troubles: Any = heartbeat.state.get("troubles", {})
    return ProcessStatus(
        process=heartbeat.process,
        started_at=heartbeat.started_at,
        at=heartbeat.at,
        ended=heartbeat.ended,
        troubles=troubles,
        moved=moved,
        held=held,
        waits=waits,
    )


def _topic(stream: Stream | None, ledger: Ledger, name: str, last: _Last) -> TopicStatus:
    problem = ""
    try:
        found = partitions(stream, ledger, name)
    except AwayError:
        raise
    except BridgeError as error:
        problem, found = str(error), partitions(None, ledger, name)
    lags = [one.lag for one in found if one.lag is not None]
    return TopicStatus(
        topic=name,
        lag=sum(lags) if lags else None,
        waiting_since=_waiting_since(stream, found) if stream is not None else None,
        last_success=last.successes.get(name),
        last_outcome=last.outcomes.get(name),
        partitions=tuple(found),
        problem=problem,
    )


def _waiting_since(stream: Stream, found: list[PartitionStatus]) -> datetime | None:
    times = []
    for one in found:
        if one.lag and one.first is not None and not one.problem:
            first = max(one.position or 0, one.first)
            record = next(iter(stream.read(Partition(one.topic, one.partition), first)), None)
            times += [record.timestamp] if record is not None and not record.problem else []
    return min(times, default=None)


def _partition(partition: Partition, at: Position | None, held: Ends | None, topic_id: str) -> PartitionStatus:
    problem = ""
    lag = None
    if held is not None:
        lag = held.next - max(held.first, at.next if at is not None else held.first)
        if at is not None and at.topic_id != topic_id:
            problem = f"{partition}: the topic was removed and made again; see 'tom-bridge position set'"
        elif at is not None and not held.first <= at.next <= held.next:
            problem = f"{partition}: position {at.next} is not in the stream ({held.first} to {held.next})"
    elif topic_id:
        problem = f"{partition}: the stream has no such partition any more"
    return PartitionStatus(
        topic=partition.topic,
        partition=partition.number,
        position=at.next if at is not None else None,
        first=held.first if held is not None else None,
        end=held.next if held is not None else None,
        lag=lag,
        problem=problem,
    )
