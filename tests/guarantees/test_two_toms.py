"""What stops the consumer and calls a person: two TOMs by one name, another TOM's ledger, lost history, refusals."""

from contextlib import closing
from pathlib import Path

import pytest
from parts.bridges import Publishing, Subscribed
from parts.places import Place
from parts.shares import SUPERNOVA, on_day, photometry
from parts.streams import KafkaLab, Lab, SqliteLab

from bridge.errors import HistoryGoneError, IdentityError, TooManyDeadError, TopicMissingError, TopicReplacedError
from bridge.events import EventRef, TargetReference, uuid7
from bridge.ledger.port import Outcome, Reason
from bridge.stream import Partition


def _lab(place: Place) -> Lab:
    if place.url.startswith("sqlite"):
        return SqliteLab(Path(place.url.removeprefix("sqlite:///")))
    return KafkaLab(place.url.removeprefix("kafka://"))


def _stopped(beta: Subscribed) -> str:
    """Run the command; return its last line, which a person reads."""
    run = beta.run("consume", "--until-end")
    assert run.returncode == 69, run.stderr
    return run.stderr.splitlines()[-1]


def test_an_event_of_our_origin_from_another_installation_is_told_loudly_and_stops_nobody(alpha, beta, url):
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1))
    impostor = Publishing(url, origin="beta", name="Not beta")
    impostor.publish(on_day(2))
    impostor.close()
    alpha.publish(on_day(3))
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.DEAD, Outcome.APPLIED]
    (letter,) = beta.dead()
    assert letter.reason is Reason.ANOTHERS
    assert letter.detail["installation"] == str(impostor.share.installation)
    told = beta.run("status", "--check")
    assert told.returncode == 1
    assert "another installation publishes as this TOM: 1 events" in told.stdout
    assert "another installation publishes as this TOM" in beta.run("doctor").stdout
    assert beta.run("dead", "drop", str(letter.id)).returncode == 0
    assert beta.run("status", "--check").returncode == 0


def test_what_a_former_installation_published_is_ours_once_a_person_says_so(alpha, beta, url):
    beta.tom.make_target("SN 2024abc")
    former = Publishing(url, origin="beta")
    former.publish(on_day(1), on_day(2))
    beta.drain()
    assert beta.outcomes() == [Outcome.DEAD] * 2
    assert beta.run("identity", "accept", str(former.share.installation)).returncode == 0
    assert beta.run("dead", "retry").stdout == "Tried 2: 2 ignored\n"
    former.publish(on_day(3))
    former.close()
    beta.drain()
    assert [entry.reason for entry in beta.entries()] == [Reason.OURS] * 3
    assert beta.tom.photometry() == []


def test_what_we_published_ourselves_is_no_impostor(beta, url):
    with beta.open() as bridge:
        installation = bridge.ledger.installation
    own = Publishing(url, origin="beta")
    own.share = own.share.model_copy(update={"installation": installation})
    own.publish(photometry(1))
    own.close()
    beta.drain()
    assert [entry.reason for entry in beta.entries()] == [Reason.OURS]


def test_a_ledger_belongs_to_one_tom(alpha, beta, make_tom):
    alpha.publish(SUPERNOVA)
    beta.drain()
    beta.mapping["tom"]["base_url"] = make_tom(3, "second").base_url
    with pytest.raises(IdentityError, match="this ledger belongs to the TOM"):
        beta.drain()
    assert "Give each TOM a ledger of its own" in _stopped(beta)


def test_a_topic_that_was_removed_and_made_again_is_noticed(place, tom3, tmp_path):
    beta = place.subscribed(tom3, tmp_path / "beta")
    tom3.make_target("SN 2024abc")
    with closing(place.publishing()) as alpha:
        alpha.publish(on_day(1), on_day(2))
        beta.drain()
        _lab(place).delete_topic(place.topic)
        with pytest.raises(TopicMissingError, match=place.topic):
            beta.drain()
    with closing(place.publishing()) as alpha:
        alpha.publish(on_day(3), on_day(4), on_day(5))
        with pytest.raises(TopicReplacedError, match="was removed and made again; offset 2 meant the old one"):
            beta.drain()
        assert len(tom3.photometry()) == 2
        assert beta.run("position", "set", place.topic, "earliest").returncode == 0
        beta.drain()
    assert len(tom3.photometry()) == 5
    assert beta.outcomes() == [Outcome.APPLIED] * 5


