"""The gateway put together, and its accounts."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

import structlog

from bridge.errors import BridgeError, ConfigurationError, InvalidEventError, StopError
from bridge.events import Share, Target, checked_part
from bridge.file_lock import FileLock
from bridge.gateway import FILE, accounts
from bridge.gateway.accepting import Accepting
from bridge.gateway.accounts import Account
from bridge.gateway.composing import Composer
from bridge.gateway.fetching import Fetching
from bridge.gateway.hermes import Messages
from bridge.gateway.sizes import Sizes
from bridge.gateway.store import Known, Store
from bridge.ledger.sqlite import SqliteLedger
from bridge.operations.assemble import account_of, streams_of
from bridge.operations.opening import ledger_of, opened_ledger, stream_of
from bridge.origins import of_a_tom
from bridge.publishing.outbox import Queued
from bridge.publishing.relay import Pace, Relay
from bridge.settings import Settings

log = structlog.get_logger(__name__)

_USER_NAME = re.compile(r"[!-9;-~]{1,100}")
_STOPPED_S = 30.0
"""Seconds between two tries of a relay that a person has to help: what TOMs send is taken meanwhile."""
_BEAT_S = 10.0
_SHARE_S = 10.0
"""Seconds without a request after which the next one is another share."""


# -- accounts -----------------------------------------------------------------------------------------------------


@contextmanager
def opened_store(settings: Settings) -> Iterator[Store]:
    """Open the gateway's file for a block; it is made where there is none."""
    with closing(Store(settings.state)) as store:
        yield store


def add_account(
    settings: Settings,
    name: str,
    *,
    topics: Sequence[str],
    origin: str | None = None,
    display_name: str | None = None,
    installation: UUID | None = None,
) -> str:
    """Add the account of a TOM, and return its secret. Raises ConfigurationError."""
    chosen = origin or settings.require_origin()
    for topic in topics:
        settings.stream_of(topic)
    if chosen == settings.origin:
        with opened_ledger(settings) as ledger:
            installation = ledger.installation
    shown = display_name or (settings.display_name if chosen == settings.origin else chosen)
    known_as = installation or uuid4()
    _check_account(name, chosen, shown, known_as)
    with opened_store(settings) as store:
        return accounts.add(
            store,
            name=name,
            origin=chosen,
            display_name=shown,
            installation=known_as,
            topics=list(dict.fromkeys(topics)),
        )


def _check_account(name: str, origin: str, display_name: str, installation: UUID) -> None:
    """Raise ConfigurationError where nobody could log in by that name, or no event could be made of what comes."""
    where = f"account {name!r}"
    if not _USER_NAME.fullmatch(name):
        what = "the name can't be logged in with: it needs 1 to 100 visible characters of ASCII, without a colon"
        raise ConfigurationError(what, where=where, mend="Give it another name, as north-tom")
    try:
        checked_part(Share, {"origin": origin, "origin_name": display_name, "installation": installation}, where=where)
    except InvalidEventError as error:
        mend = "See --origin (small letters, digits, '.', '_', '-') and --display-name (at most 100 characters)"
        raise ConfigurationError(error.what, where=where, mend=mend) from None
    try:
        of_a_tom(origin)
    except ValueError as error:
        raise ConfigurationError(str(error), where=where, mend="Name another by --origin") from None


# -- the service ----------------------------------------------------------------------------------------------------


class _Beside:
    """The ledger beside the gateway, that of the configured TOM, for several threads."""

    def __init__(self, settings: Settings) -> None:
        self._origin = settings.origin
        self._lock = threading.Lock()
        self._ledger: SqliteLedger = ledger_of(settings)
        self._installation = self._ledger.installation

    def has_written(self, account: Account, digest: bytes) -> bool:
        """Return whether the bridge wrote a row of this digest into the TOM of an account."""
        if account.origin != self._origin:
            return False
        with self._lock:
            return self._ledger.has_written(digest)

    def installation(self, account: Account) -> UUID:
        """Return the installation that an account publishes as: a consumer and a gateway of one TOM are one."""
        return self._installation if account.origin == self._origin else account.installation

    def close(self) -> None:
        """Release the ledger."""
        self._ledger.close()


