"""What is read as columns is what the models' own fields make of the rows."""

from datetime import UTC, datetime, timedelta

import pytest
from parts.django_tom import InProcessTom
from parts.outgoing import photometry

NAMES = ("pk", "data_product_id", "timestamp", "telescope", "brightness", "limit", "value")


def test_columns_are_what_values_list_reads(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.database import columns_of

    pk = orm_tom.make_target("SN 2026abc")
    photometry(pk, 3, telescope="1m0", value={"seeing": 1.2, "flags": [None, {"a": "ö"}]})
    photometry(pk, 2, start=3, brightness=None, limit=0.0)
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    one = PhotometryReducedDatum(target_id=pk, timestamp=moment, bandpass="r", brightness=-0.5)
    PhotometryReducedDatum.objects.bulk_create([one])
    rows = PhotometryReducedDatum.objects.filter(target_id=pk).order_by("-timestamp", "pk")
    columns = columns_of(rows, NAMES)
    assert tuple(columns) == NAMES
    wanted = list(rows.values_list(*NAMES))
    assert [repr(row) for row in zip(*columns.values(), strict=True)] == [repr(row) for row in wanted]
    assert all(moment.tzinfo is not None for moment in columns["timestamp"])
    seen = [id(value) for value in columns["value"] if value]
    assert (len(seen), len(set(seen))) == (3, 1)


@pytest.mark.usefixtures("orm_tom")
def test_no_rows_are_empty_columns() -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.database import columns_of

    everything = PhotometryReducedDatum.objects.all()
    for rows in (everything, everything.none(), everything.filter(timestamp__gt=datetime.now(UTC) + timedelta(1))):
        assert {name: len(column) for name, column in columns_of(rows, NAMES).items()} == dict.fromkeys(NAMES, 0)
