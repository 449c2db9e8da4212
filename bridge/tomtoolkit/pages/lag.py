"""How far behind the TOM is, asked of the stream without ever making a page wait for it."""

import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import dataclass

import structlog
from django.db import connections

from bridge.operations.status import Status, status
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
    answer: "Future[Status]"


_lock = threading.Lock()
_last: _Asked | None = None


def current(settings: AppSettings, *, patience_s: float = PATIENCE_S) -> Status | None:
    """Return how things are, at most some seconds old; None where the stream has not answered within ``patience_s``.

    One thread asks, however many pages are open; an answer that comes later serves the next request.
    """
    try:
        found = _asked(settings).answer.result(timeout=patience_s)
    except NotYetError:
        return None
    except Exception as error:  # whatever it is: a page says "unknown" and stays
        log.warning("lag.unknown", message=str(error))
        return None
    return None if found.stream_problem else found


def _asked(settings: AppSettings) -> _Asked:
    global _last  # noqa: PLW0603 (one answer a process is the point)
    with _lock:
        fresh = _last is not None and _last.settings == settings
        if _last is None or not fresh or (_last.answer.done() and time.monotonic() - _last.at > _FRESH_S):
            _last = _Asked(settings, time.monotonic(), Future())
            # A daemon thread: one that still waits for the stream keeps no server from ending.
            threading.Thread(target=_ask, args=(_last,), name="tom-bridge-lag", daemon=True).start()
        return _last


def _ask(asked: _Asked) -> None:
    try:
        asked.answer.set_result(status(asked.settings, DjangoLedger()))
    except Exception as error:
        asked.answer.set_exception(error)
    finally:
        connections.close_all()
