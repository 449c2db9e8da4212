"""Whose a display name is, and what is shown of who uses another's."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Share, uuid7
from bridge.origins import LONGEST, name_key, of_a_tom, told_as

ORIGINS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,99}", fullmatch=True)
NAMES = st.text(min_size=1, max_size=100)
PLAIN = st.text(string.ascii_letters + string.digits + " -_.", min_size=1, max_size=100)


@pytest.mark.parametrize(
    "alike",
    [
        "north tom",
        "NORTH TOM",
        " North  TOM ",
        "North-TOM",
        "North_TOM.",
        "North\xa0TOM",
        "No\u200brth TOM",
        "Nörth TOM",
        "No\u0308rth TOM",
        "Ｎｏｒｔｈ ＴＯＭ",
        "Nоrth ТОМ",
        "Νοrth ΤΟΜ",
        "N0rth T0M",
        "“North” TOM",
    ],
)
def test_names_that_look_alike_are_one(alike: str) -> None:
    assert name_key(alike) == name_key("North TOM")


@pytest.mark.parametrize("other", ["South TOM", "North TOM 2", "Norh TOM", "北 TOM", "★"])
def test_names_that_read_otherwise_are_not(other: str) -> None:
    assert name_key(other) != name_key("North TOM")


@given(NAMES)
def test_every_name_that_shows_something_has_a_key_that_a_database_takes(name: str) -> None:
    assert bool(name_key(name)) == bool(name.strip())
    assert len(name_key(name)) <= 200


@given(PLAIN, ORIGINS)
def test_who_has_a_name_is_called_by_it(name: str, origin: str) -> None:
    assert told_as(name, origin, origin) == name


@given(NAMES, ORIGINS, ORIGINS)
def test_who_has_it_not_is_called_by_name_and_origin_as_long_as_any_name_may_be(
    name: str, origin: str, owner: str
) -> None:
    told = told_as(name, origin, None if owner == origin else owner)
    assert len(told) <= LONGEST
    assert told.endswith(f"({origin})") or told == origin
    Share(origin="x", origin_name=told if name.isprintable() else "x", installation=uuid7())


@given(NAMES, ORIGINS, ORIGINS)
def test_nobody_is_called_as_another_who_has_not_the_name_would_be(name: str, origin: str, other: str) -> None:
    if origin != other:
        pretended = told_as(name, other, None)
        assert told_as(pretended, origin, origin) != pretended or pretended == other


def test_a_name_in_a_long_one_is_cut_and_the_origin_is_not() -> None:
    told = told_as("N" * 100, "north.org", None)
    assert (len(told), told[-13:]) == (100, "… (north.org)")
    assert told_as("North", "o" * 100, None) == "o" * 100


@pytest.mark.parametrize("unseen", ["\u202e", "\u2066", "\u200f", "\x1b[8m", "\n", "\u3164"])
def test_nothing_in_a_name_turns_or_hides_the_origin_behind_it(unseen: str) -> None:
    written = f"North{unseen} TOM"
    for owner in ("evil.org", "north.org", None):
        told = told_as(written, "evil.org", owner)
        assert unseen[0] not in told
        assert told.startswith("North\\")
        assert len(told) <= LONGEST
    assert len(told_as("\u202e" * 100, "evil.org", "evil.org")) <= LONGEST


def test_no_tom_has_an_origin_of_messages_of_hermes() -> None:
    assert of_a_tom("hermestom.org") == "hermestom.org"
    for one in ("hermes", "hermes.alice"):
        with pytest.raises(ValueError, match="kept for what comes from Hermes"):
            of_a_tom(one)
