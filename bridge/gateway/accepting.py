"""TOM Toolkit's receiving API, as unchanged TOMs speak to it: what is answered to each request, and what is kept.

Every answer is a JSON object, for a TOM's page dies of anything else. What is accepted is durable, by one local insert,
before the answer; the stream is never waited for. A TOM shows ``message`` to the person who shares, in green, unless it
has "error" in it.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.codec import LARGEST_EVENT, encode
from bridge.events import KINDS, Body, Kind, Share
from bridge.gateway import reading
from bridge.gateway.accounts import Account
from bridge.gateway.composing import AGAIN, LIST, TARGET, HowPublished, as_text
from bridge.gateway.names import asked_for
from bridge.gateway.reading import Refusal, Sent
from bridge.gateway.store import Desk, Known, Store
from bridge.publishing.bodies import bodies_of
from bridge.publishing.packing import HERMES, why_not
from bridge.tom import echo

_LONGEST_QUESTION = 25_000
"""Characters: 200 aliases of 100, and what stands between them."""
_BESIDE = 2_000
"""Bytes of an event beside its body: who shares, and the like."""
_UNKNOWN = (
    "This target is not known here, as it was never shared here in full. Share the target itself once"
    " (its own Share button), then its data"
)


@dataclass(frozen=True)
class Answer:
    """What a TOM is answered."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Lists:
    """The lists that a target is shared with."""

    names: list[str]
    why_not: str
    """Why they can't be published on the topic; empty where they can."""


HasWritten = Callable[[Account, bytes], bool]
"""Says whether the bridge wrote a row of this digest (:mod:`bridge.tom.echo`) into the TOM of an account."""


MostBytes = Callable[[str], int]
"""Says how many bytes a file may have that is published on a topic."""


