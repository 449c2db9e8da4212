"""One share on its way into the outbox: events are gathered first, then written at once."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from pydantic import ValidationError

from bridge.errors import InvalidEventError
from bridge.events import Body, Data, DataProduct, Event, Share, Target, TargetType
from bridge.events.columns import Column
from bridge.publishing.packing import HERMES, Packed, items_of, packed
from bridge.publishing.unprocessed import warning
from bridge.tomtoolkit import conf, models
from bridge.tomtoolkit.database import Question, immediate, insert
from bridge.tomtoolkit.rows.bodies import in_words, target_body
from bridge.tomtoolkit.rows.targets import local_targets

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
    assumed: dict[str, int] = field(default_factory=dict)
    """Of how many data that go something is assumed, by what that is."""

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
    assumed: Counter[str] = field(default_factory=Counter)
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
        self._events: list[Event] = []
        self._targets: dict[str, int] = {}
        """The keys of the targets that the events are about, by name."""
        self._rows: tuple[Packed, ...] | None = None

    def add(self, body: Body, *, target_pk: int | None = None) -> None:
        """Put one event of this share at the end."""
        event = self._share.event(body)
        if isinstance(body, DataProduct) and (line := warning(body)):
            self.unprocessed.append(line)
        self._events.append(event)
        if target_pk is not None:
            self._targets[event.subject] = target_pk

    def close(self) -> None:
        """Make what is written of all that was put in; what the topic's format can't carry is left out."""
        if self._rows is None:
            how = self.settings.publish.of(self.topic)
            packing = packed(self._events, how, elements=self._elements() if how.format == HERMES else None)
            self._rows = packing.rows
            self.left_out.update(packing.left_out)
            self.assumed.update(packing.assumed)
            gone = {one.event.id for one in packing.not_carried if not one.datums}
            self._events = [event for event in self._events if event.id not in gone]

    def _elements(self) -> dict[str, Target]:
        """Return the targets without a fixed position that the data are about: a message has to say where they are."""
        moving = {
            event.subject: self._targets[event.subject]
            for event in self._events
            if isinstance(event.body, Data)
            and event.body.target.type is TargetType.NON_SIDEREAL
            and event.subject in self._targets
        }
        rows = local_targets(DEFAULT_DB_ALIAS, moving.values())
        found = {}
        for name, pk in moving.items():
            with suppress(InvalidEventError, KeyError):  # what then has no place is told as such
                found[name] = target_body(rows[pk])
        return found

    def __len__(self) -> int:
        return len(self._events)

    def contents(self) -> dict[str, int]:
        """Return by kind how many targets, members of lists, datums and files are in it."""
        found: Counter[str] = Counter()
        for event in self._events:
            found[str(event.kind)] += items_of(event.body)
        return dict(found)

    def digest(self) -> str:
        """Return what changes with anything that would go."""
        found = hashlib.sha256()
        for event in self._events:
            found.update(event.body.model_dump_json().encode())
        return found.hexdigest()

    def write(self, using: str = DEFAULT_DB_ALIAS) -> Receipt:
        """Write all events, in the transaction that is open or else in one of their own."""
        share = self._share
        self.close()
        if self._rows:
            with immediate(using, patience_s=PATIENCE_S):
                insert(
                    using,
                    models.OutboxShare,
                    {
                        "share_id": [share.share_id],
                        "topic": [self.topic],
                        "user_id": [self.user.pk if self.user is not None else None],
                        "shared_by": [share.shared_by],
                        "title": [share.title],
                        "message": [share.message],
                        "created": [datetime.now(UTC)],
                        "self_share_id": [self.self_share.pk if self.self_share is not None else None],
                        "left_out": [dict(self.left_out)],
                    },
                )
                insert(using, models.OutboxEvent, self._columns(self._rows))
        return self._receipt()

    def _columns(self, rows: Sequence[Packed]) -> dict[str, Column]:
        return {
            "share_id": [row.share_id for row in rows],
            "event_id": [row.id for row in rows],
            "topic": [self.topic] * len(rows),
            "key": [row.key for row in rows],
            "kind": [row.kind for row in rows],
            "subject": [row.subject for row in rows],
            "target_id": [self._targets.get(row.subjects[0]) if len(row.subjects) == 1 else None for row in rows],
            "items": [row.items for row in rows],
            "payload": [row.payload for row in rows],
            "format": [row.format for row in rows],
            "state": [models.OutboxEvent.State.QUEUED] * len(rows),
            "reason": [""] * len(rows),
            "created": [self._share.shared_at] * len(rows),
        }

    def _receipt(self) -> Receipt:
        return Receipt(
            share_id=self._share.share_id if self._rows else None,
            topic=self.topic,
            events=dict(Counter(str(event.kind) for event in self._events)),
            points=sum(len(event.body.datums) for event in self._events if isinstance(event.body, Data)),
            left_out=dict(self.left_out),
            assumed=dict(self.assumed),
        )


def _installation() -> UUID:
    for found in _known_installation(connections[DEFAULT_DB_ALIAS].vendor).columns()["installation"]:
        return cast("UUID", found)
    return cast("UUID", models.Installation.objects.get_or_create(one=1)[0].installation)


@cache
def _known_installation(_vendor: str) -> Question:
    return Question(models.Installation.objects.order_by(), ["installation"])
