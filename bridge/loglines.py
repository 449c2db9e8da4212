"""Lines of a log as people read them: what others wrote does nothing, and no traceback has values of variables."""

import traceback
from collections.abc import Mapping
from typing import Any, TextIO

from bridge.shown import visible, visible_lines


def readable() -> list[Any]:
    """Return the processors of structlog that end with a readable line."""
    import structlog  # noqa: PLC0415 (takes time to import)

    return [_visible, structlog.dev.ConsoleRenderer(exception_formatter=_traceback)]


def set_up_unless_done() -> None:
    """Let structlog write readable lines where nobody has set it up: its own way shows the variables of frames."""
    import structlog  # noqa: PLC0415 (takes time to import)

    if not structlog.is_configured():
        before = structlog.get_config()["processors"]
        structlog.configure(processors=[*before[:-1], *readable()])


def _visible(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor that shows what others wrote, and does nothing else with it."""
    return {name: value if name == "exc_info" else _shown(value) for name, value in event.items()}


def _shown(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {visible(str(name)): _shown(one) for name, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown(one) for one in value]
        case _:
            return visible(str(value))


def _traceback(out: TextIO, exc_info: Any) -> None:
    """Write a traceback without the values of variables: a token may be one of them."""
    out.write("\n" + visible_lines("".join(traceback.format_exception(*exc_info))))
