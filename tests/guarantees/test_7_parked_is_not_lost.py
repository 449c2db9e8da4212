"""Guarantee 7: when the reason is gone, what was parked is applied."""

import pytest
from parts.shares import GALAXY, SUPERNOVA, best_of_all, on_day, photometry, product
from parts.wait import wait_until

from bridge.codec import avro
from bridge.errors import QuotaError
from bridge.events import TargetReference
from bridge.ledger.port import Outcome, Reason


def test_everything_that_waits_for_a_target_is_applied_when_the_target_is_shared(alpha, beta):
    alpha.publish(photometry(2), product(), best_of_all())
    beta.drain()
    assert beta.outcomes() == [Outcome.PARKED, Outcome.PARKED, Outcome.APPLIED]
    alpha.publish(SUPERNOVA)
    beta.drain()
    assert beta.parked() == []
    assert beta.outcomes() == [Outcome.APPLIED] * 4
    assert len(beta.tom.photometry("SN 2024abc")) == 4  # two of them by the processor of the product
    assert len(beta.tom.products()) == 1
    assert [members for name, members in beta.tom.lists().items() if name.startswith("Best of all")] == [
        ["M 31", "SN 2024abc"]
    ]


def test_the_daemon_applies_by_itself_what_waits_for_a_target_that_a_person_makes(alpha, beta):
    beta.mapping["limits"]["parked_retry_s"] = 0.2
    alpha.publish(photometry(2), on_day(1))
    with beta.daemon() as daemon:
        daemon.wait_for("event.parked", 2)
        beta.tom.make_target("sn-2024 ABC")
        wait_until(lambda: len(beta.tom.photometry("sn-2024 ABC")) == 3, what="the parked photometry")
        daemon.wait_for("parked.released")
        assert daemon.end() == 0
    assert beta.outcomes() == [Outcome.APPLIED] * 2


def test_an_alias_that_a_person_gives_is_a_reason_that_is_gone(alpha, beta):
    beta.tom.make_target("My favourite")
    alpha.publish(photometry(2))
    beta.drain()
    assert beta.retry_parked() == 0
    beta.tom.shell(
        "from tom_targets.models import Target, TargetName;"
        "TargetName.objects.create(target=Target.objects.get(), name='ztf24_XYZ'); result = None"
    )
    assert beta.retry_parked() == 1
    assert len(beta.tom.photometry("My favourite")) == 2


def test_what_was_to_create_no_target_creates_none_when_its_subscription_is_taken_out(alpha, beta):
    beta.subscribe(create_targets=False)
    alpha.publish(SUPERNOVA, photometry(2))
    beta.drain()
    beta.mapping["subscribe"] = [{"topic": "another.topic"}]
    assert beta.retry_parked() == 0
    assert beta.tom.targets() == []
    beta.tom.make_target("SN 2024abc")  # what is there gets its data as before
    assert beta.retry_parked() == 2
    assert len(beta.tom.photometry("SN 2024abc")) == 2


def test_what_was_looked_at_in_vain_is_applied_as_soon_as_its_name_is_there(alpha, beta):
    beta.tom.make_target("My favourite")
    alpha.publish(on_day(1))
    beta.drain()
    named_here = TargetReference(name="SN 2024abc", aliases=("My favourite",))
    for day in range(2, 5):  # the target of each is there, so that the first of the line is looked at
        alpha.publish(on_day(day, reference=named_here))
        beta.drain()
        assert beta.retry_parked() == 0
    assert beta.outcomes() == [Outcome.PARKED] * 4
    beta.tom.shell(
        "from tom_targets.models import Target, TargetName;"
        "TargetName.objects.create(target=Target.objects.get(), name='SN 2024abc'); result = None"
    )
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 4


def test_an_alias_that_a_shared_target_brings_is_a_reason_that_is_gone(alpha, beta):
    beta.tom.make_target("SN2024abc")
    alpha.publish(photometry(2, reference=TargetReference(name="ZTF24xyz")))
    beta.drain()
    assert beta.outcomes() == [Outcome.PARKED]
    alpha.publish(SUPERNOVA)
    beta.drain()
    assert len(beta.tom.photometry("SN2024abc")) == 2


