"""Parts of a TOM's bridge that are opened for one command."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from bridge.events import Kind
from bridge.ledger.port import Filter, Ledger, Outcome
from bridge.ledger.sqlite import SqliteLedger
from bridge.operations.assemble import account_of, ledger_of, stream_of
from bridge.publishing.sources.local_tom import LocalTom
from bridge.settings import Settings
from bridge.stream.routed import RoutedStream
from bridge.tom.port import Fate
from bridge.tom.rest.session import RestSession

_ALL = 1_000_000_000


@contextmanager
def opened_stream(settings: Settings, *, only: str | None = None) -> Iterator[RoutedStream]:
    """Open the configured streams, as one, for a block, or the one of the label ``only``."""
    with closing(stream_of(settings, only=only)) as stream:
        yield stream


@contextmanager
def opened_ledger(settings: Settings) -> Iterator[SqliteLedger]:
    """Open the configured ledger for a block; it is made where there is none."""
    with closing(ledger_of(settings)) as ledger:
        yield ledger


@contextmanager
def opened_local_tom(settings: Settings, own_sources: Sequence[str] = ()) -> Iterator[LocalTom]:
    """Open the configured TOM for reading; ``own_sources`` are further names of what is its own."""
    with closing(RestSession(account_of(settings))) as session, opened_ledger(settings) as ledger:
        yield LocalTom(session, (settings.display_name, *own_sources), _received_products(ledger))


def _received_products(ledger: Ledger) -> set[str]:
    """Return the ids of the data products that came from other TOMs."""
    wanted = Filter(kind=str(Kind.DATA_PRODUCT), outcome=Outcome.APPLIED, most=_ALL)
    products = (entry.detail.get("product") for entry in ledger.entries(wanted))
    return {
        str(product["product_id"])
        for product in products
        if isinstance(product, Mapping) and product["fate"] == Fate.NEW
    }
