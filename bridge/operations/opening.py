"""Parts of a TOM's bridge that are opened for one command: those that every command needs, quickly imported."""

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from functools import partial

from bridge.errors import AwayError, BridgeError
from bridge.gateway import FILE
from bridge.ledger.sqlite import SqliteLedger
from bridge.operations.at_once import at_once
from bridge.settings import Settings, StreamSettings
from bridge.stream import Stream, open_hopskotch, open_stream
from bridge.stream.labelled import Opening
from bridge.stream.routed import RoutedStream

_NOT_READ = "Hermes' REST API is published to alone; read the topic on HOPSKOTCH, by a stream of kafka://"


ANSWERS_WITHIN_S = 4.0
"""Seconds after which a stream that answers nothing counts as away, for a person who waits to be told so."""


def group_of(settings: Settings) -> str:
    """Return the consumer group of a TOM, as streams name it (HOPSKOTCH puts the credential's name before it)."""
    return f"tom-bridge.{settings.require_origin()}"


def stream_of(settings: Settings, *, only: str | None = None) -> RoutedStream:
    """Return all streams that the settings name, as one, or the one of the label ``only``.

    Where it is one alone, raises what is wrong with its settings; of several, each tells it when it is asked.
    """
    wanted = {label: one for label, one in settings.each_stream().items() if only in (None, label)}
    return RoutedStream(
        {label: Opening(one.shown_url, partial(_opened, one)) for label, one in wanted.items() if not one.over_rest},
        others={label: _NOT_READ for label, one in wanted.items() if one.over_rest},
    )


def _opened(one: StreamSettings) -> Stream:
    if one.hopskotch:
        return open_hopskotch(one.url, one.options(), one.auth)
    return open_stream(one.url, one.options())


def ledger_of(settings: Settings) -> SqliteLedger:
    """Return the ledger that the settings name."""
    return SqliteLedger(settings.ledger)


@contextmanager
def opened_stream(settings: Settings, *, only: str | None = None) -> Iterator[RoutedStream]:
    """Open the configured streams, as one, for a block, or the one of the label ``only``."""
    with closing(stream_of(settings, only=only)) as stream:
        yield stream


def away_of(stream: RoutedStream, labels: Collection[str] | None = None) -> dict[str, AwayError]:
    """Return why streams are away, by label: those that answer nothing small within :data:`ANSWERS_WITHIN_S`.

    All are asked at the same time, or those of ``labels``. To be asked before anything else that a person waits for:
    what is asked of a stream that is away takes longer to fail, topic by topic. What is wrong otherwise, whoever asks
    for more is told.
    """
    parts = {label: part for label, part in stream.parts().items() if labels is None or label in labels}
    found = zip(parts, at_once([partial(_why_away, part) for part in parts.values()]), strict=True)
    return {label: why for label, why in found if why is not None}


def _why_away(part: Stream) -> AwayError | None:
    try:
        part.reach(ANSWERS_WITHIN_S)
    except AwayError as error:
        return error
    except BridgeError:
        pass
    return None


@contextmanager
def opened_ledger(settings: Settings) -> Iterator[SqliteLedger]:
    """Open the configured ledger for a block; it is made where there is none."""
    with closing(ledger_of(settings)) as ledger:
        yield ledger


def has_gateway(settings: Settings) -> bool:
    """Return whether there is a gateway here: it has a file."""
    return (settings.state / FILE).exists()
