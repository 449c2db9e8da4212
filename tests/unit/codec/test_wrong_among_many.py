"""Of many datums that are read at once the wrong one is told, as if each had been read alone."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from parts.events import event, photometry, record_of, target

from bridge.codec import Decoder, Schemas, avro
from bridge.errors import InvalidEventError
from bridge.events import Photometry
from bridge.stream import Record


def decode(given: Record, *, short: bool = False) -> Any:
    decoder = Decoder(Schemas())
    if not short:
        decoder._short = {}
    (found,) = decoder.decode(given)
    return found


WRONG: list[dict[str, Any]] = [
    {"brightness": math.nan},
    {"exposure_time": -math.inf},
    {"brightness": None, "limit": None},
    {"telescope": "a\x00b"},
    {"bandpass": ""},
    {"bandpass": "x" * 33},
    {"source_location": "x" * 201},
    {"timestamp": datetime(1, 1, 1, tzinfo=UTC)},
    {"timestamp": datetime(9999, 12, 31, tzinfo=UTC)},
    {"extra": {"a": "x" * 70_000}},
    {"extra": {"a": "\x00"}},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_with_one_of_many_is_told_as_if_it_was_read_alone(
    wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = list(photometry(20).points)
    points[7] = points[7].model_copy(update=wrong)
    body = Photometry.model_construct(target=target().reference, points=tuple(points))
    record = record_of(event(photometry(20)).model_copy(update={"body": body}))
    told = []
    for few in (avro._FEW, 10**9):
        monkeypatch.setattr(avro, "_FEW", few)
        with pytest.raises(InvalidEventError) as error:
            decode(record)
        told.append(str(error.value))
    with pytest.raises(InvalidEventError) as error:
        decode(record, short=True)
    assert told[0] == told[1] == str(error.value)
    assert "points[7]" in told[0]


def test_many_datums_are_read_as_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro.Event, "checked", staticmethod(lambda data, where: data["body"]["points"]))
    monkeypatch.setattr(avro, "refuse_other_event", lambda *_: None)
    found = decode(record_of(event(photometry(20))))
    assert "brightness" in found._columns
    assert found._models is None
