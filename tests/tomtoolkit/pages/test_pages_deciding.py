"""What people decide on the pages: which target is meant, what is tried again, what is dropped."""

import pytest
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.pages import account, ambiguous, browser, dead_letters, elsewhere, page, post, refused, rename, told
from parts.shares import LIGHT_CURVE, on_day, photometry, product

from bridge.events import TargetReference
from bridge.ledger.port import Outcome, Reason

pytestmark = pytest.mark.usefixtures("alpha", "settings")


def parked_id() -> int:
    from bridge.tomtoolkit.models import Parked

    return int(Parked.objects.order_by("pk").values_list("pk", flat=True)[0])


def test_a_chosen_candidate_gets_what_was_parked_and_what_comes_later(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    _, second = ambiguous(orm_tom, alpha, beta)
    client = browser(account("root", is_superuser=True))
    answer = post(client, f"/bridge/parked/{parked_id()}/choose/", target=str(second))
    assert "now goes to SN2024ABC" in told(answer)
    assert "1 applied" in told(answer)
    alpha.publish(on_day(1))
    beta.drain()
    assert [row["target_id"] for row in orm_tom.photometry()] == [second] * 4
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.APPLIED]


def test_a_choice_that_is_taken_back_is_not_followed_any_more(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.models import Choice

    first, _ = ambiguous(orm_tom, alpha, beta)
    client = browser(account("root", is_superuser=True))
    post(client, f"/bridge/parked/{parked_id()}/choose/", target=str(first))
    assert "Chosen" in page(client, "/bridge/parked/")
    post(client, f"/bridge/choices/{Choice.objects.get().pk}/forget/")
    alpha.publish(on_day(1))
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.PARKED]


