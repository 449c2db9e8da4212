"""What the bridge wrote is known again as TOM Toolkit shows it, and nothing else is."""

import json
from datetime import timedelta

import pytest
from parts.events import NOON, point, spectrum

from bridge.events import Datum, Point, Position, ReducedDatum
from bridge.gateway.reading import datum as read
from bridge.tom import echo
from bridge.tom.values import data_type_of, value_of

DATUMS = [
    point(unit="AB", source_name="South TOM", telescope="1m0", instrument="sinistro"),
    point(brightness=None, limit=20.5, source_name="South TOM"),
    spectrum(source_name="South TOM", telescope="2m0", setup="blue", exposure_time=30.0),
    Position(timestamp=NOON, ra=10.0, dec=-5.0, ra_error=0.1, ra_error_units="arcsec", source_name="South TOM"),
    ReducedDatum(timestamp=NOON, data_type="Radio", value={"snr": 5, "note": "x"}, source_name="South TOM"),
]


@pytest.mark.parametrize("written", DATUMS, ids=lambda written: type(written).__name__)
def test_a_datum_is_known_again_as_a_tom_of_2_32_sends_it(written: Datum) -> None:
    sent = {
        "data_type": data_type_of(written),
        "timestamp": written.timestamp.isoformat(),
        "source_name": written.source_name,
        "source_location": written.source_location,
        "value": value_of(written, typed=False),
    }
    assert echo.of_datum(read(json.loads(json.dumps(sent)))) == echo.of_datum(written)


@pytest.mark.parametrize(
    "change",
    [
        {"brightness": 18.1},
        {"timestamp": NOON + timedelta(seconds=1)},
        {"bandpass": "g"},
        {"source_name": "Another TOM"},
        {"instrument": "sbig"},
    ],
)
def test_another_datum_is_another(change: dict[str, object]) -> None:
    written = point(source_name="South TOM")
    assert echo.of_datum(Point(**{**written.model_dump(), **change})) != echo.of_datum(written)


def test_what_3_1_leaves_out_does_not_count() -> None:
    written = point(source_name="South TOM", limit=21.0, exposure_time=30.0, extra={"airmass": 1.2})
    assert echo.of_datum(point(source_name="South TOM")) == echo.of_datum(written)


def test_targets_and_files_are_told_by_more_than_a_name() -> None:
    assert echo.of_target(7, "SN 2026a") == echo.of_target(7, "sn2026A")
    assert len({echo.of_target(7, "A"), echo.of_target(8, "A"), echo.of_target(7, "B")}) == 3
    assert len({echo.of_product("p", "1"), echo.of_product("p", "2"), echo.of_products_datums(1)}) == 3
