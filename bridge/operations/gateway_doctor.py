"""Whether the gateway has what it needs, and runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec

from bridge.gateway.accounts import every
from bridge.operations.at_once import at_once
from bridge.operations.finding import Finding, all_found_in
from bridge.operations.gateway import opened_store
from bridge.operations.gateway_status import gateway_problems, gateway_status
from bridge.operations.opening import ANSWERS_WITHIN_S, opened_stream
from bridge.settings import Settings
from bridge.stream.names import split
from bridge.stream.routed import RoutedStream

_SILENT_S, _STALLED_S = 60.0, 900.0


def examine_gateway(settings: Settings) -> Iterator[Finding]:
    """Yield who may publish by the gateway, whether their topics are there, and whether it runs."""
    now = gateway_status(settings)
    assert now is not None
    with opened_store(settings) as store:
        accounts = every(store)
    add = "tom-bridge gateway accounts add NAME --topic TOPIC"
    named = ", ".join(f"{one.name} ({one.origin})" for one in accounts) or "none"
    yield Finding(
        level="ok" if accounts else "warn",
        about="gateway",
        what=f"accounts: {named}",
        mend="" if accounts else f"Let a TOM publish: {add}",
    )
    topics = dict.fromkeys(topic for one in accounts for topic in one.topics)
    with opened_stream(settings) as stream:
        here = [
            topic for topic in topics if not settings.stream_of(topic).over_rest
        ]  # others are told with the streams
        for found in at_once([partial(all_found_in, "gateway", partial(_topic, stream, topic)) for topic in here]):
            yield from found
    missing = [name for name in ("starlette", "uvicorn", "python_multipart") if find_spec(name) is None]
    if missing:
        mend = "Run: pip install 'tom-bridge[gateway]'"
        yield Finding(level="fail", about="gateway", what=f"{', '.join(missing)} is not installed", mend=mend)
    silent = now.alive_at is None or (datetime.now(UTC) - now.alive_at).total_seconds() > _SILENT_S
    yield Finding(
        level="warn" if silent else "ok",
        about="gateway",
        what="it does not run" if silent else f"it runs at {now.address}",
        mend="Start it: tom-bridge gateway" if silent else "",
    )
    for problem in gateway_problems(settings, _STALLED_S):
        yield Finding(level="warn", about="gateway", what=problem)
    if now.questions:
        what = f"{len(now.questions)} targets were asked for and never shared in full: their data were not taken"
        yield Finding(level="warn", about="gateway", what=what, mend="'tom-bridge status' names them")


def _topic(stream: RoutedStream, topic: str) -> Iterator[Finding]:
    stream.parts()[split(topic)[0]].reach(ANSWERS_WITHIN_S)
    stream.identity(topic)
    yield Finding(level="ok", about="gateway", what=f"publishes on {topic}, which is there")
