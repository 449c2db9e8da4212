"""Talking with a TOM over HTTP: who the bridge is there, and whether a failure is the TOM's or the request's.

* An API token is used where the TOM reads tokens (3.x). User and password are traded for one, or else (2.x reads no
  tokens, without saying so) for a session. Basic authentication costs the TOM a password hash a request: never used.
* Anonymous visitors are served like anybody else, with empty lists and even a 201. So it is proven that the account is
  logged in before anything is believed, and every answer is checked for a session that has ended.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from bridge.errors import ConfigurationError, TomAwayError
from bridge.tom.rest.versions import Toolkit
from bridge.tom.rest.words import retry_after_s, words

log = structlog.get_logger(__name__)

Answer = requests.Response
Json = Any

_AWAY = frozenset({429, 502, 503, 504})
_NOT_SESSIONS = frozenset({"csrftoken", "messages"})


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


class RestSession:
    """Requests to one TOM as one account, logged in at the first one. :meth:`request` may be called by many threads.

    Every method raises TomAwayError where the TOM can't be reached or can't work now, and ConfigurationError where the
    account is not accepted.
    """

    def __init__(self, account: RestAccount) -> None:
        self.account = account
        self.base_url = normalised(account.base_url)
        self._login: _Login | None = None
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        self._opened: list[requests.Session] = []
        self._toolkit: Toolkit | None = None

    def close(self) -> None:
        """Close all connections."""
        for session in self._opened:
            session.close()

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
        accept: str = "application/json",
    ) -> Answer:
        """Return the answer of a TOM that works: 2xx, or a 4xx or 500 that is the request's own fault.

        A 500 is the request's fault only where a request known to be good succeeds right after it.
        """
        asked: dict[str, Any] = {"params": params, "json": json, "data": data, "files": files}
        answer = self._as_account(method, path, asked, accept)
        if answer.status_code >= 500 and not self._works():
            raise TomAwayError(
                f"answers {answer.status_code}, and to a good request too", where=f"the TOM at {self.base_url}"
            )
        return answer

    def get(self, path: str, **params: Any) -> Json:
        """Return what the TOM holds at ``path``, decoded; anything but 200 counts as away."""
        answer = self.request("GET", path, params=params)
        return self.decoded(answer, path)

    def decoded(self, answer: Answer, path: str) -> Json:
        """Return the JSON of a good answer."""
        try:
            if answer.status_code == 200:
                return answer.json()
        except ValueError:
            pass
        raise TomAwayError(f"GET {path} answers {words(answer)}", where=f"the TOM at {self.base_url}")

    def _as_account(self, method: str, path: str, asked: dict[str, Any], accept: str) -> Answer:
        """Ask as the account; where the log-in has ended, log in anew once and ask again."""
        for last in (False, True):
            login = self._logged_in()
            session = self._session(login)
            answer = self._send(session, method, path, asked, accept, token=login.token is not None)
            if self._ended(login, session, answer):
                log.info("tom.login_ended", base_url=self.base_url, status=answer.status_code)
                self._forget(login)
                if last:
                    raise self._not_accepted(f"the log-in does not last: {words(answer)}")
                _rewind(asked)
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

    def _send(
        self,
        session: requests.Session,
        method: str,
        path: str,
        asked: Mapping[str, Any],
        accept: str = "application/json",
        *,
        token: bool = False,
    ) -> Answer:
        headers = {"Accept": accept, "Referer": self.base_url + "/"}
        csrf = session.cookies.get("csrftoken")
        if csrf and not token and method not in {"GET", "OPTIONS"}:
            headers["X-CSRFToken"] = csrf
        try:
            answer = session.request(
                method,
                urljoin(self.base_url + "/", path.lstrip("/")),
                headers=headers,
                timeout=self.account.timeout_s,
                allow_redirects=False,  # credentials go nowhere else
                **asked,
            )
        except requests.Timeout:
            raise self._away(f"did not answer within {self.account.timeout_s:g} s") from None
        except requests.RequestException as error:
            raise self._away(f"can't be reached ({_cause(error)})") from None
        if answer.status_code in _AWAY:
            raise self._away(f"answers {words(answer)}", retry_after_s(answer))
        return answer

    def _away(self, what: str, after_s: float | None = None) -> TomAwayError:
        return TomAwayError(what, where=f"the TOM at {self.base_url}", retry_after_s=after_s)

    def _check_place(self, answer: Answer) -> None:
        location = answer.headers.get("Location")
        if answer.is_redirect and location:
            raise ConfigurationError(
                f"{self.base_url} sends on to {location}",
                where="tom.base_url",
                mend="Write the address of the TOM's home page as it is in the end",
            )

    def _works(self) -> bool:
        """Return whether a request that is known to be good succeeds."""
        asked = {"params": {"limit": 1}}
        login = self._logged_in()
        try:
            answer = self._send(self._session(login), "GET", "/api/targets/", asked, token=login.token is not None)
        except TomAwayError:
            return False
        return answer.status_code == 200

    def check_writes(self, target_pk: int | None) -> None:
        """Raise TomAwayError where the TOM can't write: a ``PATCH`` of a target that changes nothing fails with 500.

        A database locked by another writer answers reads and fails writes, which looks like the event's own fault.
        """
        if target_pk is not None:
            answer = self.request("PATCH", f"/api/targets/{target_pk}/", json={})
            if answer.status_code >= 500:
                raise self._away(f"can't write ({words(answer)})")

    # -- being somebody -----------------------------------------------------------------------------------------------

    @property
    def toolkit(self) -> Toolkit:
        """What the TOM's TOM Toolkit is like."""
        if self._toolkit is None:
            if self.account.toolkit != "auto":
                self._toolkit = Toolkit.forced(self.account.toolkit)
            else:
                self._toolkit = Toolkit.seen(self._described("/api/targets/"), self._described("/api/reduceddatums/"))
            log.info("tom.toolkit", base_url=self.base_url, typed_datums=self._toolkit.typed_datums)
        return self._toolkit

    def _described(self, path: str) -> Mapping[str, Any]:
        described = self.decoded(self.request("OPTIONS", path), path)
        fields = described.get("actions", {}).get("POST", {})
        return fields if isinstance(fields, dict) else {}

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
        answer = self._send(session, "GET", "/api/groups/", {})
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
            raise self._away(f"answers {words(answer)}")
        return answer.status_code in {401, 403} and "detail" in answer.text

    def _is_locked(self, session: requests.Session) -> bool:
        return self._send(session, "GET", "/api/groups/", {}).status_code != 200

    def _accepts(self, token: str) -> bool:
        session = self._open(_Login(token))
        try:
            answer = self._send(session, "GET", "/api/groups/", {})
        finally:
            session.close()
            self._opened.remove(session)
        if answer.status_code >= 500:
            raise self._away(f"answers {words(answer)}")
        return answer.status_code == 200

    def _traded(self, session: requests.Session) -> str | None:
        """Return the token for user and password, or None where the TOM gives none."""
        given = {"username": self.account.username, "password": self.account.password}
        answer = self._send(session, "POST", "/api/token-auth/", {"json": given})
        if answer.status_code == 400:
            raise self._not_accepted(words(answer))
        try:
            return str(answer.json()["token"]) if answer.status_code == 200 else None
        except (ValueError, KeyError, TypeError):
            return None

    def _session_login(self, session: requests.Session) -> _Login:
        """Log in as a browser does, and prove it with a page that only those who are logged in may see."""
        self._send(session, "GET", "/accounts/login/", {}, "text/html")
        form = {
            "username": self.account.username,
            "login": self.account.username,  # what django-allauth (3.1) calls it
            "password": self.account.password,
            "csrfmiddlewaretoken": session.cookies.get("csrftoken", ""),
        }
        answer = self._send(session, "POST", "/accounts/login/", {"data": form}, "text/html")
        if answer.status_code >= 500:
            raise self._away(f"answers {words(answer)}")
        if answer.status_code != 302:
            raise self._not_accepted("the TOM does not accept user and password")
        proof = self._send(session, "GET", "/users/profile/", {}, "text/html")
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


def _rewind(asked: Mapping[str, Any]) -> None:
    for part in (asked.get("files") or {}).values():
        content = part[1] if isinstance(part, tuple) else part
        if hasattr(content, "seek"):
            content.seek(0)


def _cause(error: BaseException) -> str:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return type(reason or error).__name__
