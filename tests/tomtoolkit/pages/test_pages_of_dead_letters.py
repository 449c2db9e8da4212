"""Dead letters of targets that not everybody may see: neither the list, nor the letter, nor dropping it."""

from typing import Any

import pytest
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.pages import account, browser, page, refused
from parts.shares import GALAXY, product

from bridge.events import Body, ListMember, Target, TargetList, TargetReference

pytestmark = pytest.mark.usefixtures("settings")

SECRET = "HIDDEN-9"


@pytest.fixture
def orm_tom(make_orm_tom: Any) -> InProcessTom:
    return make_orm_tom("sqlite")


def a_file(**reference: Any) -> Body:
    return product(data_product_type="no_such_type", target=TargetReference(**reference))


def a_list(*members: Target) -> Body:
    """Return a list whose members are known by other references than the targets have names."""
    listed = (ListMember(reference=TargetReference(name=one.name), target=one) for one in members)
    return TargetList(name="Best of all", members=tuple(listed))


def letters() -> list[Any]:
    from bridge.tomtoolkit.models import Dead

    return list(Dead.objects.order_by("pk"))


@pytest.mark.parametrize("names", [{"name": SECRET}, {"name": "SN 2024abc", "aliases": (SECRET,)}])
def test_a_letter_is_hidden_by_whichever_name_its_event_has_of_a_hidden_target(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, names: dict[str, Any]
) -> None:
    orm_tom.make_target("hidden 9", permissions="PRIVATE", users=[])
    alpha.publish(a_file(**names))
    beta.drain()
    (letter,) = letters()
    mia = browser(account("mia", "manage"))
    text = page(mia, "/bridge/dead/")
    assert "may not see" in text
    assert not [name for name in ("SN 2024abc", SECRET, "hidden 9") if name in text]
    assert refused(mia.get(f"/bridge/dead/{letter.pk}/"))
    for action in ("drop", "retry"):
        assert refused(mia.post(f"/bridge/dead/{action}/", {"id": [letter.pk]}))
    assert letters() == [letter]
    assert SECRET in page(browser(account("root", is_superuser=True)), f"/bridge/dead/{letter.pk}/")


def test_what_can_not_be_read_any_more_is_hidden_as_nobody_knows_whose_it_is(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.models import Kept

    orm_tom.make_target(SECRET, permissions="PRIVATE", users=[])
    alpha.publish(a_file(name="SN 2024abc", aliases=(SECRET,)))
    beta.drain()
    Kept.objects.update(value=f"of another release: {SECRET}".encode())
    (letter,) = letters()
    mia = browser(account("mia", "manage"))
    assert "SN 2024abc" not in page(mia, "/bridge/dead/")
    assert refused(mia.get(f"/bridge/dead/{letter.pk}/"))
    assert "of another" in page(browser(account("root", is_superuser=True)), f"/bridge/dead/{letter.pk}/")


def test_a_dead_member_of_a_list_is_told_by_itself_and_never_the_others(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tom_targets.models import BaseTarget

    from bridge.tomtoolkit.pages import dead

    save = BaseTarget.save

    def refuse(target: Any, *given: Any, **named: Any) -> None:
        if target.name in ("Open", "Closed"):
            raise ValueError(f"{target.name} is refused here")
        save(target, *given, **named)

    monkeypatch.setattr(BaseTarget, "save", refuse)
    names = (("Open", ()), ("Closed", (SECRET,)), ("M 31", ()))
    targets = [GALAXY.model_copy(update={"name": name, "aliases": aliases}) for name, aliases in names]
    alpha.publish(a_list(*targets))
    beta.drain()
    assert [letter.member for letter in letters()] == ["Open", "Closed"]
    orm_tom.make_target(SECRET, permissions="PRIVATE", users=[])
    mia = browser(account("mia", "manage"))
    read: list[Any] = []
    event_in = dead.event_in
    monkeypatch.setattr(dead, "event_in", lambda *given: read.append(given) or event_in(*given))
    text = page(mia, "/bridge/dead/")
    assert len(read) == 1, "a list has thousands of members, and a page shows many of them"
    for told in ("<bdi>Open</bdi>", "of the list <bdi>Best of all</bdi>", "Open is refused here"):
        assert told in text
    assert "Closed" not in text
    opened, closed = (letter.pk for letter in letters())
    letter = page(mia, f"/bridge/dead/{opened}/")
    assert "Open is refused here" in letter
    assert not [name for name in ("Closed", SECRET, "M 31") if name in letter]
    assert refused(mia.get(f"/bridge/dead/{closed}/"))
