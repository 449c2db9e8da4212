"""Hermes' own API, as a TOM of 2.32 speaks to it: a message a share, with title, words and all targets and data.

The message is read as any of Hermes is (:mod:`bridge.hermes`); what it brings is published as this TOM's own. All of it
or nothing: a TOM sends what was answered well never again.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from pydantic import ValidationError

from bridge.codec.items import Left, Noted
from bridge.errors import EventError
from bridge.events import Body, Data, Event, Share, Target, uuid7
from bridge.gateway import reading
from bridge.gateway.accepting import Answer, HasWritten, green
from bridge.gateway.accounts import Account
from bridge.gateway.composing import HowPublished, Installation
from bridge.gateway.reading import Refusal, Sent
from bridge.gateway.store import Store
from bridge.hermes import HermesFormat
from bridge.hermes.record import FORMAT, ID, LARGEST_MESSAGE
from bridge.publishing.packing import packed
from bridge.stream.port import Partition, Record
from bridge.tom import echo

__all__ = ["LARGEST_MESSAGE", "Messages"]

_MOST_TOLD = 3
_SAID = {"shared_by": "submitter", "title": "title", "message": "message_text", "acknowledgement": "authors"}
"""What a person says, which the reader of Hermes' messages cuts where it is too long; here the person can be told."""


@dataclass
class _Found:
    """What a message brings that is this TOM's own."""

    bodies: list[Body]
    came: int
    """How many of its targets and data came over the bridge."""


class Messages:
    """Takes messages of TOMs that have logged in. Safe for threads, which it lets in one at a time."""

    def __init__(self, store: Store, *, has_written: HasWritten, installation: Installation, how: HowPublished) -> None:
        self._how = how
        self._store = store
        self._lock = threading.Lock()
        self._has_written = has_written
        self._installation = installation

    def topics(self, account: Account) -> Answer:
        """``GET profile/``: the topics that appear in the TOM's menus."""
        return Answer(200, {"writable_topics": list(account.topics)})

    def submit(self, account: Account, sent: Sent) -> Answer:
        """``POST submit_message/``: durable when this returns."""
        topic = str(sent.get("topic") or "")
        if topic not in account.topics:
            what = f"{topic[:300]!r} is no topic of the account {account.name}; see {', '.join(account.topics)}"
            raise Refusal(what, status=403, reason="no topic of the account")
        said = {name: reading.words(sent, key, name) for name, key in _SAID.items()}
        share_id = uuid7()
        events = _events(sent, topic, share_id)
        found = self._own(account, events)
        share = self._share(account, share_id, said, events[0].references)
        packing = packed([share.event(body) for body in found.bodies], self._how(topic))
        with self._lock, self._store.desk(account.name, topic) as desk:
            desk.publish(packing)
            desk.count("message", "taken" if found.bodies else "came over the bridge")
        told = f"It is on its way to {topic}" if found.bodies else "Nothing is sent"
        left = f"; {found.came} targets and data that came over the bridge are left out" if found.came else ""
        return Answer(200, {"uuid": str(share_id), "message": green(told + left)})

    def refuse(self, account: Account, topic: str, refusal: Refusal) -> Answer:
        """Return the answer to what can't be accepted, and count it."""
        with self._lock, self._store.desk(account.name, topic) as desk:
            desk.count("message", "refused", refusal.reason)
        return Answer(refusal.status, {"detail": refusal.what, "message": f"ERROR: {refusal.what}"})

    def _own(self, account: Account, events: Sequence[Event]) -> _Found:
        found = _Found([], 0)
        for event in events:
            body = event.body
            if isinstance(body, Data):
                # TOM Toolkit tells no source there: what the reader of Hermes puts in its place is not this TOM's.
                datums = [one.model_copy(update={"source_name": "", "source_location": ""}) for one in body.datums]
                own = [one for one in datums if not self._has_written(account, echo.of_values(one))]
                found.came += len(datums) - len(own)
                if own:
                    found.bodies.append(body.model_copy(update={body.ITEMS: tuple(own)}))
            elif isinstance(body, Target) and self._has_written(account, echo.of_target_name(body.name)):
                found.came += 1
            else:
                found.bodies.append(body)
        return found

    def _share(self, account: Account, share_id: UUID, said: Mapping[str, str], references: tuple[str, ...]) -> Share:
        return Share(
            share_id=share_id,
            origin=account.origin,
            origin_name=account.display_name,
            installation=self._installation(account),
            references=references,
            **said,
        )


def _events(sent: Sent, topic: str, share_id: UUID) -> list[Event]:
    """Return the events of a message. Raises Refusal where a part of it is not right."""
    record = Record(
        partition=Partition(topic, 0),
        offset=0,
        timestamp=datetime.now(UTC),
        key=None,
        value=json.dumps(sent).encode(),
        headers=((ID, share_id.bytes), (FORMAT, b"json")),
    )
    try:
        items = HermesFormat(proper_motion="mas").decode(record)  # TOM Toolkit's targets have them so
    except (EventError, ValidationError) as error:
        raise Refusal(f"The message can't be published: {error}", reason="no message") from None
    wrong = [item.message.removeprefix(f"{record.where}: ") for item in items if isinstance(item, Left)]
    if wrong:
        more = f"; and {len(wrong) - _MOST_TOLD} more" if len(wrong) > _MOST_TOLD else ""
        raise Refusal(f"Nothing was published: {'; '.join(wrong[:_MOST_TOLD])}{more}", reason="a row is not right")
    return [item.event if isinstance(item, Noted) else item for item in items if not isinstance(item, Left)]
