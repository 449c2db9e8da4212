"""How logs are written: readable on a terminal, a JSON object a line elsewhere; to standard error."""

import logging
import sys
from typing import Any


def set_up_logs(level: int) -> None:
    """Write events of ``level`` and above to standard error, with their times in UTC."""
    import structlog  # noqa: PLC0415

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        ending: list[Any] = [structlog.dev.ConsoleRenderer()]
    else:
        ending = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    # What libraries warn of while they try again is of no use to people: the error in the end is.
    library_level = logging.DEBUG if level <= logging.DEBUG else logging.ERROR
    logging.basicConfig(level=library_level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
