"""docs/reading.md: its lines read a topic without this package, and what it shows is so."""

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from parts.events import event, one_of_each, photometry
from parts.kafka import KafkaBroker

from bridge.codec import encode
from bridge.codec.schemas import SCHEMA_TOPIC, newest
from bridge.events import Event, Kind
from bridge.publishing.publisher import Publisher
from bridge.stream import open_stream

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "schemas" / "1" / "1" / "Photometry.sample.json"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The lines of the document, in a file."""
    (lines,) = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    path = tmp_path / "read.py"
    path.write_text(lines, encoding="utf-8")
    return path


def read(script: Path, broker: str, topic: str) -> list[dict[str, object]]:
    """Return what the script prints; ``-I``: without this checkout on its path."""
    command = [sys.executable, "-I", str(script), broker, topic]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.kafka
def test_the_lines_of_the_document_read_every_kind_of_event_without_this_package(
    script: Path, own_kafka: KafkaBroker
) -> None:
    given = [*one_of_each(), event(photometry(1_000))]
    with closing(open_stream(own_kafka.url)) as stream:
        stream.create_topic(SCHEMA_TOPIC, compacted=True)
        stream.create_topic("supernovae.public", partitions=2)
        with Publisher(stream, "supernovae.public") as publisher:
            for each in given:
                publisher.publish(each)
        stream.publish("supernovae.public", key=b"", value=b"no event")
        stream.flush()
    assert "bridge" not in re.sub(r"tom-bridge\.schemas", "", script.read_text())
    found = {one["envelope"]["id"]: one for one in read(script, own_kafka.address, "supernovae.public")}  # type: ignore[index]
    assert set(found) == {str(each.id) for each in given}
    points = found[str(given[-1].id)]["points"]
    assert isinstance(points, list)
    told = given[-1].body.points  # type: ignore[union-attr]
    assert [point["brightness"] for point in points] == [point.brightness for point in told]


def test_the_bytes_that_the_document_shows_are_those_of_the_sample() -> None:
    encoded = encode(Event.checked(SAMPLE.read_bytes()))
    shown = re.findall(r"^0000\d{4}: ((?:[0-9a-f]{4} ){8})", DOCUMENT, re.MULTILINE)
    assert encoded.value.startswith(bytes.fromhex("".join(shown)))
    assert encoded.value[:10].hex(" ") in DOCUMENT
    assert f"0x{int.from_bytes(encoded.value[2:10], 'little'):016x}" in DOCUMENT
    assert f"{encoded.schema.sha256} {len(newest(Kind.PHOTOMETRY).text)} bytes" in DOCUMENT
    assert encoded.key.decode() in DOCUMENT
    assert ",".join(f"{name}={value.decode()}" for name, value in encoded.headers) in DOCUMENT
