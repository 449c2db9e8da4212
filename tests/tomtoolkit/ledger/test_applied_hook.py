"""The hook that a TOM may use when an event was applied: called after the commit, and never at the event's cost."""

from collections.abc import Iterator
from typing import Any

import pytest
from parts import applied_hooks
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.shares import SUPERNOVA, best_of_all, on_day, photometry, product

from bridge.ledger.port import Outcome

NAMED = {"tom_bridge_event_applied": "parts.applied_hooks.event_applied"}


@pytest.fixture(autouse=True)
def heard() -> Iterator[list[tuple[str, str, str, int]]]:
    applied_hooks.heard.clear()
    yield applied_hooks.heard
    applied_hooks.heard.clear()


@pytest.fixture
def hooked(beta: SubscribedInProcess) -> Iterator[None]:
    from django.test.utils import override_settings

    with override_settings(HOOKS=NAMED):
        yield


def test_the_hook_is_told_of_each_kind_when_it_is_committed(
    hooked: None, alpha: Publishing, beta: SubscribedInProcess, heard: list[Any]
) -> None:
    alpha.publish(SUPERNOVA, photometry(3), best_of_all(), product())
    beta.drain()
    assert heard == [
        ("target", "applied", "SN 2024abc", 0),
        ("photometry", "applied", "SN 2024abc", 3),
        ("list", "applied", "", 0),
        ("data-product", "applied", "SN 2024abc", 5),
    ]


def test_the_hook_is_not_told_of_what_is_duplicate_parked_or_dead(
    hooked: None, alpha: Publishing, beta: SubscribedInProcess, heard: list[Any]
) -> None:
    events = alpha.publish(photometry(2))
    alpha.publish_bytes(b"no event")
    beta.drain()
    assert heard == []
    alpha.publish(SUPERNOVA, *events)
    beta.drain()
    assert [kind for kind, *_ in heard] == ["target", "photometry"]
    beta.replay()
    assert len(heard) == 2


def test_a_hook_that_raises_costs_no_event(alpha: Publishing, beta: SubscribedInProcess, heard: list[Any]) -> None:
    from django.test.utils import override_settings

    alpha.publish(SUPERNOVA, on_day(1), on_day(2))
    with override_settings(HOOKS={"tom_bridge_event_applied": "parts.applied_hooks.raises"}):
        beta.drain()
    assert len(heard) == 3
    assert beta.outcomes() == [Outcome.APPLIED] * 3


@pytest.mark.parametrize("wrong", ["no.such.function", "parts.applied_hooks.NOT_A_FUNCTION", "nothing"])
def test_a_hook_that_cant_be_called_is_found_by_the_checks(wrong: str, beta: SubscribedInProcess) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit.checks import check_settings

    with override_settings(HOOKS={"tom_bridge_event_applied": wrong}, TOM_BRIDGE=beta.mapping):
        (found,) = check_settings()
    assert found.id == "tom_bridge.E006"
    assert wrong in found.msg
