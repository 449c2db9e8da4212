"""Publishing to Apache Kafka: from bodies to confirmed records, beside confluent-kafka and fastavro alone.

Bare: dictionaries made beforehand are encoded by fastavro and produced with the same key and headers and the options
that the bridge's promises rest on (idempotent, all replicas, lz4). Both end with a flush.
"""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from uuid import uuid4

from confluent_kafka import Producer
from fastavro import schemaless_writer
from parts.bridges import Publishing

from benchmarks.content import PREFIX, as_avro, light_curves
from benchmarks.stage import Stage
from benchmarks.timing import Effort, Goal, Row, in_turns, now, rates
from bridge.codec import encode
from bridge.codec.schemas import newest
from bridge.events import Body, Event, Kind

EVENTS = {1: 20_000, 20: 5_000}
BARE = "confluent-kafka and fastavro"


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for each size of events."""
    producer = _producer(stage.broker)
    for each, full in EVENTS.items():
        number = effort.of(full, least=10)
        topic = f"publishing.{uuid4().hex}"
        bodies = list(light_curves(0, number * each, each, ["SN 2026abc"]))
        with closing(Publishing(f"kafka://{stage.broker}", topic=topic)) as publishing:
            events = [publishing.share.event(body) for body in bodies]
            times = in_turns(
                {
                    "bridge": lambda _turn, one=publishing, bodies=bodies: _bridge_s(one, bodies),
                    BARE: lambda _turn, topic=topic, events=events: _bare_s(producer, topic, events),
                },
                effort,
            )
        yield Row(
            what=f"publishing to Kafka, {each} point{'s' if each > 1 else ''} an event",
            unit="events/s",
            ours=rates(number, times["bridge"]),
            beside=BARE,
            theirs=rates(number, times[BARE]),
            goal=Goal(least=0.8),
        )


def _bridge_s(publishing: Publishing, bodies: list[Body]) -> float:
    started = now()
    publishing.publish(*bodies)
    return now() - started


def _producer(broker: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": broker,
            "log_level": 0,
            "enable.idempotence": True,
            "acks": "all",
            "enable.gapless.guarantee": True,
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "batch.size": 500_000,
            "queue.buffering.max.messages": 1_000_000,
        }
    )


def _bare_s(producer: Producer, topic: str, events: list[Event]) -> float:
    schema = newest(Kind.PHOTOMETRY)
    datums = [as_avro(event) for event in events]
    first = encode(events[0])
    headers = list(first.headers)
    started = now()
    for datum in datums:
        buffer = BytesIO()
        buffer.write(first.value[:PREFIX])
        schemaless_writer(buffer, schema.parsed, datum)
        producer.produce(topic, value=buffer.getvalue(), key=first.key, headers=headers)
        producer.poll(0)
    producer.flush()
    return now() - started
