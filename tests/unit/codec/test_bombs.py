"""Records that cost more than they weigh: refused before they are read, or read within little memory."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.bombs import BOMBS, FULL, Bomb, array, evil, number, repeated
from parts.events import event, photometry, record, record_of, spectroscopy, spectrum

from bridge.codec import SCHEMA_TOPIC, Decoder, Schemas
from bridge.codec.schemas import newest
from bridge.codec.weigh import FILLED
from bridge.errors import InvalidEventError, UndecodableError, UnknownSchemaError
from bridge.events import Body, Kind
from bridge.stream import Stream, open_stream

MEMORY = 120 * 10**6
"""Bytes of address space; what is used of it is less."""

READ = {
    "ours: 43,000 right points",
    "ours: 20,000 right members",
    "ours: 50,000 wrong points",
    "ours: 5,000 wrong spectra",
    "ours: 20,000 wrong members",
    "ours: the smallest positions",
    "ours: aliases of two characters",
    "ours: extra values of empty objects",
    "ours: extra values nested deeply",
    "ours: an extra value of many digits",
    "a map of equal keys",
    "a map of empty keys",
    "decimals of a MiB each",
    "arrays in arrays, 30 deep",
    "enums of unknown symbols",
    "a block that says it is empty",
    "light: members of five letters without what has a default",
    "light: ours: right members",
    "light: ours: right points",
    "light: ours: wrong data",
}
"""Those that only a reader can tell, or that are no bombs. All others are refused unread."""


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    with closing(open_stream(f"sqlite:///{tmp_path}/stream.db")) as stream:
        stream.create_topic(SCHEMA_TOPIC, compacted=True)
        yield stream


def decode(stream: Stream, bomb: Bomb) -> object:
    if bomb.schema:
        text = bomb.schema.encode()
        stream.publish(SCHEMA_TOPIC, key=hashlib.sha256(text).hexdigest().encode(), value=text)
        stream.flush()
    return Decoder(Schemas(stream)).decode(record(bomb.value))


@pytest.mark.parametrize("name", [name for name in BOMBS if name not in READ])
def test_it_is_refused_before_any_of_it_is_read(name: str, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: Any) -> None:
        pytest.fail("it was read")

    monkeypatch.setattr("bridge.codec.avro.schemaless_reader", read)
    with pytest.raises((InvalidEventError, UndecodableError, UnknownSchemaError)):
        decode(stream, BOMBS[name]())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (number(2**60) + b"\1" * FULL, f"{2**60} items are to follow"),
        (number(-(2**60)) + number(7) + b"\1" * FULL, f"{2**60} items are to follow"),
        (number(-9) + number(8) + b"\1" * 9 + repeated(b"\1", FULL), "9 items are to take 8 bytes, they take 9"),
        (number(-9) + number(-9) + b"\1" * 9 + repeated(b"\1", FULL), "9 items are to take -9 bytes, they take 9"),
        (b"\xff" * FULL, "a number of more than 10 bytes"),
    ],
)
def test_a_count_is_held_against_what_follows(stream: Stream, content: bytes, told: str) -> None:
    with pytest.raises(UndecodableError, match=told):
        decode(stream, evil(array("boolean"), content))


def test_what_a_reader_fills_in_is_counted_as_by_our_own_schemas() -> None:
    ours: dict[str, int] = {}
    for kind in Kind:
        for node in _records(newest(kind).parsed):
            ours[node["name"].rpartition(".")[2]] = newest(kind).scales._record(node, {}).units
    assert {name: ours[name] for name in FILLED} == FILLED


def _records(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all records within a schema, the innermost first."""
    if isinstance(node, dict):
        for key in ("type", "items", "values", "fields"):
            yield from _records(node.get(key))
        if node.get("type") == "record":
            yield node
    elif isinstance(node, list):
        for each in node:
            yield from _records(each)


@pytest.mark.parametrize("body", [photometry(10_000), spectroscopy(spectrum(30_000))], ids=["points", "a spectrum"])
def test_large_honest_events_are_read(body: Body) -> None:
    given = event(body)
    sent = record_of(given)
    assert len(sent.value) > 300_000
    assert Decoder(Schemas()).decode(sent) == (given,)


def test_all_of_them_are_read_or_refused_within_a_hundred_megabytes() -> None:
    program = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
import hashlib
from parts.bombs import BOMBS
from parts.events import record
from bridge.codec import Decoder, Schemas
from bridge.errors import BridgeError

for name, make in BOMBS.items():
    bomb = make()
    schemas = Schemas()
    if bomb.schema:
        text = bomb.schema.encode()
        schemas._announced.take(record(text, key=hashlib.sha256(text).hexdigest().encode()))
    pages = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + {MEMORY}, resource.RLIM_INFINITY))
    try:
        Decoder(schemas).decode(record(bomb.value))
    except BridgeError as error:
        assert "MemoryError" not in str(error), name
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("done")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=250)
    assert ended.stdout.endswith("done\n"), ended.stderr[-2000:]
