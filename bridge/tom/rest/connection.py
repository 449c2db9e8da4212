"""Being an account of a TOM over HTTP: logged in, with connections that are kept, one a thread.

* An API token is used where the TOM reads tokens (3.x). User and password are traded for one, or else (2.x reads no
  tokens, without saying so) for a session. Basic authentication costs the TOM a password hash a request: never used.
* Anonymous visitors are served like anybody else, with empty lists and even a 201. So it is proven that the account is
  logged in before anything is believed, and every answer is checked for a session that has ended.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from bridge.answers import read_body
from bridge.budget import NO_LIMIT, Budget
from bridge.errors import BudgetSpentError, ConfigurationError, TomAwayError
from bridge.tom.rest.shown import TARGETS, UnexpectedError, decoded, page_of
from bridge.tom.rest.words import retry_after_s, words
from bridge.tom.rest.workers import GRACE_S

log = structlog.get_logger(__name__)

Answer = requests.Response
JSON = "application/json"
READS = frozenset({"GET", "OPTIONS"})

_AWAY = frozenset({429, 502, 503, 504})
_NOT_SESSIONS = frozenset({"csrftoken", "messages"})
_MOST_TIMEOUTS = 10
"""An answer that trickles in has at most this many time-outs."""


@dataclass(frozen=True, kw_only=True)
class RestAccount:
    """The TOM that is written into, and as whom."""

    base_url: str
    """Where the TOM's home page is."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    """An API token of the TOM; preferred to user and password."""
    groups: tuple[str, ...] = ()
    """Names of the groups that see what arrives; the account has to be a member."""
    connections: int = 4
    timeout_s: float = 30.0
    """Seconds without an answer after which the TOM counts as away."""
    name_index_age_s: float = 60.0
    """Seconds after which the local index of names is looked through for what has changed."""
    toolkit: str = "auto"
    """TOM Toolkit's version there; ``auto`` finds out."""
    unprocessed_type: str = "image_file"
    """The TOM's type of data product, without a processor, as which files are kept that it fails to process.

    Empty: they are refused.
    """


@dataclass(frozen=True)
class Request:
    """What is asked of the TOM."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    data: Mapping[str, Any] | None = None
    files: Mapping[str, Any] | None = None
    accept: str = JSON
    most_bytes: int | None = None
    """Bytes of the answer after which no more is read; its content then has more than these."""

    @property
    def asked(self) -> dict[str, Any]:
        """What ``requests`` is told beside method and address."""
        return {"params": self.params, "json": self.json, "data": self.data, "files": self.files}

    @property
    def target(self) -> int | None:
        """The target that is written onto, where there is one."""
        pk = (self.json or self.data or {}).get("target")
        if pk is None and self.method == "PATCH" and self.path.startswith(TARGETS):
            pk = self.path.removeprefix(TARGETS).strip("/")
        return None if pk is None else int(pk)


class _As(requests.auth.AuthBase):
    """Sends the token, or nothing: it keeps ``requests`` from taking a password out of a ``.netrc``."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Token {self._token}"
        return request


@dataclass(frozen=True)
class _Login:
    """What proves who we are: a token, or the cookies of a session."""

    token: str | None = field(repr=False)
    cookies: tuple[Cookie, ...] = field(default=(), repr=False)

    @property
    def session_cookies(self) -> frozenset[str]:
        return frozenset(cookie.name for cookie in self.cookies) - _NOT_SESSIONS