@dataclass(frozen=True)
class Parts:
    """The parts of a gateway, put together; what answers over HTTP is made of them elsewhere."""

    accepting: Accepting
    messages: Messages
    of_token: Callable[[str], Account | None]
    who_is: Callable[[str, str], Account | None]
    composer: Composer
    relay: Callable[[], Relay]
    beat: Callable[[str], None]
    sizes: Sizes
    queued: Callable[[], Queued]


@contextmanager
def opened_gateway(settings: Settings) -> Iterator[Parts]:
    """Open all parts of the gateway for a block. Raises ConfigurationError."""
    with ExitStack() as stack:

        def store() -> Store:
            opened = Store(settings.state)
            stack.callback(opened.close)
            return opened

        beside, how = _Beside(settings), settings.publish.of
        stack.callback(beside.close)
        fetch = _fetch_of(settings, stack)
        logins, logins_lock = store(), threading.Lock()

        def who_is(name: str, secret: str) -> Account | None:
            with logins_lock:
                return accounts.whose(logins, name, secret)

        def topics() -> set[str]:
            with logins_lock:
                named = {topic for account in accounts.every(logins) for topic in account.topics}
            return {topic for topic in named if not settings.stream_of(topic).over_rest}

        sizes = Sizes(partial(stream_of, settings), topics)

        def of_token(token: str) -> Account | None:
            with logins_lock:
                return accounts.of_token(logins, token)

        composer = Composer(
            store(), fetch=fetch, installation=beside.installation, how=how, pause_s=settings.gateway.pause_s
        )

        def relay() -> Relay:
            return Relay(
                open_outbox=lambda: Store(settings.state),
                open_streams=lambda: streams_of(settings),
                schema_topic=settings.schema_topic_of,
                named=settings.publish.named,
                lease=FileLock(settings.state / f"{FILE}.lock", where="state"),
                pace=Pace(poll_s=0.2, look_s=0.2),
                look=composer.look,
            )

        yield Parts(
            accepting=Accepting(
                store(),
                has_written=beside.has_written,
                how=how,
                anonymous=settings.gateway.anonymous,
                share_s=_SHARE_S,
                most_bytes=sizes.most_bytes,
            ),
            messages=Messages(store(), has_written=beside.has_written, installation=beside.installation, how=how),
            of_token=of_token,
            who_is=who_is,
            composer=composer,
            relay=relay,
            beat=store().beat,
            sizes=sizes,
            queued=store().queued,
        )


def _fetch_of(settings: Settings, stack: ExitStack) -> Callable[[Account, Known], Target | None]:
    """Return what asks the configured TOM for a target; nobody else's TOM can be asked."""
    if settings.tom is None or settings.origin is None:
        return lambda _account, _known: None
    fetching = Fetching(account_of(settings))
    stack.callback(fetching.close)
    own = settings.origin

    def fetch(account: Account, known: Known) -> Target | None:
        return fetching.target(known) if account.origin == own else None

    return fetch


def relay_until(parts: Parts, stopped: threading.Event, address: str) -> None:
    """Publish until ``stopped``; where a person has to do something first, say so and try again."""
    beating = threading.Thread(target=_beat, args=(parts, stopped, address), name="gateway-beat", daemon=True)
    beating.start()
    parts.sizes.watch(stopped)
    while not stopped.is_set():
        try:
            parts.relay().run(stopped)
        except StopError as error:
            log.warning("gateway.publishes_nothing", message=str(error), again_in_s=_STOPPED_S)
            stopped.wait(_STOPPED_S)
    beating.join()


def _beat(parts: Parts, stopped: threading.Event, address: str) -> None:
    while True:
        try:
            parts.beat(address)
        except BridgeError as error:
            log.info("gateway.not_noted", message=str(error))
        if stopped.wait(_BEAT_S):
            return
