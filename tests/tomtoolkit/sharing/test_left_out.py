"""What can't be shared, a file above all: it is left out and said, and keeps nothing else from going."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from parts.bridges import TOPIC
from parts.django_tom import InProcess, InProcessTom
from parts.outgoing import data_product, kinds, look, outbox, photometry, publishing, self_share
from parts.pages import rename
from parts.unreadable import UNREADABLE, make_unreadable

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture(autouse=True)
def settings(in_process: InProcess, url: str) -> Iterator[None]:
    with publishing(url):
        yield


@pytest.fixture
def failing(orm_tom: InProcessTom) -> Iterator[set[str]]:
    """The names of files that the storage of the TOM can't read."""
    from parts.storages import failing_storage

    with failing_storage() as names:
        yield names


def failing_for(pk: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let something that nobody has foreseen happen where this target is read; return what ends it."""
    from bridge.tomtoolkit.sharing import look as module

    original = module.target_body
    ended = threading.Event()

    def body(row: Any) -> Any:
        if row.pk == pk and not ended.is_set():
            raise ZeroDivisionError("nobody has foreseen it")
        return original(row)

    monkeypatch.setattr(module, "target_body", body)
    return ended.set


def due_now() -> None:
    """Let the time pass after which what was left out is tried again."""
    from bridge.tomtoolkit.models import LeftOut

    LeftOut.objects.update(due=datetime.now(UTC))


def left_out() -> list[tuple[str, str]]:
    """Return name of the target and reason of all that is left out."""
    from bridge.tomtoolkit.models import LeftOut

    return [(row.target.name, row.reason) for row in LeftOut.objects.order_by("pk")]


def test_one_that_fails_keeps_no_other_from_sharing(orm_tom: InProcessTom, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (orm_tom.make_target(name) for name in "AB")
    self_share(first)
    self_share(second)
    failing_for(first, monkeypatch)
    assert [event.subject for event in look()] == ["B"]


def test_a_member_that_fails_keeps_no_other_from_sharing_and_goes_when_it_can(
    orm_tom: InProcessTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tom_targets.models import TargetList

    first, *_ = (orm_tom.make_target(name, lists=["L"]) for name in "ABC")
    self_share(None, target_list=TargetList.objects.get(), kinds=["target", "photometry"])
    end = failing_for(first, monkeypatch)
    assert [event.subject for event in look()] == ["B", "C"]
    assert left_out() == [("A", "it can't be shared: ZeroDivisionError: nobody has foreseen it")]
    photometry(first, 2)
    assert look() == [], "it is not looked at in vain each time"
    end()
    due_now()
    assert kinds(look()) == ["target", "photometry"]
    assert left_out() == []


@pytest.mark.parametrize("why", UNREADABLE)
def test_a_file_that_can_not_be_read_is_left_out_and_said_and_goes_when_it_can(
    orm_tom: InProcessTom, why: str, failing: set[str]
) -> None:
    from tom_dataproducts.models import DataProduct
    from tom_targets.models import TargetList

    pks = [orm_tom.make_target(name, lists=["L"]) for name in "ABC"]
    rows = [data_product(pk, f"{pk}.csv") for pk in pks]
    for pk in pks:
        photometry(pk, 1)
    make_unreadable(rows[0], why, failing)
    self_share(None, target_list=TargetList.objects.get(), kinds=["photometry", "data-product"])
    found = look()
    assert [(event.subject, str(event.kind)) for event in found] == [
        ("A", "photometry"), ("B", "photometry"), ("B", "data-product"), ("C", "photometry"), ("C", "data-product"),
    ]  # fmt: skip
    ((name, reason),) = left_out()
    assert name == "A"
    assert "the file can't be read" in reason
    assert look() == []
    due_now()
    assert look() == []
    assert len(left_out()) == 1
    failing.clear()
    DataProduct.objects.filter(pk=rows[0].pk).update(data=rows[1].data.name)
    due_now()
    assert [(event.subject, str(event.kind)) for event in look()] == [("A", "data-product")]
    assert left_out() == []


def test_a_file_is_tried_again_also_when_the_floor_has_risen_meanwhile(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import DataProduct

    from bridge.tomtoolkit.models import Progress

    pk = orm_tom.make_target("A")
    row, other = data_product(pk, "a.csv"), data_product(pk, "b.csv")
    make_unreadable(row, "outside of the media")
    self_share(pk, kinds=["data-product"])
    assert len(look()) == 1
    Progress.objects.update(floor=1000)
    DataProduct.objects.filter(pk=row.pk).update(data=other.data.name)
    assert look() == []
    due_now()
    assert len(look()) == 1


def test_what_is_left_out_of_a_target_that_leaves_the_list_is_forgotten(orm_tom: InProcessTom) -> None:
    from tom_targets.models import TargetList

    pk = orm_tom.make_target("A", lists=["L"])
    make_unreadable(data_product(pk, "a.csv"), "gone")
    self_share(None, target_list=TargetList.objects.get(), kinds=["data-product"])
    look()
    assert len(left_out()) == 1
    TargetList.objects.get().targets.clear()
    look()
    assert left_out() == []


@pytest.mark.parametrize("why", UNREADABLE)
def test_a_file_that_can_not_be_read_costs_a_share_nothing_else(
    orm_tom: InProcessTom, why: str, failing: set[str]
) -> None:
    from tom_dataproducts.models import DataProduct
    from tom_targets.models import Target, TargetList

    from bridge.errors import InvalidEventError
    from bridge.tomtoolkit.sharing import share

    pk = orm_tom.make_target("A", lists=["L"])
    row, _ = data_product(pk, "a.csv"), data_product(pk, "b.csv")
    make_unreadable(row, why, failing)
    wanted = [TargetList.objects.get(), Target.objects.get(), DataProduct.objects.all(), Target.objects.all()]
    for what in wanted:
        receipt = share(what, topic=TOPIC, with_data=True)
        assert receipt.events["data-product"] == 1
        ((reason, number),) = receipt.left_out.items()
        assert number == 1
        assert reason.startswith("data products: the file can't be read")
    before = len(outbox())
    with pytest.raises(InvalidEventError, match=r"data product .*the file can't be read"):
        share(DataProduct.objects.get(pk=row.pk), topic=TOPIC)
    assert len(outbox()) == before


@pytest.mark.parametrize("wrong", ["SN <b>", "SN\u202e1", "SN\x07"], ids=ascii)
def test_a_target_whose_name_can_not_travel_is_left_out_with_what_to_do_and_goes_when_it_is_renamed(
    orm_tom: InProcessTom, wrong: str
) -> None:
    from tom_targets.models import TargetList

    first, second = (orm_tom.make_target(name, lists=["L"]) for name in "AB")
    rename(first, wrong)
    for pk in (first, second):
        photometry(pk, 1)
    self_share(None, target_list=TargetList.objects.get(), kinds=["list", "target", "photometry"])
    first_look = look()
    assert kinds(first_look) == ["list", "target", "photometry"], "those of B"
    assert members(first_look[:1]) == [["B"]]
    assert {kind for kind, _ in of_all()} == {"list", "target", ""}
    for _, reason in of_all():
        assert f"of {wrong!r}; remove it" in reason
        assert reason.endswith("Correct it in the TOM")
    rename(first, "A")
    due_now()
    assert sorted(kinds(look())) == ["list", "photometry", "target"]
    assert of_all() == []


def of_all() -> list[tuple[str, str]]:
    """Return kind and reason of all that is left out."""
    from bridge.tomtoolkit.models import LeftOut

    return [(row.kind, row.reason) for row in LeftOut.objects.order_by("pk")]


def test_a_list_goes_without_the_member_whose_name_can_not_travel_and_with_it_once_it_is_renamed(
    orm_tom: InProcessTom,
) -> None:
    from tom_targets.models import TargetList

    first, *_ = (orm_tom.make_target(name, lists=["L"]) for name in "ABC")
    rename(first, "A<b>")
    self_share(None, target_list=TargetList.objects.get(), kinds=["list"])
    assert members(look()) == [["B", "C"]]
    ((name, reason),) = left_out()
    assert name == "A<b>", "who may not see that target is not told of it"
    assert "<" in reason
    assert look() == []
    due_now()
    assert look() == [], "nothing has changed"
    rename(first, "A")
    due_now()
    assert members(look()) == [["A", "B", "C"]]
    assert left_out() == []


def members(events: Any) -> list[list[str]]:
    """Return the names of the members of each list."""
    return [[member.reference.name for member in event.body.members] for event in events]
