"""The rule by which names match is TOM Toolkit's own."""

import json
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts.tom_site import Toolkit, ToolkitMissingError

from bridge.names import simplify, simplify_all

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
            assert simplify(name) == json.loads(answers.readline())

        agrees()


def test_names_that_simplify_to_nothing_match_nothing() -> None:
    assert simplify_all(["(-_ )", "SN 2024-abc", "sn2024ABC"]) == {"sn2024abc"}
