"""Within a major version every reader reads every writer, both ways."""

import copy
import json
from collections.abc import Callable
from io import BytesIO
from itertools import product
from typing import Any

import pytest
from fastavro import schemaless_reader, schemaless_writer
from hypothesis import HealthCheck, given, settings
from parts import strategies
from parts.avro import as_avro
from parts.events import one_of_each
from parts.schema_versions import changed, records

from bridge.codec.schema import Schema
from bridge.codec.schemas import bundled, newest
from bridge.events import Event, Kind

PAIRS = [
    pytest.param(bundled()[major, writer, kind], bundled()[major, reader, kind], id=f"{major}.{writer}-{reader} {kind}")
    for major, kind in sorted({(major, kind) for major, _, kind in bundled()})
    for writer, reader in product(sorted({n for m, n, k in bundled() if (m, k) == (major, kind)}), repeat=2)
]
STRATEGIES = {
    Kind.TARGET: strategies.targets(),
    Kind.LIST: strategies.lists,
    Kind.PHOTOMETRY: strategies.photometry,
    Kind.SPECTROSCOPY: strategies.spectroscopy,
    Kind.ASTROMETRY: strategies.astrometry,
    Kind.REDUCED_DATUM: strategies.reduced_data,
    Kind.DATA_PRODUCT: strategies.products,
}
Change = Callable[[dict[str, Any]], None]


def through(datum: dict[str, Any], writer: Schema, reader: Schema) -> Any:
    """Write by one schema and read by another."""
    buffer = BytesIO()
    schemaless_writer(buffer, writer.parsed, copy.deepcopy(datum))
    buffer.seek(0)
    return schemaless_reader(buffer, writer.parsed, reader.parsed)


def add_fields_everywhere(definition: dict[str, Any]) -> None:
    for record in records(definition):
        record["fields"].insert(1, {"name": "later_text", "type": "string", "default": "", "doc": "No unit."})
        record["fields"].append({"name": "later_number", "type": ["null", "double"], "default": None, "doc": "Days."})
        record["fields"].append(
            {"name": "later_list", "type": {"type": "array", "items": "string"}, "default": [], "doc": "No unit."}
        )


def add_a_record(definition: dict[str, Any]) -> None:
    later = {"type": "record", "name": "Later", "fields": [{"name": "a", "type": "int", "doc": "No unit."}]}
    definition["fields"].append({"name": "later", "type": ["null", later], "default": None, "doc": "No unit."})


def reorder_fields(definition: dict[str, Any]) -> None:
    for record in records(definition):
        if record["name"] != "ListMember":  # its first field defines a type that the second one uses
            record["fields"].append(record["fields"].pop(1))


def drop_fields_with_defaults(definition: dict[str, Any]) -> None:
    for record in records(definition):
        record["fields"] = [
            field
            for field in record["fields"]
            if "default" not in field or records(field["type"]) or field["name"] == "target"
        ]


@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_every_version_reads_every_version_of_its_major(writer: Schema, reader: Schema) -> None:
    for event in one_of_each():
        if newest(event.kind).full_name == writer.full_name:
            got = through(as_avro(event), writer, reader)
            kept = {field["name"] for field in writer.parsed["fields"]} & {f["name"] for f in reader.parsed["fields"]}
            assert kept >= {"envelope"}
            assert got["envelope"]["id"] == str(event.id)


@pytest.mark.parametrize("change", [add_fields_everywhere, add_a_record, reorder_fields])
@pytest.mark.parametrize("kind", Kind)
def test_a_next_minor_version_is_read_by_this_one_and_reads_it_in_full(kind: Kind, change: Change) -> None:
    this, later = newest(kind), changed(kind, change)
    assert this.fingerprint != later.fingerprint

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(strategies.events(STRATEGIES[kind]))
    def both_ways(event: Event) -> None:
        datum = as_avro(event)
        written_by_this = through(datum, this, later)
        assert through(written_by_this, later, this) == through(datum, this, this)

    both_ways()


@pytest.mark.parametrize("kind", Kind)
def test_a_writer_that_leaves_out_fields_with_defaults_is_read(kind: Kind) -> None:
    older = changed(kind, drop_fields_with_defaults)
    for event in one_of_each():
        if event.kind is kind:
            got = through(as_avro(event), older, newest(kind))
            assert got["envelope"]["title"] == ""


def test_what_is_optional_in_an_event_has_a_default_so_that_it_can_go_and_come() -> None:
    required = {
        (record["name"], field["name"])
        for schema in bundled().values()
        for record in records(json.loads(schema.text))
        for field in record["fields"]
        if "default" not in field
    }
    assert {name for record, name in required if record == "Point"} == {"timestamp", "bandpass"}
    assert {name for record, name in required if record == "Spectrum"} == {"timestamp", "wavelength", "flux"}
    assert {name for record, name in required if record == "Position"} == {"timestamp", "ra", "dec"}
    assert {name for record, name in required if record == "ReducedDatum"} == {"timestamp", "data_type"}
    assert {name for record, name in required if record == "FullTarget"} == {"name", "type"}
    assert {name for record, name in required if record == "TargetReference"} == {"name"}


def test_no_schema_has_an_enum_whose_new_symbols_an_older_reader_could_not_read() -> None:
    for schema in bundled().values():
        assert '"enum"' not in schema.text
