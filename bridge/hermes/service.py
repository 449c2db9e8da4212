"""Hermes' own service, by which messages are published with a token where there is no SCRAM credential.

Each message that it is given is another one, under an id of its own: it knows no way to say that one is sent again.
So an answer is one of three: *taken* (it has a ``uuid``), *not taken* (said so before anything was sent, or by a word
that means it), or *unclear* (:class:`~bridge.errors.UnclearError`), after which the archive of HOPSKOTCH is asked.

Source: ``/api/v0/`` of LCOGT/hermes 6708389, tried.
"""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import requests
import urllib3

from bridge.answers import read_body
from bridge.errors import (
    AwayError,
    BridgeError,
    ConfigurationError,
    DeniedError,
    InvalidEventError,
    StopError,
    StreamAwayError,
    TooLargeError,
    UnclearError,
)
from bridge.hermes.embedded import KEY
from bridge.shown import visible

_API = "api/v0/"
_CONNECT_S = 10.0
_ANSWER_S = 30.0
_PUBLISHED_S = 120.0
"""Hermes waits for Kafka as long as that takes."""
_SKEW = timedelta(minutes=10)
"""By how much two clocks may differ."""
_TAKES_AT_MOST = timedelta(hours=1)
"""After it was sent a message may still arrive within this time."""
_A_PAGE, _PAGES, _MOST_LOOKED_AT = 20, 50, 100
MOST_BYTES = 64 * 1024 * 1024
"""Bytes of an answer: a page of the archive may hold its messages, of 1 MiB each on HOPSKOTCH, and JSON swells them."""
_MOST_TIMEOUTS = 3
"""An answer that trickles in has at most this many time-outs."""
_MOST_TOLD = 500
_NOT_WRITABLE = ("TOPIC_AUTHORIZATION_FAILED", "UNKNOWN_TOPIC", "CLUSTER_AUTHORIZATION_FAILED")
_TOO_LARGE = "MSG_SIZE_TOO_LARGE"


class _TooLongError(StreamAwayError):
    """Something was answered that nobody can be made to read."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What Hermes says of the account of a token."""

    sender: str
    """The SCRAM credential by which Hermes publishes for it; empty where there is none."""
    writable: frozenset[str]
    """The topics that it may publish on."""


