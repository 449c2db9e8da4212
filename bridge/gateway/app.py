"""The gateway over HTTP: who asks, for what, how much at a time; every answer is a JSON object.

``/<topic>/api/<resource>/`` is what a TOM makes of ``https://host/<topic>/`` as its ``BASE_URL``.
"""

import asyncio
import base64
import binascii
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.errors import BridgeError
from bridge.gateway.accepting import Accepting, Answer
from bridge.gateway.accounts import Account
from bridge.gateway.hermes import LARGEST_MESSAGE, Messages
from bridge.gateway.reading import Refusal

log = structlog.get_logger(__name__)

_LARGEST_JSON = 4 * 1024 * 1024
"""Bytes of a request that is no file: a spectrum of 100,000 channels."""
_FORM = 256 * 1024
"""Bytes of a form beside its file: 2.32 sends the text of each datum with a product."""
_LONGEST_TOPIC = 300
_NEXT_PART_S = 30.0
"""Seconds without a byte after which a request is not waited for."""

WhoIs = Callable[[str, str], Account | None]
"""Says whose a user name and a password are."""
OfToken = Callable[[str], Account | None]
"""Says whose a token is."""


class Rate:
    """How many requests an account may make: a bucket that fills up within a minute. Safe for threads."""

    def __init__(self, a_minute: int) -> None:
        self._a_minute = a_minute
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, account: str) -> float:
        """Return 0.0 where a request may be made, else after how many seconds."""
        now = time.monotonic()
        with self._lock:
            left, at = self._left.get(account, (float(self._a_minute), now))
            left = min(left + (now - at) * self._a_minute / 60, float(self._a_minute))
            self._left[account] = (max(left - 1, 0.0) if left >= 1 else left, now)
        return 0.0 if left >= 1 else (1 - left) * 60 / self._a_minute


