"""Guarantee 1: what ``flush`` returned for reaches every subscribed TOM, whatever dies in between."""

from collections import Counter
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from parts.bridges import Publishing, Subscribed
from parts.kill import killed
from parts.places import Place
from parts.shares import SUPERNOVA, on_day

from bridge.errors import NotDeliveredError
from bridge.ledger.port import Outcome

GROUPS, EACH = 3, 4
STEPS = ("after bridge.publishing.publisher:Publisher.publish", "before bridge.publishing.publisher:Publisher.flush")
"""Of each group of four there are five steps: handed over, four times, and about to be made durable."""


def _publish(place: Place, notes: Path, nth: int, log: Path) -> bool:
    arguments = [place.url, place.topic, str(notes), str(GROUPS), str(EACH)]
    return killed("parts.publish_many:main", arguments, STEPS, nth=nth, log=log)


def _promised(notes: Path) -> set[UUID]:
    return {UUID(line) for line in notes.read_text().splitlines()}


@pytest.mark.parametrize("nth", [2, EACH + 1, 2 * EACH + 5])
def test_what_was_flushed_reaches_every_tom_although_the_publisher_was_killed(nth, place, make_tom, tmp_path):
    notes = tmp_path / "notes"
    notes.touch()
    assert _publish(place, notes, nth, tmp_path / "log")
    promised = _promised(notes)
    assert len(promised) == EACH * ((nth - 1) // (EACH + 1))
    for name in ("", "second"):
        tom = make_tom(3, name)
        tom.make_target("SN 2024abc")
        beta = place.subscribed(tom, tmp_path / f"beta{name}")
        if place.options:
            beta.mapping["origin"] = f"{place.origin}{name}"  # a group of its own, as every TOM has
        beta.drain()
        entries = beta.entries()
        assert {entry.event_id for entry in entries} >= promised
        assert {entry.outcome for entry in entries} <= {Outcome.APPLIED}
        assert len(tom.photometry("SN 2024abc")) == len(entries)


def test_a_consumer_killed_while_it_runs_and_a_tom_killed_with_it_lose_nothing(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    with beta.daemon() as daemon:
        alpha.publish(*(on_day(day) for day in range(20)))
        daemon.wait_for("event.applied", 1)
        daemon.process.kill()
        daemon.wait()
    beta.tom.kill()
    alpha.publish(*(on_day(day) for day in range(20, 25)))
    beta.tom.start()
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 25
    assert len(beta.tom.photometry()) == 25


def test_what_was_flushed_outlives_a_power_cut_of_the_broker(own_kafka, tom3, tmp_path):
    with closing(Publishing(own_kafka.url)) as alpha:
        events = alpha.publish(SUPERNOVA, on_day(1), on_day(2))
        own_kafka.kill()
        with pytest.raises(NotDeliveredError) as failed:
            alpha.publish_soon(on_day(3))
        assert [topic for topic, _ in failed.value.undelivered] == [alpha.topic]
        own_kafka.start()
        alpha.stream.flush(30)
    beta = Subscribed(tom3, own_kafka.url, tmp_path / "beta")
    beta.drain()
    assert [entry.event_id for entry in beta.entries()][:3] == [event.id for event in events]
    assert beta.outcomes() == [Outcome.APPLIED] * 4
    assert len(tom3.photometry()) == 3


def test_two_toms_have_all_of_it_each_at_its_own_pace(alpha, beta, url, make_tom, tmp_path):
    gamma = Subscribed(make_tom(3, "second"), url, tmp_path / "gamma", origin="gamma")
    alpha.publish(SUPERNOVA, on_day(1))
    beta.drain()
    alpha.publish(on_day(2))
    gamma.drain()
    beta.drain()
    for tom in (beta.tom, gamma.tom):
        assert Counter(row["target"] for row in tom.photometry()) == {"SN 2024abc": 2}
    assert beta.outcomes() == gamma.outcomes() == [Outcome.APPLIED] * 3
