"""A flood of forged records between good events: each is one dead letter at most, and nobody else notices."""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_fixtures import MakeOrmTom
from parts.forged import Forger, with_the_ids_of
from parts.shares import on_day

from bridge.ledger.port import Filter, Outcome, Reason
from bridge.ledger.rules import HEAD_BYTES

FORGED, GOOD = 10_000, 40
BETWEEN = FORGED // GOOD


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def test_ten_thousand_forged_records_are_a_dead_letter_each_and_cost_no_good_event(
    make_orm_tom: MakeOrmTom, url: str, tmp_path: Path
) -> None:

    tom = make_orm_tom("sqlite")
    from tom_dataproducts.models import PhotometryReducedDatum

    tom.make_target("SN 2024abc")
    alpha, beta = Publishing(url), SubscribedInProcess(tom, url, tmp_path)
    good = [alpha.share.event(on_day(day)) for day in range(1, GOOD + 1)]
    thieves = with_the_ids_of(good)
    forger = Forger(alpha.share, ours="beta", seen=good)
    forged = [forger.forge(number) for number in range(BETWEEN)]
    for event, thief in zip(good, thieves, strict=True):
        alpha.publish(thief)
        for key, value, headers in forged:
            alpha.stream.publish(alpha.topic, key=key, value=value, headers=headers)
        alpha.publish(event)
    beta.drain()

    with beta.open() as bridge:
        sums, positions = bridge.ledger.sums(), bridge.ledger.positions()
        entries = bridge.ledger.entries(Filter(most=2 * FORGED))
        mail = _mail_of(beta)
    outcomes = {(entry.origin, entry.event_id): entry.outcome for entry in entries if entry.outcome is not Outcome.DEAD}
    assert [outcomes[event.origin, event.id] for event in good] == [Outcome.APPLIED] * GOOD
    assert [row.next for row in positions.values()] == [FORGED + 2 * GOOD]
    assert sum(sums.dead.values()) == FORGED
    assert not sums.parked
    assert set(sums.dead) == {Reason.UNDECODABLE, Reason.UNKNOWN_SCHEMA, Reason.INVALID, Reason.ANOTHERS}
    assert Counter(entry.outcome for entry in entries)[Outcome.DEAD] == FORGED
    long = sum(len(value) > HEAD_BYTES for _, value, _ in forged) * GOOD
    assert sums.bytes < long * (HEAD_BYTES + 300) + (FORGED - long) * 2_500
    rows = PhotometryReducedDatum.objects.filter(source_name=alpha.share.origin_name).order_by("pk")
    times = list(rows.values_list("timestamp", flat=True))
    assert times == [event.body.points[0].timestamp for event in good]  # type: ignore[union-attr]
    assert len(mail.splitlines()) < 40


def _mail_of(beta: SubscribedInProcess) -> str:
    from bridge.tomtoolkit import conf
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.operating.mail import compose

    return compose(conf.load(), DjangoLedger(), datetime.now(UTC))[1]
