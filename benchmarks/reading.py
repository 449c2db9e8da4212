"""Reading of Apache Kafka, without writing: records become valid events, beside bare reading and hop-client's.

Bare: confluent-kafka and fastavro make dictionaries of the same records. hop-client reads, in its own environment, the
same events as it writes them (an Avro file a message, which it unfolds), and the bridge's own records, which are but
bytes to it. Each figure begins with the first message at hand.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import BytesIO
from uuid import uuid4

from confluent_kafka import Consumer, TopicPartition
from fastavro import schemaless_reader, writer
from parts.bridges import Publishing
from parts.hop_client import PYTHON as HOP

from benchmarks.content import PREFIX, as_avro, light_curves
from benchmarks.stage import Stage
from benchmarks.timing import Effort, Goal, Row, counts_cpu_only, in_turns, now, rates
from bridge.codec import Decoder, Schemas
from bridge.codec.schemas import newest
from bridge.events import Event, Kind
from bridge.stream import open_stream

EVENTS = {1: 20_000, 20: 5_000}
BARE, HOP_CLIENT, HOP_BYTES = "confluent-kafka and fastavro", "hop-client", "hop-client, as bytes"


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for each size of events and each other reader."""
    for each, full in EVENTS.items():
        number = effort.of(full, least=10)
        topic = f"reading.{uuid4().hex}"
        with closing(Publishing(f"kafka://{stage.broker}", topic=topic)) as publishing:
            events = publishing.publish(*light_curves(0, number * each, each, ["SN 2026abc"]))
        sides = {
            "bridge": lambda _turn, topic=topic, number=number: _bridge_s(stage.broker, topic, number),
            BARE: lambda _turn, topic=topic, number=number: _bare_s(stage.broker, topic, number),
        }
        if HOP.exists():
            files = _as_files(stage.broker, f"{topic}.files", events)
            sides[HOP_CLIENT] = lambda _turn, files=files, number=number: _hop_s(stage.broker, files, number)
            sides[HOP_BYTES] = lambda _turn, topic=topic, number=number: _hop_s(stage.broker, topic, number)
        _bridge_s(stage.broker, topic, number)  # the broker coordinates groups from its first one on
        times = in_turns(sides, effort)
        goals = {BARE: Goal(least=0.6), HOP_CLIENT: Goal(least=8.0)}
        for beside in [side for side in sides if side != "bridge"]:
            yield Row(
                what=f"reading from Kafka, {each} point{'s' if each > 1 else ''} an event",
                unit="events/s",
                ours=rates(number, times["bridge"]),
                beside=beside,
                theirs=rates(number, times[beside]),
                goal=goals.get(beside),
            )


def _as_files(broker: str, topic: str, events: Sequence[Event]) -> str:
    """Write events as hop-client does: each an Avro file with its schema, marked by a header; return the topic."""
    with closing(open_stream(f"kafka://{broker}")) as stream:
        stream.create_topic(topic)
        for event in events:
            buffer = BytesIO()
            writer(buffer, newest(event.kind).parsed, [as_avro(event)])
            stream.publish(topic, key=b"", value=buffer.getvalue(), headers=(("_format", b"avro"),))
        stream.flush()
    return topic


def _bridge_s(broker: str, topic: str, number: int) -> float:
    with closing(open_stream(f"kafka://{broker}")) as stream:
        decoder = Decoder(Schemas(stream))
        start = dict.fromkeys(stream.topic(topic).each_partition(), 0)
        seen, started = 0, 0.0
        with closing(stream.subscribe([topic], f"bridge.{uuid4().hex}", lambda _partitions: start)) as subscription:
            while seen < number:
                for record in subscription.poll(500, 1.0).records:
                    started = started or now()
                    seen += len(decoder.decode(record))
        return now() - started


def _bare_s(broker: str, topic: str, number: int) -> float:
    schema = newest(Kind.PHOTOMETRY).parsed
    consumer = Consumer({"bootstrap.servers": broker, "group.id": uuid4().hex, "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    seen, started = 0, 0.0
    try:
        while seen < number:
            for message in consumer.consume(500, 1.0):
                started = started or now()
                schemaless_reader(BytesIO(message.value()[PREFIX:]), schema, None)
                seen += 1
        return now() - started
    finally:
        consumer.close()


_HOP = """
import json, sys, time
from hop import Stream
from hop.io import StartPosition
url, number, clock = sys.argv[1], int(sys.argv[2]), getattr(time, sys.argv[3])
stream = Stream(auth=False, start_at=StartPosition.EARLIEST, until_eos=True).open(url, "r")
seen, started = 0, 0.0
for message in stream:
    started = started or clock()
    seen += 1
    if seen == number:
        break
print(json.dumps(clock() - started))
"""


def _hop_s(broker: str, topic: str, number: int) -> float:
    clock = "process_time" if counts_cpu_only() else "perf_counter"
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(
            [HOP, "-P", "-W", "ignore", "-c", _HOP, f"kafka://{broker}/{topic}", str(number), clock],
            env={**os.environ, "XDG_CONFIG_HOME": folder},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    if told.returncode:
        raise RuntimeError(f"hop-client: {told.stderr[-500:]}")
    return float(json.loads(told.stdout))
