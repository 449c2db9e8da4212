"""What became of an event, in the words of the ledger."""

import pytest

from bridge.ledger.model import Outcome, Reason, ToKeep
from bridge.receiving.result import list_result


@pytest.mark.parametrize("reason", [Reason.REJECTED, Reason.INTERNAL, Reason.UNFINISHED])
def test_a_list_of_which_all_members_died_says_of_what(reason: Reason) -> None:
    counts = {"created": 0, "joined": 0, "parked": 0, "refused": 1}
    found = list_result({"members": counts}, (ToKeep(reason=reason, member="SN 1"),))
    assert (found.outcome, found.reason) == (Outcome.DEAD, reason)


def test_a_list_of_which_a_member_waits_waits_whatever_else_died_of_it() -> None:
    counts = {"created": 0, "joined": 0, "parked": 1, "refused": 1}
    dead = ToKeep(reason=Reason.REJECTED, member="SN 1")
    waits = ToKeep(reason=Reason.AMBIGUOUS, member="SN 2", names=frozenset({"sn2"}))
    found = list_result({"members": counts}, (dead, waits))
    assert (found.outcome, found.reason) == (Outcome.PARKED, Reason.AMBIGUOUS)
