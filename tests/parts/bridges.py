"""A bridge onto a running TOM, in this process or in one of its own: what a daemon does, step by step."""

import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts import warm
from parts.tom_site import BRIDGE_PASSWORD
from parts.toms import Tom
from parts.wait import wait_until

from bridge.codec import Encoded
from bridge.codec.schemas import SCHEMA_TOPIC
from bridge.events import Body, Event, Share, uuid7
from bridge.ledger.port import Dead, Entry, Filter, Outcome, Parked
from bridge.operations.assemble import Bridge, open_bridge
from bridge.publishing.publisher import Publisher
from bridge.receiving.replay import Replayed, Selection, Summary, replay, spans
from bridge.settings import Settings
from bridge.stream import Record, open_stream

TOPIC = "tomtoolkit.test"
PROGRAM = ("-c", "from bridge.cli import main; main()")
"""What Python is given to be ``tom-bridge``."""


class Publishing:
    """A TOM that publishes to a stream, without being one."""

    def __init__(
        self, url: str, origin: str = "alpha", name: str = "Alpha TOM", topic: str = TOPIC, *, partitions: int = 1
    ) -> None:
        self.share = Share(origin=origin, origin_name=name, installation=uuid7(), shared_by="ada")
        self.topic = topic
        self.stream = open_stream(url)
        self.stream.create_topic(topic, partitions=partitions)
        self.stream.create_topic(SCHEMA_TOPIC, compacted=True)
        self._publisher = Publisher(self.stream, topic)

    def publish(self, *what: Body | Event) -> list[Event]:
        """Publish bodies (each as an event of one share) or events, durably, and return the events."""
        events = [one if isinstance(one, Event) else self.share.event(one) for one in what]
        for event in events:
            self._publisher.publish(event)
        self._publisher.flush(30)
        return events

    def publish_soon(self, body: Body, *, timeout_s: float = 1.0) -> None:
        """Publish one body, and wait no longer than ``timeout_s`` until it is durable."""
        self._publisher.publish(self.share.event(body))
        self._publisher.flush(timeout_s)

    def publish_bytes(self, value: bytes, *, key: bytes = b"", headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Publish what need not be an event."""
        self.stream.publish(self.topic, key=key, value=value, headers=tuple(headers))
        self.stream.flush(30)

    def publish_encoded(self, record: Encoded) -> None:
        """Publish a record as it is."""
        self.publish_bytes(record.value, key=record.key, headers=record.headers)

    def records(self) -> list[Record]:
        """Return all records of the topic."""
        partitions = self.stream.ends(self.topic)
        return [record for one, ends in partitions.items() for record in self.stream.read(one, ends.first)]

    def close(self) -> None:
        """Release the stream."""
        self.stream.close()


class Subscribed:
    """A TOM with its bridge: settings, a ledger in ``folder``, and one subscription."""

    def __init__(
        self, tom: Tom, url: str, folder: Path, *, topic: str = TOPIC, origin: str = "beta", **settings: Any
    ) -> None:
        self.tom = tom
        self.folder = folder
        self.topic = topic
        folder.mkdir(exist_ok=True)
        self.mapping: dict[str, Any] = {
            "origin": origin,
            "state": str(folder),
            "stream": {"url": url, **settings.pop("stream", {})},
            "tom": {"display_name": "Beta TOM", "base_url": tom.base_url, **tom_account(tom)},
            "subscribe": [{"topic": topic, **settings.pop("subscription", {})}],
            **settings,
        }

    @property
    def settings(self) -> Settings:
        """The settings as they are loaded."""
        return Settings.from_mapping(self.mapping, folder=self.folder)

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.settings.ledger

    def subscribe(self, **subscription: Any) -> None:
        """Change the subscription."""
        self.mapping["subscribe"] = [{"topic": self.topic, **subscription}]

    # -- in this process --------------------------------------------------------------------------------------------

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
            results = bridge.waiting.retry(bridge.ledger.parked(), bridge.budget)
            return sum(result.outcome is not Outcome.PARKED for result in results)

    def replay(self, *, restore: bool = False, dry_run: bool = False, **chosen: Any) -> Counter[str]:
        """Replay the topic's history as far as ``chosen``; return how many events had which outcome."""
        return self.replay_in_full(restore=restore, dry_run=dry_run, **chosen).outcomes

    def replay_in_full(self, *, restore: bool = False, dry_run: bool = False, **chosen: Any) -> Summary:
        """Replay as :meth:`replay`, and return all that the command would tell."""
        summary = Summary()
        for one in self.replayed(restore=restore, dry_run=dry_run, **chosen):
            summary.add(one)
        return summary

    def replayed(self, *, restore: bool = False, dry_run: bool = False, **chosen: Any) -> list[Replayed]:
        """Replay, and return what became of each record."""
        selection = Selection(topic=self.topic, **chosen)
        with self.open() as bridge:
            parts = (bridge.stream, bridge.reader, bridge.waiting, spans(bridge.stream, bridge.ledger, selection))
            return list(replay(*parts, selection, restore=restore, dry_run=dry_run))

    def position(self) -> int | None:
        """Return the next offset of the topic's first partition."""
        with self.open() as bridge:
            positions = {str(partition): position.next for partition, position in bridge.ledger.positions().items()}
        return positions.get(f"{self.topic}[0]")

    def entries(self, **wanted: Any) -> list[Entry]:
        """Return the ledger's outcomes, oldest first."""
        with self.open() as bridge:
            return sorted(
                bridge.ledger.entries(Filter(**wanted)), key=lambda one: (one.published_at, one.partition, one.offset)
            )

    def outcomes(self) -> list[Outcome]:
        """Return the outcome of each record, oldest first."""
        return [entry.outcome for entry in self.entries()]

    def parked(self) -> list[Parked]:
        """Return what is parked."""
        with self.open() as bridge:
            return bridge.ledger.parked()

    def dead(self) -> list[Dead]:
        """Return the dead letters."""
        with self.open() as bridge:
            return bridge.ledger.dead()

    # -- in a process of its own ------------------------------------------------------------------------------------

    def config_file(self) -> Path:
        """Write the settings as the command line reads them."""
        path = self.folder / "tom-bridge.toml"
        path.write_text(as_toml(self.mapping))
        return path

    def run(self, *arguments: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run ``tom-bridge`` to its end."""
        return warm.run([*PROGRAM, "--config", str(self.config_file()), *arguments], timeout_s=timeout_s)

    @contextmanager
    def daemon(self) -> Iterator["Daemon"]:
        """Run ``tom-bridge consume`` for a block."""
        daemon = Daemon(self)
        try:
            yield daemon
        finally:
            daemon.end()


class Daemon:
    """A ``tom-bridge consume`` that runs."""

    def __init__(self, subscribed: Subscribed) -> None:
        self._log = subscribed.folder / f"daemon-{len(list(subscribed.folder.glob('daemon-*')))}.log"
        command = [*PROGRAM, "--config", str(subscribed.config_file()), "consume"]
        self.process = warm.logged(command, self._log, environment={**os.environ, "NO_COLOR": "1"})

    def said(self) -> str:
        """Return what it has logged."""
        return self._log.read_text(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of its log of that event."""
        lines = (line for line in self.said().splitlines() if line.startswith("{") and line.endswith("}"))
        return [found for line in lines if (found := json.loads(line)).get("event") == event]

    def wait_for(self, event: str, count: int = 1, *, timeout_s: float = 60.0) -> list[dict[str, Any]]:
        """Return the lines of that event when there are ``count``; fail where it has ended before."""

        def enough() -> list[dict[str, Any]]:
            found = self.logged(event)
            assert len(found) >= count or self.process.poll() is None, f"it has ended:\n{self.said()[-3000:]}"
            return found if len(found) >= count else []

        return wait_until(enough, timeout_s=timeout_s, what=f"{count} x {event}")

    def wait(self, timeout_s: float = 60.0) -> int:
        """Return its exit code when it has ended by itself."""
        return self.process.wait(timeout_s)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not end at {how.name}:\n{self.said()[-3000:]}") from None


def tom_account(tom: Tom) -> dict[str, str]:
    """Return how the ordinary account of a TOM logs in: with a token where the TOM reads them, else a password."""
    if tom.version >= (3, 0):
        return {"api_key": tom.pristine.tokens["bridge"]}
    return {"username": "bridge", "password": BRIDGE_PASSWORD}


def as_toml(mapping: Mapping[str, Any]) -> str:
    """Return ``mapping`` as TOML."""
    return "\n".join(_toml_lines(mapping, ""))


def _toml_lines(mapping: Mapping[str, Any], prefix: str) -> Iterator[str]:
    tables = {name: one for name, one in mapping.items() if isinstance(one, dict)}
    arrays = {name: one for name, one in mapping.items() if isinstance(one, list) and one and isinstance(one[0], dict)}
    for name, value in mapping.items():
        if name not in tables and name not in arrays:
            yield f"{json.dumps(name)} = {json.dumps(value)}"
    for name, table in tables.items():
        yield f"[{prefix}{json.dumps(name)}]"
        yield from _toml_lines(table, f"{prefix}{json.dumps(name)}.")
    for name, array in arrays.items():
        for one in array:
            yield f"[[{prefix}{json.dumps(name)}]]"
            yield from _toml_lines(one, f"{prefix}{json.dumps(name)}.")


_OF_THE_DATABASE = {"id", "created", "modified", "target_id", "data_product_id", "basetarget_ptr_id", "data", "path"}
"""Keys, times of writing and file names: what may differ between two TOMs that hold the same."""


def holdings(tom: Tom) -> dict[str, Any]:
    """Return all that a TOM holds of what can be shared, without keys and times of writing."""
    targets = tom.targets()
    return {
        "targets": [_told(row) for row in sorted(targets, key=lambda row: str(row["name"]))],
        "aliases": {row["name"]: sorted(tom.aliases(row["name"])) for row in targets},
        "extras": {row["name"]: tom.extras(row["name"]) for row in targets},
        "viewers": {row["name"]: sorted(tom.viewers(row["name"])) for row in targets},
        "lists": tom.lists(),
        "photometry": sorted((_told(row) for row in tom.photometry()), key=repr),
        "products": [{**_told(row), "content": row["path"].read_bytes()} for row in tom.products()],
    }


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OF_THE_DATABASE}
