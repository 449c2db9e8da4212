"""Trying again what is parked or dead because a person asked for it on a page.

A request has seconds, not minutes: what is left when they are over, and every data product (whose processor may take as
long as it likes), is done by the daemon. It looks at what is parked on its own; dead letters are left to it by a
:class:`~bridge.tomtoolkit.models.RetryRequest`.
"""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from django.db import DEFAULT_DB_ALIAS

from bridge.errors import AwayError, BudgetSpentError, StopError
from bridge.events import Kind
from bridge.ledger.port import Entry, Outcome
from bridge.operations.assemble import Bridge, put_together
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.database import writing
from bridge.tomtoolkit.ledger.rows import to_parked
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.models import Parked, RetryRequest
from bridge.tomtoolkit.operating.away import no_stream
from bridge.tomtoolkit.receiving.tom import DjangoTom

log = structlog.get_logger(__name__)

BUDGET_S = 5.0
"""Seconds after which a request begins nothing more."""
DAEMONS_BUDGET_S = 60.0
"""Seconds after which the daemon turns to the stream again."""


@dataclass
class Tried:
    """What became of what a person asked for."""

    outcomes: dict[str, int] = field(default_factory=dict)
    left: int = 0
    """How many things are left to the daemon."""

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.outcomes[str(outcome)] = self.outcomes.get(str(outcome), 0) + 1


def retry_parked(ids: Collection[int], *, budget_s: float = BUDGET_S) -> Tried:
    """Try the parked things of these ids, and what waits behind them, for as long as a request may take."""
    tried = Tried()
    with _within_a_request(budget_s) as bridge:
        rows = Parked.objects.filter(pk__in=ids).select_related("entry").prefetch_related("names").order_by("pk")
        for one in [to_parked(row) for row in rows]:
            if bridge.stopped.is_set() or _is_long(one.entry):
                tried.left += 1
                continue
            try:
                for result in bridge.waiting.retry([one], bridge.budget):
                    tried.add(result.outcome)
            except (AwayError, StopError) as error:
                log.info("parked.left_to_the_daemon", message=str(error))
                tried.left += 1
    return tried


def retry_dead(ids: Collection[int], asked_by: str, *, budget_s: float = BUDGET_S) -> Tried:
    """Try the dead letters of these ids for as long as a request may take; leave the others to the daemon."""
    tried = Tried()
    with _within_a_request(budget_s) as bridge:
        for dead_id in ids:
            letter = bridge.ledger.dead_letter(dead_id)
            if letter is None:
                continue
            if bridge.stopped.is_set() or _is_long(letter.entry):
                _request(dead_id, asked_by, tried)
                continue
            try:
                for result in bridge.waiting.retry_dead([letter], bridge.budget):
                    tried.add(result.outcome)
            except (AwayError, StopError) as error:
                log.info("dead.left_to_the_daemon", dead=dead_id, message=str(error))
                _request(dead_id, asked_by, tried)
    return tried


def retry_requested(bridge: Bridge, using: str = DEFAULT_DB_ALIAS, *, budget_s: float = DAEMONS_BUDGET_S) -> int:
    """Try the dead letters that were left to the daemon, the oldest wish first; return how many were tried.

    To be called by the daemon every now and then; after ``budget_s`` nothing more is begun. Raises AwayError
    and StopError as the consumer does; what was not tried then stays asked for.
    """
    tried = 0
    deadline = time.monotonic() + budget_s
    for wish in list(RetryRequest.objects.using(using).order_by("pk")[:1000]):
        if bridge.stopped.is_set() or time.monotonic() > deadline:
            break
        # Taken out before it is tried: one that ends the process is not tried again by itself.
        with writing(using):
            RetryRequest.objects.using(using).filter(pk=wish.pk).delete()
        letter = bridge.ledger.dead_letter(wish.dead)
        if letter is None:
            continue
        try:
            bridge.waiting.retry_dead([letter], bridge.budget)
        except (AwayError, StopError, BudgetSpentError):
            with writing(using):
                RetryRequest.objects.using(using).get_or_create(dead=wish.dead, defaults={"asked_by": wish.asked_by})
            raise
        tried += 1
    return tried


@contextmanager
def _within_a_request(budget_s: float) -> Iterator[Bridge]:
    """Put the parts together without the stream; nothing more is begun once ``budget_s`` is over."""
    settings = conf.load()
    ledger = DjangoLedger()
    bridge = put_together(settings, no_stream(), ledger, DjangoTom.of(settings, ledger), pause_s=0.0)
    timer = threading.Timer(budget_s, bridge.stopped.set)
    timer.daemon = True
    timer.start()
    try:
        yield bridge
    finally:
        timer.cancel()


def _is_long(entry: Entry) -> bool:
    return entry.kind == Kind.DATA_PRODUCT


def _request(dead_id: int, asked_by: str, tried: Tried) -> None:
    with writing():
        RetryRequest.objects.get_or_create(dead=dead_id, defaults={"asked_by": asked_by})
    tried.left += 1
