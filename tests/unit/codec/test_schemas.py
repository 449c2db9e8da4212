"""Schemas: what they document, what is refused, and the topic on which they travel."""

import hashlib
import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import structlog
from parts.events import event, one_of_each, read_again, record_of, share, target
from parts.events import record as a_record_of
from parts.schema_versions import changed, records

from bridge.codec import SCHEMA_TOPIC, Decoder, Schemas, encode
from bridge.codec.schema import RECORD_NAMES, Schema, UnsafeSchemaError
from bridge.codec.schemas import bundled, newest
from bridge.codec.writing import MARKER
from bridge.errors import NewerVersionError, TopicMissingError, UndecodableError, UnknownSchemaError
from bridge.events import (
    BODIES,
    DataProduct,
    Event,
    Kind,
    ListMember,
    Model,
    Point,
    Position,
    ReducedDatum,
    Spectrum,
    Target,
    TargetList,
    TargetReference,
)
from bridge.stream import Record, Stream, open_stream

VERSIONS = {"1/0": set(Kind) - {Kind.SPECTROSCOPY, Kind.ASTROMETRY, Kind.REDUCED_DATUM}, "1/1": set(Kind)}
"""The kinds of each version."""
HELD = {
    "Envelope": set(Event.model_fields) - {"body"},
    "FullTarget": set(Target.model_fields) - {"kind"},
    "TargetReference": set(TargetReference.model_fields),
    "ListMember": set(ListMember.model_fields),
    "Point": set(Point.model_fields),
    "Spectrum": set(Spectrum.model_fields),
    "Position": set(Position.model_fields),
    "ReducedDatum": set(ReducedDatum.model_fields),
    "Target": {"envelope", "target"},
} | {
    name: (set(model.model_fields) - {"kind"}) | {"envelope"}
    for name, model in {each.__name__: each for each in (TargetList, DataProduct, *BODIES.values())}.items()
}


RELEASED = {
    "1.0 data-product": "0b483153d83aa851ecedde7b3ce015a6bd1720dea5a6b4aec53b90d5fb2dc2a0",
    "1.0 list": "6a285b4405f469af94c8c1ae52a4e4dfb2198460b6704bde6af25ae8381049ae",
    "1.0 photometry": "84223564b12227314e5b97f31e3844103c57fdb150c114936c1e7e91f452836c",
    "1.0 target": "8a29fc20059a59241406718d196b48f5b16ba1a70d5076f08dedc25773079f5e",
    "1.1 astrometry": "92206bc937c4c7bb8c833e7df1e8c1132eb76c70eec7e744e0b4e6c2f1582a2f",
    "1.1 data-product": "0b483153d83aa851ecedde7b3ce015a6bd1720dea5a6b4aec53b90d5fb2dc2a0",
    "1.1 list": "6a285b4405f469af94c8c1ae52a4e4dfb2198460b6704bde6af25ae8381049ae",
    "1.1 photometry": "84223564b12227314e5b97f31e3844103c57fdb150c114936c1e7e91f452836c",
    "1.1 reduced-datum": "3b04ccc09199b6e3ee27806ca219e504fe176cb99b812fa09e8acca19b9be58c",
    "1.1 spectroscopy": "2a5a23b33e14b70e5ec11160255bb0c294a25de018e59c513da3982853a2fdab",
    "1.1 target": "8a29fc20059a59241406718d196b48f5b16ba1a70d5076f08dedc25773079f5e",
}


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    stream = open_stream(f"sqlite:///{tmp_path}/stream.db")
    stream.create_topic(SCHEMA_TOPIC, compacted=True)
    yield stream
    stream.close()


def on_topic(stream: Stream) -> list[str]:
    (partition,) = stream.topics()[SCHEMA_TOPIC].each_partition()
    return [(record.key or b"").decode() for record in stream.read(partition, 0)]


def put(stream: Stream, schema: Schema, key: str | None = None) -> None:
    stream.publish(SCHEMA_TOPIC, key=(key or schema.sha256).encode(), value=schema.text.encode())
    stream.flush()


@pytest.fixture
def later() -> Schema:
    """A schema that no release has: photometry of a next minor version."""
    return changed(
        Kind.PHOTOMETRY,
        lambda it: it["fields"].append({"name": "later", "type": "string", "default": "", "doc": "No unit."}),
    )