class Accepting:
    """Answers the requests of TOMs that have logged in. Safe for threads, which it lets in one at a time."""

    def __init__(
        self,
        store: Store,
        *,
        has_written: HasWritten,
        how: HowPublished,
        anonymous: bool,
        share_s: float,
        most_bytes: MostBytes,
    ) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._has_written = has_written
        self._how = how
        self._anonymous = anonymous
        self._share_s = share_s
        self.most_bytes = most_bytes

    # -- what TOMs ask ------------------------------------------------------------------------------------------------

    def ask(self, account: Account, topic: str, query: bytes) -> Answer:
        """``GET targets/``: whether a target is known; the only request that names one."""
        asked = asked_for(query)
        if asked is not None and len(asked) > _LONGEST_QUESTION:
            raise Refusal("The names of this target are too long to ask for", status=414, reason="names too long")
        with self._lock, self._store.desk(account.name, topic, self._share_s) as desk:
            known = desk.asked_for(asked) if asked else None
            if known is None and asked:
                desk.note_question(asked)
        # The id may be any text: the TOM puts it into the next request as it is.
        found = [{"id": known.token, "name": known.body.name}] if known is not None else []
        return Answer(200, {"count": len(found), "next": None, "previous": None, "results": found})

    # -- what TOMs send -----------------------------------------------------------------------------------------------

    def target(self, account: Account, topic: str, sent: Sent) -> Answer:
        """``POST targets/``: a target in full; one that is known is an update."""
        if reading.is_anonymous(sent) and not self._anonymous:
            what = "Log in to your TOM to publish here: this share came from a visitor who is not logged in"
            raise Refusal(what, status=403, reason="a visitor who is not logged in")
        body, lists = reading.target(sent), self._lists_of(topic, sent)
        shared_by, key = reading.shared_by(sent), reading.toms_key(sent)
        text = body.model_dump_json()
        self._check_fits(account, topic, text, lambda: body)
        came = key is not None and self._has_written(account, echo.of_target(key, body.name))
        with self._lock, self._store.desk(account.name, topic, self._share_s) as desk:
            token = desk.remember(body, key, came=came, before=desk.same(body, key))
            if not came:
                desk.accept(token, token, TARGET, text, shared_by=shared_by)
            self._lists(desk, token, lists, shared_by)
            desk.count("target", "came over the bridge" if came else "taken")
        return Answer(201, {"id": token, "name": body.name, "message": _message(body.name, topic, lists, came=came)})

    def target_again(self, account: Account, topic: str, token: str, sent: Sent) -> Answer:
        """``PATCH targets/<token>/``: a known target once more, of which nothing is sent but its lists."""
        lists = self._lists_of(topic, sent)
        with self._lock, self._store.desk(account.name, topic, self._share_s) as desk:
            known = self._known(desk, token)
            if not known.came:
                desk.accept(token, token, AGAIN, "")
            self._lists(desk, token, lists)
            desk.count("target again", "came over the bridge" if known.came else "taken")
        message = _message(known.body.name, topic, lists, came=known.came)
        return Answer(200, {"id": token, "name": known.body.name, "message": message})

    def datum(self, account: Account, topic: str, sent: Sent) -> Answer:
        """``POST reduceddatums/``: one datum; the body of the answer is never read, the person sees the count."""
        datum = reading.datum(sent)
        kind = str(self._with_place(topic, KINDS[type(datum)]))
        product = sent.get("data_product")
        came = self._has_written(account, echo.of_datum(datum)) or (
            isinstance(product, int) and self._has_written(account, echo.of_products_datums(product))
        )
        text = datum.model_dump_json()
        with self._lock, self._store.desk(account.name, topic, self._share_s) as desk:
            known = self._known(desk, str(sent.get("target")))
            token, reference = known.token, known.body.reference
            self._check_fits(account, topic, text, lambda: bodies_of(reference, [datum])[0])
            if came:
                desk.count(kind, "came over the bridge")
                return Answer(200)
            if not desk.is_new(token, _digest(kind, text)):
                desk.count(kind, "known already")
                return Answer(200)
            desk.accept(token, token, kind, text)
            desk.count(kind, "taken")
        return Answer(201)

    def product(self, account: Account, topic: str, form: Mapping[str, str], filename: str, content: bytes) -> Answer:
        """``POST dataproducts/``: a file."""
        kind = str(self._with_place(topic, Kind.DATA_PRODUCT))
        with self._lock, self._store.desk(account.name, topic, self._share_s) as desk:
            known = self._known(desk, form.get("target", ""))
            body = reading.product(form, filename, content, known.body.reference)
            if self._has_written(account, echo.of_product(body.product_id, body.sha256)):
                desk.count(kind, "came over the bridge")
                return Answer(200, {"message": f"{body.filename} came over the bridge: {topic} has it"})
            if not desk.is_new(known.token, _digest(kind, body.product_id, body.filename, body.sha256)):
                desk.count(kind, "known already")
                return Answer(200, {"message": f"{body.filename} was published on {topic} before"})
            desk.accept(known.token, known.token, kind, body.model_dump_json())
            desk.count(kind, "taken")
        return Answer(201, {"message": green(f"{body.filename} is on its way to {topic}")})

    def refuse(self, account: Account, topic: str, what: str, refusal: Refusal) -> Answer:
        """Return the answer to what can't be accepted, and count it."""
        with self._lock, self._store.desk(account.name, topic, self._share_s) as desk:
            desk.count(what, "refused", refusal.reason)
        return Answer(refusal.status, {"detail": refusal.what})

    # -- what they have in common -------------------------------------------------------------------------------------

    def _known(self, desk: Desk, token: str) -> Known:
        known = desk.by_token(token)
        if known is None:
            raise Refusal(_UNKNOWN, status=404, reason="a target that was never shared in full")
        return known

    def _check_fits(self, account: Account, topic: str, text: str, body: Callable[[], Body]) -> None:
        """Raise Refusal where something alone is more than an event may be: it would take with it what came beside it.

        ``text`` is the same as JSON: Avro makes five times as much of it at most.
        """
        most = min(LARGEST_EVENT, self.most_bytes(topic)) - _BESIDE
        if len(text) * 5 <= most or self._how(topic).format == HERMES:
            return
        share = Share(origin=account.origin, origin_name=account.display_name, installation=account.installation)
        size = len(encode(share.event(body())).value)
        if size > most:
            what = f"It takes {size} bytes with all its values; {most} are the most that go to {topic} in one piece"
            raise Refusal(what, status=413, reason="too large")

    def _with_place(self, topic: str, kind: Kind) -> Kind:
        """Return a kind that can be published on a topic. Raises Refusal."""
        if why := why_not(kind, self._how(topic)):
            raise Refusal(f"Nothing of this goes to {topic}: {why}", reason=why)
        return kind

    def _lists_of(self, topic: str, sent: Sent) -> _Lists:
        names = reading.list_names(sent)
        return _Lists(names, why_not(Kind.LIST, self._how(topic)) if names else "")

    def _lists(self, desk: Desk, token: str, lists: _Lists, shared_by: str | None = None) -> None:
        if lists.why_not:
            desk.count(str(Kind.LIST), "left out", lists.why_not, len(lists.names))
            return
        for name in lists.names:
            desk.accept(as_text(name), token, LIST, name, shared_by=shared_by)


def _message(name: str, topic: str, lists: _Lists, *, came: bool) -> str:
    if came:
        told = f"{name} came over the bridge, and is not sent back; data of your own TOM for it can be shared"
    else:
        told = f"{name} is on its way to {topic}"
    if lists.why_not:
        return green(f"{told}, without {', '.join(lists.names)}: {lists.why_not}")
    return green(f"{told}, in {', '.join(lists.names)}" if lists.names else told)


def green(message: str) -> str:
    """Return a message that a TOM shows as a success: with "error" in it, be it in a name, it shows a failure."""
    return message if "error" not in message.lower() else "It is on its way"


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
