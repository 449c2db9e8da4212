"""From settings to parts that are open: the stream, the ledger, the TOM, and what applies events to it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from bridge.codec import Decoder, Schemas
from bridge.settings import Settings
from bridge.stream import Stream, open_stream
from bridge.tom.ledger import SqliteLedger


@contextmanager
def opened_stream(settings: Settings) -> Iterator[Stream]:
    """Open the configured stream for a block."""
    with closing(open_stream(settings.stream.url, settings.stream.options())) as stream:
        yield stream


@contextmanager
def opened_ledger(settings: Settings) -> Iterator[SqliteLedger]:
    """Open the configured ledger for a block; it is made where there is none."""
    settings.ledger.parent.mkdir(parents=True, exist_ok=True)
    with closing(SqliteLedger(settings.ledger)) as ledger:
        yield ledger


def decoder_for(settings: Settings, stream: Stream) -> Decoder:
    """Return what turns the stream's records into events."""
    return Decoder(Schemas(stream, settings.stream.schema_topic))
