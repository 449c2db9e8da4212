"""A bridge onto a running TOM, in this process: what a daemon does, step by step."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts.tom_site import BRIDGE_PASSWORD
from parts.toms import Tom

from bridge.codec.schemas import SCHEMA_TOPIC
from bridge.events import Body, Event, Share, uuid7
from bridge.operations.assemble import Bridge, open_bridge
from bridge.publisher import Publisher
from bridge.settings import Settings
from bridge.stream import open_stream
from bridge.tom.ledger_port import Entry, Filter, Outcome

TOPIC = "tomtoolkit.test"


class Publishing:
    """A TOM that publishes to a stream, without being one."""

    def __init__(self, url: str, origin: str = "alpha", name: str = "Alpha TOM", topic: str = TOPIC) -> None:
        self.share = Share(origin=origin, origin_name=name, installation=uuid7(), shared_by="ada")
        self.topic = topic
        self._stream = open_stream(url)
        for wanted, compacted in ((topic, False), (SCHEMA_TOPIC, True)):
            self._stream.create_topic(wanted, compacted=compacted)
        self._publisher = Publisher(self._stream, topic)

    def publish(self, *what: Body | Event) -> list[Event]:
        """Publish bodies (each as an event of one share) or events, durably, and return the events."""
        events = [one if isinstance(one, Event) else self.share.event(one) for one in what]
        for event in events:
            self._publisher.publish(event)
        self._publisher.flush(30)
        return events

    def publish_bytes(self, value: bytes, *, key: bytes = b"", headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Publish what need not be an event."""
        self._stream.publish(self.topic, key=key, value=value, headers=tuple(headers))
        self._stream.flush(30)

    def close(self) -> None:
        """Release the stream."""
        self._stream.close()


class Subscribed:
    """A TOM with its bridge: settings, a ledger in ``folder``, and one subscription."""

    def __init__(self, tom: Tom, url: str, folder: Path, **settings: Any) -> None:
        self.tom = tom
        self.folder = folder
        self.mapping: dict[str, Any] = {
            "stream": {"url": url},
            "origin": "beta",
            "tom": {"display_name": "Beta TOM", "base_url": tom.base_url, **tom_account(tom)},
            "state": str(folder),
            "subscribe": [{"topic": TOPIC, **settings.pop("subscription", {})}],
            **settings,
        }

    @property
    def settings(self) -> Settings:
        """The settings as they are loaded."""
        return Settings.from_mapping(self.mapping, folder=self.folder)

    @contextmanager
    def open(self) -> Iterator[Bridge]:
        """Open the bridge for a block."""
        with open_bridge(self.settings) as bridge:
            yield bridge

    def drain(self) -> None:
        """Apply everything that is on the stream, as ``tom-bridge consume --until-end`` does."""
        with self.open() as bridge:
            bridge.consumer().run(until_end=True)

    def retry_parked(self) -> int:
        """Try what is parked, as the daemon does on its period; return how much got through."""
        with self.open() as bridge:
            return bridge.applier.retry_all(bridge.tom.appeared)

    def entries(self, **wanted: Any) -> list[Entry]:
        """Return the ledger's outcomes, oldest first."""
        with self.open() as bridge:
            return bridge.ledger.entries(Filter(**wanted))[::-1]

    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each record, oldest first."""
        return [entry.outcome for entry in self.entries()]


def tom_account(tom: Tom) -> dict[str, str]:
    """Return how the ordinary account of a TOM logs in: with a token where the TOM reads them, else a password."""
    if tom.version >= (3, 0):
        return {"api_key": tom.pristine.tokens["bridge"]}
    return {"username": "bridge", "password": BRIDGE_PASSWORD}
