"""Over REST: what was said of a share is kept, and a display name belongs to the first who used it here."""

import json

from parts import named_alike
from parts.bridges import Publishing, Subscribed
from parts.shares import SUPERNOVA, on_day


def test_a_display_name_belongs_to_the_first_origin_that_used_it(alpha: Publishing, beta: Subscribed, url: str) -> None:
    named_alike.check_that_a_name_is_its_first_owners(alpha, beta, url)


def test_who_is_not_accepted_claims_no_name(alpha: Publishing, beta: Subscribed, url: str) -> None:
    named_alike.check_that_who_is_not_accepted_claims_no_name(alpha, beta, url)


def test_what_was_said_of_a_share_is_kept_and_no_stranger_changes_it(
    alpha: Publishing, beta: Subscribed, url: str
) -> None:
    named_alike.check_that_words_are_kept(alpha, beta, url)


def test_nothing_is_kept_that_was_said_of_what_is_not_wanted(alpha: Publishing, beta: Subscribed) -> None:
    named_alike.check_that_nothing_is_kept_of_what_is_not_wanted(alpha, beta)


def test_what_was_said_is_listed_once_a_share_by_command(alpha: Publishing, beta: Subscribed) -> None:
    named_alike.with_words(alpha)
    alpha.publish(SUPERNOVA, on_day(1), on_day(2))
    beta.drain()
    listed = json.loads(beta.run("shares", "--json").stdout)
    words = {
        "message": "Please observe.\nIt is <b>bright</b>.",
        "acknowledgement": "Thank Alpha.",
        "references": ["10.1000/182", "a book"],
    }
    assert [(one["title"], one["words"]) for one in listed] == [("A title", words)] * 3
    told = beta.run("shares", "--words").stdout
    assert told.count("Please observe. It is <b>bright</b>.") == 1
    assert "reference 1      10.1000/182" in told
    assert told.count("a book") == told.count("Thank Alpha.") == 1
    assert "Please observe" not in beta.run("shares").stdout
