"""Guarantee 4: at each TOM each event has one recorded outcome, with its reason and its counts."""

from collections import Counter

import pytest
from parts.bridges import Publishing
from parts.shares import LIGHT_CURVE, NOON, REFERENCE, SUPERNOVA, best_of_all, on_day, photometry, points, product

from bridge.codec import encode
from bridge.events import Photometry, TargetReference
from bridge.ledger.port import Outcome, Reason


def told(beta) -> list[tuple[str, str | None]]:
    return [(str(entry.outcome), entry.reason) for entry in beta.entries()]


def test_every_record_has_one_outcome_with_its_reason(alpha, beta, url):
    beta.mapping["subscribe"][0] |= {"kinds": ["target", "photometry", "list"], "origins": ["alpha", "beta"]}
    beta.drain()
    with beta.open() as bridge:
        own = alpha.share.model_copy(update={"origin": "beta", "installation": bridge.ledger.installation})
    gamma = Publishing(url, origin="gamma")
    events = alpha.publish(SUPERNOVA, photometry(2))
    alpha.publish(events[1], photometry(2), own.event(photometry(1)), product())
    gamma.publish(photometry(1))
    gamma.close()
    alpha.publish(on_day(3, reference=TargetReference(name="M 33")), best_of_all("M 101"))
    alpha.publish_bytes(b"nonsense")
    beta.drain()
    assert told(beta) == [
        ("applied", None),
        ("applied", None),
        ("duplicate", None),
        ("duplicate", None),
        ("ignored", Reason.OURS),
        ("ignored", Reason.KIND_NOT_SUBSCRIBED),
        ("ignored", Reason.ORIGIN_NOT_ACCEPTED),
        ("parked", Reason.NO_TARGET),
        ("applied", None),
        ("dead", Reason.UNDECODABLE),
    ]
    with beta.open() as bridge:
        counted = Counter({str(outcome): 0 for outcome in Outcome})
        for count in bridge.ledger.counts():
            counted[str(count.outcome)] += count.events
    assert counted == {"applied": 3, "duplicate": 2, "ignored": 3, "parked": 1, "dead": 1}


def test_points_are_counted_as_new_duplicate_and_conflicting(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    mixed = Photometry(target=REFERENCE, points=(*points(1, brightness=19.0), *points(4)[1:]))
    alpha.publish(photometry(2), mixed)
    beta.drain()
    first, second = beta.entries()
    assert first.detail["datums"] == {"new": 2}
    assert second.detail["datums"] == {"new": 2, "duplicate": 1, "conflicting": 1}
    (conflict,) = second.detail["conflicting"]
    assert (conflict["timestamp"], conflict["brightness"]) == (NOON.isoformat(), 19.0)
    assert len(beta.tom.photometry()) == 4


def test_members_of_a_list_are_parked_one_by_one(alpha, beta):
    alpha.publish(best_of_all("M 33", "M 101"))
    beta.drain()
    assert [(one.member, one.reason) for one in beta.parked()] == [
        ("SN 2024abc", Reason.NO_TARGET),
        ("M 33", Reason.NO_TARGET),
        ("M 101", Reason.NO_TARGET),
    ]
    beta.tom.make_target("M 33")
    assert beta.retry_parked() == 1
    assert [one.member for one in beta.parked()] == ["SN 2024abc", "M 101"]


def test_members_that_stay_parked_do_not_count_as_released(alpha, beta):
    for name in ("M33", "m 33"):
        beta.tom.make_target(name, ra=23.46, dec=30.66)
    alpha.publish(best_of_all("M 33"))
    beta.drain()
    assert [one.reason for one in beta.parked()] == [Reason.NO_TARGET, Reason.AMBIGUOUS]
    assert beta.retry_parked() == 0
    assert [one.member for one in beta.parked()] == ["SN 2024abc", "M 33"]


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "later"])
def test_an_event_that_comes_again_while_it_is_parked_is_applied_all_the_same(at_once, alpha, beta):
    (event,) = alpha.publish(photometry(2))
    if not at_once:
        beta.drain()
    alpha.publish(event)
    beta.drain()
    assert told(beta) == [("parked", Reason.NO_TARGET), ("duplicate", None)]
    beta.tom.make_target("SN 2024abc")
    assert beta.retry_parked() == 1
    assert len(beta.tom.photometry()) == 2
    assert told(beta) == [("applied", None), ("duplicate", None)]