def test_a_target_elsewhere_on_the_sky_is_taken_when_a_person_says_so(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    pk = elsewhere(orm_tom, alpha, beta)
    answer = post(browser(account("root", is_superuser=True)), f"/bridge/parked/{parked_id()}/choose/", target=str(pk))
    assert "1 applied" in told(answer)
    assert [row["target_id"] for row in orm_tom.photometry()] == [pk, pk]
    assert orm_tom.target("SN 2024abc")["dec"] == 20.01, "ours is never overwritten"


def spelled(orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, name: str = "M 1-1") -> int:
    """Let data come for a name whose digits ours groups otherwise, and return the key of ours."""
    pk = orm_tom.make_target("M 11", ra=10.0, dec=20.0)
    alpha.publish(photometry(2, TargetReference(name=name)))
    beta.drain()
    return pk


def test_a_name_whose_digits_are_grouped_otherwise_waits_for_a_person_who_says_that_it_is_ours(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    pk = spelled(orm_tom, alpha, beta)
    assert [one.reason for one in beta.parked()] == [Reason.AMBIGUOUS_SPELLING]
    assert orm_tom.photometry() == []
    client = browser(account("root", is_superuser=True))
    shown = page(client, "/bridge/parked/")
    assert "ambiguous spelling" in shown
    assert "It is our M 11 all the same" in shown
    assert "1 applied" in told(post(client, f"/bridge/parked/{parked_id()}/choose/", target=str(pk)))
    alpha.publish(on_day(1, reference=TargetReference(name="m 1_1")), on_day(2, reference=TargetReference(name="M 11")))
    beta.drain()
    assert [row["target_id"] for row in orm_tom.photometry()] == [pk] * 4
    assert beta.parked() == []


def test_a_choice_for_one_spelling_says_nothing_of_another(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.receiving.choices import choose

    first = orm_tom.make_target("M 11", ra=10.0, dec=20.0)
    second = orm_tom.make_target("Other", ra=50.0, dec=-5.0)
    rename(second, "M 1-1")
    choose("M 1-1", second, "root")
    alpha.publish(*(on_day(day, reference=TargetReference(name=name)) for day, name in enumerate(["M 1-1", "M 11"])))
    beta.drain()
    assert [row["target_id"] for row in orm_tom.photometry()] == [second]
    assert [one.reason for one in beta.parked()] == [Reason.AMBIGUOUS]
    choose("M 11", first, "root")
    beta.retry_parked()
    assert [row["target_id"] for row in orm_tom.photometry()] == [second, first], "both choices hold"


def test_a_choice_of_a_release_before_is_followed_for_the_name_alone_that_was_shared(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.models import Choice

    orm_tom.make_target("M 11", ra=10.0, dec=20.0)
    other = orm_tom.make_target("Other", ra=50.0, dec=-5.0)
    Choice.objects.create(simple="m11", name="M 1-1", target_id=other, chosen_by="root")
    alpha.publish(on_day(1, reference=TargetReference(name="M 11")))
    beta.drain()
    assert [row["target"] for row in orm_tom.photometry()] == ["M 11"]


@pytest.mark.parametrize("given", ["4711", "", "x", "-1", "9" * 30])
def test_only_a_candidate_can_be_chosen(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, given: str
) -> None:
    ambiguous(orm_tom, alpha, beta)
    other = orm_tom.make_target("Another", ra=1.0, dec=1.0)
    for target in (given, str(other)):
        answer = post(
            browser(account(f"root{target[:5]}", is_superuser=True)), f"/bridge/parked/{parked_id()}/choose/",
            target=target,
        )  # fmt: skip
        assert "Choose one of the targets" in told(answer)
    assert orm_tom.photometry() == []


def test_who_may_not_change_the_target_can_not_choose_it(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    mia = account("mia", "manage")
    pk = elsewhere(orm_tom, alpha, beta, users=["mia"], may_change=False, permissions="PRIVATE")
    assert refused(browser(mia).post(f"/bridge/parked/{parked_id()}/choose/", {"target": str(pk)}))
    assert orm_tom.photometry() == []


def test_what_is_parked_is_retried_from_the_page_when_its_target_is_there(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    alpha.publish(on_day(1), on_day(2))
    beta.drain()
    client = browser(account("mia", "manage"))
    assert "1 parked" in told(post(client, "/bridge/parked/retry/", id=[str(parked_id())]))
    orm_tom.make_target("sn2024abc", users=["mia"])
    assert "2 applied" in told(post(client, "/bridge/parked/retry/", id=[str(parked_id())]))
    assert len(orm_tom.photometry("sn2024abc")) == 2


def test_a_retry_ends_when_the_time_of_a_request_is_over_and_the_daemon_does_the_rest(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.models import Parked
    from bridge.tomtoolkit.operating.retrying import retry_parked

    alpha.publish(*(on_day(day) for day in range(5)))
    beta.drain()
    orm_tom.make_target("sn2024abc")
    ids = list(Parked.objects.values_list("pk", flat=True))
    tried = retry_parked(ids, budget_s=-1.0)
    assert tried.left + sum(tried.outcomes.values()) >= 1
    while beta.retry_parked():
        pass
    assert len(orm_tom.photometry("sn2024abc")) == 5


def test_a_data_product_is_left_to_the_daemon(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    alpha.publish(product())
    beta.drain()
    mia = account("mia", "manage")
    orm_tom.make_target("sn2024abc", users=["mia"])
    answer = post(browser(mia), "/bridge/parked/retry/", id=[str(parked_id())])
    assert "1 left to the bridge's daemon" in told(answer)
    assert orm_tom.products() == []
    assert beta.retry_parked() == 1
    assert [row["path"].read_bytes() for row in orm_tom.products()] == [LIGHT_CURVE]


def test_a_dead_letter_is_retried_and_stays_dead_while_its_reason_lasts(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    bytes_id, _ = dead_letters(alpha, beta)
    answer = post(browser(account("mia", "manage")), "/bridge/dead/retry/", id=[str(bytes_id)])
    assert "1 dead" in told(answer)
    assert beta.outcomes().count(Outcome.DEAD) == 2


def test_a_dead_product_is_retried_by_the_daemon_once_its_reason_is_gone(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.operating.retrying import retry_requested

    _, product_id = dead_letters(alpha, beta)
    client = browser(account("root", is_superuser=True))
    assert "1 left to the bridge's daemon" in told(post(client, "/bridge/dead/retry/", id=[str(product_id)]))
    assert "left to the daemon" in page(client, "/bridge/dead/")
    assert "root" in page(client, f"/bridge/dead/{product_id}/")
    beta.mapping["data_product_types"] = {"no_such_type": "photometry"}
    with beta.open() as bridge:
        assert retry_requested(bridge) == 1
        assert retry_requested(bridge) == 0
    assert len(orm_tom.products()) == 1
    assert beta.outcomes().count(Outcome.DEAD) == 1


def test_a_dead_letter_is_dropped_with_its_bytes(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.models import Kept

    ids = dead_letters(alpha, beta)
    client = browser(account("root", is_superuser=True))
    assert "2 dropped" in told(post(client, "/bridge/dead/drop/", id=[str(one) for one in ids]))
    assert Kept.objects.count() == 0
    assert beta.outcomes().count(Outcome.IGNORED) == 2
    assert "no dead letters" in page(client, "/bridge/dead/")
    assert "nothing dead has the id" in told(post(client, "/bridge/dead/drop/", id=[str(ids[0])]))


def test_what_is_parked_is_dropped_by_tick_or_by_its_reason(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.tomtoolkit.models import Kept, Parked
    from bridge.tomtoolkit.pages import parked as module

    monkeypatch.setattr(module, "DROPPED_AT_ONCE", 2)
    ambiguous(orm_tom, alpha, beta)
    alpha.publish(*(photometry(1, TargetReference(name=f"Nobody {number}")) for number in range(5)))
    beta.drain()
    client = browser(account("root", is_superuser=True))
    assert "Drop all with this reason" not in page(client, "/bridge/parked/")
    assert "Drop all with this reason" in page(client, "/bridge/parked/?reason=no%20target")
    assert "1 dropped" in told(post(client, "/bridge/parked/drop/", id=[str(_parked_pks()[1])]))
    answers = [told(post(client, "/bridge/parked/drop/", reason="no target")) for _ in range(3)]
    assert ["2 dropped" in answers[0], "2 dropped" in answers[1], "0 dropped" in answers[2]] == [True] * 3
    assert ["press once more" in one for one in answers] == [True, True, False]
    assert [row.reason for row in Parked.objects.all()] == ["ambiguous"]
    assert Kept.objects.count() == 1
    assert beta.outcomes() == [Outcome.PARKED] + [Outcome.IGNORED] * 5


def _parked_pks() -> list[int]:
    from bridge.tomtoolkit.models import Parked

    return list(Parked.objects.order_by("pk").values_list("pk", flat=True))
