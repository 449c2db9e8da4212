"""SQL that fills a TOM's database by itself with as many points as wanted: no line is about how they came there."""

from collections.abc import Iterable

from benchmarks.content import START

PHOTOMETRY = "tom_dataproducts_photometryreduceddatum"


def insert_points(columns: Iterable[tuple[str, bool]], pk: int, count: int, *, vendor: str = "sqlite") -> str:
    """Return a statement that gives target ``pk`` so many points, ten minutes apart, among those of later turns.

    ``columns`` are those of the table but its key, and whether each takes NULL.
    """
    seconds = f"{int(START.timestamp())} + 300 + n * 600"
    at = f"datetime({seconds}, 'unixepoch')" if vendor == "sqlite" else f"to_timestamp({seconds})"
    given = {"timestamp": at, "target_id": str(pk), "bandpass": "'r'", "brightness": "18.0", "value": "'{}'"}
    values = {f'"{name}"': given.get(name, "NULL" if nullable else "''") for name, nullable in columns}
    return (
        f"INSERT INTO {PHOTOMETRY} ({', '.join(values)}) "
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) "
        f"SELECT {', '.join(values.values())} FROM numbers"
    )