def test_an_event_that_comes_again_when_it_is_dead_can_be_applied_by_either(alpha, beta):
    beta.tom.make_target("SN 2024abc", may_change=False)
    (event,) = alpha.publish(photometry(1))
    alpha.publish(event)
    beta.drain()
    assert told(beta) == [("dead", Reason.REJECTED)] * 2
    _may_change(beta)
    with beta.open() as bridge:
        results = bridge.waiting.retry_dead(bridge.ledger.dead(), bridge.budget)
    assert [result.outcome for result in results] == [Outcome.APPLIED, Outcome.DUPLICATE]
    assert told(beta) == [("applied", None), ("duplicate", None)]
    assert beta.dead() == []
    assert len(beta.tom.photometry()) == 1


def test_a_dead_letter_is_shown_retried_and_dropped_by_command(alpha, beta):
    beta.tom.make_target("SN 2024abc", may_change=False)
    alpha.publish(photometry(1), on_day(2))
    beta.drain()
    assert "may not change the target" in beta.run("dead", "list").stdout
    assert beta.run("dead", "retry").stdout == "Tried 2: 2 dead\n"
    first, second = beta.dead()
    assert beta.run("dead", "drop", str(first.id)).stdout == "Dropped 1\n"
    _may_change(beta)
    assert beta.run("dead", "retry", str(second.id)).stdout == "Tried 1: 1 applied\n"
    assert told(beta) == [("ignored", Reason.DROPPED), ("applied", None)]
    assert len(beta.tom.photometry()) == 1


def test_where_data_without_a_target_are_ignored_nothing_is_kept_of_them_and_each_is_recorded(alpha, beta):
    beta.subscribe(unmatched="ignore")
    beta.tom.make_target("ZTF24xyz")
    nameless = TargetReference(name="SN 2024abc")
    alpha.publish(on_day(1, reference=nameless), on_day(2), on_day(3, reference=nameless), best_of_all("M 33"))
    beta.drain()
    ignored = ("ignored", Reason.UNMATCHED_IGNORED)
    assert told(beta) == [ignored, ("applied", None), ignored, ("applied", None)]
    assert beta.parked() == []
    with beta.open() as bridge:
        assert bridge.ledger.kept_bytes() == 0
    assert len(beta.tom.photometry()) == 1


def test_what_was_applied_stays_applied_when_the_subscription_is_narrowed(alpha, beta):
    alpha.publish(SUPERNOVA, photometry(1), best_of_all("M 33"))
    beta.drain()
    entries = beta.entries()
    beta.subscribe(origins=["somebody-else"])
    assert beta.replay() == {"unchanged": 3}
    assert beta.replay(restore=True) == {"unchanged": 3}
    assert beta.entries() == entries
    beta.tom.make_target("M 33")
    beta.retry_parked()
    assert [entry.outcome for entry in beta.entries()] == [Outcome.APPLIED] * 3
    assert beta.parked() == []


def test_a_product_of_another_content_under_the_same_id_is_told(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    alpha.publish(product(product_id="p1"), product(product_id="p1"), product(LIGHT_CURVE + b"\n", product_id="p1"))
    beta.drain()
    fates = [(entry.outcome, entry.detail["product"]["fate"]) for entry in beta.entries()]
    assert fates == [(Outcome.APPLIED, "new"), (Outcome.DUPLICATE, "duplicate"), (Outcome.APPLIED, "conflicting")]
    assert "another content" in beta.entries()[2].detail["message"]
    assert len(beta.tom.products()) == 1


def test_what_is_newer_than_this_release_counts_as_parked_and_never_as_bad(alpha, beta):
    key = encode(alpha.share.event(photometry(1))).key
    alpha.publish_bytes(b"of another time", key=key, headers=[("ce_type", b"tom_bridge.v2.Spectroscopy")])
    beta.drain()
    (entry,) = beta.entries()
    assert (entry.outcome, entry.reason) == (Outcome.PARKED, Reason.NEWER_VERSION)
    assert "Upgrade TOM Bridge" in str(entry.detail["message"])


def _may_change(beta) -> None:
    beta.tom.shell(
        "from django.contrib.auth.models import User; from guardian.shortcuts import assign_perm;"
        "from tom_targets.models import Target;"
        "assign_perm('tom_targets.change_target', User.objects.get(username='bridge'), Target.objects.get());"
        "result = None"
    )
