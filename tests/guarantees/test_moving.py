"""A collaboration moves from the embedded stream to Kafka: nothing is lost on the way, and nothing applied twice."""

from pathlib import Path

import pytest
from parts.bridges import TOPIC, Publishing, Subscribed, holdings
from parts.kill import killed
from parts.shares import GALAXY, SUPERNOVA, on_day, one_of_each, photometry
from parts.streams import everything, unique
from parts.tom_fixtures import MakeTom

from bridge.codec.schemas import SCHEMA_TOPIC
from bridge.events import TargetReference
from bridge.ledger.port import Outcome
from bridge.stream.port import Record

pytestmark = pytest.mark.kafka

STEPS = (
    "after bridge.operations.copying:_hand_over",
    "after bridge.stream.kafka:KafkaStream.flush",
    "after bridge.stream.kafka:KafkaStream.create_topic",
)


@pytest.fixture
def kafka(kafka_broker: str) -> str:
    return f"kafka://{kafka_broker}"


@pytest.fixture
def topic() -> str:
    """A topic that nobody else has on the shared broker."""
    return unique(TOPIC)


def copied(records: list[Record]) -> list[tuple[object, ...]]:
    """Return what a copy has of each record."""
    return [(record.key, record.value, record.headers) for record in records]


def move(tom: Subscribed, kafka: str, topic: str) -> None:
    """Do what an administrator does when all is copied: name the new stream, and begin there at its start."""
    tom.mapping["stream"] = {"url": kafka}
    tom.mapping["subscribe"] = [{"topic": topic}]
    tom.topic = topic
    done = tom.run("position", "set", topic, "earliest")
    assert done.returncode == 0, done.stderr


def test_two_toms_move_to_kafka_and_nothing_is_lost_and_nothing_applied_twice(
    make_tom: MakeTom, url: str, kafka: str, topic: str, tmp_path: Path
) -> None:
    alpha = Publishing(url, topic=topic)
    ahead = Subscribed(make_tom(3, "ahead"), url, tmp_path / "ahead", topic=topic, origin=unique("ahead"))
    behind = Subscribed(make_tom(3, "behind"), url, tmp_path / "behind", topic=topic, origin=unique("behind"))
    for tom in (ahead, behind):
        tom.tom.make_target("sn2024abc")
    waits = photometry(2, TargetReference(name="AT 2026xyz"))
    alpha.publish(*one_of_each(), waits)
    alpha.publish_bytes(b"no event", key=b"alpha/sn2024abc")
    behind.drain()
    alpha.publish(*(on_day(day) for day in range(1, 20)))
    ahead.drain()
    before = holdings(ahead.tom)

    done = ahead.run("topics", "copy", topic, "--to-stream", kafka)
    assert done.returncode == 0, done.stderr
    alpha.close()
    assert copied(everything(kafka, topic)) == copied(everything(url, topic))
    for tom in (ahead, behind):
        move(tom, kafka, topic)
        tom.drain()

    assert holdings(ahead.tom) == before
    assert holdings(behind.tom) == before
    again = [entry.outcome for entry in ahead.entries(since=ahead.entries()[0].published_at)][-25:]
    assert again == [Outcome.DUPLICATE] * 5 + [Outcome.DEAD] + [Outcome.DUPLICATE] * 19

    # What waited still does, once, and life goes on over Kafka.
    assert [parked.entry.subject for parked in ahead.parked()] == ["AT 2026xyz"]
    ahead.tom.make_target("AT2026xyz")
    assert ahead.retry_parked() == 1
    moved = Publishing(kafka, topic=topic)
    moved.publish(on_day(40))
    moved.close()
    ahead.drain()
    assert len(ahead.tom.photometry()) == len(before["photometry"]) + 2 + 1


def test_a_copy_that_is_killed_anywhere_goes_on_where_it_was(url: str, kafka: str, topic: str, tmp_path: Path) -> None:
    alpha = Publishing(url, topic=topic)
    alpha.publish(SUPERNOVA, GALAXY, *(on_day(day) for day in range(4)), photometry(1, GALAXY.reference))
    alpha.close()
    config = tmp_path / "tom-bridge.toml"
    config.write_text(f'origin = "beta"\n[stream]\nurl = "{url}"\n')
    arguments = ["--config", str(config), "topics", "copy", topic, "moved." + topic, "--to-stream", kafka]
    arguments += ["--partitions", "3"]
    kills = 0
    while killed("bridge.cli:main", arguments, STEPS, nth=kills % 11 + 1, log=tmp_path / "log"):
        kills += 1
        assert kills < 40, "no end is in sight"
    assert kills >= 4

    there, here = everything(kafka, "moved." + topic), everything(url, topic)
    for key in {record.key for record in here}:
        of_key = copied([record for record in here if record.key == key])
        with_repeats = copied([record for record in there if record.key == key])
        assert list(dict.fromkeys(with_repeats)) == of_key, "something is lost, or out of order"
    assert {record.key for record in everything(url, SCHEMA_TOPIC)} <= {
        record.key for record in everything(kafka, SCHEMA_TOPIC)
    }


def test_a_copy_brings_what_came_meanwhile_and_nothing_twice(url: str, kafka: str, topic: str, tmp_path: Path) -> None:
    alpha = Publishing(url, topic=topic)
    config = tmp_path / "tom-bridge.toml"
    config.write_text(f'origin = "beta"\n[stream]\nurl = "{url}"\n')
    event = alpha.publish(SUPERNOVA)[0]
    alpha.publish(event, on_day(1))  # the same one again, as after a time-out: it is copied as often as it is there
    copies = []
    for _ in range(2):
        assert not killed(
            "bridge.cli:main",
            ["--config", str(config), "topics", "copy", topic, "--to-stream", kafka],
            (),
            log=tmp_path / "log",
        )
        copies.append(copied(everything(kafka, topic)))
        alpha.publish(on_day(2))
    alpha.close()
    assert [len(copy) for copy in copies] == [3, 4]
    assert copies[1] == copied(everything(url, topic))[:4]
