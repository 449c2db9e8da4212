"""Several asked at the same time."""

import threading
from functools import partial

import pytest

from bridge.operations.at_once import at_once

DEADLINE_S = 30


def test_all_are_asked_at_the_same_time_and_told_in_order() -> None:
    met = threading.Barrier(3)

    def ask(number: int) -> int:
        met.wait(DEADLINE_S)  # nobody gets further before all are here
        return number

    assert at_once([partial(ask, number) for number in range(3)]) == [0, 1, 2]


def test_nobody_asked_is_nothing_told() -> None:
    assert at_once([]) == []


def test_an_error_is_raised_when_all_have_ended() -> None:
    ended = threading.Event()

    def fail() -> None:
        raise ValueError("the first")

    with pytest.raises(ValueError, match="the first"):
        at_once([fail, ended.set])
    assert ended.is_set()
