"""What was accepted becomes events: data that came together become one, in the order in which they came.

Everything stands durably in the gateway's file meanwhile, and is moved to the outbox, in that same file, by one
transaction: killed at any moment, each event is in the outbox once.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog

from bridge.errors import AwayError, BridgeError, StopError
from bridge.events import KINDS, Body, DataProduct, Kind, ListMember, Share, Target, TargetList
from bridge.gateway import accounts
from bridge.gateway.store import Known, Pending, Store
from bridge.publishing.bodies import bodies_of
from bridge.publishing.packing import packed
from bridge.settings import PublishedTopicSettings
from bridge.tom.values import WORDS

log = structlog.get_logger(__name__)

TARGET, AGAIN, LIST = "target", "again", "list"
"""What is pending beside data: a target in full, one that was shared before, a member of a list."""
_DATUMS = frozenset(str(kind) for kind in KINDS.values())
_MOST = 2_000
"""Datums, or members of a list, that are gathered in one event."""
_MOST_CHARACTERS = 4_000_000
_FRESH_WITHIN_S = 60.0
"""Seconds for which a TOM is asked for a target that was shared before; then it goes as it was shared last."""
_ASK_AGAIN_S = 2.0
"""Seconds for which a TOM that did not answer is left in peace: asking it may take seconds each time."""
_TRY_AGAIN_S = 60.0
"""Seconds for which a line of which no events can be made is left alone."""
_LOOK_S = 2.0
"""After that time a look leaves the rest to the next one, so that the outbox has its turn."""

Fetch = Callable[[accounts.Account, Known], Target | None]
"""Returns a target of an account as its TOM has it now; None where its TOM can't be asked or has no such target.

Raises AwayError where it may be had later.
"""
Installation = Callable[[accounts.Account], UUID]
"""Says which installation an account publishes as: that of the ledger beside it, where there is one."""
HowPublished = Callable[[str], PublishedTopicSettings]
"""Says in which format a topic is published on."""


class Composer:
    """Moves what is pending into the outbox of the same file. Not thread-safe."""

    def __init__(
        self, store: Store, *, fetch: Fetch, installation: Installation, how: HowPublished, pause_s: float
    ) -> None:
        self._store = store
        self._how = how
        self._fetch = fetch
        self._installation = installation
        self._pause_s = pause_s
        self._away_until: dict[str, float] = {}
        """Until when the TOM of an account is not asked."""
        self._failing_until: dict[tuple[str, str, str], float] = {}
        """Until when a line is left alone."""

    def look(self) -> bool:
        """Move what is complete; return whether there is more than there was time for."""
        deadline = time.monotonic() + _LOOK_S
        for line in self._store.lines():
            while self._move_or_tell(line):
                if time.monotonic() >= deadline:
                    return True
        return False

    def _move_or_tell(self, line: tuple[str, str, str]) -> bool:
        """Move as :meth:`_move`; a line that fails by a fault of ours holds no other one back."""
        if time.monotonic() < self._failing_until.get(line, 0.0):
            return False
        try:
            return self._move(line)
        except (AwayError, StopError):
            raise
        except Exception:
            self._failing_until[line] = time.monotonic() + _TRY_AGAIN_S
            log.exception("gateway.not_composed", account=line[0], topic=line[1], line=line[2])
            return False

    def _move(self, line: tuple[str, str, str]) -> bool:
        """Move what comes first in a line; return whether something was moved."""
        account, topic, _ = line
        waiting = self._store.pending(line, _MOST)
        if not waiting:
            return False
        together = _together(waiting)
        if together[0].sort in {LIST, *_DATUMS} and not self._is_closed(line, waiting, together):
            return False
        who = accounts.named(self._store, account)
        bodies = self._bodies(who, topic, together)
        if bodies is None:
            return False
        first = together[0]
        share = Share(
            share_id=first.share_id,
            origin=who.origin,
            origin_name=who.display_name,
            installation=self._installation(who),
            shared_by=first.shared_by,
            shared_at=datetime.fromtimestamp(first.at, UTC),
        )
        known = self._store.known(first.token)
        elements = {known.body.name: known.body} if known is not None else {}
        packing = packed([share.event(body) for body in bodies], self._how(topic), elements=elements)
        with self._store.desk(account, topic) as desk:
            desk.publish(packing)
            desk.drop([one.id for one in together])
        log.info("gateway.composed", account=account, topic=topic, events=len(bodies), requests=len(together))
        return True

    def _is_closed(self, line: tuple[str, str, str], waiting: Sequence[Pending], together: Sequence[Pending]) -> bool:
        """Return whether nothing more can belong to what is gathered: after a pause, or where something else came."""
        last = together[-1]
        if len(together) < len(waiting) or len(together) >= _MOST:
            return True
        if last.sort != LIST and self._store.newest(line[0], line[1]) > last.id:
            return True
        return not 0 <= time.time() - last.at < self._pause_s

    def _bodies(self, account: accounts.Account, topic: str, together: Sequence[Pending]) -> list[Body] | None:
        """Return the bodies of what is gathered; None where it has to wait."""
        first = together[0]
        match first.sort:
            case "target":
                return [Target.model_validate_json(first.body)]
            case "again":
                body = self._again(account, topic, first)
                return None if body is None else [body]
            case "list":
                members = [ListMember(reference=self._known(one).body.reference) for one in together]
                return [TargetList(name=first.body, members=tuple(members))]
            case Kind.DATA_PRODUCT:
                return [DataProduct.model_validate_json(first.body)]
            case _:
                datums = [WORDS[Kind(one.sort)].datum.model_validate_json(one.body) for one in together]
                return list(bodies_of(self._known(first).body.reference, datums))

    def _again(self, account: accounts.Account, topic: str, one: Pending) -> Target | None:
        """Return a target that is shared again, as the TOM has it now; None where it is to be asked for once more."""
        known = self._known(one)
        late = not 0 <= time.time() - one.at < _FRESH_WITHIN_S
        if time.monotonic() < self._away_until.get(account.name, 0.0):
            return known.body if late else None
        try:
            found = self._fetch(account, known)
        except BridgeError as error:
            log.info("gateway.not_fetched", target=known.body.name, message=str(error))
            self._away_until[account.name] = time.monotonic() + _ASK_AGAIN_S
            return known.body if late else None
        if found is None:
            return known.body
        with self._store.desk(account.name, topic) as desk:
            desk.remember(found, known.toms_key, came=False, before=known)
        return found

    def _known(self, one: Pending) -> Known:
        known = self._store.known(one.token)
        assert known is not None, "a target that something is pending for is never forgotten"
        return known


def _together(waiting: Sequence[Pending]) -> list[Pending]:
    """Return what comes first in a line and is of one share, as far as it may be one thing."""
    first, size = waiting[0], 0
    if first.sort not in _DATUMS and first.sort != LIST:
        return [first]
    gathered: list[Pending] = []
    for one in waiting:
        same = one.sort == LIST if first.sort == LIST else one.sort in _DATUMS
        size += len(one.body)
        if not same or one.share_id != first.share_id or (gathered and size > _MOST_CHARACTERS):
            break
        gathered.append(one)
    return gathered


def as_text(name: str) -> str:
    """Return the line of a list: its members are gathered beside the targets' own lines."""
    return json.dumps(["list", name])
