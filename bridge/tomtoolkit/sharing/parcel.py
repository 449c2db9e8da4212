"""One share on its way into the outbox: events are gathered first, then written at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from pydantic import ValidationError

from bridge.errors import InvalidEventError
from bridge.events import Body, DataProduct, Kind, Share
from bridge.publishing.unprocessed import warning
from bridge.tomtoolkit import conf, models
from bridge.tomtoolkit.database import immediate
from bridge.tomtoolkit.rows.bodies import in_words

_INSERTED_AT_ONCE = 50
PATIENCE_S = 20.0
"""Seconds for which a share waits for others that write into an SQLite database, whatever its own time-out."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a person says of a share."""

    title: str = ""
    message: str = ""
    acknowledgement: str = ""
    """Empty: as the settings say."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was accepted. It will be sent, whatever process dies; who receives it is not known here."""

    share_id: UUID | None
    """None where nothing was left to share."""
    topic: str
    events: dict[str, int]
    """Number of events by kind (:class:`bridge.events.Kind`)."""
    points: int
    """Number of datums in them."""
    left_out: dict[str, int]
    """How many things were left out, by the reason for people."""

    def __bool__(self) -> bool:
        return self.share_id is not None


@dataclass
class Parcel:
    """Gathers the events of one share; :meth:`write` puts them in the outbox.

    Raises ConfigurationError for wrong settings, InvalidEventError for words that are too long.
    """

    topic: str
    user: Any = None
    words: Words = field(default_factory=Words)
    self_share: models.SelfShare | None = None
    settings: conf.AppSettings = field(default_factory=conf.load)
    left_out: Counter[str] = field(default_factory=Counter)
    unprocessed: list[str] = field(default_factory=list)
    """Which files receiving TOMs will keep without processing them, a line each, for people."""

    def __post_init__(self) -> None:
        settings = self.settings
        origin = settings.require_origin()
        name = self.user.get_username() if self.user is not None else settings.publish.shared_by
        try:
            self._share = Share(
                origin=origin,
                origin_name=settings.display_name,
                installation=_installation(),
                shared_by=name,
                title=self.words.title,
                message=self.words.message,
                acknowledgement=self.words.acknowledgement or settings.publish.acknowledgement,
            )
        except ValidationError as error:
            raise InvalidEventError(in_words(error), where="share") from None
        self._events: list[models.OutboxEvent] = []

    def add(self, body: Body, *, target_pk: int | None = None, datums: int = 1) -> None:
        """Put one event of this share at the end."""
        event = self._share.event(body)
        if isinstance(body, DataProduct) and (line := warning(body)):
            self.unprocessed.append(line)
        self._events.append(
            models.OutboxEvent(
                share_id=self._share.share_id,
                event_id=event.id,
                topic=self.topic,
                key=event.key,
                kind=str(event.kind),
                subject=event.subject,
                target_id=target_pk,
                items=datums,
                payload=event.model_dump_json().encode(),
                created=event.shared_at,
            )
        )

    def __len__(self) -> int:
        return len(self._events)

    def contents(self) -> dict[str, int]:
        """Return by kind how many targets, members of lists, datums and files are in it."""
        found: Counter[str] = Counter()
        for event in self._events:
            found[event.kind] += event.items
        return dict(found)

    def write(self, using: str = DEFAULT_DB_ALIAS) -> Receipt:
        """Write all events, in the transaction that is open or else in one of their own."""
        share = self._share
        if self._events:
            with immediate(using, patience_s=PATIENCE_S):
                models.OutboxShare.objects.using(using).create(
                    share_id=share.share_id,
                    topic=self.topic,
                    user=self.user,
                    shared_by=share.shared_by,
                    title=share.title,
                    message=share.message,
                    created=datetime.now(UTC),
                    self_share=self.self_share,
                    left_out=dict(self.left_out),
                )
                models.OutboxEvent.objects.using(using).bulk_create(self._events, batch_size=_INSERTED_AT_ONCE)
        return self._receipt(self._events)

    def _receipt(self, events: Sequence[models.OutboxEvent]) -> Receipt:
        return Receipt(
            share_id=self._share.share_id if events else None,
            topic=self.topic,
            events=dict(Counter(event.kind for event in events)),
            points=sum(event.items for event in events if event.kind not in _NO_DATUMS),
            left_out=dict(self.left_out),
        )


_NO_DATUMS = frozenset({str(Kind.TARGET), str(Kind.LIST), str(Kind.DATA_PRODUCT)})


def _installation() -> UUID:
    row = models.Installation.objects.first() or models.Installation.objects.get_or_create(one=1)[0]
    found: UUID = row.installation
    return found
