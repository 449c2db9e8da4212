"""The rule by which names match is TOM Toolkit's own."""

import itertools
import json
import re
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts.tom_site import Toolkit, ToolkitMissingError

from bridge.names import grouped_otherwise, look_alikes, ordinary, simplify, simplify_all, spelling, toolkit_rule

_ASK_TOM_TOOLKIT = """
import json, sys, django
from django.conf import settings
settings.configure(INSTALLED_APPS=[
    "django.contrib.contenttypes", "django.contrib.auth", "guardian", "tom_targets",
    "tom_observations", "tom_dataproducts",
])
django.setup()
from tom_targets.base_models import TargetMatchManager
for line in sys.stdin:
    print(json.dumps(TargetMatchManager.simplify_name(None, json.loads(line))), flush=True)
"""
_NAMES = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" -_()\tAaÖΣςİıß"), max_size=100)


def test_names_are_simplified_as_tom_toolkit_does() -> None:
    try:
        python = Toolkit.wanted(3).python
    except ToolkitMissingError as missing:
        pytest.skip(str(missing))
    command = [python, "-W", "ignore", "-c", _ASK_TOM_TOOLKIT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as toolkit:
        assert toolkit.stdin is not None
        assert toolkit.stdout is not None
        ask, answers = toolkit.stdin, toolkit.stdout

        @settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(_NAMES)
        def agrees(name: str) -> None:
            print(json.dumps(name), file=ask, flush=True)
            assert toolkit_rule(name) == json.loads(answers.readline())
            assert simplify(name) == (toolkit_rule(name) or name.strip())

        agrees()


def test_a_name_of_which_the_rule_leaves_nothing_is_compared_as_it_is() -> None:
    assert simplify_all(["(-_ )", " - ", "SN 2024-abc", "sn2024ABC"]) == {"(-_ )", "-", "sn2024abc"}
    assert simplify("-") != simplify("()")


@given(_NAMES)
def test_what_is_simplified_stays_as_it_is(name: str) -> None:
    assert simplify(simplify(name)) in {simplify(name), simplify(name).lower()}


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("SN\xa02024abc", "SN 2024abc", ("a non-breaking blank (U+00A0)",)),
        ("2MASS J1234\u22121\u2212\u2009x", "2MASS J1234-1- x",
         ("a minus sign (U+2212)", "a blank of another width (U+2009)")),
        ("Barnard\u2019s star", "Barnard's star", ("a curly quote (U+2019)",)),
        ("O\u0308", "Ö", ("an accent apart from its letter (NFD)",)),
        ("SN\u200b 1", "SN 1", ("an invisible character (U+200B)",)),
        ("α Cen-1 'b'", "α Cen-1 'b'", ()),
    ],
    ids=ascii,
)  # fmt: skip
def test_characters_that_look_alike_are_named(name: str, typed: str, told: tuple[str, ...]) -> None:
    assert ordinary(name) == typed
    assert look_alikes(name) == told
    assert (ordinary(name) == name) == (not told)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("M 1-1", "M 11", False),
        ("M 1 1", "M 1-1", True),
        ("M 1 1", "m1_1", True),
        ("M (1) 1", "M 1-1", True),
        ("M 01", "m-01", True),
        ("M 0-1", "M 01", False),
        ("AT2024abc", "AT 2024abc", True),
        ("2M 0123+45", "2M0123+45", True),
        ("2M 01 23+45", "2M0123+45", False),
        ("NGC 7000", "ngc7000", True),
        ("ZTF24aa", "ZTF 24-AA", True),
        ("SN 2024-abc", "SN 2024abc", True),
        ("(433) Eros", "433 Eros", True),
        ("2024 AB1", "2024AB 1", True),
        ("2024 AB1 2", "2024 AB12", False),
        ("(12) 34 X", "1 234 X", False),
        ("٤ ٢ x", "٤٢ x", False),
    ],
)
def test_names_that_group_their_digits_otherwise_are_spelled_otherwise(one: str, other: str, alike: bool) -> None:
    assert simplify(one) == simplify(other), "to TOM Toolkit they are one"
    assert (spelling(one) == spelling(other)) == alike
    assert (grouped_otherwise([one], [other]) is None) == alike


_DROPPED = st.text(" -_()", max_size=3)


@given(st.lists(st.from_regex(r"[a-zA-Z+]+|[0-9]+", fullmatch=True), min_size=1, max_size=8), st.data())
def test_only_where_digits_meet_does_it_matter_what_is_between(parts: list[str], data: st.DataObject) -> None:
    def written(between: st.SearchStrategy[str]) -> str:
        """Write the parts with what the rule drops around them; two numbers always with something between."""
        text = parts[0]
        for before, part in itertools.pairwise(parts):
            numbers = before[-1].isdigit() and part[0].isdigit()
            text += data.draw(between.filter(bool) if numbers else between) + part
        return data.draw(_DROPPED) + (text.upper() if data.draw(st.booleans()) else text)

    one, other = written(_DROPPED), written(_DROPPED)
    assert simplify(one) == simplify(other)
    assert spelling(one) == spelling(other)
    assert grouped_otherwise([one], [other]) is None
    joined = "".join(parts)
    meet = any(before[-1].isdigit() and part[0].isdigit() for before, part in itertools.pairwise(parts))
    assert (grouped_otherwise([one], [joined]) is not None) == meet
    assert grouped_otherwise([one, "also"], [joined, "ALSO"]) is None, "another name of both is clear"


@given(_NAMES)
def test_a_spelling_is_what_the_rule_leaves_with_blanks_between_digits_alone(name: str) -> None:
    if toolkit_rule(name):
        assert spelling(name).replace(" ", "") == simplify(name)
        assert all(before.isdecimal() and after.isdecimal() for before, after in re.findall("(.) (.)", spelling(name)))
    else:
        assert spelling(name) == simplify(name)


def test_what_the_rule_does_not_take_for_one_is_left_to_whoever_did() -> None:
    assert grouped_otherwise(["M 1-1"], ["Messier 11"]) is None
