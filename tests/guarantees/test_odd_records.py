"""What others may write on a topic, and how topics may be: the consumer goes on, and says what is wrong."""

from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer
from parts.bridges import Subscribed
from parts.places import Place
from parts.raw_kafka import write_raw
from parts.shares import SUPERNOVA, on_day
from parts.toms import Tom

from bridge.ledger.port import Outcome, Reason

pytestmark = pytest.mark.kafka


@pytest.fixture
def beta(kafka_place: Place, tom3: Tom, tmp_path: Path) -> Subscribed:
    return kafka_place.subscribed(tom3, tmp_path / "beta")


def test_a_record_that_can_not_be_handed_out_whole_is_a_dead_letter_and_its_neighbours_are_applied(
    kafka_place: Place, kafka_broker: str, beta: Subscribed
) -> None:
    with closing(kafka_place.publishing()) as alpha:
        alpha.publish(SUPERNOVA, on_day(1))
        write_raw(kafka_broker, kafka_place.topic, value=b"no event", headers=[(b"\xff\xfe", b"v")])
        alpha.publish(on_day(2))
        beta.drain()
    assert len(beta.tom.photometry()) == 2
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.APPLIED, Outcome.DEAD, Outcome.APPLIED]
    (letter,) = beta.dead()
    assert letter.entry.reason is Reason.UNREADABLE
    assert "no UTF-8" in str(letter.entry.detail)


def test_until_end_ends_where_the_topic_ends_with_a_transactions_marker(
    kafka_place: Place, kafka_broker: str, beta: Subscribed
) -> None:
    with closing(kafka_place.publishing()) as alpha:
        alpha.publish(SUPERNOVA)
    other = Producer({"bootstrap.servers": kafka_broker, "transactional.id": kafka_place.topic})
    other.init_transactions(60)
    other.begin_transaction()
    other.produce(kafka_place.topic, value=b"no event")
    other.commit_transaction(60)
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.DEAD]
    beta.drain()