def test_what_was_ambiguous_is_applied_when_one_is_left(alpha, beta):
    for name in ("SN 2024abc", "ZTF24xyz"):
        beta.tom.make_target(name)
    alpha.publish(photometry(2))
    beta.drain()
    assert [one.reason for one in beta.parked()] == [Reason.AMBIGUOUS]
    beta.tom.shell("from tom_targets.models import Target; Target.objects.get(name='ZTF24xyz').delete(); result = None")
    assert beta.retry_parked() == 1
    assert len(beta.tom.photometry("SN 2024abc")) == 2


def test_a_name_whose_digits_are_grouped_otherwise_is_applied_when_a_person_has_renamed_the_target(alpha, beta):
    beta.tom.make_target("M 11")
    alpha.publish(photometry(2, reference=TargetReference(name="M 1-1")))
    beta.drain()
    assert [one.reason for one in beta.parked()] == [Reason.AMBIGUOUS_SPELLING]
    assert beta.tom.photometry() == []
    beta.tom.shell("from tom_targets.models import Target; Target.objects.update(name='M 1 1'); result = None")
    assert beta.retry_parked() == 1
    assert len(beta.tom.photometry("M 1 1")) == 2


def test_what_was_too_new_is_applied_after_the_upgrade_and_nothing_twice(alpha, beta, monkeypatch):
    beta.tom.make_target("SN 2024abc")
    alpha.publish(photometry(2), GALAXY)
    with monkeypatch.context() as older:  # a release that doesn't know photometry
        older.setattr(avro.Decoder, "_short_way", lambda *_: None)  # which reads what this release itself writes
        older.setattr(avro, "is_newer", lambda name: name.endswith(".Photometry"))
        beta.drain()
        beta.drain()
    assert [(one.reason, one.entry.kind) for one in beta.parked()] == [(Reason.NEWER_VERSION, "photometry")]
    assert beta.outcomes() == [Outcome.PARKED, Outcome.APPLIED]
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 2
    assert len(beta.tom.photometry()) == 2


def test_what_is_too_new_takes_half_of_the_quota_and_the_rest_is_read_from_the_stream_again(alpha, beta, monkeypatch):
    beta.mapping["limits"] |= {"parked_bytes": 20_000, "batch_datums": 1}
    monkeypatch.setattr("bridge.ledger.rules.HEADS_UP_TO", 0)
    beta.tom.make_target("SN 2024abc")
    alpha.publish(*(on_day(day, 20) for day in range(20)), GALAXY)
    with monkeypatch.context() as older:
        older.setattr(avro.Decoder, "_short_way", lambda *_: None)
        older.setattr(avro, "is_newer", lambda name: name.endswith(".Photometry"))
        beta.drain()
    parked, dead = beta.parked(), beta.dead()
    assert {one.reason for one in parked} == {Reason.NEWER_VERSION}
    assert {one.reason for one in dead} == {Reason.NEWER_NO_ROOM}
    assert len(parked) + len(dead) == 20
    assert beta.outcomes()[-1] == Outcome.APPLIED
    beta.mapping["limits"]["parked_bytes"] = 1 << 30
    beta.drain()
    with beta.open() as bridge:
        bridge.waiting.retry_dead(bridge.ledger.dead(), bridge.budget)
    assert (beta.parked(), beta.dead()) == ([], [])
    assert len(beta.tom.photometry()) == 400


def test_what_is_parked_survives_the_loss_of_the_stream(alpha, beta, url):
    alpha.publish(photometry(2))
    beta.drain()
    beta.mapping["stream"]["url"] = url.replace("stream.db", "another.db")
    beta.tom.make_target("SN 2024abc")
    assert beta.retry_parked() == 1
    assert len(beta.tom.photometry()) == 2


def test_a_quota_stops_the_consumer_with_everything_recorded_and_a_higher_one_lets_it_go_on(alpha, beta):
    beta.mapping["limits"] |= {"parked_bytes": 1500, "batch_datums": 1}
    alpha.publish(*(on_day(day) for day in range(10)))
    with pytest.raises(QuotaError, match=r"limits\.parked_bytes is 1500.*tom-bridge parked list"):
        beta.drain()
    kept = len(beta.parked())
    assert 1 <= kept < 10
    assert beta.position() == kept
    run = beta.run("consume", "--until-end")
    assert run.returncode == 69
    assert "limits.parked_bytes" in run.stderr.splitlines()[-1]
    beta.mapping["limits"]["parked_bytes"] = 100_000
    beta.drain()
    beta.tom.make_target("SN 2024abc")
    assert beta.retry_parked() == 10
    assert len(beta.tom.photometry()) == 10
