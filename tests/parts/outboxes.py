"""An outbox of each kind, with what only a test does to it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from bridge.events import Event
from bridge.file_lock import FileLock
from bridge.publishing.outbox import Outbox
from bridge.publishing.outbox_sqlite import SqliteOutbox
from bridge.publishing.packing import packed
from bridge.publishing.relay import Lease
from bridge.settings import PublishedTopicSettings


class Shelf(Protocol):
    """Where an outbox is kept."""

    def open(self) -> Outbox:
        """Open it once more, as another thread does."""

    def lease(self) -> Lease:
        """Return a lease of one more process."""

    def accept(self, topic: str, *events: Event) -> None:
        """Accept events, as a share does."""

    def told(self) -> list[tuple[str, str, bool]]:
        """Return of each row its state, its reason, and whether its content is there."""


@dataclass
class SqliteShelf:
    """A file."""

    path: Path

    def open(self) -> SqliteOutbox:
        return SqliteOutbox(self.path)

    def lease(self) -> Lease:
        return FileLock(self.path.with_name(f"{self.path.name}.lock"), where="state")

    def accept(self, topic: str, *events: Event) -> None:
        outbox = self.open()
        outbox.accept(topic, packed(events, PublishedTopicSettings(topic=topic)).rows)
        outbox.close()

    def told(self) -> list[tuple[str, str, bool]]:
        outbox = self.open()
        rows = outbox.query("SELECT state, reason, payload IS NOT NULL FROM outbox ORDER BY id")
        outbox.close()
        return [(row[0], row[1], bool(row[2])) for row in rows]


class DjangoShelf:
    """The database of the TOM in this process."""

    def open(self) -> Any:
        from bridge.tomtoolkit.sharing.outbox import DjangoOutbox

        return DjangoOutbox()

    def lease(self) -> Any:
        from bridge.tomtoolkit.database import Lease

        return Lease("relay")

    def accept(self, topic: str, *events: Event) -> None:
        from bridge.tomtoolkit.models import OutboxEvent, OutboxShare

        for event in events:
            queue(OutboxShare, OutboxEvent, topic, event, created=event.shared_at)

    def told(self) -> list[tuple[str, str, bool]]:
        from bridge.tomtoolkit.models import OutboxEvent

        return [(row.state, row.reason, row.payload is not None) for row in OutboxEvent.objects.order_by("id")]


def queue(shares: Any, rows: Any, topic: str, event: Event, *, created: datetime, shared_by: str = "") -> None:
    """Put an event in the app's outbox, by these models of shares and rows."""
    given = {"topic": topic, "shared_by": shared_by, "created": datetime.now(UTC)}
    share, _ = shares.objects.get_or_create(share_id=event.share_id, defaults=given)
    rows.objects.create(
        share=share,
        event_id=event.id,
        topic=topic,
        key=event.key,
        kind=str(event.kind),
        subject=event.subject,
        payload=event.model_dump_json().encode(),
        created=created,
    )


def states(shelf: Shelf) -> list[str]:
    """Return how far each row has come, in order."""
    return [state for state, _, _ in shelf.told()]
