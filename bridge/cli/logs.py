"""How logs are written: readable on a terminal, a JSON object a line elsewhere; to standard error."""

import logging
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

from bridge.loglines import readable

_REPEAT_S = 60.0


def set_up_logs(level: int) -> None:
    """Write events of ``level`` and above to standard error, with their times in UTC.

    Of librdkafka's own lines, which come by the hundred while a broker is away, a daemon (level INFO) shows each once a
    minute; at WARNING, for a command that ends with an error of its own, none is shown.
    """
    import structlog  # noqa: PLC0415 (takes time to import)

    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _plain_retry,
    ]
    if level > logging.DEBUG:
        processors.insert(0, _ClientLines(structlog.DropEvent, shown=level <= logging.INFO))
    if sys.stderr.isatty():
        processors += readable()
    else:
        # Without values of variables, as on a terminal; JSON in ASCII has no character that does anything.
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(file=_Lossy(sys.stderr)),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    # What libraries warn of while they try again is of no use to people: the error in the end is.
    library_level = logging.DEBUG if level <= logging.DEBUG else logging.ERROR
    logging.basicConfig(level=library_level, handlers=[_LibraryLines()])


@dataclass(frozen=True)  # one is as good as another: structlog keeps a lock for each that differs
class _Lossy:
    """What lines are written to: one that can't be (a full disk, a closed pipe) is lost, and ends nothing."""

    file: TextIO

    def write(self, text: str) -> None:
        with suppress(OSError):
            self.file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self.file.flush()


def _plain_retry(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor that says in our words what stamina logs when something is tried again."""
    if event.get("event") != "stamina.retry_scheduled":
        return event
    for internal in ("callable", "args", "kwargs", "waited_so_far"):
        event.pop(internal, None)
    event |= {"event": "tom.retry", "message": event.pop("caused_by"), "wait_s": event.pop("wait_for")}
    return event


class _LibraryLines(logging.Handler):
    """Writes what libraries log by the standard module in the same form as ours, so that each line is JSON or none."""

    def emit(self, record: logging.LogRecord) -> None:
        import structlog  # noqa: PLC0415 (takes time to import)

        exc_info = {"exc_info": record.exc_info} if record.exc_info else {}
        structlog.get_logger().log(
            record.levelno, "library.log", logger=record.name, text=record.getMessage(), **exc_info
        )


class _ClientLines:
    """A structlog processor that lets through few of the Kafka client's own lines."""

    def __init__(self, drop: type[BaseException], *, shown: bool) -> None:
        self._drop = drop
        self._shown = shown
        self._told_at: dict[str, float] = {}

    def __call__(self, _logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        if event.get("event") != "kafka.client":
            return event
        now = time.monotonic()
        self._told_at = {text: at for text, at in self._told_at.items() if now - at < _REPEAT_S}
        # The times in librdkafka's words differ from line to line.
        text = "".join(letter for letter in str(event.get("text")) if not letter.isdigit())
        if not self._shown or text in self._told_at:
            raise self._drop
        self._told_at[text] = now
        return event