# -- the schemas of this release ------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", bundled().values(), ids=lambda schema: schema.full_name)
def test_every_record_and_field_says_what_it_means_and_in_which_unit(schema: Schema) -> None:
    for record in records(json.loads(schema.text)):
        assert record["doc"]
        for field in record["fields"]:
            assert len(field.get("doc", "")) > 15, f"{record['name']}.{field['name']}"
            numeric = {"double", "long"} & {str(part) for part in field["type"]}
            words = ("degrees", "Julian", "seconds", "magnitudes", "parsecs", "days", "units", "bytes", "dimensionless")
            if numeric or field["type"] == "long":
                assert any(word in field["doc"] for word in (*words, "milliarcseconds")), field["name"]
            assert "nit" in field["doc"] or any(word in field["doc"] for word in words), field["name"]


@pytest.mark.parametrize("kind", Kind)
def test_every_field_of_an_event_has_its_place(kind: Kind) -> None:
    for record in records(json.loads(newest(kind).text)):
        assert {field["name"] for field in record["fields"]} == HELD[record["name"]], record["name"]


@pytest.mark.parametrize("version", VERSIONS)
def test_there_is_a_sample_of_each_kind_and_each_survives_the_way_through_bytes(version: str) -> None:
    paths = [path for path in (files("bridge") / "schemas" / version).iterdir() if path.name.endswith(".json")]
    samples = [Event.checked(path.read_bytes()) for path in paths]
    assert {sample.kind for sample in samples} == VERSIONS[version]
    for path, sample in zip(paths, samples, strict=True):
        (got,) = Decoder(Schemas()).decode(record_of(sample))
        assert json.loads(got.model_dump_json()) == json.loads(path.read_bytes()), path.name


def test_every_kind_of_event_has_a_schema_in_every_version() -> None:
    assert {(f"{major}/{minor}", kind) for major, minor, kind in bundled()} == {
        (version, kind) for version, kinds in VERSIONS.items() for kind in kinds
    }
    for (major, _, kind), schema in bundled().items():
        assert schema.full_name == f"tom_bridge.v{major}.{RECORD_NAMES[kind]}"


def test_a_released_schema_is_never_changed_and_a_new_one_is_written_down_here() -> None:
    assert {f"{major}.{minor} {kind}": each.sha256 for (major, minor, kind), each in bundled().items()} == RELEASED


def test_models_that_are_carried_are_closed() -> None:
    assert Model.model_config["extra"] == "forbid"


# -- identity -------------------------------------------------------------------------------------------------------


def test_identity_does_not_depend_on_blanks_and_order_but_on_defaults_and_logical_types() -> None:
    text = json.loads(newest(Kind.PHOTOMETRY).text)
    shuffled = json.dumps(dict(reversed(text.items())), indent=3)
    assert Schema.of(shuffled).sha256 == newest(Kind.PHOTOMETRY).sha256
    other = changed(Kind.PHOTOMETRY, lambda it: it["fields"][2].update(default=[]))
    assert other.fingerprint == newest(Kind.PHOTOMETRY).fingerprint
    assert other.sha256 != newest(Kind.PHOTOMETRY).sha256
    assert newest(Kind.PHOTOMETRY).sha256 == hashlib.sha256(newest(Kind.PHOTOMETRY).text.encode()).hexdigest()


def test_the_fingerprint_is_crc_64_avro_in_little_endian() -> None:
    # The value that the Avro specification's algorithm gives for the canonical form of this record.
    schema = Schema.of({"type": "record", "name": "a", "doc": "x", "fields": [{"name": "b", "type": "int"}]})
    table = []
    for index in range(256):
        value = index
        for _ in range(8):
            value = (value >> 1) ^ (0xC15D213AA4D7A795 & -(value & 1))
        table.append(value)
    crc = 0xC15D213AA4D7A795
    for byte in b'{"name":"a","type":"record","fields":[{"name":"b","type":"int"}]}':
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    assert schema.fingerprint == crc.to_bytes(8, "little")


# -- what is refused ------------------------------------------------------------------------------------------------