def test_history_that_has_aged_out_stops_the_consumer_and_is_never_jumped_over(place, tom3, tmp_path):
    beta = place.subscribed(tom3, tmp_path / "beta")
    tom3.make_target("SN 2024abc")
    with closing(place.publishing()) as alpha:
        alpha.publish(on_day(1))
        beta.drain()
        alpha.publish(on_day(2), on_day(3), on_day(4))
        _lab(place).lose(Partition(place.topic, 0), before=2)
        with pytest.raises(HistoryGoneError):
            beta.drain()
        assert beta.position() == 1
        told = _stopped(beta)
        assert place.topic in told
        assert "tom-bridge position set" in told
        assert beta.run("position", "set", place.topic, "earliest").returncode == 0
        beta.drain()
    assert len(tom3.photometry()) == 3
    assert beta.outcomes() == [Outcome.APPLIED] * 2  # what the stream has forgotten is forgotten


def test_refusals_in_a_run_stop_the_consumer_and_can_be_tried_again(alpha, beta, url):
    beta.mapping["limits"] |= {"dead_in_a_run": 4, "attempts": 1}
    beta.tom.make_target("SN 2024abc", may_change=False)
    gamma = Publishing(url, origin="gamma", name="Gamma TOM")
    alpha.publish(on_day(1), on_day(2), on_day(3))
    gamma.publish(on_day(4), on_day(5))
    gamma.close()
    beta.mapping["limits"]["batch_datums"] = 1
    with pytest.raises(TooManyDeadError, match=r"4 events in a run have become dead letters \(alpha, gamma\)"):
        beta.drain()
    assert beta.outcomes() == [Outcome.DEAD] * 4
    assert beta.position() == 4
    beta.tom.reset()
    beta.tom.make_target("SN 2024abc")
    beta.drain()
    assert beta.run("dead", "retry").stdout == "Tried 4: 4 applied\n"
    assert beta.outcomes() == [Outcome.APPLIED] * 5


def test_refusals_with_successes_between_them_stop_nobody(alpha, beta):
    beta.mapping["limits"] |= {"dead_in_a_run": 2, "attempts": 1, "batch_datums": 1}
    beta.tom.make_target("SN 2024abc", may_change=False)
    beta.tom.make_target("M 33")
    galaxy = TargetReference(name="M 33")
    alpha.publish(*(shared for day in range(4) for shared in (on_day(day), on_day(day, reference=galaxy))))
    beta.drain()
    assert beta.outcomes() == [Outcome.DEAD, Outcome.APPLIED] * 4


def test_what_is_bad_in_itself_stops_nobody_however_much_there_is(alpha, beta):
    beta.mapping["limits"] |= {"dead_in_a_run": 2}
    beta.tom.make_target("SN 2024abc")
    for _ in range(20):
        alpha.publish_bytes(b"no event")
    alpha.publish(on_day(1))
    beta.drain()
    assert beta.outcomes() == [Outcome.DEAD] * 20 + [Outcome.APPLIED]


def test_a_ledger_of_another_installation_put_in_its_place_is_refused(alpha, beta, tmp_path):
    alpha.publish(SUPERNOVA)
    with beta.open() as bridge:
        other = Subscribed(beta.tom, str(beta.mapping["stream"]["url"]), tmp_path / "other")
        other.drain()
        for suffix in ("-wal", "-shm"):
            Path(f"{beta.ledger}{suffix}").unlink(missing_ok=True)
        other.ledger.replace(beta.ledger)
        with pytest.raises(IdentityError, match="the ledger was replaced by one of installation"):
            bridge.ledger.known([EventRef("alpha", uuid7())])
