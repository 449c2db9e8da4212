"""Messages of Hermes in a TOM: what is there afterwards, what the ledger says, and what comes twice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_fixtures import MakeOrmTom
from parts.events import photometry, point, share, target
from parts.hermes import SN, TOPIC, captured, message
from parts.hermes import point as row

from bridge.events import Event, Photometry
from bridge.hermes import HermesFormat
from bridge.hermes.composing import compose
from bridge.stream import Record


@pytest.fixture
def make_beta(make_orm_tom: MakeOrmTom, url: str, tmp_path: Path) -> Any:
    """Return ``make(**subscription)``: the TOM of this process, subscribed to a topic of Hermes."""

    def make(**subscription: Any) -> SubscribedInProcess:
        tom = make_orm_tom("sqlite")
        how = {"format": "hermes", **subscription}
        return SubscribedInProcess(tom, url, tmp_path, topic=TOPIC, subscription=how)

    return make


def send(hermes: Publishing, *records: Record) -> None:
    for one in records:
        hermes.publish_bytes(one.value, headers=one.headers)


def add_target(beta: SubscribedInProcess, name: str = "SN 2026ali", **fields: Any) -> None:
    beta.tom.shell(
        "from tom_targets.models import Target\nTarget.objects.create(name=name, type='SIDEREAL', **fields)",
        name=name,
        fields={"ra": 10.0, "dec": 0.0} | fields,
    )


def told(beta: SubscribedInProcess) -> list[tuple[str, str, str]]:
    """Return kind, outcome and reason of each item, in the order in which they came."""
    entries = sorted(beta.entries(), key=lambda one: (one.offset, one.number))
    return [(one.kind, str(one.outcome), str(one.reason or "")) for one in entries]


def brightnesses(beta: SubscribedInProcess) -> list[Any]:
    return [(one["brightness"], one["limit"]) for one in beta.tom.photometry()]


def test_a_message_arrives_with_its_provenance(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    add_target(beta)
    send(hermes, captured("hermes-rest-from-tom-2.32-photometry"))
    beta.drain()
    assert told(beta) == [("target", "applied", ""), ("photometry", "applied", "")]
    assert brightnesses(beta) == [(18.25, None), (None, 21.0)]
    datum = beta.tom.photometry()[0]
    assert datum["source_name"] == "Hermes: alice-1a2b3c4d"
    assert (
        datum["source_location"]
        == "https://hermes.lco.global/api/v0/query/message/2c148ffc-d3ad-4f46-96c1-52ac739782c6/"
    )
    assert "Hermes:hermes.test" in str(datum["value"])
    assert sorted(beta.tom.aliases("SN 2026ali")) == ["AT 2026ali+b&c #1", "ZTF26xyz"]


def test_nobody_there_makes_targets_here_unless_it_is_chosen(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    send(hermes, message({"targets": [SN], "photometry": [row()]}))
    beta.drain()
    assert beta.tom.targets() == []
    assert told(beta) == [(kind, "ignored", "no target, ignored") for kind in ("target", "photometry")]
    beta.subscribe(format="hermes", create_targets=True)
    beta.replay()
    assert [one["name"] for one in beta.tom.targets()] == ["SN 2026ali"]
    assert brightnesses(beta) == [(18.25, None)]


def test_what_has_no_target_waits_for_one_where_that_is_chosen(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta(unmatched="park")
    send(hermes, message({"targets": [SN | {"aliases": ["ZTF26xyz"]}], "photometry": [row()]}))
    beta.drain()
    assert [one[1] for one in told(beta)] == ["parked", "parked"]
    recorded = [one.recorded_at for one in beta.entries()]
    assert beta.retry_parked() == 0
    assert [one.recorded_at for one in beta.entries()] == recorded, "looking in vain writes no outcome anew"
    add_target(beta)
    beta.drain()
    assert [one[1] for one in told(beta)] == ["applied", "applied"]
    assert (brightnesses(beta), beta.tom.aliases("SN 2026ali")) == ([(18.25, None)], {"ZTF26xyz"})


def test_a_redelivery_and_a_replay_are_duplicates(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    add_target(beta)
    once = message({"targets": [SN], "photometry": [row()]})
    send(hermes, once, once)
    beta.drain()
    assert told(beta)[2:] == [("target", "duplicate", ""), ("photometry", "duplicate", "")]
    assert beta.replay() == {"unchanged": 4}
    assert len(beta.tom.photometry()) == 1


@pytest.mark.parametrize("unmatched", ["ignore", "park"])
def test_the_same_id_with_other_content_is_dead_and_told(hermes: Publishing, make_beta: Any, unmatched: str) -> None:
    beta = make_beta(unmatched=unmatched)
    if unmatched == "ignore":
        add_target(beta)
    first, other = (message({"photometry": [row(brightness=value)]}) for value in (18.25, 3.0))
    send(hermes, first, other, first)
    beta.drain()
    outcome = "applied" if unmatched == "ignore" else "parked"
    assert told(beta) == [
        ("photometry", outcome, "" if outcome == "applied" else "no target"),
        ("photometry", "dead", "same id, other content"),
        ("photometry", "duplicate", ""),
    ]
    (letter,) = beta.dead()
    assert "said something else" in str(letter.detail["message"])
    if unmatched == "park":
        add_target(beta)
        beta.drain()
    assert brightnesses(beta) == [(18.25, None)]


def test_a_light_curve_that_also_comes_by_a_bridge_does_not_double(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    add_target(beta)
    given = share(origin="alpha")
    reference = target("SN 2026ali", ra=10.0, dec=0.0).reference
    points = (point(0, unit="AB", source_name="our pipeline"),)
    send(hermes, *composed(given.event(Photometry(target=reference, points=points))))
    beta.drain()
    beta.subscribe(format="hermes", full=True)
    again = share(origin="alpha").event(Photometry(target=reference, points=points))
    send(hermes, *composed(again))
    beta.drain()
    assert [one[1] for one in told(beta)] == ["applied", "applied", "duplicate"]
    assert len(beta.tom.photometry()) == 1


def test_a_bad_row_is_one_dead_item_and_the_rest_is_in_the_tom(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    add_target(beta)
    send(hermes, message({"targets": [SN], "photometry": [row(), row(date_obs="Nov 3"), row(brightness=None)]}))
    beta.drain()
    assert told(beta) == [
        ("target", "applied", ""), ("photometry", "applied", ""), ("photometry", "dead", "invalid"),
        ("photometry", "dead", "invalid"),
    ]  # fmt: skip
    assert brightnesses(beta) == [(18.25, None)]
    assert [letter.entry.number for letter in beta.dead()] == [2, 3]
    with beta.open() as bridge:
        (again,) = bridge.waiting.retry_dead(bridge.ledger.dead()[1:], bridge.budget)
    assert again.outcome == "dead"
    assert len(beta.dead()) == 2


def test_a_bad_message_stops_nothing(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    add_target(beta)
    names = ("hop-avro-two-records", "hop-external-placeholder", "hop-blob", "hermes-rest-minimal")
    send(hermes, *(captured(name) for name in names), message({"photometry": [row()]}))
    beta.drain()
    assert [one[1:] for one in told(beta)] == [
        ("dead", "undecodable"), ("dead", "undecodable"), ("ignored", "nothing to take"),
        ("ignored", "nothing to take"), ("applied", ""),
    ]  # fmt: skip


def test_what_was_not_taken_of_a_target_is_told(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    add_target(beta)
    send(hermes, message({"targets": [SN | {"pm_ra": 1.5}]}))
    beta.drain()
    (entry,) = beta.entries()
    assert "proper_motion of the subscription" in str(entry.detail["notes"])
    assert beta.tom.targets()[0]["pm_ra"] is None


def test_who_is_not_accepted_is_ignored(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta(origins=["hermes.bob"])
    add_target(beta)
    send(hermes, message({"photometry": [row()]}), message({"photometry": [row()]}, uuid4(), sender="bob"))
    beta.drain()
    assert [one[1:] for one in told(beta)] == [("ignored", "origin not accepted"), ("applied", "")]


def test_what_waits_of_one_sender_holds_up_nobody_else(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta(unmatched="park")
    add_target(beta)
    astray = message({"targets": [SN | {"dec": 40.0}], "photometry": [row()]})
    right = message({"targets": [SN], "photometry": [row(brightness=18.5)]}, uuid4(), sender="bob")
    send(hermes, astray, right)
    beta.drain()
    assert told(beta) == [
        ("target", "parked", "position disagrees"),
        ("photometry", "parked", "waits behind an earlier event"),
        ("target", "applied", ""),
        ("photometry", "applied", ""),
    ]
    assert brightnesses(beta) == [(18.5, None)]


def test_a_test_is_left_unless_it_is_asked_for(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    add_target(beta)
    send(hermes, message({"photometry": [row()]}, _test="true"))
    beta.drain()
    assert [one[1:] for one in told(beta)] == [("ignored", "a test")]
    beta.subscribe(format="hermes", tests=True)
    beta.replay()
    assert [one[1:] for one in told(beta)] == [("applied", "")]


# -- what a bridge has sent -------------------------------------------------------------------------------------------


def composed(*events: Event) -> list[Record]:
    from parts.hermes import sent

    return [sent(one, sender="alice") for one in compose(events, TOPIC).messages]


def shared() -> Sequence[Event]:
    given = share(origin="alpha", origin_name="Alpha TOM")
    about = target("SN 2026ali", ra=10.0, dec=0.0, parallax=1.5)
    points = (point(0, extra={"seeing": 1.2}, reduction_version="2"),)
    return given.event(about), given.event(Photometry(target=about.reference, points=points))


def test_where_it_is_trusted_what_a_bridge_sent_arrives_in_full(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta(full=True, create_targets=True)
    send(hermes, *composed(*shared()))
    beta.drain()
    assert told(beta) == [("target", "applied", ""), ("photometry", "applied", "")]
    assert beta.tom.targets()[0]["parallax"] == 1.5
    datum = beta.tom.photometry()[0]
    assert (datum["source_name"], datum["reduction_version"]) == ("Alpha TOM", "2")


def test_where_it_is_not_the_plain_fields_count(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta(create_targets=True)
    send(hermes, *composed(*shared()))
    beta.drain()
    assert beta.tom.targets()[0]["parallax"] is None
    assert beta.tom.photometry()[0]["source_name"] == "Hermes: alice"


@pytest.mark.parametrize("full", [False, True])
def test_our_own_message_that_comes_back_is_ours(hermes: Publishing, make_beta: Any, full: bool) -> None:
    beta = make_beta(create_targets=True, full=full)
    with beta.open() as bridge:
        (ours,) = bridge.ledger.installations()
    send(hermes, *composed(share(origin="beta", installation=ours).event(photometry())))
    beta.drain()
    assert [one[1:] for one in told(beta)] == [("ignored", "ours")]


def test_what_waits_from_a_topic_that_is_left_waits_until_it_is_subscribed_to_again(
    hermes: Publishing, make_beta: Any
) -> None:
    beta = make_beta(unmatched="park")
    send(hermes, message({"targets": [SN], "photometry": [row()]}))
    beta.drain()
    of_hermes = beta.mapping["subscribe"]
    hermes.stream.create_topic("other")
    beta.mapping["subscribe"] = [{"topic": "other", "groups": ["Observers"]}]
    add_target(beta)
    beta.drain()
    assert beta.retry_parked() == 0
    assert [one[1] for one in told(beta)] == ["parked", "parked"]
    beta.mapping["subscribe"] = of_hermes
    assert beta.retry_parked() == 2
    assert [one[1] for one in told(beta)] == ["applied", "applied"]
    assert brightnesses(beta) == [(18.25, None)]


def test_a_dead_letter_of_a_topic_that_is_left_stays_what_it_is(hermes: Publishing, make_beta: Any) -> None:
    beta = make_beta()
    send(hermes, message({"targets": [SN | {"ra": "1:2:3"}]}))
    beta.drain()
    (letter,) = beta.dead()
    beta.mapping["subscribe"] = []
    beta.mapping["publish"] = [{"topic": "other", "groups": ["Observers"]}]
    with beta.open() as bridge:
        assert bridge.waiting.retry_dead([letter], bridge.budget) == []
    assert [one.entry.reason for one in beta.dead()] == [letter.entry.reason]


def test_nobody_does_on_a_topic_of_the_bridge_what_a_message_of_hermes_is_to_bring(
    hermes: Publishing, make_beta: Any, url: str
) -> None:
    """The ids of its events are made of the message's, which all who have read it know."""
    record = message({"targets": [SN], "photometry": [row()]})
    (coming,) = [one.event for one in HermesFormat().decode(record) if one.event.kind == "photometry"]
    beta = make_beta()
    add_target(beta)
    mallory = Publishing(url, topic="open.to.all")
    beta.mapping["subscribe"].append({"topic": "open.to.all", "groups": beta.mapping["subscribe"][0]["groups"]})
    forged = Photometry(target=coming.body.target, points=(point(brightness=1.0),))
    mallory.publish(coming.model_copy(update={"body": forged}))
    beta.drain()
    send(hermes, record)
    beta.drain()
    assert brightnesses(beta) == [(18.25, None)]
    assert ("photometry", "dead", "invalid") in told(beta)
