"""Which of the TOM's models holds which kind of reduced datum."""

from collections.abc import Mapping
from typing import Any

from django.db import connections
from tom_dataproducts.models import (
    AstrometryReducedDatum,
    PhotometryReducedDatum,
    ReducedDatum,
    SpectroscopyReducedDatum,
)

from bridge.events import Kind

MODELS: Mapping[Kind, Any] = {
    Kind.PHOTOMETRY: PhotometryReducedDatum,
    Kind.SPECTROSCOPY: SpectroscopyReducedDatum,
    Kind.ASTROMETRY: AstrometryReducedDatum,
    Kind.REDUCED_DATUM: ReducedDatum,
}
"""The model that holds each kind."""

INDEX_OF_TIMES = "tom_bridge_reduceddatum_times"
"""The index on target and time of ``ReducedDatum``: the other models have one, as they are unique by more than that."""


def create_index(using: str) -> None:
    """Make the index of times where it is missing: Django rebuilds a table of SQLite without it.

    Does nothing where the TOM's table isn't there yet.
    """
    connection = connections[using]
    if connection.vendor not in {"sqlite", "postgresql"}:
        return
    table = ReducedDatum._meta.db_table
    with connection.cursor() as cursor:
        if table in connection.introspection.table_names(cursor):
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {INDEX_OF_TIMES} ON {table} (target_id, timestamp)")