class Gateway:
    """The routes of the application."""

    def __init__(
        self, accepting: Accepting, messages: Messages, who_is: WhoIs, of_token: OfToken, *, requests_a_minute: int
    ) -> None:
        self._accepting = accepting
        self._messages = messages
        self._who_is = who_is
        self._of_token = of_token
        self._rate = Rate(requests_a_minute)

    def application(self) -> Starlette:
        """Return the application."""
        targets = {"GET": self._ask, "POST": self._target}
        routes = [
            self._route("/{topic}/api/targets/", "target", targets),
            self._route("/{topic}/api/targets/{token}/", "target again", {"PATCH": self._again}),
            self._route("/{topic}/api/reduceddatums/", "datum", {"POST": self._datum}),
            self._route("/{topic}/api/dataproducts/", "file", {"POST": self._product}),
            Route("/api/v0/profile/", self._topics, methods=["GET"]),
            Route("/api/v0/submit_message/", self._message, methods=["POST"]),
        ]
        app = Starlette(
            routes=routes,
            exception_handlers={HTTPException: _http, BridgeError: _away, Exception: _failed},  # type: ignore[dict-item]
        )
        app.router.redirect_slashes = False  # a redirected POST is lost
        return app

    def _route(self, path: str, what: str, handlers: dict[str, Any]) -> Route:
        async def endpoint(request: Request) -> Response:
            account, topic = await run_in_threadpool(self._admitted, request)
            try:
                answer = await handlers["GET" if request.method == "HEAD" else request.method](request, account, topic)
            except Refusal as refusal:
                log.info("gateway.refused", account=account.name, topic=topic, what=what, message=refusal.what)
                answer = await run_in_threadpool(self._accepting.refuse, account, topic, what, refusal)
            return JSONResponse(answer.body, status_code=answer.status)

        return Route(path, endpoint, methods=list(handlers))

    # -- who, and where -----------------------------------------------------------------------------------------------

    def _admitted(self, request: Request) -> tuple[Account, str]:
        """Return who asks and on which topic. Raises HTTPException."""
        user, password = _credentials(request.headers.get("Authorization", ""))
        account = self._who_is(user, password)
        if account is None:
            what = "The gateway does not know this user and password: see USERNAME and PASSWORD in DATA_SHARING"
            raise HTTPException(401, what, {"WWW-Authenticate": 'Basic realm="tom-bridge"'})
        self._slow_down(account)
        topic = request.path_params["topic"]
        if topic not in account.topics:
            told = ", ".join(account.topics)
            what = f"{topic[:_LONGEST_TOPIC]!r} is no topic of the account {account.name}; it may publish on: {told}"
            raise HTTPException(404, what)
        return account, topic

    def _bearer(self, request: Request) -> Account:
        """Return who asks by a token, as Hermes has them. Raises HTTPException."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        account = self._of_token(token.strip()) if scheme.lower() == "token" else None
        if account is None:
            what = "The gateway does not know this token: see HERMES_API_KEY in DATA_SHARING"
            raise HTTPException(401, what, {"WWW-Authenticate": "Token"})
        self._slow_down(account)
        return account

    def _slow_down(self, account: Account) -> None:
        if wait_s := self._rate.take(account.name):
            raise HTTPException(429, "Too many requests a minute", {"Retry-After": str(int(wait_s) + 1)})

    # -- what ---------------------------------------------------------------------------------------------------------

    async def _ask(self, request: Request, account: Account, topic: str) -> Answer:
        return await run_in_threadpool(self._accepting.ask, account, topic, request.scope["query_string"])

    async def _target(self, request: Request, account: Account, topic: str) -> Answer:
        sent = _json(await _body(request, _LARGEST_JSON))
        return await run_in_threadpool(self._accepting.target, account, topic, sent)

    async def _again(self, request: Request, account: Account, topic: str) -> Answer:
        sent = _json(await _body(request, _LARGEST_JSON))
        token = request.path_params["token"]
        return await run_in_threadpool(self._accepting.target_again, account, topic, token, sent)

    async def _datum(self, request: Request, account: Account, topic: str) -> Answer:
        sent = _json(await _body(request, _LARGEST_JSON))
        return await run_in_threadpool(self._accepting.datum, account, topic, sent)

    async def _product(self, request: Request, account: Account, topic: str) -> Answer:
        form, filename, content = await _form(request, self._accepting.most_bytes(topic))
        return await run_in_threadpool(self._accepting.product, account, topic, form, filename, content)

    # -- as Hermes ----------------------------------------------------------------------------------------------------

    async def _topics(self, request: Request) -> Response:
        account = await run_in_threadpool(self._bearer, request)
        return JSONResponse(self._messages.topics(account).body)

    async def _message(self, request: Request) -> Response:
        account = await run_in_threadpool(self._bearer, request)
        topic = ""
        try:
            sent = _json(await _body(request, LARGEST_MESSAGE))
            topic = next((one for one in account.topics if one == sent.get("topic")), "")
            answer = await run_in_threadpool(self._messages.submit, account, sent)
        except Refusal as refusal:
            log.info("gateway.refused", account=account.name, topic=topic, what="message", message=refusal.what)
            answer = await run_in_threadpool(self._messages.refuse, account, topic, refusal)
        return JSONResponse(answer.body, status_code=answer.status)


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password


async def _body(request: Request, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    stream = request.stream()
    try:
        while (part := await asyncio.wait_for(anext(stream, None), _NEXT_PART_S)) is not None:
            size += len(part)
            if size > most:
                raise Refusal(f"What was sent has more than {most} bytes", status=413, reason="too large")
            parts.append(part)
    except TimeoutError:
        what = f"Nothing more came for {_NEXT_PART_S:g} seconds, and what was sent is not whole"
        raise Refusal(what, status=408, reason="not whole") from None
    except ClientDisconnect:
        raise Refusal("What was sent is not whole: the connection broke off", reason="not whole") from None
    return b"".join(parts)


def _json(body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
        found = json.loads(text, object_pairs_hook=_once)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()  # half a character is one that nothing can keep
    except (ValueError, RecursionError) as error:
        raise Refusal(f"What was sent is no JSON: {error}", reason="no JSON") from None
    if not isinstance(found, dict):
        raise Refusal("What was sent is no JSON object", reason="no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, of whose fields none is given twice: nobody can tell which one is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{twice[:60]!r} is given twice")
    return found


async def _form(request: Request, most: int) -> tuple[dict[str, str], str, bytes]:
    """Return the fields of a form, and name and content of its file."""
    body = await _body(request, most + _FORM)

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(
            request.headers, whole(), max_files=1, max_fields=1_000, max_part_size=_FORM
        ).parse()
    except (MultiPartException, KeyError, ValueError):
        raise Refusal("What was sent is no form with a file", reason="no form") from None
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Refusal("The form has no file", reason="no file")
    content = await file.read()
    await form.close()
    if len(content) > most:
        what = f"{file.filename[-100:]} has {len(content)} bytes; {most} are the most of a file"
        raise Refusal(what, status=413, reason="too large")
    return {name: value for name, value in form.items() if isinstance(value, str)}, file.filename, content


async def _http(request: Request, error: HTTPException) -> Response:
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = (
            "There is nothing here. BASE_URL in DATA_SHARING has to be https://<gateway>/<topic>/, with its last slash"
        )
    log.info("gateway.not_served", status=error.status_code, method=request.method, message=detail)
    return JSONResponse({"detail": detail}, status_code=error.status_code, headers=error.headers)


async def _away(request: Request, error: Exception) -> Response:
    log.warning("gateway.away", method=request.method, message=str(error))
    return JSONResponse({"detail": "The gateway can't keep anything now; try again"}, status_code=503)


async def _failed(request: Request, error: Exception) -> Response:
    log.error("gateway.failed", method=request.method, exc_info=error)
    return JSONResponse({"detail": "An internal failure of the gateway; its log says more"}, status_code=500)
