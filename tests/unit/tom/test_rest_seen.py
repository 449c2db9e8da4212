"""What is known of the times of a target's datums, so that the TOM need not be asked again."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.tom.rest import times as module
from bridge.tom.rest.times import Times

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def test_of_a_target_that_was_not_read_nothing_is_known() -> None:
    assert not Times().has_none_of({NOON}, 1, "photometry")


def test_a_time_that_was_not_shown_is_free_and_one_that_was_is_not() -> None:
    times = Times()
    times.learn(1, "photometry", [NOON], since=None)
    assert times.has_none_of({LATER}, 1, "photometry")
    assert not times.has_none_of({LATER, NOON}, 1, "photometry")
    assert not times.has_none_of({LATER}, 2, "photometry")
    assert not times.has_none_of({LATER}, 1, "astrometry")


def test_what_is_sent_is_there_from_then_on() -> None:
    times = Times()
    times.learn(1, "photometry", [], since=None)
    times.add(NOON, 1, "photometry")
    assert not times.has_none_of({NOON}, 1, "photometry")


def test_of_times_before_what_was_read_nothing_is_known() -> None:
    times = Times()
    times.learn(1, "photometry", [LATER, NOON], since=NOON)
    assert times.has_none_of({NOON + timedelta(minutes=1)}, 1, "photometry")
    assert not times.has_none_of({NOON - timedelta(minutes=1), LATER + timedelta(minutes=1)}, 1, "photometry")


def test_it_holds_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    times = Times()
    times.learn(1, "photometry", [], since=None)
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + 61)
    assert not times.has_none_of({NOON}, 1, "photometry")


def test_what_was_read_first_is_forgotten_where_there_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_TIMES", 3)
    times = Times()
    for pk in (1, 2, 3):
        times.learn(pk, "photometry", [NOON, LATER], since=None)
    known = [pk for pk in (1, 2, 3) if times.has_none_of({NOON - timedelta(1)}, pk, "photometry")]
    assert known == [3]
