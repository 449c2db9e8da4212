"""Where a consumer goes on in a topic, by its identity: whatever it is called."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from parts.streams import fill, numbered, routed

from bridge.errors import ConfigurationError, TopicReplacedError
from bridge.ledger.model import Position
from bridge.ledger.sqlite import SqliteLedger
from bridge.receiving.starting import StartingPlaces
from bridge.stream import Partition, Stream
from bridge.stream.routed import RoutedStream


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "ledger.db")) as opened:
        yield opened


def streams(folder: Path, **files: str) -> RoutedStream:
    """Return a stream that has the files by these labels."""
    labels = {label.removeprefix("default"): name for label, name in files.items()}
    return routed({label: f"sqlite:///{folder}/{name}.db" for label, name in labels.items()})


def places(stream: Stream, ledger: SqliteLedger, *topics: str) -> dict[str, Position]:
    """Return where each of the topics, all subscribed to, goes on."""
    starting = StartingPlaces(stream, ledger, dict.fromkeys(topics, "now"))
    found = [starting.positions([Partition(topic, 0)]) for topic in topics]
    return {partition.topic: at for of_topic in found for partition, at in of_topic.items()}


def test_a_stream_that_is_called_otherwise_goes_on_where_it_was(tmp_path: Path, ledger: SqliteLedger) -> None:
    with closing(streams(tmp_path, default="ours", hop="theirs")) as stream:
        identity = stream.create_topic("hop:events").id
        fill(stream, "hop:events", numbered(5))
        assert places(stream, ledger, "hop:events") == {"hop:events": Position(identity, 5)}
        fill(stream, "hop:events", numbered(3))
    with closing(streams(tmp_path, default="ours", hopskotch="theirs")) as stream:
        assert places(stream, ledger, "hopskotch:events") == {"hopskotch:events": Position(identity, 5)}
    assert ledger.positions() == {Partition("hopskotch:events", 0): Position(identity, 5)}


def test_streams_that_change_their_places_are_told_apart(tmp_path: Path, ledger: SqliteLedger) -> None:
    with closing(streams(tmp_path, default="ours", other="theirs")) as stream:
        for topic in ("events", "other:events"):
            stream.create_topic(topic)
        fill(stream, "events", numbered(2))
        before = places(stream, ledger, "events", "other:events")
    with closing(streams(tmp_path, default="new", mine="ours", yours="theirs")) as stream:
        stream.create_topic("events")
        # The name is still the old topic's: it waits until that goes by its own again.
        with pytest.raises(TopicReplacedError):
            places(stream, ledger, "events", "mine:events")
        after = places(stream, ledger, "mine:events", "yours:events", "events")
    assert after["mine:events"] == before["events"] == Position(before["events"].topic_id, 2)
    assert after["yours:events"] == before["other:events"]
    assert after["events"].topic_id not in {at.topic_id for at in before.values()}


def test_one_topic_under_two_names_is_refused_with_both(tmp_path: Path, ledger: SqliteLedger) -> None:
    with closing(streams(tmp_path, default="ours", twin="ours")) as stream:
        stream.create_topic("events")
        told = "events and twin:events are one topic under two names"
        with pytest.raises(ConfigurationError, match=told):
            places(stream, ledger, "events", "twin:events")
        assert ledger.positions().keys() == {Partition("events", 0)}
        # Also where both have a position already: the first one goes on.
        ledger.set_position(Partition("twin:events", 0), ledger.positions()[Partition("events", 0)])
        assert places(stream, ledger, "events").keys() == {"events"}
        with pytest.raises(ConfigurationError, match=told):
            places(stream, ledger, "events", "twin:events")
