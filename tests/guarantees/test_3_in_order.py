"""Guarantee 3: what one publisher shares of one target arrives in its order, also through parking."""

import pytest
from parts.bridges import Publishing
from parts.kill import killed
from parts.shares import REFERENCE, SUPERNOVA, on_day

from bridge.codec import encode
from bridge.events import TargetReference
from bridge.ledger.port import Outcome, Reason

UNIT = "bridge.ledger.sqlite:SqliteLedger.unit"
BY_NAME_ALONE = TargetReference(name="SN 2024abc")


def order(tom) -> list[int]:
    """Return the days of January of the TOM's points in the order in which they were written."""
    return [int(row["timestamp"][8:10]) for row in sorted(tom.photometry(), key=lambda row: row["id"])]


def test_what_is_applied_live_is_in_order(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    alpha.publish(*(on_day(day) for day in (5, 2, 7, 1)))
    beta.mapping["tom"]["connections"] = 1
    beta.drain()
    assert order(beta.tom) == [7, 4, 9, 3]


def test_what_was_parked_is_applied_in_the_order_in_which_it_was_shared(alpha, beta):
    beta.mapping["tom"]["connections"] = 1
    alpha.publish(*(on_day(day) for day in (5, 2, 7, 1)))
    beta.drain()
    alpha.publish(on_day(4))
    beta.drain()
    beta.tom.make_target("SN 2024abc")
    assert beta.retry_parked() == 5
    assert order(beta.tom) == [7, 4, 9, 3, 6]


def test_an_event_that_finds_its_target_lets_the_parked_ones_before_it_go_first(alpha, beta):
    beta.mapping["tom"]["connections"] = 1
    alpha.publish(on_day(5), on_day(2))
    beta.drain()
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(4))
    beta.drain()
    assert order(beta.tom) == [7, 4, 6]


def test_an_event_waits_behind_one_that_is_parked_although_it_finds_its_target(alpha, beta):
    beta.mapping["tom"]["connections"] = 1
    beta.tom.make_target("SN 2024abc", ra=11.0)
    alpha.publish(on_day(5), on_day(2, reference=BY_NAME_ALONE), on_day(4))
    beta.drain()
    alpha.publish(on_day(3, reference=BY_NAME_ALONE))
    beta.drain()
    assert beta.tom.photometry() == []
    assert {one.reason for one in beta.parked()} == {Reason.POSITION_DISAGREES, Reason.WAITS_BEHIND}
    beta.tom.shell("from tom_targets.models import Target; Target.objects.update(ra=10.0); result = None")
    assert beta.retry_parked() == 4
    assert order(beta.tom) == [7, 4, 6, 5]


def test_what_waits_for_an_upgrade_does_not_keep_the_rest_of_the_line_waiting(alpha, beta):
    beta.mapping["tom"]["connections"] = 1
    beta.tom.make_target("SN 2024abc", ra=11.0)
    newer = encode(alpha.share.event(on_day(9)))
    alpha.publish(on_day(5))
    beta.drain()
    alpha.publish_bytes(b"of another time", key=newer.key, headers=[("ce_type", b"tom_bridge.v2.Photometry")])
    alpha.publish(on_day(2, reference=BY_NAME_ALONE))
    beta.drain()
    assert [one.reason for one in beta.parked()] == [
        Reason.POSITION_DISAGREES,
        Reason.NEWER_VERSION,
        Reason.WAITS_BEHIND,
    ]
    beta.tom.shell("from tom_targets.models import Target; Target.objects.update(ra=10.0); result = None")
    assert beta.retry_parked() == 2
    assert order(beta.tom) == [7, 4]


def test_what_waits_goes_on_although_the_process_was_killed_after_its_predecessor(alpha, beta, tmp_path):
    beta.mapping["limits"] |= {"batch_datums": 1}
    beta.tom.make_target("SN 2024abc", ra=11.0)
    alpha.publish(on_day(5), on_day(2, reference=BY_NAME_ALONE))
    beta.drain()
    beta.tom.shell("from tom_targets.models import Target; Target.objects.update(ra=10.0); result = None")
    retry = ["--config", str(beta.config_file()), "parked", "retry"]
    assert killed("bridge.cli:main", retry, [f"leaving {UNIT}"], log=tmp_path / "log")
    assert [one.reason for one in beta.parked()] == [Reason.WAITS_BEHIND]
    assert beta.retry_parked() == 1
    assert order(beta.tom) == [7, 4]


def test_nobody_waits_behind_another_publisher_or_another_target(alpha, beta, url):
    beta.tom.make_target("SN 2024abc", ra=11.0)
    beta.tom.make_target("M 33", ra=23.46, dec=30.66)
    alpha.publish(on_day(5))
    gamma = Publishing(url, origin="gamma", name="Gamma TOM")
    gamma.publish(on_day(2, reference=BY_NAME_ALONE))
    gamma.close()
    alpha.publish(on_day(3, reference=TargetReference(name="M 33")))
    beta.drain()
    assert sorted(order(beta.tom)) == [4, 5]


def test_a_target_that_was_parked_comes_before_the_later_one_and_before_its_data(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    beta.tom.make_target("ZTF24xyz")
    later = SUPERNOVA.model_copy(update={"extras": {"class": "IIn", "z": "0.1"}})
    alpha.publish(SUPERNOVA, on_day(1), later)
    beta.drain()
    assert [one.reason for one in beta.parked()] == [Reason.AMBIGUOUS, Reason.WAITS_BEHIND, Reason.WAITS_BEHIND]
    beta.tom.shell("from tom_targets.models import Target; Target.objects.get(name='ZTF24xyz').delete(); result = None")
    assert beta.retry_parked() == 3
    assert beta.tom.extras("SN 2024abc") == {"class": "Ia", "z": "0.1"}
    assert order(beta.tom) == [3]


def test_nothing_waits_behind_what_was_shared_after_it(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1))
    beta.drain()
    beta.tom.shell(
        "from tom_targets.models import Target; from tom_dataproducts.models import PhotometryReducedDatum;"
        "PhotometryReducedDatum.objects.all().delete(); result = None"
    )
    far_away = REFERENCE.model_copy(update={"ra": 200.0})
    alpha.publish(on_day(2, reference=far_away))
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.PARKED]
    beta.replay(restore=True)
    assert order(beta.tom) == [3]
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.PARKED]


@pytest.mark.parametrize("nth", [1, 2])
def test_a_publisher_that_is_killed_and_starts_again_keeps_its_order(nth, alpha, beta, tmp_path):
    """What is not durable is published anew, after what is."""
    beta.tom.make_target("SN 2024abc")
    beta.mapping["tom"]["connections"] = 1
    events = [alpha.share.event(on_day(day)) for day in (5, 2, 7)]
    lines = tmp_path / "events.jsonl"
    lines.write_text("".join(event.model_dump_json() + "\n" for event in events))
    publish = ["--config", str(beta.config_file()), "publish", "events", str(lines), "--topic", beta.topic]
    killed("bridge.cli:main", publish, ["before bridge.stream.sqlite:SqliteStream.flush"], nth=nth, log=tmp_path / "l")
    assert not killed("bridge.cli:main", publish, [], log=tmp_path / "l")
    beta.drain()
    assert order(beta.tom) == [7, 4, 9]
