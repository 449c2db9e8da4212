"""Times as microseconds since 1970 (UTC): as Avro, both SQLite files and the app's tables on SQLite have them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Return a time (with time zone) as microseconds since 1970 (UTC)."""
    return (moment - EPOCH) // MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return microseconds since 1970 as a time (UTC); raise OverflowError where it is none of the years 1 to 9999."""
    return EPOCH + microseconds * MICROSECOND