def a_record(*types: Any, name: str = "a") -> dict[str, Any]:
    fields = [{"name": f"f{number}", "type": each} for number, each in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def doubling(depth: int) -> dict[str, Any]:
    """Return a schema of few characters whose one datum has 2^depth parts and takes no byte."""
    inner: Any = a_record("null", name="r0")
    for number in range(1, depth):
        inner = a_record(inner, f"r{number - 1}", name=f"r{number}")
    return a_record(inner)


def nested(depth: int) -> Any:
    inner: Any = "int"
    for _ in range(depth):
        inner = {"type": "array", "items": inner}
    return a_record(inner)


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        (a_record({"type": "array", "items": "null"}), "array items that take no bytes"),
        (a_record({"type": "map", "values": "null"}), "map items that take no bytes"),
        (a_record({"type": "array", "items": a_record(name="empty")}), "take no bytes"),
        (a_record({"type": "array", "items": a_record("null", "null", name="nulls")}), "take no bytes"),
        (a_record(a_record(name="e"), {"type": "array", "items": "e"}), "take no bytes"),
        (a_record({"type": "array", "items": {"type": "fixed", "name": "f", "size": 0}}), "take no bytes"),
        (a_record({"type": "array", "items": a_record("boolean", *["null"] * 3000, name="wide")}), "6 types a byte"),
        (a_record({"type": "map", "values": ["null", a_record(*["null"] * 40, name="wide")]}), "6 types a byte"),
        (a_record({"type": "array", "items": a_record(["null", "int"], *["null"] * 40, name="w")}), "6 types a byte"),
        (a_record({"type": "fixed", "name": "f", "size": -1}), "fixed type of size -1"),
        (a_record({"type": "fixed", "name": "f", "size": 2**40}), "fixed type of size"),
        (a_record(["null", "a"]), "refers to itself by 'a'"),
        (a_record({"type": "array", "items": "a"}), "refers to itself by 'a'"),
        (doubling(30), "more than 5000 types"),
        (nested(60), "nested more than 40 deep"),
        (nested(900), "deep|Recursion"),
        (a_record("nowhere"), "is no Avro schema"),
        ({"type": "enum", "name": "e", "symbols": ["A"]}, "is no Avro record"),
        ("[" * 100_000, "is no Avro schema"),
        ("x" * 200_000, "131072 are the most"),
        (b"\xff\xfe", "is no Avro schema"),
        ({"type": "record"}, "is no Avro schema"),
        ({"type": "record", "name": "a", "fields": 3}, "is no Avro schema"),
    ],
    ids=str,
)
def test_schemas_that_cost_more_than_they_weigh_are_refused(definition: Any, told: str) -> None:
    with pytest.raises(UnsafeSchemaError, match=told):
        Schema.of(definition)


def test_arrays_of_wide_records_are_accepted_where_each_field_takes_a_byte() -> None:
    wide = a_record(*[["null", "double"]] * 300, name="wide")
    assert Schema.of(a_record({"type": "array", "items": ["null", wide]})).full_name == "a"


@pytest.mark.parametrize("item", ["int", ["null"], ["null", "int"], {"type": "enum", "name": "e", "symbols": ["A"]}])
def test_arrays_whose_items_take_a_byte_are_accepted(item: Any) -> None:
    assert Schema.of(a_record({"type": "array", "items": item})).full_name == "a"


# -- the schema topic -----------------------------------------------------------------------------------------------


def test_a_schema_is_announced_once_and_durable_when_announce_returns(stream: Stream, tmp_path: Path) -> None:
    schemas = Schemas(stream)
    for _ in range(2):
        schemas.announce(newest(Kind.TARGET))
    Schemas(stream).announce(newest(Kind.TARGET))
    other = open_stream(f"sqlite:///{tmp_path}/stream.db")
    assert on_topic(other) == [newest(Kind.TARGET).sha256]
    other.close()


