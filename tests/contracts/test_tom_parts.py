"""The TOMs of the tests themselves: they are real, and each test gets a pristine one."""

import urllib.request

import pytest
from parts.toms import Tom

pytestmark = pytest.mark.tom


def test_a_tom_holds_what_a_person_makes(any_tom: Tom) -> None:
    pk = any_tom.make_target("M 1", aliases=["Crab"], extras={"redshift": "0.1"}, groups=["Observers"], lists=["L"])
    assert [(row["id"], row["name"]) for row in any_tom.targets()] == [(pk, "M 1")]
    assert any_tom.aliases("M 1") == {"Crab"}
    assert any_tom.extras("M 1") == {"redshift": "0.1"}
    assert any_tom.lists() == {"L": ["M 1"]}
    assert any_tom.viewers("M 1") == {"Observers"}


def test_a_tom_is_pristine_at_the_start_of_each_test(any_tom: Tom) -> None:
    assert any_tom.targets() == []
    any_tom.make_target("M 1")
    any_tom.reset()
    assert any_tom.targets() == []


def test_a_killed_tom_comes_back_with_what_it_held(any_tom: Tom) -> None:
    any_tom.make_target("M 1")
    any_tom.kill()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{any_tom.base_url}/api/targets/", timeout=5)
    any_tom.start()
    assert [row["name"] for row in any_tom.targets()] == ["M 1"]
