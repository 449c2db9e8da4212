"""How far behind the TOM is, asked of the stream without ever making a page wait for it."""

import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import dataclass

import structlog
from django.db import connections

from bridge.operations.status import TopicStatus, topics_of
from bridge.stream.names import split
from bridge.tomtoolkit.conf import AppSettings
from bridge.tomtoolkit.ledger.store import DjangoLedger

log = structlog.get_logger(__name__)

PATIENCE_S = 3.0
"""Seconds that a request waits for the stream's answer."""
_FRESH_S = 10.0
"""Seconds for which an answer serves other requests as well."""


@dataclass(frozen=True)
class _Asked:
    settings: AppSettings
    at: float
    answer: "Future[list[TopicStatus]]"


_lock = threading.Lock()
_last: dict[str, _Asked] = {}
"""The last question to each stream, by its label: one that does not answer keeps no other's answer back."""


def current(settings: AppSettings, *, patience_s: float = PATIENCE_S) -> dict[str, TopicStatus]:
    """Return how topics are, at most some seconds old, of those streams that have answered within ``patience_s``.

    One thread asks a stream, however many pages are open; an answer that comes later serves the next request.
    """
    deadline = time.monotonic() + patience_s
    found: dict[str, TopicStatus] = {}
    for asked in [_asked(settings, label) for label in sorted({split(one.topic)[0] for one in settings.subscribe})]:
        try:
            topics = asked.answer.result(timeout=max(deadline - time.monotonic(), 0))
        except NotYetError:
            continue
        except Exception as error:  # whatever it is: a page says "unknown" and stays
            log.warning("lag.unknown", message=str(error))
            continue
        found |= {topic.topic: topic for topic in topics}
    return found


def _asked(settings: AppSettings, label: str) -> _Asked:
    with _lock:
        last = _last.get(label)
        fresh = last is not None and last.settings == settings
        if last is None or not fresh or (last.answer.done() and time.monotonic() - last.at > _FRESH_S):
            last = _last[label] = _Asked(settings, time.monotonic(), Future())
            # A daemon thread: one that still waits for the stream keeps no server from ending.
            threading.Thread(target=_ask, args=(last, label), name="tom-bridge-lag", daemon=True).start()
        return last


def _ask(asked: _Asked, label: str) -> None:
    try:
        topics, problem = topics_of(asked.settings, DjangoLedger(), label)
        asked.answer.set_result([] if problem else topics)
    except Exception as error:
        asked.answer.set_exception(error)
    finally:
        connections.close_all()