@dataclass
class HermesService:
    """The service at ``url`` (``https://hermes.lco.global/``), with the ``token`` of an account. Not thread-safe."""

    url: str
    token: str = field(repr=False)
    answer_s: float = _ANSWER_S
    """Seconds that an answer is waited for; publishing may take longer."""
    published_s: float = _PUBLISHED_S

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.headers.update({"Authorization": f"Token {self.token}", "Accept": "application/json"})
        self._session.trust_env = False  # a .netrc would send another account

    @property
    def where(self) -> str:
        """Which service it is, for messages."""
        return f"Hermes at {self.url}"

    # -- what is asked ------------------------------------------------------------------------------------------------

    def profile(self) -> Profile:
        """Return whose token it is. Raises AwayError, and StopError where this is no Hermes, or not its token."""
        said = self._asked("GET", "profile/")
        topics = said.get("writable_topics")
        name = said.get("credential_name")
        if not isinstance(topics, list):
            raise self._no_hermes("its profile names no writable_topics")
        return Profile(sender=name if isinstance(name, str) else "", writable=frozenset(map(str, topics)))

    def may_publish(self, topic: str) -> Profile:
        """Return whose token it is; raise DeniedError where that account can't publish on ``topic``, and as above."""
        found = self.profile()
        if not found.sender:
            raise DeniedError(
                "the account of the token has no SCRAM credential, without which Hermes publishes nothing",
                where=self.where,
                mend="Log out of Hermes and in again, which makes one",
            )
        if topic not in found.writable:
            raise DeniedError(
                f"the account of the token may not publish on {topic} (or there is no such topic)",
                where=self.where,
                mend="An owner of the topic gives rights to your group at https://my.hop.scimma.org",
            )
        return found

    def validate(self, value: bytes) -> None:
        """Ask whether Hermes would take this message. Raises InvalidEventError where not, AwayError, StopError."""
        if wrong := self._asked("POST", "submit_message/validate/", value):
            raise self._refusal(wrong)

    def submit(self, value: bytes) -> UUID:
        """Publish this message, and return its id; durable when this returns.

        Raises UnclearError where that may have happened or not. By all other errors it has not: InvalidEventError and
        TooLargeError (never will), DeniedError (the account may not, on this topic), StopError, AwayError.
        """
        answer = self._send("POST", "submit_message/", value, self.published_s)
        said = _object(answer)
        if answer.status_code in (HTTPStatus.OK, HTTPStatus.CREATED) and (found := _uuid(said.get("uuid"))):
            return found
        raise self._not_published(answer, said)

    def find(self, value: bytes, tried: datetime) -> UUID | None:
        """Return the id of this message, which was tried to be published at that moment; None where it isn't seen.

        It is known by the events inside. That it isn't seen proves nothing: the archive lags behind, or may not show
        the topic to this account. Raises AwayError and StopError.
        """
        wanted = json.loads(value)
        inside = _inside(wanted)
        looked_at = 0
        for one in self._archived(wanted["topic"], tried):
            metadata = one.get("metadata")
            headers = metadata.get("headers") if isinstance(metadata, dict) else None
            if not isinstance(headers, dict):
                continue
            found = _uuid(headers.get("_id"))
            if found is None or not _is_titled(wanted["title"], headers.get("title")):
                continue
            looked_at += 1
            if looked_at > _MOST_LOOKED_AT:
                return None
            if _inside(one["message"] if "message" in one else self._message(found)) == inside:
                return found
        return None

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

    # -- the archive --------------------------------------------------------------------------------------------------

    def _archived(self, topic: str, tried: datetime) -> Iterator[dict[str, Any]]:
        """Yield what the archive has of a topic around a moment, the newest first; mostly without the messages."""
        asked: dict[str, str | int] = {
            "topic": topic,
            "limit": _A_PAGE,
            "start": _moment(tried - _SKEW),
            "end": _moment(tried + _TAKES_AT_MOST),
        }
        for _ in range(_PAGES):
            said = self._asked("GET", "query/", params=asked)
            messages = said.get("messages")
            if not isinstance(messages, list):
                raise self._no_hermes("its archive lists no messages")
            yield from (one for one in messages if isinstance(one, dict))
            if not isinstance(said.get("next"), str) or not messages:
                return
            asked["page"] = said["next"]

    def _message(self, found: UUID) -> object:
        try:
            return self._asked("GET", f"query/message/{found}/").get("message")
        except (ConfigurationError, _TooLongError):
            return None  # one that is gone, not shown, or larger than Hermes takes, is none of ours

    # -- requests -----------------------------------------------------------------------------------------------------

    def _asked(
        self, method: str, path: str, value: bytes | None = None, params: dict[str, str | int] | None = None
    ) -> dict[str, Any]:
        """Return the object that a question is answered with, which changes nothing at Hermes."""
        try:
            answer = self._send(method, path, value, self.answer_s, params)
        except UnclearError as error:
            raise self._away(error.what) from None
        if len(answer.content) > MOST_BYTES:
            raise _TooLongError(f"its answer has more than {MOST_BYTES} bytes, and was not read", where=self.where)
        said = _object(answer)
        if answer.is_redirect:
            raise self._no_hermes(f"it sends elsewhere, to {self._hidden(answer.headers['Location'])}")
        if answer.status_code == HTTPStatus.OK and answer.headers.get("Content-Type", "").startswith(
            "application/json"
        ):
            return said
        raise self._not_taken(answer, said) or self._away(self._told(answer, said))

    def _send(
        self, method: str, path: str, value: bytes | None, timeout_s: float, params: dict[str, str | int] | None = None
    ) -> requests.Response:
        """Return an answer. Raises AwayError where nothing was sent, UnclearError where no answer came."""
        try:
            answer = self._session.request(
                method,
                urljoin(self.url, _API + path),
                data=value,
                params=params,
                headers={"Content-Type": "application/json"} if value is not None else None,
                timeout=(_CONNECT_S, timeout_s),
                allow_redirects=False,
                stream=True,
            )
            until = time.monotonic() + _MOST_TIMEOUTS * timeout_s
            read_body(answer, MOST_BYTES, lambda: time.monotonic() > until)
        except requests.RequestException as error:
            what = self._hidden(f"no answer: {_cause(error)}")
            raise self._away(what) if _nothing_was_sent(error) else UnclearError(what, where=self.where) from None
        return answer

    # -- what an answer means -----------------------------------------------------------------------------------------

    def _not_published(self, answer: requests.Response, said: dict[str, Any]) -> BridgeError:
        """Return what it means that an answer to ``submit_message/`` has no ``uuid``."""
        told = said.get("error")
        if answer.status_code == HTTPStatus.BAD_REQUEST and isinstance(told, str):
            if any(word in told for word in _NOT_WRITABLE):
                return DeniedError(self._hidden(told), where=self.where, mend="Ask an owner of the topic for rights")
            if _TOO_LARGE in told:
                return TooLargeError(self._hidden(told), where=self.where, mend="Share less at once, or set a smaller"
                                     " largest_bytes of the topic")  # fmt: skip
            if "kafka" in told.lower():  # as where the confirmation did not come in time
                return UnclearError(self._told(answer, said), where=self.where)
        return self._not_taken(answer, said) or UnclearError(self._told(answer, said), where=self.where)

    def _not_taken(self, answer: requests.Response, said: dict[str, Any]) -> BridgeError | None:
        """Return the error that an answer is which says that nothing was done; None where it doesn't say that."""
        match answer.status_code:
            case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY if said:
                return self._refusal(said)
            case HTTPStatus.BAD_REQUEST | HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                return TooLargeError(
                    self._told(answer, said), where=self.where, mend="Share less at once: Hermes takes 2.5 MiB"
                )
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                mend = "Set the API token that Hermes shows in your profile"
                return DeniedError(f"the token is refused ({self._told(answer, said)})", where=self.where, mend=mend)
            case HTTPStatus.TOO_MANY_REQUESTS:
                return self._away(self._told(answer, said), _seconds(answer.headers.get("Retry-After")))
            case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED | HTTPStatus.GONE:
                return self._no_hermes(self._told(answer, said))
            case _:
                return None

    def _refusal(self, said: dict[str, Any]) -> InvalidEventError:
        return InvalidEventError(f"Hermes does not take it: {self._hidden(json.dumps(said))}", where=self.where)

    def _no_hermes(self, what: str) -> StopError:
        return ConfigurationError(
            f"this does not answer as Hermes does: {what}",
            where=self.where,
            mend='Set the address of Hermes, as url = "https://hermes.lco.global/"',
        )

    def _away(self, what: str, retry_after_s: float | None = None) -> AwayError:
        return StreamAwayError(what, where=self.where, retry_after_s=retry_after_s)

    def _told(self, answer: requests.Response, said: dict[str, Any]) -> str:
        """Return an answer in words. Pages of HTML say nothing, and may say much that is nobody's business."""
        more = f": {self._hidden(json.dumps(said))}" if said else ""
        return f"HTTP {answer.status_code}{more or ', no JSON'}"

    def _hidden(self, text: str) -> str:
        """Return a text of somebody else's for one line, and without the token."""
        return visible(text.replace(self.token, "***"))[:_MOST_TOLD]


