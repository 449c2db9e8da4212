"""The rule by which names match is TOM Toolkit's own."""

import json
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts.tom_site import Toolkit, ToolkitMissingError

from bridge.names import look_alikes, ordinary, simplify, simplify_all, toolkit_rule

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
