"""What is on a topic: its records decoded, from anywhere, to the end or for ever. Nobody's position moves."""

import heapq
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bridge.codec import Format, Item, Left, Noted
from bridge.errors import EventError, NewerVersionError
from bridge.events import (
    Astrometry,
    DataBody,
    DataProduct,
    Event,
    Photometry,
    ReducedData,
    Spectroscopy,
    Target,
    TargetList,
)
from bridge.stream import Partition, Record, Stream

_LOOK_AGAIN_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Tailed:
    """One record, and its event or why it has none."""

    record: Record
    event: Event | None = None
    problem: str = ""


def tail(
    stream: Stream,
    form: Format,
    topic: str,
    *,
    since: datetime | None = None,
    from_offset: int | None = None,
    only_new: bool = False,
    follow: bool = False,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[Tailed]:
    """Yield what is on ``topic``: from a time, from an offset (in each partition), only what is new, or from its begin.

    In the order of the stream's times over all partitions. With ``follow`` it goes on with what arrives. Raises
    TopicMissingError.
    """
    nexts = _starts(stream, topic, since=since, from_offset=from_offset, only_new=only_new)
    while True:
        ends = {partition: held.next for partition, held in stream.ends(topic).items()}
        # A partition that was added later is read from its begin.
        spans = {partition: (nexts.get(partition, 0), end) for partition, end in ends.items()}
        reads = [stream.read(partition, first, end) for partition, (first, end) in spans.items() if first < end]
        for record in heapq.merge(*reads, key=lambda record: record.timestamp):
            yield from _decoded(form, record)
        nexts = {partition: max(nexts.get(partition, 0), end) for partition, end in ends.items()}
        if not follow:
            return
        wait(_LOOK_AGAIN_S)


def _starts(
    stream: Stream, topic: str, *, since: datetime | None, from_offset: int | None, only_new: bool
) -> dict[Partition, int]:
    if since is not None:
        return stream.offsets_at(topic, since)
    held = stream.ends(topic)
    if only_new:
        return {partition: ends.next for partition, ends in held.items()}
    return {partition: max(ends.first, from_offset or 0) for partition, ends in held.items()}


def _decoded(form: Format, record: Record) -> list[Tailed]:
    try:
        return [_tailed(record, item) for item in form.decode(record)]
    except (EventError, NewerVersionError) as error:
        return [Tailed(record=record, problem=str(error))]


def _tailed(record: Record, item: Item) -> Tailed:
    match item:
        case Left():
            return Tailed(record=record, problem=item.message)
        case Noted():
            return Tailed(record=record, event=item.event)
        case event:
            return Tailed(record=record, event=event)


def summary(event: Event) -> str:
    """Return in a few words what an event holds."""
    match event.body:
        case Target(aliases=aliases, type=kind):
            return ", also ".join([str(kind), *([", ".join(aliases)] if aliases else [])])
        case TargetList(members=members):
            return _count(len(members), "member")
        case DataProduct(filename=filename, size=size, data_product_type=product_type):
            return f"{filename} ({product_type}, {size} bytes)"
        case data:
            return _data(data)


def _data(body: DataBody) -> str:
    match body:
        case Photometry(points=points):
            limits = sum(point.brightness is None for point in points)
            return _count(len(points), "point") + (f", {limits} of them limits" if limits else "")
        case Spectroscopy(spectra=spectra):
            channels = sum(len(spectrum.wavelength) for spectrum in spectra)
            return f"{_count(len(spectra), 'spectrum', 'spectra')}, {_count(channels, 'wavelength')}"
        case Astrometry(positions=positions):
            return _count(len(positions), "position")
        case ReducedData(data=data):
            types = ", ".join(sorted({datum.data_type for datum in data}))
            return f"{_count(len(data), 'datum')} ({types})"


def _count(number: int, word: str, many: str = "") -> str:
    return f"{number} {word if number == 1 else many or f'{word}s'}"
