"""The hook that a TOM may use when an event was applied: called after the commit, and never at the event's cost."""

from collections.abc import Iterator

import pytest
from parts.applied_hooks import heard
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.shares import SUPERNOVA, best_of_all, on_day, photometry, product

from bridge.events import TargetReference
from bridge.ledger.port import Outcome
from bridge.receiving.lists import MEMBERS_AT_ONCE

NAMED = {"tom_bridge_event_applied": "parts.applied_hooks.event_applied"}


@pytest.fixture
def hooked(beta: SubscribedInProcess) -> Iterator[None]:
    from django.test.utils import override_settings

    with override_settings(HOOKS=NAMED):
        yield


def test_the_hook_is_told_of_each_kind_when_it_is_committed(
    hooked: None, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    alpha.publish(SUPERNOVA, photometry(3), best_of_all(), product())
    beta.drain()
    assert heard() == [
        ("target", "applied", "SN 2024abc", 0),
        ("photometry", "applied", "SN 2024abc", 3),
        ("list", "applied", "", 0),
        ("data-product", "applied", "SN 2024abc", 5),
    ]


def test_the_hook_is_not_told_of_what_is_duplicate_parked_or_dead(
    hooked: None, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    events = alpha.publish(photometry(2))
    alpha.publish_bytes(b"no event")
    beta.drain()
    assert heard() == []
    alpha.publish(SUPERNOVA, *events)
    beta.drain()
    assert [kind for kind, *_ in heard()] == ["target", "photometry"]
    beta.replay()
    assert len(heard()) == 2


def test_the_hook_is_told_once_of_a_list_that_is_written_in_parts(
    hooked: None, orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    for number in range(2 * MEMBERS_AT_ONCE):
        orm_tom.make_target(f"T {number}")
    alpha.publish(SUPERNOVA, best_of_all(*(f"T {number}" for number in range(2 * MEMBERS_AT_ONCE))))
    beta.drain()
    assert [kind for kind, *_ in heard()] == ["target", "list"]


def test_a_hook_that_raises_costs_no_event(alpha: Publishing, beta: SubscribedInProcess) -> None:
    from django.test.utils import override_settings

    alpha.publish(SUPERNOVA, on_day(1), on_day(2))
    with override_settings(HOOKS={"tom_bridge_event_applied": "parts.applied_hooks.raises"}):
        beta.drain()
    assert len(heard()) == 3
    assert beta.outcomes() == [Outcome.APPLIED] * 3


@pytest.mark.parametrize("how", ["exit", "sys.exit", "interrupt", "hang"])
def test_whatever_a_hook_does_costs_no_event_and_no_other_call(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, how: str
) -> None:
    from django.test.utils import override_settings

    beta.mapping["limits"] = {"hook_s": 1.0}
    for name in (how, "well"):
        orm_tom.make_target(name)
    bad, good = (TargetReference(name=name) for name in (how, "well"))
    alpha.publish(on_day(1, reference=good), on_day(2, reference=bad), on_day(3, reference=good))
    with override_settings(HOOKS={"tom_bridge_event_applied": "parts.applied_hooks.misbehaves"}):
        beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 3
    assert [name for _, _, name, _ in heard()] == ["well", how, "well"]


def test_a_hook_that_always_hangs_is_given_up_for_a_transaction(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from django.test.utils import override_settings

    beta.mapping["limits"] = {"hook_s": 0.5}
    orm_tom.make_target("hang")
    alpha.publish(*(on_day(day, reference=TargetReference(name="hang")) for day in range(9)))
    with override_settings(HOOKS={"tom_bridge_event_applied": "parts.applied_hooks.misbehaves"}):
        beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 9
    assert len(heard()) == 3


@pytest.mark.parametrize("wrong", ["no.such.function", "parts.applied_hooks.NOT_A_FUNCTION", "nothing"])
def test_a_hook_that_cant_be_called_is_found_by_the_checks(wrong: str, beta: SubscribedInProcess) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit.checks import check_settings

    with override_settings(HOOKS={"tom_bridge_event_applied": wrong}, TOM_BRIDGE=beta.mapping):
        (found,) = [one for one in check_settings() if one.id != "tom_bridge.W002"]  # of SQLite's transactions
    assert found.id == "tom_bridge.E006"
    assert wrong in found.msg
