"""In the TOM: what was said of a share is kept, and a display name belongs to the first who used it here."""

from parts import named_alike
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess


def test_a_display_name_belongs_to_the_first_origin_that_used_it(
    alpha: Publishing, beta: SubscribedInProcess, url: str
) -> None:
    named_alike.check_that_a_name_is_its_first_owners(alpha, beta, url)


def test_who_is_not_accepted_claims_no_name(alpha: Publishing, beta: SubscribedInProcess, url: str) -> None:
    named_alike.check_that_who_is_not_accepted_claims_no_name(alpha, beta, url)


def test_what_was_said_of_a_share_is_kept_and_no_stranger_changes_it(
    alpha: Publishing, beta: SubscribedInProcess, url: str
) -> None:
    named_alike.check_that_words_are_kept(alpha, beta, url)


def test_nothing_is_kept_that_was_said_of_what_is_not_wanted(alpha: Publishing, beta: SubscribedInProcess) -> None:
    named_alike.check_that_nothing_is_kept_of_what_is_not_wanted(alpha, beta)
