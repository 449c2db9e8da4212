"""Guarantee 2: redelivery, a rebalance, a frozen process or a crash at any instruction changes nothing applied."""

import itertools
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import Subscribed, holdings
from parts.kill import frozen, killed
from parts.places import Place
from parts.shares import SUPERNOVA, best_of_all, on_day, one_of_each, photometry, product
from parts.toms import Tom
from parts.wait import wait_until

from bridge.events import Kind, TargetReference
from bridge.ledger.port import Entry, Outcome, Position

AT_DEC_0 = SUPERNOVA.model_copy(update={"dec": 0.0})
COMMAND = "bridge.cli:main"
SEND = "bridge.tom.rest.connection:Connection.send"
UNIT = "bridge.ledger.sqlite:SqliteLedger.unit"
MOVE = "bridge.ledger.sqlite_unit:_move"
STEPS = (
    *(f"{when} {SEND} {method}" for method in ("POST", "PATCH") for when in ("before", "after")),
    f"after {MOVE}",
    f"leaving {UNIT}",
)
"""Between intent, each request that writes, ledger and position.

An intent is noted right before the request that it is for, and the move is the last step of the ledger's transaction.
What only reads changes nothing at either side.
"""
FEW_STEPS = (f"after {SEND} POST", f"leaving {UNIT}")


def told(entry: Entry) -> dict[str, Any]:
    """Return what an outcome says that must not depend on how often the process was killed."""
    counts = {name: entry.detail[name] for name in ("datums", "product") if name in entry.detail}
    return {"subject": entry.subject, "kind": entry.kind, "outcome": entry.outcome, **counts}


def _arguments(beta: Subscribed) -> list[str]:
    return ["--config", str(beta.config_file()), "consume", "--until-end"]


def _killed_everywhere(fresh: Callable[[], Subscribed], steps: tuple[str, ...], log: Path) -> int:
    """Kill a consumer at each of ``steps`` in turn, and each time see that the next one makes up for it.

    ``fresh`` returns a TOM and a ledger that have had nothing of what is on the stream. Returns how many steps were.
    """
    clean = fresh()
    clean.drain()
    wanted, outcomes = holdings(clean.tom), [told(entry) for entry in clean.entries()]
    assert {one["outcome"] for one in outcomes} == {Outcome.APPLIED}
    for nth in itertools.count(1):
        beta = fresh()
        if not killed(COMMAND, _arguments(beta), steps, nth=nth, log=log):
            return nth - 1
        where = f"{nth}: {log.read_text().splitlines()[-1]}"
        beta.drain()
        assert holdings(beta.tom) == wanted, where
        assert [told(entry) for entry in beta.entries()] == outcomes, where
    raise AssertionError("unreachable")


def _fresh(tom: Tom, place: Place, folder: Path, *, target: bool = True) -> Callable[[], Subscribed]:
    folders = itertools.count()

    def fresh() -> Subscribed:
        tom.reset()
        if target:
            tom.make_target("sn-2024 abc")
        return place.subscribed(tom, folder / f"beta{next(folders)}")

    return fresh


@pytest.mark.parametrize("body", [AT_DEC_0, photometry(2), best_of_all(), product()], ids=lambda body: body.kind)
def test_a_consumer_killed_at_any_step_is_made_up_for_by_the_next(body, alpha, url, tom3, tmp_path):
    alpha.publish(body)
    fresh = _fresh(tom3, Place(url), tmp_path, target=body.kind is not Kind.TARGET)
    assert _killed_everywhere(fresh, STEPS, tmp_path / "log") >= (8 if body.kind is Kind.DATA_PRODUCT else 6)


def test_what_a_target_lacks_is_added_once_however_often_the_consumer_is_killed(alpha, url, tom3, tmp_path):
    alpha.publish(SUPERNOVA)
    assert _killed_everywhere(_fresh(tom3, Place(url), tmp_path), STEPS, tmp_path / "log") >= 4


@pytest.mark.waits
def test_so_it_is_where_the_tom_answers_500_for_what_it_has(alpha, url, tom2, tmp_path):
    alpha.publish(photometry(1), product())
    assert _killed_everywhere(_fresh(tom2, Place(url), tmp_path), FEW_STEPS, tmp_path / "log") >= 6


def test_so_it_is_on_kafka(kafka_place, tom3, tmp_path):
    with closing(kafka_place.publishing()) as alpha:
        alpha.publish(photometry(1), product())
    assert _killed_everywhere(_fresh(tom3, kafka_place, tmp_path), FEW_STEPS, tmp_path / "log") >= 6


# -- frozen, redelivered, rebalanced ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [AT_DEC_0, photometry(3), best_of_all(), product()], ids=lambda body: body.kind)
def test_a_process_that_was_frozen_before_a_request_changes_nothing_when_it_wakes_up(body, alpha, url, tom3, tmp_path):
    alpha.publish(body)
    beta = _fresh(tom3, Place(url), tmp_path, target=body.kind is not Kind.TARGET)()
    log = tmp_path / "log"
    nth = 2 if body.kind in {Kind.PHOTOMETRY, Kind.DATA_PRODUCT} else 1  # of a product the first only looks for it
    with frozen(COMMAND, _arguments(beta), [f"before {SEND} POST"], nth=nth, log=log) as sleeper:
        _apply_as_the_next_owner(beta)
        wanted, entries = holdings(beta.tom), beta.entries()
        sleeper.wake()
        assert sleeper.wait() == 0
    assert "consumer.position_lost" in log.read_text()
    assert holdings(beta.tom) == wanted
    assert beta.entries() == entries
    assert beta.outcomes() == [Outcome.APPLIED]


