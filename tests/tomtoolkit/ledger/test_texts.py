"""Texts that strangers invent: they go with the last row that has them, and no other does."""

from typing import Any

import pytest
from parts.django_tom import InProcessTom
from parts.entries import PARTITION, TOPIC_ID, Arrival, record

from bridge.errors import TomAwayError
from bridge.events import EventRef
from bridge.ledger.model import Filter, Outcome, Reason

pytestmark = pytest.mark.usefixtures("orm_tom")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch, orm_tom: InProcessTom) -> None:
    """Let a handful of texts be too many."""
    from bridge.tomtoolkit.ledger import texts

    monkeypatch.setattr(texts, "FEW", 3)
    monkeypatch.setattr(texts, "_AT_ONCE", 2)


def flood(ledger: Any, since: int, number: int) -> None:
    """Record what invents an origin, a name, a kind and a person each time."""
    with ledger.unit() as unit:
        for offset in range(since, since + number):
            invented = {name: f"{name}{offset}" for name in ("origin_name", "kind", "shared_by")}
            arrival = Arrival(offset=offset, origin=f"stranger{offset}")
            unit.record(arrival.entry(Outcome.IGNORED, Reason.OURS, **invented))


def there() -> set[str]:
    from bridge.tomtoolkit.models import Text

    return set(Text.objects.values_list("text", flat=True))


def test_what_a_stranger_invents_goes_with_what_it_sent_and_all_else_stays() -> None:
    from tom_targets.models import Target

    from bridge.tomtoolkit.database import writing
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.models import Written
    from bridge.tomtoolkit.receiving import written
    from bridge.tomtoolkit.rows.noted import parts_of

    ledger = DjangoLedger()
    done, stays, noted = Arrival(offset=0, origin="done"), Arrival(offset=90, origin="stays"), Arrival(origin="noted")
    with ledger.unit() as unit:
        unit.record(done.entry(Outcome.APPLIED, shared_by="ada"))
        unit.witness([done.ref])
    record(ledger, stays)
    with writing():
        row = Target.objects.create(name="A", type="SIDEREAL", ra=1.0, dec=2.0)
        written.note("default", Target, written.notes([row], EventRef("noted", noted.event_id)))
    flood(ledger, 1, 20)
    before = there()
    assert len(before) > 80
    assert ledger.forget(PARTITION, TOPIC_ID, 50) == 21
    left = there()
    assert left < before
    assert not {text for text in left if text[-1:].isdigit()}
    assert "ada" not in left
    assert {"done", "stays", "noted"} <= left
    assert [entry.origin for entry in ledger.entries(Filter())] == ["stays"]
    assert ledger.known([done.ref])[done.ref].witness is not None
    assert [part.event.origin for part in parts_of(Written.objects.get())] == ["noted"]
    flood(ledger, 100, 1)
    assert ledger.entries(Filter(origin="stranger100")), "a text that went comes again"


def test_few_texts_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.tomtoolkit.ledger import texts
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    monkeypatch.setattr(texts, "FEW", 1_000)
    monkeypatch.setattr(texts, "_unused", None)
    ledger = DjangoLedger()
    flood(ledger, 0, 5)
    assert ledger.forget(PARTITION, TOPIC_ID, 9) == 5


def test_a_text_that_somebody_is_about_to_write_is_not_taken_away(orm_tom: InProcessTom) -> None:
    """Whoever has asked for the key of a text may write it until the end of the transaction."""
    from django.db import transaction

    from bridge.tomtoolkit.ledger import texts
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.models import Done, make_keys_of

    if orm_tom.vendor == "sqlite":
        pytest.skip("on SQLite nobody writes meanwhile")
    flood(DjangoLedger(), 0, 3)
    DjangoLedger().forget(PARTITION, TOPIC_ID, 9)
    make_keys_of("default", ["a", "b", "c", "d"])
    with transaction.atomic(using="second"):
        make_keys_of("second", ["a"])
        with pytest.raises(TomAwayError):
            texts.sweep("default")
        Done.objects.using("second").create(event_id=Arrival().event_id, origin="a", witness="done")
    assert texts.sweep("default")
    assert Done.objects.values_list("origin", "witness").get() == ("a", "done")
