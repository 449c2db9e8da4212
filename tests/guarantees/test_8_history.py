"""Guarantee 8: any TOM can replay by time, offset, origin, kind or target, and restore what is gone from it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from parts.bridges import Publishing, holdings
from parts.kill import killed
from parts.shares import GALAXY, SUPERNOVA, on_day, one_of_each, photometry, product
from parts.wait import wait_until

from bridge.errors import TopicMissingError
from bridge.events import Kind, TargetReference
from bridge.ledger.port import Outcome
from bridge.receiving.replay import Selection, replay, spans

DELETE = """
from tom_targets.models import Target, TargetList
from tom_dataproducts.models import DataProduct, PhotometryReducedDatum
{0}
result = None
"""


def delete(beta, what: str) -> None:
    """Delete something in the TOM, as a person would."""
    beta.tom.shell(DELETE.format(what))


# -- which part -------------------------------------------------------------------------------------------------------


@pytest.fixture
def history(alpha, beta, url) -> dict[str, datetime]:
    """Six events of two origins, all applied; two times between the first four and the last two."""
    beta.tom.make_target("M 33", ra=23.46, dec=30.66)
    alpha.publish(*one_of_each())
    wait_until(lambda: datetime.now(UTC) > _last_record(alpha), what="a later microsecond")
    between = datetime.now(UTC)
    gamma = Publishing(url, origin="gamma", name="Gamma TOM")
    gamma.publish(GALAXY, on_day(5, reference=TargetReference(name="m33")))
    gamma.close()
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 6
    return {"between": between, "before": between - timedelta(hours=1)}


def _last_record(alpha) -> datetime:
    return max(record.timestamp for record in alpha.records())


def test_history_is_chosen_by_time_offset_origin_kind_and_target(history, beta):
    def count(**chosen) -> int:
        return beta.replay(**chosen).total()

    assert count() == 6
    assert count(since=history["between"]) == 2
    assert count(until=history["between"]) == 4
    assert count(since=history["before"], until=history["between"]) == 4
    assert count(from_offset=3) == 3
    assert count(origin="gamma") == 2
    assert count(kind="photometry") == 2
    assert count(kind="photometry", origin="alpha") == 1
    assert count(target="ztf24-XYZ") == 4  # also the list, of which it is a member
    assert count(target="M33") == 1
    assert count(target="nobody") == 0


def test_of_what_was_applied_the_ledger_is_asked_of_many_at_once(history, beta, monkeypatch):
    selection, asked = Selection(topic=beta.topic), []
    with beta.open() as bridge:
        recorded = bridge.ledger.recorded
        monkeypatch.setattr(bridge.ledger, "recorded", lambda places: asked.append(len(places)) or recorded(places))
        parts = (bridge.stream, bridge.reader, bridge.waiting, spans(bridge.stream, bridge.ledger, selection))
        at_once = [one.record.offset for one in replay(*parts, selection, dry_run=True)]
        assert asked == [6]
        monkeypatch.setattr("bridge.receiving.replay._MOST_TOGETHER", 4)
        assert [one.record.offset for one in replay(*parts, selection, dry_run=True)] == at_once == [0, 1, 2, 3, 4, 5]
        assert asked == [6, 4, 2]


def test_replay_leaves_what_was_applied_and_the_position_as_they_are(history, beta):
    wanted, entries, position = holdings(beta.tom), beta.entries(), beta.position()
    assert beta.replay() == {"unchanged": 6}
    assert holdings(beta.tom) == wanted
    assert beta.entries() == entries
    assert beta.position() == position == 6


def test_a_replay_of_what_lies_ahead_is_left_to_the_consumer(history, alpha, beta):
    alpha.publish(on_day(9))
    assert beta.replay() == {"unchanged": 6}
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 7


def test_replay_of_a_topic_that_does_not_exist_says_so(history, beta):
    beta.topic = "nowhere"
    with pytest.raises(TopicMissingError, match=r"nowhere.*tom-bridge topics create nowhere"):
        beta.replay()


# -- what was left out before -----------------------------------------------------------------------------------------


def test_what_was_filtered_out_before_is_applied_by_replay(alpha, beta):
    beta.subscribe(kinds=["target"], origins=["alpha"])
    alpha.publish(SUPERNOVA, photometry(2), product())
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.IGNORED, Outcome.IGNORED]
    beta.subscribe()
    assert beta.replay() == {"unchanged": 1, "applied": 2}
    assert beta.outcomes() == [Outcome.APPLIED] * 3
    assert len(beta.tom.photometry()) == 4
    assert len(beta.tom.products()) == 1


def test_what_was_ignored_for_want_of_a_target_is_applied_by_replay(alpha, beta):
    beta.subscribe(unmatched="ignore")
    alpha.publish(photometry(2))
    beta.drain()
    beta.tom.make_target("SN 2024abc")
    assert beta.replay(dry_run=True) == {"applied": 1}
    assert beta.replay(target="SN2024abc") == {"applied": 1}
    assert len(beta.tom.photometry()) == 2


def test_what_is_parked_or_dead_is_decided_anew_by_replay(alpha, beta):
    alpha.publish(photometry(2), on_day(1, reference=TargetReference(name="M 33")))
    beta.tom.make_target("M 33", may_change=False)
    beta.drain()
    assert beta.outcomes() == [Outcome.PARKED, Outcome.DEAD]
    assert beta.replay() == {"parked": 1, "dead": 1}
    beta.tom.reset()
    beta.tom.make_target("M 33")
    beta.tom.make_target("SN 2024abc")
    assert beta.replay() == {"applied": 2}
    assert (beta.parked(), beta.dead()) == ([], [])
    assert len(beta.tom.photometry()) == 3


# -- a dry run --------------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_by_kind_and_target_and_changes_nothing(alpha, beta):
    alpha.publish(*one_of_each(), on_day(3, reference=TargetReference(name="M 33")))
    beta.drain()
    delete(beta, "PhotometryReducedDatum.objects.all().delete()")
    delete(beta, "DataProduct.objects.all().delete(); Target.objects.get(name='M 31').delete()")
    beta.tom.make_target("M 33")
    wanted, entries, parked, position = holdings(beta.tom), beta.entries(), beta.parked(), beta.position()
    summary = beta.replay_in_full(restore=True, dry_run=True)
    assert summary.by_subject == {
        ("target", "SN 2024abc", "duplicate"): 1,
        ("photometry", "SN 2024abc", "applied"): 1,
        ("list", "Best of all", "applied"): 1,
        ("data-product", "SN 2024abc", "applied"): 1,
        ("photometry", "M 33", "applied"): 1,
    }
    assert beta.replay(dry_run=True) == {"unchanged": 4, "applied": 1}
    table = beta.run("replay", "--topic", beta.topic, "--dry-run").stdout
    assert "would be" in table
    assert table.splitlines()[-1] == f"Would replay 5 events of {beta.topic}: 1 applied, 4 unchanged"
    assert holdings(beta.tom) == wanted
    assert beta.entries() == entries
    assert beta.parked() == parked
    assert beta.position() == position


# -- restore ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "gone",
    [
        "Target.objects.all().delete(); TargetList.objects.all().delete()",
        "Target.objects.get(name='SN 2024abc').delete()",
        "PhotometryReducedDatum.objects.filter(brightness=17.01).delete()",
        "DataProduct.objects.all().delete(); PhotometryReducedDatum.objects.filter(source_name='').delete()",
        "[each.targets.clear() for each in TargetList.objects.all() if each.name.startswith('Best of all')]",
        "TargetList.objects.filter(name__startswith='Best of all').delete()",
    ],
    ids=["everything", "target", "point", "product", "list-members", "list"],
)
def test_what_was_deleted_is_put_back(gone, alpha, beta):
    alpha.publish(*one_of_each())
    beta.drain()
    wanted = holdings(beta.tom)
    delete(beta, gone)
    assert holdings(beta.tom) != wanted
    assert beta.replay() == {"unchanged": 4}
    assert holdings(beta.tom) != wanted
    beta.replay(restore=True)
    assert holdings(beta.tom) == wanted
    assert beta.outcomes() == [Outcome.APPLIED] * 4
    assert beta.position() == 4
    again = beta.replay(restore=True)
    assert again.total() == 4
    assert holdings(beta.tom) == wanted


def test_only_what_was_asked_for_is_put_back(alpha, beta):
    alpha.publish(SUPERNOVA, GALAXY, photometry(1), on_day(2, reference=GALAXY.reference))
    beta.drain()
    delete(beta, "Target.objects.all().delete()")
    beta.replay(restore=True, target="ZTF 24 xyz")
    assert [row["name"] for row in beta.tom.targets()] == ["SN 2024abc"]
    assert len(beta.tom.photometry()) == 1


def test_data_of_a_target_that_is_gone_are_parked_and_come_with_it(alpha, beta):
    alpha.publish(SUPERNOVA, photometry(2))
    beta.drain()
    delete(beta, "Target.objects.all().delete()")
    assert beta.replay(restore=True, kind="photometry") == {"parked": 1}
    beta.tom.make_target("SN 2024abc")
    assert beta.retry_parked() == 1
    assert len(beta.tom.photometry()) == 2


@pytest.mark.parametrize("event", [photometry(2), product()], ids=["photometry", "product"])
def test_what_the_tom_refuses_of_a_restore_is_put_back_once_when_it_is_tried_again(alpha, beta, event):
    """Also where the event came twice: what a person deletes after that stays away."""
    events = alpha.publish(event)
    alpha.publish(*events)
    beta.tom.make_target("SN 2024abc")
    beta.drain()
    delete(beta, "Target.objects.all().delete()")
    beta.tom.make_target("SN 2024abc", may_change=False)
    assert beta.replay(restore=True) == {"dead": 2}
    delete(beta, "Target.objects.all().delete()")
    beta.tom.make_target("SN 2024abc")
    with beta.open() as bridge:
        first, second = bridge.ledger.dead()
        (again,) = bridge.waiting.retry_dead([first], bridge.budget)
        assert again.outcome is Outcome.APPLIED
        assert beta.tom.photometry() or beta.tom.products()
        delete(beta, "PhotometryReducedDatum.objects.all().delete(); DataProduct.objects.all().delete()")
        (again,) = bridge.waiting.retry_dead([second], bridge.budget)
    assert again.outcome is Outcome.DUPLICATE
    assert beta.tom.photometry() == []
    assert beta.tom.products() == []
    assert beta.dead() == []


def test_a_restore_that_is_killed_is_finished_by_the_next(alpha, beta, tmp_path):
    alpha.publish(*one_of_each())
    beta.drain()
    wanted = holdings(beta.tom)
    delete(beta, "Target.objects.all().delete(); TargetList.objects.all().delete()")
    command = ["--config", str(beta.config_file()), "replay", "--topic", beta.topic, "--restore"]
    step = "after bridge.tom.rest.connection:Connection.send POST"
    assert killed("bridge.cli:main", command, [step], nth=3, log=tmp_path / "log")
    beta.replay(restore=True)
    assert holdings(beta.tom) == wanted
    assert beta.parked() == []


def test_a_replay_beside_the_running_daemon_doubles_nothing(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    with beta.daemon() as daemon:
        alpha.publish(*(on_day(day) for day in range(5)))
        daemon.wait_for("event.applied", 5)
        delete(beta, "PhotometryReducedDatum.objects.filter(timestamp__day__lte=4).delete()")
        alpha.publish(*(on_day(day) for day in range(5, 25)))
        beta.replay(restore=True)
        daemon.wait_for("event.applied", 25)
        assert daemon.end() == 0
    assert beta.outcomes() == [Outcome.APPLIED] * 25
    assert len(beta.tom.photometry()) == 25
    assert beta.position() == 25


def test_a_second_copy_of_an_event_does_not_hide_that_it_is_gone(alpha, beta):
    events = alpha.publish(SUPERNOVA, photometry(2))
    alpha.publish(*events)
    beta.drain()
    delete(beta, "PhotometryReducedDatum.objects.all().delete()")
    beta.replay(restore=True, kind=str(Kind.PHOTOMETRY))
    assert len(beta.tom.photometry()) == 2
    assert {entry.event_id for entry in beta.entries(outcome=Outcome.APPLIED)} == {UUID(str(one.id)) for one in events}


def test_a_restore_that_finds_all_there_keeps_the_story_of_each_record(alpha, beta):
    beta.tom.make_target("SN2024abc")
    alpha.publish(SUPERNOVA)
    beta.drain()
    (before,) = beta.entries()
    assert before.detail["added"]
    assert beta.replay(restore=True) == {"duplicate": 1}
    assert [(entry.outcome, entry.detail) for entry in beta.entries()] == [(before.outcome, before.detail)]