def test_a_publisher_without_a_schema_topic_is_told_how_to_make_it(tmp_path: Path) -> None:
    stream = open_stream(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(TopicMissingError, match=r"tom-bridge\.schemas: .*`tom-bridge topics create"):
        Schemas(stream).announce(newest(Kind.TARGET))
    assert Schemas(stream).find(bytes(8)) is None
    stream.close()


def test_a_reader_learns_a_schema_that_was_announced_after_it_had_looked(stream: Stream, later: Schema) -> None:
    schemas = Schemas(stream)
    assert schemas.find(later.fingerprint) is None
    put(stream, later)
    for sha256 in (None, later.sha256):
        found = schemas.find(later.fingerprint, sha256)
        assert found is not None
        assert found.text == later.text


class Counting:
    """A stream that counts what it is asked and what is read from it, and that another one can take the place of."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.asked = self.read_records = 0

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        return getattr(self.stream, name)

    def read(self, *given: Any, **named: Any) -> Iterator[Any]:
        for each in self.stream.read(*given, **named):
            self.read_records += 1
            yield each


def test_the_schema_topic_is_not_read_again_for_each_bad_record(stream: Stream, later: Schema) -> None:
    put(stream, later)
    counting: Any = Counting(stream)
    schemas = Schemas(counting)
    for number in range(20):
        assert schemas.find(bytes([number] * 8)) is None
    assert counting.read_records == 1


def _garbage(number: int) -> Record:
    return a_record_of(MARKER + number.to_bytes(8, "big") + b"garbage")


@pytest.mark.parametrize("missing", [False, True], ids=["", "without a schema topic"])
def test_a_batch_of_garbage_asks_the_schema_topic_once_and_the_next_batch_once_more(
    stream: Stream, tmp_path: Path, missing: bool
) -> None:
    counting: Any = Counting(open_stream(f"sqlite:///{tmp_path}/empty.db") if missing else stream)
    decoder = Decoder(Schemas(counting))
    for _ in range(2):
        batch = [_garbage(number) for number in range(500)]
        counting.asked = 0
        for one in batch:
            with pytest.raises(UnknownSchemaError):
                decoder.decode(one)
        assert 1 <= counting.asked <= 3


def test_a_schema_announced_before_a_record_was_read_is_found_whatever_was_missed_before(
    stream: Stream, later: Schema
) -> None:
    decoder = Decoder(Schemas(stream))
    event = one_of_each()[2]
    given = record_of(event, {"tom_bridge_schema_sha256": None})
    value = MARKER + later.fingerprint + given.value[10:] + b"\x02x"
    for one in (_garbage(1), a_record_of(value)):
        with pytest.raises(UnknownSchemaError):
            decoder.decode(one)
    put(stream, later)
    assert decoder.decode(a_record_of(value, given.headers)) == (event,)


def test_what_is_announced_is_looked_into_only_where_a_record_names_it(
    stream: Stream, later: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        junk = b"[" * 10_000 + b"%d" % number
        stream.publish(SCHEMA_TOPIC, key=hashlib.sha256(junk).hexdigest().encode(), value=junk)
    put(stream, later)
    looked: list[Any] = []
    of = Schema.of
    monkeypatch.setattr(Schema, "of", lambda definition: (looked.append(definition), of(definition))[1])
    found = Schemas(stream).find(later.fingerprint, later.sha256)
    assert found is not None
    assert looked == [later.text.encode()]


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.codec.announced.MOST_BYTES", 20_000)


def put_junk(stream: Stream, *junk: bytes) -> None:
    for text in junk:
        stream.publish(SCHEMA_TOPIC, key=hashlib.sha256(text).hexdigest().encode(), value=text)
    stream.flush()


@pytest.mark.usefixtures("little_room")
@pytest.mark.parametrize("named", [True, False], ids=["by its SHA-256", "by its fingerprint"])
def test_junk_never_crowds_out_a_later_schema(stream: Stream, later: Schema, named: bool) -> None:
    put_junk(stream, *(letter * 12_000 for letter in (b"x", b"y", b"z")))
    put(stream, later)
    found = Schemas(stream).find(later.fingerprint, later.sha256 if named else None)
    assert found is not None
    assert found.text == later.text


@pytest.mark.usefixtures("little_room")
def test_a_schema_that_had_to_make_room_for_junk_is_read_again_when_a_record_names_it(
    stream: Stream, later: Schema
) -> None:
    put(stream, later)
    schemas = Schemas(stream)
    for junk in (b"x", b"y", b"z"):
        found = schemas.find(later.fingerprint, later.sha256)
        assert found is not None
        assert found.text == later.text
        put_junk(stream, *(junk * (12_000 + each) for each in range(3)))
        assert schemas.find(bytes(8)) is None


def test_a_schema_of_another_namespace_is_refused(stream: Stream) -> None:
    foreign = changed(Kind.PHOTOMETRY, lambda it: it.update(namespace="elsewhere"))
    put(stream, foreign)
    with structlog.testing.capture_logs() as logs:
        assert Schemas(stream).find(foreign.fingerprint, foreign.sha256) is None
    assert "elsewhere.Photometry" in logs[0]["reason"]


def test_a_schema_topic_that_was_made_again_is_read_from_its_beginning(
    stream: Stream, later: Schema, tmp_path: Path
) -> None:
    put(stream, newest(Kind.TARGET))
    in_place: Any = Counting(stream)
    schemas = Schemas(in_place)
    assert schemas.find(later.fingerprint) is None
    in_place.stream = open_stream(f"sqlite:///{tmp_path}/other.db")
    in_place.create_topic(SCHEMA_TOPIC, compacted=True)
    put(in_place, later)
    assert schemas.find(later.fingerprint) is not None
    in_place.close()


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (lambda schema: schema.text.encode(), "0" * 64),
        (lambda schema: schema.text.encode() + b" ", None),
        (lambda schema: json.dumps(a_record({"type": "array", "items": "null"})).encode(), None),
        (lambda schema: b"[" * 50_000, None),
        (lambda schema: b"", "0" * 64),
    ],
    ids=["key of another", "not normalised", "unsafe", "no schema", "tombstone"],
)
def test_a_record_of_the_schema_topic_that_is_not_what_it_should_be_is_passed_over(
    stream: Stream, later: Schema, value: Callable[[Schema], bytes], key: str | None
) -> None:
    content = value(later)
    stream.publish(SCHEMA_TOPIC, key=(key or hashlib.sha256(content).hexdigest()).encode(), value=content)
    stream.flush()
    schemas = Schemas(stream)
    with structlog.testing.capture_logs() as logs:
        assert schemas.find(later.fingerprint) is None
        assert schemas.find(later.fingerprint, key or hashlib.sha256(content).hexdigest()) is None
    assert [entry["log_level"] for entry in logs] == (["warning"] if content else [])
    put(stream, later)
    assert schemas.find(later.fingerprint) is not None


def test_of_two_schemas_with_one_fingerprint_a_header_chooses(stream: Stream) -> None:
    other = changed(Kind.PHOTOMETRY, lambda it: it.update(doc="Another text."))
    put(stream, other)
    schemas = Schemas(stream)
    by_fingerprint = schemas.find(other.fingerprint)
    assert by_fingerprint is not None
    assert by_fingerprint.sha256 == newest(Kind.PHOTOMETRY).sha256
    found = schemas.find(other.fingerprint, other.sha256)
    assert found is not None
    assert found.sha256 == other.sha256


# -- newer versions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tom_bridge.v2.Photometry", "tom_bridge.v1.Polarimetry"])
def test_an_event_of_a_later_kind_or_major_version_is_newer_once_its_schema_is_found(stream: Stream, name: str) -> None:
    schema = changed(Kind.PHOTOMETRY, lambda it: None, name)
    put(stream, schema)
    value = MARKER + schema.fingerprint + encode(event()).value[10:]
    for headers in ({}, {"tom_bridge_schema": name.encode(), "ce_type": name.encode()}):
        cleared = dict.fromkeys(["tom_bridge_schema", "tom_bridge_schema_sha256", "ce_type"]) | headers
        given = record_of(share().event(target()), cleared)
        with pytest.raises(NewerVersionError, match=f"a {name} is newer"):
            Decoder(Schemas(stream)).decode(type(given)(**{**vars(given), "value": value}))


def test_a_header_that_names_another_schema_of_the_same_name_contradicts_the_payload(
    stream: Stream, later: Schema
) -> None:
    put(stream, later)
    given = record_of(event(), {"tom_bridge_schema_sha256": later.sha256.encode()})
    with pytest.raises(UndecodableError, match=f"names the schema {later.sha256}.*the payload another one"):
        Decoder(Schemas(stream)).decode(given)


def test_a_decoder_asks_the_schema_topic_before_it_says_unknown(stream: Stream, later: Schema) -> None:
    decoder = Decoder(Schemas(stream))
    encoded = one_of_each()[2]
    given = record_of(encoded, {"tom_bridge_schema_sha256": None})
    with_later = type(given)(**{**vars(given), "value": MARKER + later.fingerprint + given.value[10:] + b"\x02x"})
    with pytest.raises(UnknownSchemaError, match=later.fingerprint.hex()):
        decoder.decode(with_later)
    put(stream, later)
    assert decoder.decode(read_again(with_later)) == (encoded,)
