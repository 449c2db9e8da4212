"""Every field of TOM Toolkit's models is carried, or named here as never carried: a release that adds one fails."""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

import pytest
from parts.django_tom import InProcess

from bridge.events import COORDINATE_FIELDS, TYPED, DataProduct, Kind, Target
from bridge.tom.reserved import RESERVED
from bridge.tom.values import WORDS

OWN = "is of one TOM: its keys, times and permissions"
NEVER: Mapping[str, Mapping[str, str]] = {
    "BaseTarget": dict.fromkeys(["id", "created", "modified", "permissions"], OWN)
    | dict.fromkeys(["shared_by", "shared_from"], "written by whoever receives it: the envelope says it")
    | {"targetlist": "lists are events of their own", "persistentshare": "TOM Toolkit's own sharing from this TOM"},
    "TargetName": dict.fromkeys(["id", "target", "created", "modified"], OWN),
    "TargetExtra": dict.fromkeys(["id", "target"], OWN)
    | dict.fromkeys(["float_value", "bool_value", "time_value"], "made of the value by the TOM"),
    "DataProduct": dict.fromkeys(["id", "created", "modified", "featured"], OWN)
    | dict.fromkeys(["observation_record", "group"], "refers to what no other TOM has")
    | {"thumbnail": "made of the file by the TOM"},
}
NEVER_OF_DATUMS = {"id": OWN, "data_product": "refers to a row of one TOM; the file is an event of its own"}
"""Of the four models of reduced data. ``target`` is carried: it is the reference of the event."""

pytestmark = pytest.mark.usefixtures("in_process")


def fields_of(model: Any) -> set[str]:
    """Return the names of all columns and many-to-many fields of a model, and of what its own app hangs on it."""
    own = {field.name for field in (*model._meta.concrete_fields, *model._meta.many_to_many)}
    related = {
        relation.name
        for relation in model._meta.related_objects
        if relation.related_model._meta.app_label == model._meta.app_label == "tom_targets"
    }
    return own | related


def models(name: str) -> Any:
    import tom_dataproducts.models
    import tom_targets.models

    return getattr(tom_targets.models, name, None) or getattr(tom_dataproducts.models, name)


CARRIED = {
    "BaseTarget": {"name", "type", "aliases", "targetextra", *COORDINATE_FIELDS},
    "TargetName": {"name"},
    "TargetExtra": {"key", "value"},
    "DataProduct": {"target", "product_id", "data", "extra_data", "data_product_type"},
}


@pytest.mark.parametrize("name", CARRIED)
def test_every_field_of_a_target_and_a_product_is_carried_or_named(name: str) -> None:
    assert fields_of(models(name)) == CARRIED[name] | set(NEVER[name])
    assert not CARRIED[name] & set(NEVER[name])


def test_what_is_said_to_be_carried_is_in_the_events() -> None:
    assert set(Target.model_fields) >= CARRIED["BaseTarget"] - {"targetextra"} | {"extras"}
    assert set(DataProduct.model_fields) >= CARRIED["DataProduct"] - {"data"} | {"content", "filename"}


@pytest.mark.parametrize("kind", WORDS)
def test_every_field_of_a_reduced_datum_is_carried_or_named(kind: Kind, in_process: InProcess) -> None:
    from bridge.tomtoolkit.rows.kinds import MODELS

    datum = WORDS[kind].datum
    carried = {"value" if name == datum.FREE else name for name in datum.model_fields} | {"target"}
    assert fields_of(MODELS[kind]) == carried | set(NEVER_OF_DATUMS)


def test_there_is_no_fifth_model_of_reduced_data() -> None:
    from tom_dataproducts.models import REDUCED_DATUM_MODELS

    from bridge.tomtoolkit.rows.kinds import MODELS

    assert set(REDUCED_DATUM_MODELS) == set(MODELS.values())


@pytest.mark.parametrize("kind", WORDS)
def test_texts_are_as_long_as_the_columns(kind: Kind) -> None:
    from bridge.tomtoolkit.rows.kinds import MODELS

    properties = WORDS[kind].datum.model_json_schema()["properties"]
    for field in MODELS[kind]._meta.concrete_fields:
        if field.name in properties and (most := getattr(field, "max_length", None)) is not None:
            assert properties[field.name]["maxLength"] == most, field.name


@pytest.mark.parametrize("kind", WORDS)
def test_every_word_that_tom_toolkit_lifts_out_of_a_value_is_reserved(kind: Kind) -> None:
    from tom_dataproducts import models as toolkit

    from bridge.tomtoolkit.rows.kinds import MODELS

    name = next((word for word, each in TYPED.items() if each is kind), "generic")
    source = textwrap.dedent(inspect.getsource(getattr(toolkit, f"_build_{name}_reduced_datum")))
    synonyms = {
        item.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Set)
        for item in node.elts if isinstance(item, ast.Constant)
    }  # fmt: skip
    assert bool(synonyms) == (kind is not Kind.REDUCED_DATUM)
    known = {field for fields in WORDS[kind].synonyms.values() for field in fields} | set(WORDS[kind].fields)
    assert synonyms <= known
    columns = {field.name for field in MODELS[kind]._meta.concrete_fields}
    assert synonyms | columns | {"data_type"} <= RESERVED[kind]