def test_a_frozen_process_whose_partition_another_took_over_changes_nothing(kafka_place, tom3, tmp_path):
    place = replace(kafka_place, options={"session.timeout.ms": 6000})
    with closing(place.publishing()) as alpha:
        alpha.publish(*one_of_each())
    beta = place.subscribed(tom3, tmp_path / "beta")
    log = tmp_path / "log"
    with frozen(COMMAND, _arguments(beta), [f"before {SEND} POST"], nth=3, log=log) as sleeper:
        beta.drain()
        wanted, entries = holdings(tom3), beta.entries()
        sleeper.wake()
        assert sleeper.wait() == 0
    assert "consumer.position_lost" in log.read_text()
    assert holdings(tom3) == wanted
    assert beta.entries() == entries
    assert beta.outcomes() == [Outcome.APPLIED] * 4


def test_everything_delivered_again_changes_nothing(place, tom3, tmp_path):
    with closing(place.publishing()) as alpha:
        events = alpha.publish(*one_of_each(), on_day(1, reference=TargetReference(name="M 33")))
        beta = place.subscribed(tom3, tmp_path / "beta")
        beta.drain()
        wanted, entries, parked = holdings(tom3), beta.entries(), beta.parked()
        assert [entry.outcome for entry in entries] == [Outcome.APPLIED] * 4 + [Outcome.PARKED]
        _set_back(beta)
        beta.drain()
        assert holdings(tom3) == wanted
        assert [told(entry) for entry in beta.entries()] == [told(entry) for entry in entries]
        assert [(one.id, one.reason, one.names) for one in beta.parked()] == [
            (one.id, one.reason, one.names) for one in parked
        ]
        alpha.publish(*events)
    beta.drain()
    assert holdings(tom3) == wanted
    assert beta.outcomes() == [Outcome.APPLIED] * 4 + [Outcome.PARKED] + [Outcome.DUPLICATE] * 5
    tom3.make_target("m33")
    assert beta.retry_parked() == 1
    assert len(tom3.photometry("m33")) == 1


def test_processes_that_come_and_go_apply_each_event_once(kafka_place, tom3, tmp_path):
    place = replace(kafka_place, options={"session.timeout.ms": 6000})
    names = [f"SN 2024{letter}" for letter in "abcdefgh"]
    for name in names:
        tom3.make_target(name)
    with closing(place.publishing(partitions=4)) as alpha:
        beta = place.subscribed(tom3, tmp_path / "beta")
        references = [TargetReference(name=name) for name in names]
        with beta.daemon() as first:
            alpha.publish(*(on_day(1, reference=reference) for reference in references))
            first.wait_for("event.applied", 8)
            with beta.daemon() as second:
                second.wait_for("stream.assigned")
                alpha.publish(*(on_day(2, reference=reference) for reference in references))
                wait_until(lambda: len(tom3.photometry()) >= 12, what="half of the second day")
                assert first.end() == 0
                alpha.publish(*(on_day(3, reference=reference) for reference in references))
                wait_until(lambda: len(beta.outcomes()) == 24, what="all outcomes")
                assert second.logged("event.applied")
    assert beta.outcomes() == [Outcome.APPLIED] * 24
    assert [entry.detail["datums"] for entry in beta.entries()] == [{"new": 1}] * 24
    assert len(tom3.photometry()) == 24


def _apply_as_the_next_owner(beta: Subscribed) -> None:
    """Apply the topic as the process does that the partition goes to, while its group still waits for the first one."""
    with beta.open() as bridge:
        positions = bridge.ledger.positions()
        (partition,) = positions
        live = bridge.live()
        live.start(partition, positions[partition])
        live.take(list(bridge.stream.read(partition, positions[partition].next)))
        live.turn(bridge.budget)


def _set_back(beta: Subscribed) -> None:
    with beta.open() as bridge:
        for partition, position in bridge.ledger.positions().items():
            bridge.ledger.set_position(partition, Position(position.topic_id, 0))


def test_a_target_that_the_tom_itself_made_only_half_is_completed(alpha, beta):
    (event,) = alpha.publish(SUPERNOVA)
    with beta.open() as bridge:
        bridge.ledger.intents.begin(event.ref, {f"create {SUPERNOVA.name}"})
    beta.tom.make_target(SUPERNOVA.name)
    beta.drain()
    assert beta.tom.lists() == {"Imported from Alpha TOM": [SUPERNOVA.name]}
    assert beta.tom.aliases(SUPERNOVA.name) == set(SUPERNOVA.aliases)
    (entry,) = beta.entries()
    assert entry.detail["created"] == SUPERNOVA.name