def _object(answer: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer; an empty one where it has none, or more than is read."""
    try:
        said = answer.json()
    except (ValueError, RecursionError):  # the archive shows what anybody wrote
        return {}
    return said if isinstance(said, dict) else {}


def _is_titled(title: str, there: object) -> bool:
    """Return whether a message may have this title, which Hermes cuts blanks from; the header may not be shown."""
    return not isinstance(there, str) or there.strip() == title.strip()


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _inside(message: object) -> list[tuple[object, object]] | None:
    """Return the events inside a message by origin and id; None where it is none of a bridge's."""
    data = message.get("data") if isinstance(message, dict) else None
    inside = data.get(KEY) if isinstance(data, dict) else None
    events = inside.get("events") if isinstance(inside, dict) else None
    if not isinstance(events, list):
        return None
    return [(one.get("origin"), one.get("id")) for one in events if isinstance(one, dict)]


def _moment(at: datetime) -> str:
    """Return a time as Hermes reads it: whole seconds, as the archive takes no others."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()


def _seconds(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def _nothing_was_sent(error: requests.RequestException) -> bool:
    """Return whether there was no connection by which anything could have been sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(
        reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.NameResolutionError
    )


def _cause(error: requests.RequestException) -> str:
    """Return why there is no answer, without address and headers."""
    if isinstance(error, requests.Timeout):
        return "it took too long"
    reason = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    return f"{type(reason).__name__}: {str(reason).rpartition(': ')[2]}"
