"""What is to be shared of the local TOM, and what had to be left out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from bridge.events import Body, Kind, TargetReference
from bridge.ledger.port import Filter, Ledger, Outcome
from bridge.operations.assemble import account_of
from bridge.operations.opening import opened_ledger
from bridge.publishing.bodies import bodies_of
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.local_tom import LocalTom, Reading
from bridge.settings import Settings
from bridge.tom.port import Fate
from bridge.tom.rest.session import RestSession

_ALL = 1_000_000_000

Read = tuple[list[Body], list[str]]
"""Bodies of events, and what was left out, a line each."""


def read_reference(settings: Settings, name: str) -> TargetReference:
    """Return the local TOM's own reference to a target: name, aliases, type, position. Raises SourceError."""
    with _opened_local_tom(settings) as tom:
        return tom.target(tom.find(name)).reference


def read_target(settings: Settings, name: str, *, with_data: bool, own_sources: Sequence[str]) -> Read:
    """Return a target and, ``with_data``, its reduced datums. Raises SourceError, also where nothing is left."""
    reading = Reading()
    bodies: list[Body] = []
    with _opened_local_tom(settings, own_sources) as tom:
        shown = tom.find(name)
        own = tom.own_target(shown, reading)
        bodies += [own] if own is not None else []
        if with_data:
            bodies += bodies_of(tom.target(shown).reference, tom.datums(shown["id"], reading))
    if not bodies:
        raise SourceError("nothing is left to share", where=f"target {name!r}", problems=reading.lines())
    return bodies, reading.lines()


def read_list(settings: Settings, name: str, *, with_targets: bool, own_sources: Sequence[str]) -> Read:
    """Return a list, ``with_targets`` with the targets that are this TOM's own. Raises SourceError."""
    reading = Reading()
    with _opened_local_tom(settings, own_sources) as tom:
        lists = tom.target_lists(name, with_targets=with_targets, reading=reading)
    return [*lists], reading.lines()


@contextmanager
def _opened_local_tom(settings: Settings, own_sources: Sequence[str] = ()) -> Iterator[LocalTom]:
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
