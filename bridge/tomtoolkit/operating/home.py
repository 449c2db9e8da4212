"""Inside of a TOM: the commands' settings, ledger and TOM are those of this process."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from django.core.checks import ERROR

from bridge.errors import ConfigurationError
from bridge.ledger.port import Ledger
from bridge.operations.assemble import Bridge
from bridge.operations.finding import Finding
from bridge.publishing.outbox import Outbox
from bridge.tomtoolkit import checks, conf
from bridge.tomtoolkit.database import close_old, translating
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.operating.assemble import open_bridge
from bridge.tomtoolkit.operating.doctor import examine
from bridge.tomtoolkit.operating.health import problems
from bridge.tomtoolkit.operating.mail import DailyMail
from bridge.tomtoolkit.operating.retrying import retry_requested
from bridge.tomtoolkit.sharing.outbox import DjangoOutbox

NOT_HERE = frozenset({"init", "publish", "gateway"})
"""Commands that mean nothing inside of a TOM: it has Django's settings, and shares by its outbox."""
_COMMAND = re.compile(
    r"\btom-bridge (?=(?:consume|replay|status|shares|parked|dead|identity|position|topics|tail|doctor|outbox)\b)"
)


class Inside:
    """Inside of the TOM that runs the command."""

    @cached_property
    def _daily_mail(self) -> DailyMail:
        return DailyMail(self.settings)

    @cached_property
    def settings(self) -> conf.AppSettings:
        """The TOM's settings. Raises ConfigurationError for the first thing that is wrong."""
        settings = conf.load()
        for found in checks.check_settings():
            if found.level >= ERROR:
                raise ConfigurationError(found.msg.rstrip("."), mend=found.hint or "")
        return settings

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """Open the ledger in the TOM's database for a block."""
        ledger = DjangoLedger()
        try:
            yield ledger
        finally:
            ledger.close()

    @contextmanager
    def bridge(self, stopped: threading.Event | None = None) -> Iterator[Bridge]:
        """Open the stream, and this TOM's ledger and models, for a block."""
        self.settings.require_origin()  # what the checks find is told before anything is opened
        with open_bridge(stopped) as bridge:
            yield bridge

    def examine(self) -> Iterator[Finding]:
        """Yield what is found in settings, database, stream, and what TOM Toolkit shares by itself."""
        return examine()

    def problems(self, stalled_s: float) -> list[str]:
        """Return what is wrong in the TOM: groups that are gone, shares that wait."""
        return problems(stalled_s=stalled_s)

    def gateway(self) -> None:
        """Return nothing: a TOM that has the app needs no gateway."""

    @contextmanager
    def outbox(self) -> Iterator[Outbox]:
        """Open the outbox in the TOM's database for a block."""
        outbox = DjangoOutbox()
        try:
            yield outbox
        finally:
            outbox.close()

    def besides(self, bridge: Bridge) -> None:
        """Close connections that have grown old, try what was asked for on a page, send the mail where it is time."""
        close_old()
        with translating():
            retry_requested(bridge)
            self._daily_mail.send_when_due(bridge.ledger)

    def named(self, text: str) -> str:
        """Return a text with its commands as they are called here."""
        return named(text)


def named(text: str) -> str:
    """Return a text with ``tom-bridge status`` as ``manage.py bridgestatus``."""
    return _COMMAND.sub("manage.py bridge", text)
