"""From the TOM's settings to working parts, in process."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from bridge.errors import TomAwayError
from bridge.operations.assemble import Bridge, put_together
from bridge.operations.opening import stream_of
from bridge.receiving.lists import MEMBERS_AT_ONCE
from bridge.tomtoolkit import children, conf
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.receiving.tom import DjangoTom


@contextmanager
def open_bridge(stopped: threading.Event | None = None) -> Iterator[Bridge]:
    """Open the stream, and the ledger and TOM of this process's database; close them at the end.

    ``stopped`` is to be the bridge's own.

    Raises ConfigurationError for a wrong setting, StopError where ``migrate`` has to be run.
    """
    settings = conf.load()
    with ExitStack() as stack:
        stream = stream_of(settings)
        stack.callback(stream.close)
        ledger = DjangoLedger()
        stack.callback(ledger.close)
        tom = DjangoTom.of(settings, ledger)
        stack.callback(tom.close)
        children.NURSERY.stopped = stopped or threading.Event()
        stack.callback(setattr, children.NURSERY, "stopped", threading.Event())
        with suppress(TomAwayError):  # another process is at work on a product: then there is nothing to sweep
            tom.sweep()
        # Waiting within the TOM's transaction would change nothing and keep others out.
        yield put_together(settings, stream, ledger, tom, pause_s=0.0, targets_at_once=MEMBERS_AT_ONCE, stopped=stopped)