class Connection:
    """Sends requests to one TOM as one account, logged in at the first one. May be used by many threads.

    Raises TomAwayError where the TOM can't be reached or says that it can't work now, ConfigurationError where the
    account is not accepted.
    """

    def __init__(self, account: RestAccount) -> None:
        self.account = account
        self.base_url = normalised(account.base_url)
        self._login: _Login | None = None
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        self._opened: list[requests.Session] = []

    def close(self) -> None:
        """Close all connections."""
        for session in list(self._opened):
            session.close()

    def send(self, request: Request, budget: Budget = NO_LIMIT) -> Answer:
        """Ask as the account; where the log-in has ended, log in anew once and ask again."""
        self._of_thread.budget = budget
        for last in (False, True):
            login = self._logged_in()
            session = self._session(login)
            answer = self._send(session, request, token=login.token is not None)
            if self._ended(login, session, answer):
                log.info("tom.login_ended", base_url=self.base_url, status=answer.status_code)
                self._forget(login)
                if last:
                    raise self._not_accepted(f"the log-in does not last: {words(answer)}")
                continue
            self._check_place(answer)
            return answer
        raise AssertionError("unreachable: the second attempt returns or raises")

    def _ended(self, login: _Login, session: requests.Session, answer: Answer) -> bool:
        if login.token is not None:
            return answer.status_code == 401
        # Django takes the cookie back with the first answer that finds no session behind it.
        gone = login.session_cookies - {cookie.name for cookie in session.cookies}
        return bool(gone) or answer.status_code == 401 or "/login" in answer.headers.get("Location", "")

    def _send(self, session: requests.Session, request: Request, *, token: bool = False) -> Answer:
        headers = {"Accept": request.accept, "Referer": self.base_url + "/"}
        csrf = session.cookies.get("csrftoken")
        if csrf and not token and request.method not in READS:
            headers["X-CSRFToken"] = csrf
        budget: Budget = getattr(self._of_thread, "budget", NO_LIMIT)
        longest = self.account.timeout_s
        timeout_s = max(budget.left_s(longest), min(longest, GRACE_S))
        try:
            answer = session.request(
                request.method,
                urljoin(self.base_url + "/", request.path.lstrip("/")),
                headers=headers,
                timeout=timeout_s,
                allow_redirects=False,  # credentials go nowhere else
                stream=True,
                **request.asked,
            )
            is_over = _is_over(time.monotonic() + _MOST_TIMEOUTS * timeout_s, budget)
            read_body(answer, request.most_bytes, is_over)
        except requests.Timeout:
            if budget.spent:
                raise BudgetSpentError(f"the TOM did not answer within the {timeout_s:g} s that were left") from None
            raise self.away(f"did not answer within {timeout_s:g} s") from None
        except requests.RequestException as error:
            raise self.away(f"can't be reached ({_cause(error)})") from None
        if answer.status_code in _AWAY:
            raise self.away(f"answers {words(answer)}", retry_after_s(answer))
        return answer

    def away(self, what: str, after_s: float | None = None) -> TomAwayError:
        """Return what to raise where the TOM is away."""
        return TomAwayError(what, where=f"the TOM at {self.base_url}", retry_after_s=after_s)

    def _check_place(self, answer: Answer) -> None:
        location = answer.headers.get("Location")
        if answer.is_redirect and location:
            raise ConfigurationError(
                f"{self.base_url} sends on to {location}",
                where="tom.base_url",
                mend="Write the address of the TOM's home page as it is in the end",
            )

    def unexpected(self, path: str, error: UnexpectedError) -> TomAwayError:
        """Return what to raise where something answers that is not a TOM's API."""
        return TomAwayError(
            f"{path} is answered with {error.given}; {error.expected} was expected",
            where=f"the TOM at {self.base_url}",
            mend="If this lasts, look at that address: a proxy or another service may answer in place of the TOM",
        )

    # -- logging in ---------------------------------------------------------------------------------------------------

    def _session(self, login: _Login) -> requests.Session:
        """Return this thread's connection, as the account."""
        if getattr(self._of_thread, "login", None) is not login:
            old = getattr(self._of_thread, "session", None)
            if old is not None:
                old.close()
            self._of_thread.session = self._open(login)
            self._of_thread.login = login
        session: requests.Session = self._of_thread.session
        return session

    def _open(self, login: _Login | None) -> requests.Session:
        session = requests.Session()
        # A kept connection may be closed by the TOM just when it is used again: what reads is asked twice.
        again = Retry(total=1, redirect=0, status=0, allowed_methods={"GET", "OPTIONS"}, raise_on_status=False)
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=again))
        session.auth = _As(login.token if login else None)
        if login is not None:
            for cookie in login.cookies:
                session.cookies.set_cookie(cookie)
        self._opened.append(session)
        return session

    def _logged_in(self) -> _Login:
        with self._lock:
            if self._login is None:
                self._login = self._log_in()
            return self._login

    def _forget(self, login: _Login) -> None:
        with self._lock:
            if self._login is login:
                self._login = None

    def _log_in(self) -> _Login:
        account = self.account
        session = self._open(None)
        try:
            reads_tokens = self._reads_tokens(session)
            if account.api_key and reads_tokens and self._accepts(account.api_key):
                return _Login(account.api_key)
            if account.username and account.password:
                token = self._traded(session) if reads_tokens else None
                return _Login(token) if token and self._accepts(token) else self._session_login(session)
            if not reads_tokens and self._is_locked(session):
                # AUTH_STRATEGY = 'LOCKED': all without a session are turned away before a token is read.
                raise ConfigurationError(
                    f"the TOM at {self.base_url} is locked for those who come with a token",
                    where="tom.api_key",
                    mend="Set username and password, or add '/api/*' to the TOM's OPEN_URLS",
                )
            if not reads_tokens:
                raise ConfigurationError(
                    f"the TOM at {self.base_url} reads no API tokens",
                    where="tom.api_key",
                    mend="Set username and password (TOM Toolkit before 3.0 reads tokens only where it is told to)",
                )
            raise self._not_accepted("the TOM does not accept the API token")
        finally:
            session.close()
            self._opened.remove(session)

    def _reads_tokens(self, session: requests.Session) -> bool:
        """Return whether the TOM reads tokens: then it refuses one that can't exist."""
        session.auth = _As("no-token-of-anybody")
        answer = self._send(session, Request("GET", "/api/groups/"))
        session.auth = _As(None)
        if answer.status_code == 404:
            raise ConfigurationError(
                f"there is no API of a TOM at {self.base_url}",
                where="tom.base_url",
                mend="Write the address of the TOM's home page",
            )
        if "/login" not in answer.headers.get("Location", ""):
            self._check_place(answer)
        if answer.status_code >= 500:
            raise self.away(f"answers {words(answer)}")
        if answer.status_code == 200:
            self._check_is_page(answer)
        return answer.status_code in {401, 403} and "detail" in answer.text

    def _check_is_page(self, answer: Answer) -> None:
        try:
            page_of(decoded(answer))
        except UnexpectedError as error:
            raise self.unexpected("/api/groups/", error) from None

    def _is_locked(self, session: requests.Session) -> bool:
        return self._send(session, Request("GET", "/api/groups/")).status_code != 200

    def _accepts(self, token: str) -> bool:
        session = self._open(_Login(token))
        try:
            answer = self._send(session, Request("GET", "/api/groups/"))
        finally:
            session.close()
            self._opened.remove(session)
        if answer.status_code >= 500:
            raise self.away(f"answers {words(answer)}")
        return answer.status_code == 200

    def _traded(self, session: requests.Session) -> str | None:
        """Return the token for user and password, or None where the TOM gives none."""
        given = {"username": self.account.username, "password": self.account.password}
        answer = self._send(session, Request("POST", "/api/token-auth/", json=given))
        if answer.status_code == 400:
            raise self._not_accepted(words(answer))
        try:
            return str(answer.json()["token"]) if answer.status_code == 200 else None
        except (ValueError, KeyError, TypeError):
            return None

    def _session_login(self, session: requests.Session) -> _Login:
        """Log in as a browser does, and prove it with a page that only those who are logged in may see."""
        self._send(session, Request("GET", "/accounts/login/", accept="text/html"))
        form = {
            "username": self.account.username,
            "login": self.account.username,  # what django-allauth (3.1) calls it
            "password": self.account.password,
            "csrfmiddlewaretoken": session.cookies.get("csrftoken", ""),
        }
        answer = self._send(session, Request("POST", "/accounts/login/", data=form, accept="text/html"))
        if answer.status_code >= 500:
            raise self.away(f"answers {words(answer)}")
        if answer.status_code != 302:
            raise self._not_accepted("the TOM does not accept user and password")
        proof = self._send(session, Request("GET", "/users/profile/", accept="text/html"))
        if proof.status_code != 200:
            asked_for = urlsplit(answer.headers.get("Location", "")).path
            raise self._not_accepted(f"the TOM wants more than a password (it asks for {asked_for})")
        return _Login(None, tuple(cookie for cookie in session.cookies))

    def _not_accepted(self, what: str) -> ConfigurationError:
        key = "tom.api_key" if self.account.api_key and not self.account.password else "tom.password"
        mend = "Set a valid API token (on the TOM's profile page) or user and password"
        return ConfigurationError(f"{self.base_url}: {what}", where=key, mend=mend)


def normalised(base_url: str) -> str:
    """Return ``base_url`` in the one form that tells TOMs apart: lower-case host, no standard port, no end slash."""
    parts = urlsplit(base_url.strip())
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"{base_url!r} is no address of a TOM", where="tom.base_url", mend="Write https://tom.example.org"
        )
    standard = {"http": 80, "https": 443}[parts.scheme.lower()]
    port = f":{parts.port}" if parts.port not in {None, standard} else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme.lower()}://{host}{port}{parts.path.rstrip('/')}"


def _is_over(until: float, budget: Budget) -> Callable[[], bool]:
    """Return what says whether an answer has had its time: ``until``, or a while after the budget was spent."""
    spent_at: float | None = None

    def is_over() -> bool:
        nonlocal spent_at
        now = time.monotonic()
        if spent_at is None and budget.spent:
            spent_at = now
        return now > until or (spent_at is not None and now > spent_at + GRACE_S)

    return is_over


def _cause(error: BaseException) -> str:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason or error).__name__
