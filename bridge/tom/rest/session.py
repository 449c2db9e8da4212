"""Talking with a TOM over REST: whether a failure is the TOM's or the request's own, and lists page by page.

Requests go side by side on a few connections (:mod:`bridge.tom.rest.connection`), and all of them by a budget.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import RejectedError, TomAwayError
from bridge.tom.rest.connection import JSON, READS, Answer, Connection, Request, RestAccount
from bridge.tom.rest.shown import BEYOND, TARGETS, Page, UnexpectedError, decoded, described_fields, page_of
from bridge.tom.rest.versions import Toolkit
from bridge.tom.rest.words import words
from bridge.tom.rest.workers import Workers

__all__ = ["Answer", "Request", "RestAccount", "RestSession"]

log = structlog.get_logger(__name__)

Json = Any
_PROOFS = 2
"""On how many targets a write that changes nothing is tried."""
_TOOLKIT_S = 60.0
"""Seconds for which it is believed what the TOM is like: it may be upgraded while nothing is asked of it."""


class RestSession:
    """Requests to one TOM as one account, logged in at the first one. Not thread-safe; what it asks goes side by side.

    Every method raises TomAwayError where the TOM can't be reached, can't work now, or something else answers in its
    place; ConfigurationError where the account is not accepted; BudgetSpentError where the budget is spent. That is
    ``budget``, unless another one is set (:meth:`within`).
    """

    def __init__(self, account: RestAccount, budget: Budget = NO_LIMIT) -> None:
        self._connection = Connection(account)
        self.account = account
        self.base_url = self._connection.base_url
        self.some_targets: Callable[[], Sequence[int]] = tuple
        """Returns a few targets that may be known to exist: a write that changes nothing is tried on them."""
        self._budget = self._own_budget = budget
        self._workers = Workers(account.connections)
        self._written: int | None = None
        self._toolkit: Toolkit | None = None
        self._toolkit_seen_at = 0.0

    def close(self) -> None:
        """Close all connections; what is still under way is left to itself."""
        self._workers.close()
        self._connection.close()

    @contextmanager
    def within(self, budget: Budget) -> Iterator[Budget]:
        """Let all requests of a block go by ``budget``, and yield it; NO_LIMIT stands for the session's own."""
        before, self._budget = self._budget, self._own_budget if budget is NO_LIMIT else budget
        try:
            yield self._budget
        finally:
            self._budget = before

    # -- asking -------------------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Json = None,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        accept: str = JSON,
    ) -> Answer:
        """Return the answer of a TOM that works: see :meth:`request_each`."""
        return self.request_each([Request(method, path, params, json, data, files, accept)])[0]

    def request_each(self, wanted: Sequence[Request]) -> list[Answer]:
        """Ask several things, a few at a time; return the answers in the same order.

        Each is the answer of a TOM that works: 2xx, or a 4xx or 500 that is the request's own fault. Whose fault it is
        shows a request of the same sort that is known to be good, where it is needed: a read, and a write for writes.
        """
        answers = self._each(wanted)
        if any(answer.status_code >= 400 for answer in answers):
            self._prove_reads()
        failed = [one for one, answer in zip(wanted, answers, strict=True) if answer.status_code >= 500]
        if writes := [one for one in failed if one.method not in READS]:
            self._prove_writes(next((one.target for one in writes if one.target is not None), None))
        for one, answer in zip(wanted, answers, strict=True):
            if answer.ok and one.method not in READS:
                self._decoded(answer, one)
                self._written = one.target or self._written
        return answers

    def get(self, path: str, **params: Any) -> Json:
        """Return what the TOM holds at ``path``, decoded; RejectedError where it does not show it though it works."""
        answer = self.request("GET", path, params=params)
        return self.decoded(answer, path)

    def page(self, path: str, **params: Any) -> Page:
        """Return one page of a list."""
        return self.page_in(self.request("GET", path, params=params), path)

    def page_in(self, answer: Answer, path: str) -> Page:
        """Return the page that a good answer holds; RejectedError for any other."""
        try:
            return page_of(self.decoded(answer, path))
        except UnexpectedError as error:
            raise self.unexpected(path, error) from None

    def pages(self, path: str, size: int, **params: Any) -> Iterator[Any]:
        """Yield all that a list has, asking for ``size`` at a time."""
        offset = 0
        while True:
            page = self.page(path, **params, limit=size, offset=offset)
            yield from page.results
            offset += len(page.results)
            if not page.results or offset >= page.count:
                return

    def decoded(self, answer: Answer, path: str) -> Json:
        """Return the JSON of a good answer to a ``GET``; RejectedError for any other."""
        if answer.status_code != 200:
            raise RejectedError(
                f"the TOM does not show {path} ({words(answer)})",
                where=f"the TOM at {self.base_url}",
                mend="It shows other things: look there at what this is about, one of its rows may be damaged",
            )
        return self._decoded(answer, Request("GET", path))

    def unexpected(self, path: str, error: UnexpectedError) -> TomAwayError:
        """Return what to raise where something answers that is not a TOM's API."""
        return self._connection.unexpected(path, error)

    def _decoded(self, answer: Answer, request: Request) -> Json:
        try:
            return decoded(answer)
        except UnexpectedError as error:
            raise self.unexpected(f"{request.method} {request.path}", error) from None

    # -- whether it works ---------------------------------------------------------------------------------------------

    def prove(self, *, writing: bool) -> None:
        """Raise TomAwayError where a request that is known to be good fails now: a read, or also a write."""
        self._prove_reads()
        if writing:
            self._prove_writes(None)

    def _prove_reads(self) -> None:
        # A page beyond the last target asks the database and shows no row, of which one may be damaged.
        answer = self._ask_one(Request("GET", TARGETS, params={"limit": 1, "offset": BEYOND}))
        if answer.status_code != 200:
            raise self._connection.away(f"answers {words(answer)}, to a request that is known to be good")
        try:
            page_of(decoded(answer))
        except UnexpectedError as error:
            raise self.unexpected(TARGETS, error) from None

    def _prove_writes(self, target: int | None) -> None:
        """Raise TomAwayError where a ``PATCH`` of a target that changes nothing fails with 500.

        A database locked by another writer answers reads and fails writes, which looks like the event's own fault. The
        target that was written last is asked first, as ``target`` may be what is damaged.
        """
        candidates = [pk for pk in dict.fromkeys([self._written, target, *self.some_targets()]) if pk is not None]
        failed = None
        for pk in candidates[:_PROOFS]:
            answer = self._ask_one(Request("PATCH", f"{TARGETS}{pk}/", json={}))
            if answer.ok:
                return
            if answer.status_code >= 500:
                failed = answer
        if failed is not None:
            raise self._connection.away(f"can't write ({words(failed)})")

    def _ask_one(self, request: Request) -> Answer:
        return self._each([request])[0]

    def _each(self, wanted: Sequence[Request]) -> list[Answer]:
        budget = self._budget
        try:
            return self._workers.each([partial(self._connection.send, one, budget) for one in wanted], budget)
        except TomAwayError:
            self._toolkit = None  # it may come back upgraded
            raise

    # -- what it is -----------------------------------------------------------------------------------------------

    @property
    def toolkit(self) -> Toolkit:
        """What the TOM's TOM Toolkit is like: as it shows itself, or as the settings say where it shows nothing.

        It is asked once a minute, and where the TOM was away.
        """
        known = self._toolkit
        if known is None or time.monotonic() - self._toolkit_seen_at > _TOOLKIT_S:
            target_fields, datum_fields = self._described(TARGETS), self._described("/api/reduceddatums/")
            seen = Toolkit.seen(target_fields, datum_fields, otherwise=self.account.toolkit)
            if seen != known:
                log.info("tom.toolkit", base_url=self.base_url, typed_datums=seen.typed_datums)
            self._toolkit, self._toolkit_seen_at = seen, time.monotonic()
            return seen
        return known

    def _described(self, path: str) -> Mapping[str, Any]:
        described = self.decoded(self.request("OPTIONS", path), path)
        try:
            return described_fields(described)
        except UnexpectedError as error:
            raise self.unexpected(f"OPTIONS {path}", error) from None
